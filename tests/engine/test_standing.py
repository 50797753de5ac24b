"""Does an agent's standing model lead by what switching costs, and no further?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from fakes import BEST, LAST, NEXT, LearningScorer, World

from pointsman.core.assignment.records import ASSIGNED
from pointsman.core.capability import CapabilityScorer
from pointsman.core.decision import (
    Candidate,
    Decision,
    Outcome,
    Saving,
    Selection,
    Strategy,
    Task,
)
from pointsman.core.fleet import Agent, Weights
from pointsman.engine.explain import borne_out, explained
from pointsman.engine.policy import Policy
from pointsman.engine.ports import StoredDecision
from pointsman.engine.standing import Post, StandingScores

AGENT = Agent("coder", requires=("general",))
TASK = Task()
USUAL = Selection()
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def plain(number: int = 1) -> Candidate:
    return CapabilityScorer().score(AGENT, TASK, USUAL, (BEST, NEXT, LAST)[number])


def standing(post: Post, selection: Selection = USUAL) -> Candidate:
    scorer = StandingScores(CapabilityScorer(), {"coder": post}, Strategy.BALANCED)
    return scorer.score(AGENT, TASK, selection, NEXT)


def test_the_lead_is_a_term_and_the_terms_still_sum_to_the_score() -> None:
    before = plain()
    found = standing(Post(NEXT.id, 0.05))
    assert found.score == pytest.approx(min(1.0, before.score + 0.05))
    assert sum(term.value for term in found.terms) == pytest.approx(found.score, abs=1e-9)
    assert found.terms[-1].name == ASSIGNED


def test_no_score_passes_one() -> None:
    assert standing(Post(NEXT.id, 1.0)).score == 1.0


@pytest.mark.parametrize(
    ("post", "selection"),
    [
        (Post(BEST.id, 0.05), USUAL),
        (Post(NEXT.id, 0.05), Selection(Strategy.BALANCED, weights=Weights(1.0, 0.0, 0.0))),
    ],
)
def test_another_model_or_another_wish_has_no_lead(post: Post, selection: Selection) -> None:
    assert standing(post, selection) == plain()


def test_whoever_asks_for_another_strategy_gets_it() -> None:
    cost = Selection(Strategy.COST)
    assert standing(Post(NEXT.id, 0.05), cost).terms[-1].name != ASSIGNED


def posted(switch_cost: float, model_id: str = NEXT.id) -> World:
    """A world whose agent stands on the second best of three models."""
    policy = Policy(band=0.0)
    world = World(BEST, NEXT, LAST, agents=[AGENT], policy=policy)
    setup = world.setup(BEST, NEXT, LAST, agents=[AGENT], policy=policy)
    world.registry.replace(replace(setup, posts={"coder": Post(model_id, switch_cost)}))
    return world


def chosen(world: World) -> str:
    decision = world.service.decide(world.ask("coder"))
    assert decision.chosen is not None
    return decision.chosen.model_id


def test_an_agent_is_served_by_its_standing_model_unless_another_is_better_by_more() -> None:
    lead = plain(0).score - plain(1).score
    assert lead > 0.0
    assert chosen(posted(lead + 0.01)) == NEXT.id
    assert chosen(posted(lead - 0.01)) == BEST.id


def test_others_are_served_as_ever() -> None:
    world = posted(0.5)
    decision = world.service.decide(world.ask())
    assert decision.chosen is not None
    assert decision.chosen.model_id == BEST.id


def test_when_the_standing_model_is_gone_the_best_of_the_others_serves() -> None:
    assert chosen(posted(0.5, "a/gone")) == BEST.id


def test_everything_else_is_the_scorers_own() -> None:
    inner = LearningScorer()
    scores = StandingScores(inner, {}, Strategy.BALANCED)
    before = scores.generation
    inner.learn(Outcome("dec_1", 1, BEST.id, "coder", NOON, None, False, 1.0))
    assert scores.generation == inner.generation >= before
    assert scores.changed_since(before) == inner.changed_since(before)
    assert scores.worth(AGENT, TASK, USUAL, plain(), Saving(1.0)) == inner.worth(
        AGENT, TASK, USUAL, plain(), Saving(1.0)
    )


def test_what_would_have_it_serve_is_found_with_its_lead() -> None:
    world = posted(0.01)
    decision = world.service.decide(world.ask("coder"))
    told = explained(StoredDecision(decision, ()), NEXT.id)
    assert told.what_if is not None
    assert told.what_if.changes

    def again(supposed: Mapping[str, Candidate]) -> Decision:
        return world.service.decide(world.ask("coder"), decision.seed, supposed)

    assert borne_out(told, again) == told
    without = explained(StoredDecision(posted(0.0).service.decide(world.ask("coder")), ()), NEXT.id)
    assert without.what_if is not None
    assert without.what_if.changes[0].size > told.what_if.changes[0].size
