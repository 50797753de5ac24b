"""Does every kind of failure have an answer that OpenAI's clients understand?"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.adapters.http.replies import (
    MAX_MESSAGE_CHARS,
    come_back_in,
    error_body,
    reply_to,
    surface_of,
)
from pointsman.core.decision import Objection, Outcome, ReasonCode, Rejection
from pointsman.core.errors import (
    AccessDenied,
    AttemptsSpent,
    Blame,
    FailureKind,
    NoEligibleModel,
    PointsmanError,
    RequestError,
    UpstreamError,
)

STATUSES = {400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504}
TYPES = {"invalid_request_error", "rate_limit_error", "server_error"}


def outcome(kind: FailureKind) -> Outcome:
    return Outcome(
        decision_id="dec_1",
        attempt=1,
        model_id="up/first",
        agent_id="default",
        at=datetime(2026, 1, 1, tzinfo=UTC),
        failure=kind,
        streamed=False,
        total_s=0.1,
        first_token_s=None,
        usage=None,
        cost_usd=Decimal(0),
        upstream_model=None,
    )


def spent(error: UpstreamError) -> AttemptsSpent:
    return AttemptsSpent([(outcome(error.kind), error)])


def nobody(code: ReasonCode, wait_s: float | None, *, callers_fault: bool) -> NoEligibleModel:
    rejection = Rejection("up/first", Objection(code, "because", wait_s))
    return NoEligibleModel(
        [rejection], decision_id="dec_1", callers_fault=callers_fault, retry_after_s=wait_s
    )


@pytest.mark.parametrize("kind", FailureKind)
def test_every_kind_of_failure_has_a_status_a_type_and_a_code(kind: FailureKind) -> None:
    surface = surface_of(UpstreamError(kind))
    assert surface.status in STATUSES
    assert surface.type in TYPES
    assert surface.code
    assert (surface.status == 429) <= (kind.blames is Blame.CAPACITY)
    assert (surface.status < 500) >= (kind.blames is Blame.CALLER and kind.code != "deadline")


@pytest.mark.parametrize("kind", FailureKind)
def test_attempts_that_are_spent_are_not_multiplied_by_the_client(kind: FailureKind) -> None:
    reply = reply_to(spent(UpstreamError(kind, retry_after_s=2.5)))
    headers = dict(reply.headers)
    assert headers[b"x-should-retry"] == b"false"
    assert (b"retry-after" in headers) == (reply.status in (429, 503))
    assert reply.message


def test_the_upstreams_words_reach_a_caller_that_can_mend_it() -> None:
    error = UpstreamError(
        FailureKind.INVALID_REQUEST, "too hot", param="temperature", upstream_code="out_of_range"
    )
    reply = reply_to(spent(error))
    assert (reply.status, reply.message, reply.param) == (400, "too hot", "temperature")
    assert (reply.code, reply.ours) == ("out_of_range", "invalid_request")


def test_the_upstreams_words_about_our_key_do_not_reach_the_caller_as_its_own() -> None:
    reply = reply_to(spent(UpstreamError(FailureKind.KEY_REJECTED, "bad key", status=401)))
    assert (reply.status, reply.code) == (502, "upstream_credentials_exhausted")
    assert "up/first" in reply.message


def test_an_upstreams_type_does_not_stand_in_for_a_code() -> None:
    error = UpstreamError(FailureKind.INVALID_REQUEST, upstream_code="invalid_request_error")
    assert reply_to(spent(error)).code == "invalid_request"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (nobody(ReasonCode.RESTING, 3, callers_fault=False), 429, "rate_limit_exceeded"),
        (nobody(ReasonCode.AT_LIMIT, 3, callers_fault=False), 429, "rate_limit_exceeded"),
        (nobody(ReasonCode.BREAKER_OPEN, 3, callers_fault=False), 503, "no_model_available"),
        (nobody(ReasonCode.NOT_ALLOWED, None, callers_fault=False), 503, "no_eligible_model"),
        (nobody(ReasonCode.NOT_ALLOWED, None, callers_fault=True), 400, "no_eligible_model"),
        (
            nobody(ReasonCode.CONTEXT_TOO_SMALL, None, callers_fault=True),
            400,
            "context_length_exceeded",
        ),
        (nobody(ReasonCode.TOO_EXPENSIVE, None, callers_fault=True), 400, "max_cost_exceeded"),
        (AccessDenied("no", known=False), 401, "invalid_api_key"),
        (AccessDenied("no", known=True, code="role_not_sufficient"), 403, "role_not_sufficient"),
        (RequestError("no", code="request_too_large"), 413, "request_too_large"),
        (RequestError("no"), 400, None),
        (PointsmanError("a detail"), 500, "internal_error"),
    ],
)
def test_who_has_to_react_decides_the_status(
    error: PointsmanError, status: int, code: str | None
) -> None:
    reply = reply_to(error)
    assert (reply.status, reply.code) == (status, code)
    waits = {name for name, _ in reply.headers} & {b"retry-after", b"retry-after-ms"}
    assert len(waits) == (2 if status == 429 or code == "no_model_available" else 0)
    assert "a detail" not in reply.message


@given(st.floats(min_value=0, max_value=1e6))
def test_both_spellings_of_the_wait_are_long_enough(seconds: float) -> None:
    headers = dict(come_back_in(seconds))
    whole, ms = int(headers[b"retry-after"]), int(headers[b"retry-after-ms"])
    assert whole >= 1
    assert ms >= seconds * 1000 - 1e-3
    assert whole * 1000 >= ms


@given(st.text(max_size=5000), st.none() | st.text(max_size=20))
def test_an_error_body_is_json_of_one_shape_and_bounded(message: str, code: str | None) -> None:
    body = error_body(message, "server_error", code=code)
    error = msgspec.json.decode(body)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["code"] == code
    assert len(error["message"]) <= MAX_MESSAGE_CHARS
