"""What does every store keep for those who learn from it, and how does it give it back?"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest
from store_contract import NOON, a_decision, an_outcome

from pointsman.core.decision import Candidate, Estimate, Feedback, Task, Term
from pointsman.core.errors import StoreError
from pointsman.engine.ports import DecisionQuery, Store, StoredDecision


def a_feedback(number: int = 1, **changes: Any) -> Feedback:
    feedback = Feedback(
        decision_id=f"dec_{number:010d}",
        agent_id="builder",
        model_id="p/standby",
        task_type="coding",
        at=NOON + timedelta(minutes=number),
        rating=4,
        success=True,
        comment="good, but long",
    )
    return feedback._replace(**changes)


def measured(model_id: str, evidence: int) -> Candidate:
    """A candidate of a scorer that learns from every outcome; the terms sum to the score."""
    part = 1 / (3 + evidence)
    terms = tuple(
        Term(name, weight * (1 - part), f"{evidence} outcomes, the last {part:.3f} s ago")
        for name, weight in (("success", 0.6), ("speed", 0.3), ("cheapness", 0.1))
    )
    estimate = Estimate(1 - part, 1 - part / 2, 1 - part / 3, part * 7, part / 1e6, evidence * 0.97)
    return Candidate(model_id, math.fsum(term.value for term in terms), terms, estimate)


class LearningContract:
    """Subclass it, and give a fixture `store` that yields an empty store."""

    def test_what_a_learning_scorer_says_comes_back_to_the_last_digit(self, store: Store) -> None:
        kept = [
            a_decision(n, candidates=tuple(measured(f"p/{k}", n * 20 + k) for k in range(20)))
            for n in range(30)
        ]
        store.append(kept)
        found = [stored.decision for stored in store.decisions(DecisionQuery())]
        assert found == kept[::-1]
        for candidate in (each for decision in found for each in decision.candidates):
            total = math.fsum(term.value for term in candidate.terms)
            assert abs(total - candidate.score) < 1e-9

    @pytest.mark.parametrize("explored", [True, False])
    @pytest.mark.parametrize("panic", [True, False])
    def test_how_a_request_came_and_why_its_model_was_taken_come_back(
        self, store: Store, *, explored: bool, panic: bool
    ) -> None:
        task = Task("math", 7, stream=True, in_tool_loop=True, parameters=frozenset({"seed"}))
        decision = a_decision(task=task, explored=explored, panic=panic, rejections=())
        store.append([decision])
        assert store.decision(decision.id) == StoredDecision(decision, ())

    def test_feedback_is_kept_with_its_decision(self, store: Store) -> None:
        store.append([a_decision(), an_outcome(), a_decision(2)])
        assert store.judge(a_feedback())
        assert store.decision(a_decision().id) == StoredDecision(
            a_decision(), (an_outcome(),), a_feedback()
        )
        assert store.decision(a_decision(2).id) == StoredDecision(a_decision(2), ())

    @pytest.mark.parametrize(
        "said",
        [
            {"rating": 1, "success": None, "comment": ""},
            {"rating": None, "success": False, "comment": "größer, bitte"},
            {"rating": 5, "success": False, "comment": "'); DROP TABLE"},
        ],
    )
    def test_feedback_comes_back_as_it_was_given(self, store: Store, said: dict[str, Any]) -> None:
        store.append([a_decision()])
        store.judge(a_feedback(**said))
        stored = store.decision(a_decision().id)
        assert stored is not None
        assert stored.feedback == a_feedback(**said)

    def test_the_last_word_of_feedback_counts(self, store: Store) -> None:
        store.append([a_decision()])
        store.judge(a_feedback())
        last = a_feedback(rating=None, success=False, comment="", at=NOON + timedelta(days=1))
        assert store.judge(last)
        store.append([a_decision()])
        assert list(store.recent_feedback(NOON, 10)) == [last]

    def test_feedback_on_an_unknown_decision_is_refused(self, store: Store) -> None:
        assert not store.judge(a_feedback())
        assert not store.judge(a_feedback(decision_id="dec_\ud800", comment="\ud800"))
        assert list(store.recent_feedback(NOON, 10)) == []

    def test_feedback_is_forgotten_with_its_decision(self, store: Store) -> None:
        store.append([a_decision(1), a_decision(2)])
        store.judge(a_feedback(1))
        store.judge(a_feedback(2))
        store.forget_before(a_decision(2).at)
        assert list(store.recent_feedback(NOON, 10)) == [a_feedback(2)]

    def test_recent_feedback_is_the_newest_from_old_to_new(self, store: Store) -> None:
        store.append([a_decision(n) for n in range(10)])
        for number in (7, 1, 3, 9, 5):
            store.judge(a_feedback(number))
        asked = [
            list(store.recent_feedback(NOON, 3)),
            list(store.recent_feedback(a_feedback(3).at, 9)),
            list(store.recent_feedback(a_feedback(9).at + timedelta(microseconds=1), 9)),
        ]
        expected: list[list[int]] = [[5, 7, 9], [3, 5, 7, 9], []]
        assert asked == [[a_feedback(n) for n in numbers] for numbers in expected]

    def test_recent_outcomes_come_in_the_order_in_which_they_ended(self, store: Store) -> None:
        ended = [an_outcome(n, at=NOON + timedelta(seconds=n * 7 % 10)) for n in range(10)]
        store.append([a_decision(n, task=Task(type=f"t{n}")) for n in range(9)])
        store.append(ended)
        in_order = sorted(ended, key=lambda outcome: outcome.at)
        types = {f"dec_{n:010d}": f"t{n}" for n in range(9)}
        expected = [(outcome, types.get(outcome.decision_id)) for outcome in in_order]
        assert list(store.recent_outcomes(NOON, 100)) == expected
        assert list(store.recent_outcomes(in_order[4].at, 100)) == expected[4:]
        assert list(store.recent_outcomes(NOON + timedelta(days=1), 100)) == []

    def test_of_recent_outcomes_no_more_come_than_asked_for_and_those_are_the_newest(
        self, store: Store
    ) -> None:
        store.append([an_outcome(n, attempt=k) for n in range(10) for k in (1, 2)])
        for limit in (1, 3, 6, 20, 21):
            found = [outcome for outcome, _ in store.recent_outcomes(NOON, limit)]
            newest = [an_outcome(n, attempt=k) for n in range(10) for k in (1, 2)][-limit:]
            assert len(newest) - 1 <= len(found) <= limit
            assert found == newest[len(newest) - len(found) :]

    def test_of_many_recent_outcomes_the_order_is_right_and_none_is_missing(
        self, store: Store
    ) -> None:
        late = [an_outcome(n, at=NOON + timedelta(seconds=n ^ 0xFFF)) for n in range(25_000)]
        store.append(late)
        found = [outcome for outcome, _ in store.recent_outcomes(NOON, 30_000)]
        assert found == sorted(late, key=lambda outcome: outcome.at)

    def test_a_closed_store_says_so_to_learners_too(self, store: Store) -> None:
        store.close()
        with pytest.raises(StoreError, match="closed"):
            store.judge(a_feedback())
        with pytest.raises(StoreError, match="closed"):
            list(store.recent_outcomes(NOON, 1))
        with pytest.raises(StoreError, match="closed"):
            list(store.recent_feedback(NOON, 1))
