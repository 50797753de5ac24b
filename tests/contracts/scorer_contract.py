"""What does every scorer promise?

A test class derives from `ScorerContract` and is parametrised with `make`: how to make its scorers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.core.decision import (
    Candidate,
    Feedback,
    Outcome,
    Saving,
    Selection,
    Strategy,
    Task,
)
from pointsman.core.errors import FailureKind
from pointsman.core.expectation import BRIEF_ANSWER
from pointsman.core.fleet import FREE, Agent, Model, Price, PriceState, Rate, Usage, Weights
from pointsman.engine.ports import Scorer

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PRICE = Price(PriceState.KNOWN, Rate(Decimal(2)), Rate(Decimal(8)), Rate(Decimal("0.5")))

MODELS = (
    Model("a/fine", "a", "fine", strengths={"general": 0.9, "coding": 0.9}, price=PRICE),
    Model("b/free", "b", "free", strengths={"general": 0.6}, context_window=8_192, price=FREE),
    Model("c/unknown", "c", "unknown", profiled=False),
)
AGENTS = (
    Agent("default"),
    Agent("coder", requires=("coding",), task_types=("coding",), latency_budget_s=2.0),
    Agent("thrifty", weights=Weights(quality=0.2, latency=0.1, cost=0.7), explore=False),
)
TASKS = (
    Task(),
    Task(type="coding", stream=True),
    Task(type="coding", type_probability=0.7),
    Task(needs=frozenset({"general"}), prefers=frozenset({"coding"}), min_context=4_096),
)
SELECTIONS = (
    *(Selection(strategy) for strategy in Strategy),
    Selection(weights=Weights(quality=0.0, latency=0.0, cost=1.0)),
)
KINDS = tuple(product(AGENTS, TASKS, SELECTIONS))
"""The kinds of request that are looked at, over which everything below must hold."""

FAILURES: tuple[FailureKind | None, ...] = (
    *(None, None, None),
    *(FailureKind.UNAVAILABLE, FailureKind.INVALID_REQUEST),
    *(FailureKind.RATE_LIMITED, FailureKind.STALLED, FailureKind.CANCELLED),
)

Lesson = tuple[int, int, int, float, bool, float]
LESSONS = st.lists(
    st.tuples(
        st.integers(0, len(MODELS) - 1),
        st.integers(0, len(AGENTS) - 1),
        st.integers(0, len(FAILURES) - 1),
        st.floats(0.0, 100.0),
        st.booleans(),
        st.floats(0.0, 3_600.0),
    ),
    max_size=25,
)
"""Model, agent, how it ended, how long it took, whether streamed, and seconds since the last."""


def outcomes(lessons: Iterable[Lesson]) -> list[Outcome]:
    made: list[Outcome] = []
    at = NOON
    for model, agent, failure, total_s, streamed, later_s in lessons:
        at += timedelta(seconds=later_s)
        kind = FAILURES[failure]
        made.append(
            Outcome(
                decision_id=f"dec_{len(made)}",
                attempt=1,
                model_id=MODELS[model].id,
                agent_id=AGENTS[agent].id,
                at=at,
                failure=kind,
                streamed=streamed,
                total_s=total_s,
                first_token_s=None if kind else total_s / 2,
                usage=None if kind else Usage(1_000, 200, 500),
                cost_usd=None if kind else Decimal("0.003"),
            )
        )
    return made


def praise(rating: int, model: int = 0, at: datetime = NOON) -> Feedback:
    return Feedback("dec_1", "default", MODELS[model].id, None, at, rating)


Make = Callable[[], Scorer]


def all_scores(scorer: Scorer) -> list[Candidate]:
    return [scorer.score(*kind, model) for kind in KINDS for model in MODELS]


def taught(make: Make, lessons: Iterable[Lesson]) -> Scorer:
    scorer = make()
    for outcome in outcomes(lessons):
        scorer.tick(outcome.at.timestamp())
        scorer.learn(outcome)
    return scorer


class ScorerContract:
    """The promises. `make` gives a scorer that has learned nothing yet."""

    @settings(deadline=None, max_examples=50)
    @given(LESSONS)
    def test_terms_sum_to_a_score_between_0_and_1(self, make: Make, lessons: list[Lesson]) -> None:
        scorer = taught(make, lessons)
        for kind, model in product(KINDS, MODELS):
            candidate = scorer.score(*kind, model)
            assert candidate.model_id == model.id
            assert 0.0 <= candidate.score <= 1.0
            total = sum(term.value for term in candidate.terms)
            assert total == pytest.approx(candidate.score, abs=1e-9)
            assert len({term.name for term in candidate.terms}) == len(candidate.terms)

    @settings(deadline=None, max_examples=50)
    @given(LESSONS)
    def test_an_estimate_is_in_plain_units(self, make: Make, lessons: list[Lesson]) -> None:
        scorer = taught(make, lessons)
        for kind, model in product(KINDS, MODELS):
            estimate = scorer.score(*kind, model).estimate
            if estimate is None:
                continue
            assert 0.0 <= estimate.reliability <= 1.0
            assert 0.0 <= estimate.quality <= 1.0
            assert estimate.success == pytest.approx(estimate.reliability * estimate.quality)
            assert min(estimate.latency_s or 0.0, estimate.cost_usd or 0.0) >= 0.0
            assert estimate.evidence >= 0.0

    @settings(deadline=None, max_examples=50)
    @given(LESSONS)
    def test_scores_change_only_with_the_generation_and_as_it_says(
        self, make: Make, lessons: list[Lesson]
    ) -> None:
        scorer = make()
        for outcome in outcomes(lessons):
            before, scores = scorer.generation, all_scores(scorer)
            scorer.tick(outcome.at.timestamp())
            scorer.learn(outcome)
            assert scorer.generation >= before
            if scorer.generation == before:
                assert all_scores(scorer) == scores
                continue
            changed = scorer.changed_since(before)
            still = [
                old == new
                for old, new, (_, model) in zip(
                    scores, all_scores(scorer), product(KINDS, MODELS), strict=True
                )
                if changed is not None and model.id not in changed
            ]
            assert all(still)

    @settings(deadline=None, max_examples=50)
    @given(LESSONS)
    def test_nothing_has_changed_since_now(self, make: Make, lessons: list[Lesson]) -> None:
        scorer = taught(make, lessons)
        assert not scorer.changed_since(scorer.generation)

    def test_a_score_depends_on_nothing_that_requests_of_a_kind_do_not_share(
        self, make: Make
    ) -> None:
        scorer = taught(make, [(0, 0, 0, 1.0, True, 1.0)])
        for agent, task, selection in KINDS:
            asked = task._replace(prompt_tokens=70)
            other = task._replace(
                prompt_tokens=120,
                max_output_tokens=BRIEF_ANSWER,
                parameters=frozenset({"seed"}),
                in_tool_loop=True,
                type_probability=0.9 if task.inferred else None,
            )
            for model in MODELS:
                one = scorer.score(agent, asked, selection, model)
                assert scorer.score(agent, other, selection, model) == one

    @settings(deadline=None, max_examples=50)
    @given(LESSONS)
    def test_the_same_lessons_teach_the_same(self, make: Make, lessons: list[Lesson]) -> None:
        assert all_scores(taught(make, lessons)) == all_scores(taught(make, lessons))

    @settings(deadline=None, max_examples=50)
    @given(LESSONS, st.floats(0.0, 0.1), st.floats(0.0, 10.0))
    def test_a_saving_is_worth_something_or_nothing_and_a_larger_one_no_less(
        self, make: Make, lessons: list[Lesson], usd: float, seconds: float
    ) -> None:
        scorer = taught(make, lessons)
        for kind, model in product(KINDS, MODELS):
            candidate = scorer.score(*kind, model)
            assert scorer.worth(*kind, candidate, Saving()) == pytest.approx(0.0, abs=1e-12)
            small = scorer.worth(*kind, candidate, Saving(usd, seconds))
            large = scorer.worth(*kind, candidate, Saving(2 * usd, 2 * seconds))
            assert 0.0 <= small <= large + 1e-12
            assert large <= 1.0

    def test_what_is_learned_shows_within_a_second_of_ticks(self, make: Make) -> None:
        scorer = make()
        lessons = outcomes([(0, 0, 3, 1.0, True, 0.0)] * 20 + [(0, 0, 0, 1.0, True, 0.0)])
        for outcome in lessons:
            scorer.learn(outcome)
        scorer.tick(NOON.timestamp() + 1.0)
        settled = all_scores(scorer)
        scorer.tick(NOON.timestamp() + 1.0)
        assert all_scores(scorer) == settled

    def test_time_that_runs_backwards_changes_nothing(self, make: Make) -> None:
        scorer = taught(make, [(0, 0, 0, 1.0, True, 1.0)])
        scorer.tick(NOON.timestamp() + 10.0)
        before = scorer.generation, all_scores(scorer)
        scorer.tick(NOON.timestamp() - 10.0)
        assert (scorer.generation, all_scores(scorer)) == before

    def test_praise_never_lowers_a_score_and_blame_never_raises_it(self, make: Make) -> None:
        for rating, sign in ((5, 1), (1, -1)):
            plain, judged = make(), make()
            for second in range(20):
                judged.judge(praise(rating, at=NOON + timedelta(seconds=second)))
            for scorer in (plain, judged):
                scorer.tick(NOON.timestamp() + 30.0)
            for kind in KINDS:
                gained = judged.score(*kind, MODELS[0]).score - plain.score(*kind, MODELS[0]).score
                assert sign * gained >= -1e-12

    def test_a_model_and_an_agent_that_nobody_heard_of_are_no_trouble(self, make: Make) -> None:
        scorer = make()
        strange = outcomes([(0, 0, 0, 1.0, False, 0.0)])[0]
        scorer.learn(strange._replace(model_id="x/gone", agent_id="made up"))
        scorer.judge(praise(3)._replace(model_id="x/gone"))
        scorer.tick(NOON.timestamp() + 2.0)
        assert scorer.score(*KINDS[0], MODELS[0]).score >= 0.0
