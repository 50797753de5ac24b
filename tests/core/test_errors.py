"""Does every error say what its reader needs to react?"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pointsman.core import errors
from pointsman.core.decision import (
    Candidate,
    Decision,
    Objection,
    Outcome,
    ReasonCode,
    Rejection,
    Strategy,
    Task,
)
from pointsman.core.errors import (
    AccessDenied,
    AttemptsSpent,
    Blame,
    ConfigError,
    FailureKind,
    NoEligibleModel,
    PointsmanError,
    Problem,
    UpstreamError,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_everything_raised_on_purpose_has_one_root() -> None:
    raised = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, Exception)]
    assert all(issubclass(error, PointsmanError) for error in raised)


def test_a_kind_of_failure_has_a_code_of_its_own() -> None:
    assert len({kind.code for kind in FailureKind}) == len(FailureKind)


@pytest.mark.parametrize("kind", list(FailureKind), ids=lambda kind: kind.code)
def test_only_what_an_upstream_did_can_be_tried_again_and_what_can_be_repeated_can_be_moved(
    kind: FailureKind,
) -> None:
    assert kind.movable == (kind.blames not in (Blame.CALLER, Blame.GATEWAY))
    assert kind.movable or not kind.retryable


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (Problem("models[0]", "is empty"), "models[0]: is empty"),
        (
            Problem("a.b", "is wrong", "write 1", "2", 7),
            "a.b (line 7): is wrong (found 2) — write 1",
        ),
    ],
)
def test_a_problem_says_where_what_and_what_to_do(problem: Problem, words: str) -> None:
    assert str(problem) == words


def test_a_config_error_lists_every_problem() -> None:
    one, two = Problem("a", "is wrong"), Problem("b", "is missing")
    assert str(ConfigError([one], "fleet.yaml")) == "fleet.yaml: 1 problem\n  a: is wrong"
    both = ConfigError([one, two])
    assert both.problems == (one, two)
    assert str(both).startswith("configuration: 2 problems")
    assert "b: is missing" in str(both)


def test_a_denial_says_whether_the_key_is_known() -> None:
    denied = AccessDenied("no", known=False)
    assert (denied.known, denied.code, denied.param) == (False, "invalid_api_key", None)


def test_nobody_eligible_names_the_first_objections_and_counts_the_rest() -> None:
    rejections = [
        Rejection(f"p/{number}", Objection(ReasonCode.RESTING, "rests")) for number in range(10)
    ]
    error = NoEligibleModel(rejections, decision_id="dec_1", callers_fault=False)
    assert "p/7: rests; and 2 more" in str(error)
    assert len(error.rejections) == 10
    assert (error.retry_after_s, error.decision_id, error.callers_fault) == (None, "dec_1", False)
    nobody = NoEligibleModel([], decision_id="dec_2", callers_fault=True)
    assert str(nobody).endswith("none declared")


def test_the_real_reason_comes_before_models_that_nobody_asked_for() -> None:
    pinned = Objection(ReasonCode.NOT_REQUESTED, "the request is pinned to p/9")
    rejections = [Rejection(f"p/{n}", pinned) for n in range(9)]
    rejections.append(Rejection("p/9", Objection(ReasonCode.NOT_ALLOWED, "denied to coder")))
    error = NoEligibleModel(rejections, decision_id="dec_1", callers_fault=True)
    assert str(error).endswith("request: p/9: denied to coder; 9 not asked for")
    assert len(error.rejections) == 10
    vain = NoEligibleModel(rejections[:1], decision_id="dec_1", callers_fault=True)
    assert "p/0: the request is pinned to p/9" in str(vain)


def test_an_upstream_error_without_words_says_its_kind() -> None:
    assert UpstreamError(FailureKind.EMPTY).message == "empty"
    assert UpstreamError(FailureKind.FIRST_TOKEN_TIMEOUT).message == "first token timeout"
    assert str(UpstreamError(FailureKind.RESET, "gone")) == "reset: gone"


def test_spent_attempts_are_all_told_and_the_last_one_counts() -> None:
    kind, last = FailureKind.RESET, UpstreamError(FailureKind.SERVER_ERROR, "boom")
    outcome = Outcome("dec_1", 1, "p/m", "a", NOON, kind, streamed=False, total_s=0.1)
    spent = AttemptsSpent([(outcome, UpstreamError(kind, "gone")), (outcome, last)])
    assert spent.last is last
    assert str(spent) == "2 attempt(s) failed: p/m: reset: gone; p/m: server_error: boom"


def test_the_chosen_candidate_is_the_first_if_there_is_one() -> None:
    first = Candidate("p/m", 0.9, ())
    made = Decision(
        "dec_1",
        "req_1",
        NOON,
        "a",
        Task(),
        Strategy.BALANCED,
        (first, Candidate("p/n", 0.8, ())),
        (),
        0.5,
        "v1",
    )
    assert made.chosen is first
    assert made._replace(candidates=()).chosen is None
