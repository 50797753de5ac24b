"""Is the simulated fleet varied enough to be worth routing over?"""

from __future__ import annotations

import pytest

from pointsman.adapters.providers.simulated.faults import Fault, Order
from pointsman.adapters.providers.simulated.personas import AGENTS, FLEET, Episode, Pace, Persona
from pointsman.core.fleet import WELL_KNOWN_CAPABILITIES, Agent, PriceState


def paper_score(agent: Agent, persona: Persona) -> float:
    """70 parts required, 20 preferred, 10 context; nothing when a requirement is missing."""
    strengths = persona.strengths
    if any(name not in strengths for name in agent.requires):
        return 0.0
    required = sum(strengths[name] for name in agent.requires) / len(agent.requires)
    preferred = sum(strengths.get(name, 0.0) for name in agent.prefers) / len(agent.prefers)
    return 70 * required + 20 * preferred + 10 * min(1, persona.context_window / agent.min_context)


def test_every_agent_is_best_served_by_a_different_model() -> None:
    best = {agent.id: max(FLEET, key=lambda p: paper_score(agent, p)).name for agent in AGENTS}
    assert best == {
        "coder": "forge-coder",
        "mathematician": "theorem-r2",
        "researcher": "scroll-1m",
        "translator": "nakhla-70b",
        "support": "swift-mini",
        "summarizer": "atlas-medium",
        "planner": "atlas-large",
        "inspector": "iris-vision",
    }


def test_every_agent_has_a_second_model_to_fall_back_on() -> None:
    for agent in AGENTS:
        able = [
            persona
            for persona in FLEET
            if all(name in persona.strengths for name in agent.requires)
            and persona.context_window >= agent.min_context
        ]
        assert len(able) >= 2, agent.id


def test_the_fleet_speaks_the_well_known_vocabulary_and_covers_all_of_it() -> None:
    spoken = {name for persona in FLEET for name in persona.strengths}
    assert spoken == set(WELL_KNOWN_CAPABILITIES)


def test_a_persona_becomes_a_catalogue_entry_with_its_provenance() -> None:
    model = FLEET[0].model
    assert model.id == "sim/atlas-large"
    assert (model.provider, model.upstream_name) == ("sim", "atlas-large")
    assert model.price.state is PriceState.KNOWN
    assert model.limits.max_in_flight == 64
    assert model.sources["price"].origin == "simulated"
    assert len({persona.id for persona in FLEET}) == len(FLEET) == 12


def test_figures_that_make_no_sense_are_refused() -> None:
    for build in (
        lambda: Persona(name=""),
        lambda: Persona(name="x", failures={Fault.CUT: 0.7, Fault.EMPTY: 0.7}),
        lambda: Persona(name="x", failures={Fault.CUT: -0.1}),
        lambda: Pace(tokens_per_s=0),
        lambda: Pace(first_token_s=-1),
        lambda: Episode(10, 10),
        lambda: Episode(0, 1, latency_factor=-1),
        lambda: Order(Fault.CUT, after=-1),
        lambda: Order(Fault.STATUS, status=200),
    ):
        with pytest.raises(ValueError, match=r"\w"):
            build()
