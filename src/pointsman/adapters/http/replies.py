"""Which answer does an error get, in the words that OpenAI's clients understand?

One table from error to status, type and code. A 429 or 503 says when to come back; and once we have
spent our own attempts, `x-should-retry: false` keeps a client from multiplying them by its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from pointsman.core.decision import ReasonCode
from pointsman.core.errors import (
    AccessDenied,
    AttemptsSpent,
    Blame,
    FailureKind,
    NoEligibleModel,
    PointsmanError,
    RequestError,
    UnknownModel,
    UpstreamError,
)
from pointsman.core.fallback import staggered

Header = tuple[bytes, bytes]

JSON: Header = (b"content-type", b"application/json")

MAX_MESSAGE_CHARS = 2000


class Reply(NamedTuple):
    """A complete answer that is an error.

    `ours` is what we call it ourselves where `code` is the upstream's, and None elsewhere: that may
    be any text, which is for the caller and neither for a label nor for a log.
    """

    status: int
    message: str
    type: str
    code: str | None = None
    param: str | None = None
    headers: tuple[Header, ...] = ()
    ours: str | None = None

    def body(self) -> bytes:
        return error_body(self.message, self.type, code=self.code, param=self.param)


class Surface(NamedTuple):
    """How a failure looks from outside."""

    status: int
    type: str
    code: str


_BY_BLAME: Mapping[Blame, Surface] = MappingProxyType(
    {
        Blame.CALLER: Surface(400, "invalid_request_error", "invalid_request"),
        Blame.KEY: Surface(502, "server_error", "upstream_credentials_exhausted"),
        Blame.CATALOGUE: Surface(502, "server_error", "upstream_misconfigured"),
        Blame.CAPACITY: Surface(429, "rate_limit_error", "rate_limit_exceeded"),
        Blame.ENDPOINT: Surface(502, "server_error", "upstream_error"),
        Blame.GATEWAY: Surface(500, "server_error", "internal_error"),
    }
)

_TIMEOUT = Surface(504, "server_error", "upstream_timeout")
_UNSUPPORTED = Surface(400, "invalid_request_error", "unsupported_parameter")
_NOT_FOUND = Surface(404, "invalid_request_error", "model_not_found")
_TOO_LONG = Surface(400, "invalid_request_error", "context_length_exceeded")

_BY_KIND: Mapping[FailureKind, Surface] = MappingProxyType(
    {
        FailureKind.UNPROCESSABLE: Surface(422, "invalid_request_error", "unprocessable_entity"),
        FailureKind.REQUEST_TOO_LARGE: Surface(413, "invalid_request_error", "request_too_large"),
        FailureKind.CONTENT_FILTER: Surface(400, "invalid_request_error", "content_filter"),
        FailureKind.DEADLINE: Surface(504, "server_error", "deadline_exceeded"),
        FailureKind.MODEL_NOT_FOUND: _NOT_FOUND,
        FailureKind.MODEL_GONE: _NOT_FOUND,
        FailureKind.UNSUPPORTED_PARAMETER: _UNSUPPORTED,
        FailureKind.UNSUPPORTED_INPUT: Surface(400, "invalid_request_error", "unsupported_input"),
        FailureKind.CONTEXT_TOO_LONG: _TOO_LONG,
        FailureKind.OVERLOADED: Surface(503, "server_error", "overloaded"),
        FailureKind.GATEWAY_TIMEOUT: _TIMEOUT,
        FailureKind.CONNECT_TIMEOUT: _TIMEOUT,
        FailureKind.FIRST_TOKEN_TIMEOUT: _TIMEOUT,
        FailureKind.STALLED: _TIMEOUT,
        FailureKind.TOTAL_TIMEOUT: _TIMEOUT,
    }
)

_SHOULD_NOT_RETRY: Header = (b"x-should-retry", b"false")

_REQUEST_STATUS: Mapping[str, int] = MappingProxyType(
    {
        "not_found": 404,
        "method_not_allowed": 405,
        "request_too_large": 413,
        "unsupported_media_type": 415,
    }
)


def error_body(
    message: str, kind: str, *, code: str | None = None, param: str | None = None
) -> bytes:
    """The JSON that OpenAI's SDKs read: `code` is always a string or null."""
    text = message if len(message) <= MAX_MESSAGE_CHARS else message[: MAX_MESSAGE_CHARS - 1] + "…"
    return msgspec.json.encode(
        {"error": {"message": text, "type": kind, "param": param, "code": code}}
    )


def reply_to(error: PointsmanError, *, pinned: bool = False) -> Reply:
    """The answer that `error` gets. `pinned`: the request named the one model it wanted."""
    if isinstance(error, RequestError):
        return _to_caller(error)
    if isinstance(error, NoEligibleModel):
        return _to_nobody(error)
    if isinstance(error, AttemptsSpent):
        return _to_spent(error, pinned=pinned)
    return Reply(500, "Something failed inside the gateway.", "server_error", "internal_error")


def surface_of(error: UpstreamError) -> Surface:
    """How a failure of an upstream is shown."""
    return _BY_KIND.get(error.kind) or _BY_BLAME[error.kind.blames]


def lines_of(headers: Iterable[Header]) -> bytes:
    """The headers as they are sent. Raises `ValueError` when one would add a line of its own."""
    lines = [b"%b: %b\r\n" % header for header in headers]
    text = b"".join(lines)
    if not text.count(b"\n") == text.count(b"\r") == len(lines) or b"\0" in text:
        # One look at the whole is cheaper than one at each value, and misses none.
        raise ValueError("a header of an answer holds a line break")
    return text


def come_back_in(seconds: float) -> tuple[Header, ...]:
    """Both spellings of when to try again; the whole seconds are rounded up."""
    ms = max(1, ceil(seconds * 1000))
    return (
        (b"retry-after", str(ceil(ms / 1000)).encode()),
        (b"retry-after-ms", str(ms).encode()),
    )


def _to_caller(error: RequestError) -> Reply:
    if isinstance(error, AccessDenied):
        if error.known:
            return Reply(403, error.message, "permission_error", error.code)
        challenge = (b"www-authenticate", b"Bearer")
        return Reply(401, error.message, "authentication_error", error.code, headers=(challenge,))
    status = 404 if isinstance(error, UnknownModel) else _REQUEST_STATUS.get(error.code or "", 400)
    return Reply(status, error.message, "invalid_request_error", error.code, error.param)


def _to_nobody(error: NoEligibleModel) -> Reply:
    message = str(error)
    if error.retry_after_s is not None:
        passing = [r for r in error.rejections if r.objection.retry_after_s is not None]
        full = {ReasonCode.AT_LIMIT, ReasonCode.RESTING}
        headers = come_back_in(error.retry_after_s)
        if all(rejection.objection.code in full for rejection in passing):
            return Reply(429, message, "rate_limit_error", "rate_limit_exceeded", headers=headers)
        return Reply(503, message, "server_error", "no_model_available", headers=headers)
    if not error.callers_fault:
        return Reply(
            503, message, "server_error", "no_eligible_model", headers=(_SHOULD_NOT_RETRY,)
        )
    too_small = any(r.objection.code is ReasonCode.CONTEXT_TOO_SMALL for r in error.rejections)
    if too_small:
        # Clients such as LiteLLM look for OpenAI's words and not at the code.
        words = f"This model's maximum context length is exceeded. {message}"
        return Reply(400, words, "invalid_request_error", "context_length_exceeded", "messages")
    if any(r.objection.code is ReasonCode.TOO_EXPENSIVE for r in error.rejections):
        place = "pointsman.max_cost_usd"
        return Reply(400, message, "invalid_request_error", "max_cost_exceeded", place)
    return Reply(400, message, "invalid_request_error", "no_eligible_model")


def _to_spent(error: AttemptsSpent, *, pinned: bool) -> Reply:
    last = error.last
    surface = surface_of(last)
    if surface is _NOT_FOUND and not pinned:
        # The caller asked for no such model: our catalogue names one that is not there.
        surface = _BY_BLAME[Blame.CATALOGUE]
    status, kind, code = surface
    headers: tuple[Header, ...] = (_SHOULD_NOT_RETRY,)
    if status in (429, 503):
        wait_s = last.retry_after_s if last.retry_after_s is not None else 1.0
        headers += come_back_in(staggered(wait_s, error.failures[-1][0].decision_id))
    if last.kind.blames is Blame.CALLER or status in (400, 404):
        # The caller can mend this, so it gets the upstream's own words and code.
        # Where the upstream gave no code, its type stands there, which is none.
        own_code = surface in (_NOT_FOUND, _TOO_LONG) or last.upstream_code == kind
        theirs = None if own_code else last.upstream_code
        return Reply(status, last.message, kind, theirs or code, last.param, headers, code)
    return Reply(status, _attempts_in_words(error), kind, code, headers=headers)


def _attempts_in_words(error: AttemptsSpent) -> str:
    """Who failed how. What an upstream said of itself is in the record, for those who run it."""
    tries = [f"{outcome.model_id}: {failure.kind.code}" for outcome, failure in error.failures]
    if len(tries) == 1:
        return f"The one attempt failed: {tries[0]}."
    return f"All {len(tries)} attempts failed: {', '.join(tries)}."
