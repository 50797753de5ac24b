"""What is the fleet's assignment problem at this moment?

Scores, qualities and latencies are the scorer's: what is declared, and what was seen where there is
evidence. Costs are those of the load that each agent is expected to bring, at the model's price.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from pointsman.core.assignment.duty import Duty, Expectations
from pointsman.core.assignment.problem import (
    AgentNeeds,
    Apart,
    Bar,
    BarCode,
    Expected,
    ModelRoom,
    Problem,
    Rules,
)
from pointsman.core.decision import Candidate, Strategy
from pointsman.core.fleet import Agent, Fleet, Model
from pointsman.engine.ports import Scores
from pointsman.engine.rows import Row, online, rows_of


class Stated(NamedTuple):
    """The problem, and whose it is: agents and models in its order.

    `candidates` has one function per agent, from the number of a model to its candidate.
    """

    problem: Problem
    agents: tuple[Agent, ...]
    models: tuple[Model, ...]
    candidates: Sequence[Callable[[int], Candidate]]


def stated(
    fleet: Fleet,
    expectations: Expectations,
    scores: Scores,
    strategy: Strategy = Strategy.BALANCED,
    standing: Mapping[str, str] | None = None,
    held: Collection[str] = frozenset(),
) -> Stated:
    """The problem of all declared agents that are online.

    `standing` maps an agent's id to the id of the model that it stands on; names that are not in
    the fleet any more count for nothing. Those of the agents that are `held`, and those with a
    pinned model, stand there by decision of a person.
    """
    rows = rows_of(fleet, expectations, scores, strategy)
    return stated_of(fleet, expectations, list(rows), standing or {}, held)


def stated_of(
    fleet: Fleet,
    expectations: Expectations,
    rows: Sequence[Row],
    standing: Mapping[str, str],
    held: Collection[str],
) -> Stated:
    """The problem that `rows_of` the same fleet make."""
    agents = tuple(online(fleet))
    models = tuple(fleet.models.values())
    numbers = {model.id: number for number, model in enumerate(models)}
    places = {agent.id: number for number, agent in enumerate(agents)}
    problem = Problem(
        agents=tuple(
            _needs(
                agent,
                expectations.duty(agent.id),
                numbers.get(standing.get(agent.id, "")),
                numbers.get(
                    agent.pinned or (standing.get(agent.id, "") if agent.id in held else "")
                ),
            )
            for agent in agents
        ),
        models=tuple(_room(model, expectations) for model in models),
        scores=[row.scores for row in rows],
        bars=[row.bars for row in rows],
        expected=Expected(
            usd_per_request=[row.usd_per_request for row in rows],
            latency_s=[row.latency_s for row in rows],
            duration_s=[row.duration_s for row in rows],
            quality=[row.quality for row in rows],
        ),
        rules=_rules(expectations, places),
    )
    return Stated(problem, agents, models, [row.candidate for row in rows])


def without(found: Stated, model_ids: Collection[str]) -> Stated:
    """The same while these models do not answer. Raises `ValueError` for a name that is unknown."""
    numbers = {model.id: number for number, model in enumerate(found.models)}
    unknown = [name for name in model_ids if name not in numbers]
    if unknown:
        raise ValueError(f"no model {unknown[0]!r} is declared; known: {', '.join(numbers)}")
    down = {numbers[name]: Bar(BarCode.UNAVAILABLE, "does not answer") for name in model_ids}
    bars = [{**row, **down} for row in found.problem.bars]
    return found._replace(problem=replace(found.problem, bars=bars))


def _needs(agent: Agent, duty: Duty, current: int | None, manual: int | None) -> AgentNeeds:
    return AgentNeeds(
        agent.id,
        duty.load,
        importance=duty.importance,
        fallbacks=duty.fallbacks,
        manual=manual,
        current=current,
        switch_cost=duty.switch_cost,
    )


def _room(model: Model, expectations: Expectations) -> ModelRoom:
    limits = model.limits
    return ModelRoom(
        model.id,
        model.provider,
        requests_per_min=limits.requests_per_min,
        tokens_per_min=limits.tokens_per_min,
        in_flight=limits.max_in_flight,
        exclusive=model.id in expectations.rules.exclusive,
    )


def _rules(expectations: Expectations, places: Mapping[str, int]) -> Rules:
    rules = expectations.rules
    return Rules(
        budget_usd_per_day=rules.budget_usd_per_day,
        provider_shares=rules.provider_shares,
        share_of=rules.share_of,
        apart=tuple(
            Apart(
                group.name,
                frozenset(places[name] for name in group.agents if name in places),
                group.at_most,
            )
            for group in rules.apart
        ),
        mean_latency_s=rules.mean_latency_s,
    )
