"""Does the profile `classic` reckon to the digit as the first edition did?"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lessons import answered, failed, judged

from pointsman.core.classic import (
    CLASSIC,
    MOST_CHANGES,
    MOST_MODELS,
    ClassicPolicy,
    ClassicScorer,
    Lifetime,
    classic_terms,
    latency_score,
)
from pointsman.core.decision import Saving, Selection, Task
from pointsman.core.errors import FailureKind
from pointsman.core.fleet import Agent, Model

AGENT, TASK, CHOICE = Agent("a", requires=("coding",)), Task(), Selection()
MODEL = Model("p/m", "p", "m", strengths={"coding": 0.9}, context_window=8192)


def points(fit: float, seen: Lifetime) -> float:
    return 100.0 * sum(term.value for term in classic_terms(fit, seen))


def served(requests: int, successes: int, mean_s: float) -> Lifetime:
    return Lifetime(requests, successes, mean_s * successes, successes)


@pytest.mark.parametrize(
    ("fit", "seen", "expected"),
    [
        (0.85, served(100, 99, 0.120), 88.95),
        (0.88, served(100, 60, 0.450), 38.025),
        (0.9225, served(9, 0, 9.0), 92.25),
        (0.80, served(100, 100, 0.500), 80.5),
        (0.80, served(100, 100, 0.501), 0.8 * (73.0 + 0.15 * 49.9)),
        (0.80, served(100, 50, 1.0), 0.5 * 0.8 * 60.5),
    ],
)
def test_the_golden_examples(fit: float, seen: Lifetime, expected: float) -> None:
    assert points(fit, seen) == pytest.approx(expected, abs=1e-9)


def test_the_second_golden_example_before_its_penalty() -> None:
    terms = classic_terms(0.88, served(100, 60, 0.450))
    assert sum(term.value for term in terms[:3]) == pytest.approx(0.7605)
    assert terms[3].name == "unreliable"
    assert terms[3].value == pytest.approx(-0.38025)


@pytest.mark.parametrize(
    ("latency_s", "expected"), [(0.0, 1.0), (0.25, 0.75), (0.5, 0.5), (1.0, 0.0), (9.0, 0.0)]
)
def test_latency_scores(latency_s: float, expected: float) -> None:
    assert latency_score(latency_s, CLASSIC.acceptable_s) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("policy", "remedy"),
    [
        ({"capability": -0.1, "success": 0.95}, "cannot be negative"),
        ({"capability": 0.5}, "must sum to 1, not 0.9"),
        ({"acceptable_s": 0.0}, "must be positive"),
        ({"least_success": 0.0}, "must be positive"),
        ({"least_requests": 0}, "must be positive"),
        ({"slow_keeps": 0.0}, r"in \(0, 1\]"),
        ({"unreliable_keeps": 1.1}, r"in \(0, 1\]"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(policy: dict[str, Any], remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy):
        ClassicPolicy(**policy)


def test_below_ten_requests_capability_alone_counts() -> None:
    scorer = ClassicScorer()
    fresh = scorer.score(AGENT, TASK, CHOICE, MODEL)
    for second in range(9):
        scorer.learn(failed(second))
    assert scorer.score(AGENT, TASK, CHOICE, MODEL).score == fresh.score
    assert scorer.worth(AGENT, TASK, CHOICE, fresh, Saving(0.0, 1.0)) == 0.0
    scorer.learn(failed(9))
    assert scorer.score(AGENT, TASK, CHOICE, MODEL).score < fresh.score / 2


def test_a_stream_is_timed_to_its_first_token_and_a_plain_answer_to_its_end() -> None:
    scorer = ClassicScorer()
    for second in range(10):
        scorer.learn(answered(second, took_s=0.2)._replace(total_s=30.0))
        scorer.learn(answered(second, took_s=0.4, streamed=False))
    estimate = scorer.score(AGENT, TASK, CHOICE, MODEL).estimate
    assert estimate is not None
    assert estimate.latency_s == pytest.approx(0.3)
    assert (estimate.reliability, estimate.evidence) == (1.0, 20)


def test_an_answer_whose_first_token_nobody_timed_counts_to_its_end() -> None:
    scorer = ClassicScorer()
    scorer.learn(answered(0.0)._replace(first_token_s=None, total_s=0.7))
    estimate = scorer.score(AGENT, TASK, CHOICE, MODEL).estimate
    assert estimate is not None
    assert estimate.latency_s == pytest.approx(0.7)


def test_only_failures_of_the_endpoint_count() -> None:
    scorer = ClassicScorer()
    for kind in (FailureKind.CANCELLED, FailureKind.RATE_LIMITED, FailureKind.INVALID_REQUEST):
        scorer.learn(failed(0.0, kind))
    assert scorer.generation == 0
    scorer.learn(failed(0.0))
    assert scorer.generation == 1


def test_judgements_and_time_teach_nothing() -> None:
    scorer = ClassicScorer()
    before = scorer.score(AGENT, TASK, CHOICE, MODEL)
    scorer.judge(judged(False))
    scorer.tick(1e12)
    assert scorer.score(AGENT, TASK, CHOICE, MODEL) == before
    assert scorer.generation == 0


def test_it_knows_what_has_changed_for_a_while() -> None:
    scorer = ClassicScorer()
    for model in ("p/a", "p/b"):
        scorer.learn(answered(model=model))
    assert scorer.changed_since(1) == frozenset({"p/b"})
    assert scorer.changed_since(0) == frozenset({"p/a", "p/b"})
    for _ in range(MOST_CHANGES):
        scorer.learn(answered())
    assert scorer.changed_since(1) is None


def test_sooner_is_worth_the_points_for_latency() -> None:
    scorer = ClassicScorer()
    for second in range(10):
        scorer.learn(answered(second, took_s=0.5))
    candidate = scorer.score(AGENT, TASK, CHOICE, MODEL)
    worth = scorer.worth(AGENT, TASK, CHOICE, candidate, Saving(1.0, 0.25))
    assert worth == pytest.approx(0.15 * 0.25)
    most = scorer.worth(AGENT, TASK, CHOICE, candidate, Saving(0.0, 99.0))
    assert most == pytest.approx(0.15 * 0.5)


def test_made_up_models_do_not_fill_the_memory() -> None:
    scorer = ClassicScorer()
    for number in range(2 * MOST_MODELS):
        scorer.learn(answered(model=f"made/up {number}"))
    assert len(scorer._seen) == MOST_MODELS


LIFETIMES = st.tuples(
    st.integers(0, 500), st.floats(0.0, 1.0), st.floats(0.0, 100.0), st.floats(0.0, 1.0)
)


@given(LIFETIMES)
def test_terms_sum_to_a_score_in_range(seen: tuple[int, float, float, float]) -> None:
    requests, share, latency_s, fit = seen
    score = points(fit, served(requests, int(share * requests), latency_s))
    assert 0.0 <= score <= 100.0 + 1e-9
