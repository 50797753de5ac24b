"""Does a scorer keep its promises, and does the next decision follow what it has learned?"""

from __future__ import annotations

import pytest
from fakes import BEST, LAST, NEXT, STRICT, World, model

from pointsman.core.capability import CapabilityScorer
from pointsman.core.decision import Candidate, Outcome, Selection, Task, Term
from pointsman.core.errors import AttemptsSpent, FailureKind, UpstreamError
from pointsman.core.fleet import Agent, Model
from pointsman.engine.attempt import Ending
from pointsman.engine.policy import Policy, RetryPolicy
from pointsman.engine.ports import Scorer
from pointsman.engine.record import outcome_of

ONE_TRY = Policy(band=0.0, retry=RetryPolicy(max_attempts=1))
REFUSED = UpstreamError(FailureKind.INVALID_REQUEST, "no", status=400)
ANYBODY, ANY, ANYTHING = Agent("a", requires=("general",)), Task(), Selection()


class LearningScorer:
    """Fit on paper, less a tenth for every failure; successes change nothing."""

    def __init__(self) -> None:
        self._paper = CapabilityScorer()
        self._failures: dict[str, int] = {}
        self.generation = 0
        self.asked = 0

    def score(self, agent: Agent, task: Task, selection: Selection, model: Model) -> Candidate:
        self.asked += 1
        fit = self._paper.score(agent, task, selection, model)
        lost = min(fit.score, 0.1 * self._failures.get(model.id, 0))
        terms = (*fit.terms, Term("failures", -lost))
        return Candidate(model.id, sum(term.value for term in terms), terms)

    def learn(self, outcome: Outcome) -> None:
        if outcome.failure is not None:
            self._failures[outcome.model_id] = self._failures.get(outcome.model_id, 0) + 1
            self.generation += 1


def outcome(failed: Model, error: UpstreamError | None = REFUSED) -> Outcome:
    world = World(failed)
    decision = world.service.decide(world.ask())
    ending = Ending(error, 0.1, None, None, None, 0)
    return outcome_of(decision, failed, 1, world.clock.now(), ending, streamed=True)


@pytest.mark.parametrize("make", [CapabilityScorer, LearningScorer])
class TestAnyScorer:
    def test_terms_sum_to_the_score_also_after_learning(self, make: type[Scorer]) -> None:
        scorer = make()
        for _ in range(20):
            scorer.learn(outcome(BEST))
            candidate = scorer.score(ANYBODY, ANY, ANYTHING, BEST)
            assert sum(term.value for term in candidate.terms) == pytest.approx(
                candidate.score, abs=1e-9
            )
            assert 0.0 <= candidate.score <= 1.0

    def test_a_score_changes_only_with_the_generation(self, make: type[Scorer]) -> None:
        scorer = make()
        for error in (None, REFUSED, None, None, REFUSED):
            before = scorer.generation, scorer.score(ANYBODY, ANY, ANYTHING, BEST)
            scorer.learn(outcome(BEST, error))
            after = scorer.generation, scorer.score(ANYBODY, ANY, ANYTHING, BEST)
            assert before[0] != after[0] or before[1] == after[1]

    def test_a_score_depends_on_nothing_that_requests_of_a_kind_do_not_share(
        self, make: type[Scorer]
    ) -> None:
        other = Task(prompt_tokens=7, max_output_tokens=9, parameters=frozenset({"seed"}))
        scorer = make()
        assert scorer.score(ANYBODY, ANY, ANYTHING, BEST) == scorer.score(
            ANYBODY, other, ANYTHING, BEST
        )


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
    assert scorer.asked == 4


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
