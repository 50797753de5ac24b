"""Does the next decision follow what a scorer has learned, and is the rest left as it was?"""

from __future__ import annotations

import pytest
from fakes import BEST, LAST, NEXT, STRICT, LearningScorer, World, model

from pointsman.core.decision import Outcome, Selection, Task, Term
from pointsman.core.errors import AttemptsSpent, FailureKind, UpstreamError
from pointsman.core.fleet import Model
from pointsman.engine.attempt import Ending
from pointsman.engine.policy import Policy, RetryPolicy
from pointsman.engine.record import outcome_of

ONE_TRY = Policy(band=0.0, retry=RetryPolicy(max_attempts=1))
REFUSED = UpstreamError(FailureKind.INVALID_REQUEST, "no", status=400)


def outcome(failed: Model, error: UpstreamError | None = REFUSED) -> Outcome:
    world = World(failed)
    decision = world.service.decide(world.ask())
    ending = Ending(error, 0.1, None, None, None, 0)
    return outcome_of(decision, failed, 1, world.clock.now(), ending, streamed=True)


async def test_what_is_learned_changes_the_next_decision() -> None:
    world = World(BEST, NEXT, policy=ONE_TRY, scorer=LearningScorer())
    assert (await world.chat()).model is BEST
    assert (await world.chat()).model is BEST
    world.fails("a/best", REFUSED)
    with pytest.raises(AttemptsSpent):
        await world.chat()
    assert (await world.chat()).model is NEXT, "the failure cost more than the lead on paper"
    assert world.ledger.decisions[-1].candidates[1].terms[-1] == Term("failures", -0.1)


def test_scores_are_remembered_until_they_may_have_changed() -> None:
    scorer = LearningScorer()
    world = World(BEST, NEXT, scorer=scorer)
    for _ in range(5):
        world.service.decide(world.ask())
    assert scorer.asked == 2
    scorer.learn(outcome(BEST))
    for _ in range(5):
        world.service.decide(world.ask())
    assert scorer.asked == 3, "that of the other model cannot have changed"
    scorer.forgets = True
    scorer.learn(outcome(BEST))
    world.service.decide(world.ask())
    assert scorer.asked == 5


def test_only_what_changed_is_made_anew_and_the_order_follows_the_scores() -> None:
    scorer = LearningScorer()
    world = World(BEST, NEXT, LAST, scorer=scorer)
    first = world.service.decide(world.ask()).candidates
    scorer.learn(outcome(NEXT))
    second = world.service.decide(world.ask()).candidates
    assert [c.model_id for c in second] == ["a/best", "c/last", "b/next"]
    assert (second[0], second[1]) == (first[0], first[2])
    assert second[0] is first[0]
    assert second[1] is first[2]
    assert second[2] != first[1]


def test_a_score_that_changes_without_overtaking_leaves_the_order_alone() -> None:
    scorer = LearningScorer()
    world = World(BEST, model("b/poor", 0.1), scorer=scorer)
    lists = world.registry.current.shortlists
    shortlist = lists.of(world.ask().agent, Task(), Selection())
    models = shortlist.models
    scorer.learn(outcome(BEST))
    assert lists.of(world.ask().agent, Task(), Selection()) is shortlist
    assert shortlist.models is models
    assert shortlist.candidates[0].terms[-1] == Term("failures", -0.1)


def test_streams_and_plain_requests_are_scored_apart() -> None:
    scorer = LearningScorer()
    world = World(BEST, scorer=scorer)
    for stream in (True, False, True, False):
        world.service.decide(world.ask(task=Task(stream=stream)))
    assert scorer.asked == 2


def test_the_scorer_is_told_the_time_before_it_is_asked() -> None:
    scorer = LearningScorer()
    world = World(BEST, scorer=scorer)
    world.clock.t = 5.0
    world.service.decide(world.ask())
    assert scorer.ticks == [world.clock.now().timestamp()]


def test_what_has_not_changed_stays_the_very_same_object() -> None:
    """The store recognises candidates by their identity."""
    scorer = LearningScorer()
    world = World(BEST, NEXT, model("p/blind", 0.0), policy=STRICT, scorer=scorer)
    ask = world.ask(task=Task(needs=frozenset({"general"})))
    first = world.service.decide(ask)
    assert first.rejections
    scorer.learn(outcome(LAST))
    same = world.service.decide(ask)
    assert same.candidates is first.candidates
    scorer.learn(outcome(BEST))
    changed = world.service.decide(ask)
    assert changed.candidates is not first.candidates
    assert changed.rejections is first.rejections
    assert world.service.decide(ask).candidates is changed.candidates


def test_a_pinned_model_stays_first_whatever_is_learned() -> None:
    scorer = LearningScorer()
    world = World(BEST, NEXT, scorer=scorer)
    ask = world.ask(selection=Selection(pinned="a/best", fallbacks=("b/next",)))
    for _ in range(5):
        scorer.learn(outcome(BEST))
        assert [c.model_id for c in world.service.decide(ask).candidates] == ["a/best", "b/next"]
