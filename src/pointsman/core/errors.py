"""What can go wrong, and who has to react?

One class per reaction, not per cause::

    PointsmanError
    ├── ConfigError          an operator edits a file
    ├── RequestError         the caller changes the request
    │   ├── AccessDenied     the caller uses another key
    │   ├── UnknownAgent     the caller names a declared agent
    │   ├── UnknownModel     the caller names a model that exists
    │   ├── NotFound         the caller asks for something that is there
    │   └── Conflict         the caller looks again how things stand
    ├── NoEligibleModel      nothing can serve this; carries the objection to every model
    ├── UpstreamError        one attempt failed; its `kind` says what may help
    ├── AttemptsSpent        all allowed attempts failed; carries them
    ├── NotifyError          a channel did not take a notification; says whether it is tried again
    └── StoreError           the memory of decisions is out of reach; serving goes on
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pointsman.core.decision import Outcome, Rejection

MAX_REASONS = 8
"""How many objections an error tells in words; it carries all of them."""


class Blame(StrEnum):
    """Who has to change something before the same request can succeed.

    `GATEWAY` is us: a defect of ours says nothing about anybody else.
    """

    CALLER = "caller"
    KEY = "key"
    CATALOGUE = "catalogue"
    CAPACITY = "capacity"
    ENDPOINT = "endpoint"
    GATEWAY = "gateway"


class FailureKind(Enum):
    """Why an attempt failed: a name for records, whom it blames, and what may help.

    `retryable`: the same model may succeed a moment later. `movable`: another model may succeed
    now. A kind that is neither goes straight back to the caller.
    """

    INVALID_REQUEST = ("invalid_request", Blame.CALLER, False, False)
    UNPROCESSABLE = ("unprocessable", Blame.CALLER, False, False)
    REQUEST_TOO_LARGE = ("request_too_large", Blame.CALLER, False, False)
    CONTENT_FILTER = ("content_filter", Blame.CALLER, False, False)
    CANCELLED = ("cancelled", Blame.CALLER, False, False)
    DEADLINE = ("deadline", Blame.CALLER, False, False)

    KEY_REJECTED = ("key_rejected", Blame.KEY, False, True)
    KEY_FORBIDDEN = ("key_forbidden", Blame.KEY, False, True)
    BILLING = ("billing", Blame.KEY, False, True)

    MODEL_NOT_FOUND = ("model_not_found", Blame.CATALOGUE, False, True)
    MODEL_GONE = ("model_gone", Blame.CATALOGUE, False, True)
    WRONG_ADDRESS = ("wrong_address", Blame.CATALOGUE, False, True)
    UNSUPPORTED_PARAMETER = ("unsupported_parameter", Blame.CATALOGUE, False, True)
    UNSUPPORTED_INPUT = ("unsupported_input", Blame.CATALOGUE, False, True)
    CONTEXT_TOO_LONG = ("context_too_long", Blame.CATALOGUE, False, True)

    RATE_LIMITED = ("rate_limited", Blame.CAPACITY, True, True)
    OVERLOADED = ("overloaded", Blame.CAPACITY, True, True)

    SERVER_ERROR = ("server_error", Blame.ENDPOINT, True, True)
    BAD_GATEWAY = ("bad_gateway", Blame.ENDPOINT, True, True)
    UNAVAILABLE = ("unavailable", Blame.ENDPOINT, True, True)
    GATEWAY_TIMEOUT = ("gateway_timeout", Blame.ENDPOINT, False, True)
    UNEXPECTED_STATUS = ("unexpected_status", Blame.ENDPOINT, False, True)
    NAME_UNRESOLVED = ("name_unresolved", Blame.ENDPOINT, False, True)
    CONNECT_FAILED = ("connect_failed", Blame.ENDPOINT, True, True)
    CONNECT_TIMEOUT = ("connect_timeout", Blame.ENDPOINT, False, True)
    TLS_FAILED = ("tls_failed", Blame.ENDPOINT, False, True)
    RESET = ("reset", Blame.ENDPOINT, True, True)
    FIRST_TOKEN_TIMEOUT = ("first_token_timeout", Blame.ENDPOINT, False, True)
    STALLED = ("stalled", Blame.ENDPOINT, False, True)
    TOTAL_TIMEOUT = ("total_timeout", Blame.ENDPOINT, False, True)
    TRUNCATED = ("truncated", Blame.ENDPOINT, True, True)
    EMPTY = ("empty", Blame.ENDPOINT, True, True)
    MALFORMED = ("malformed", Blame.ENDPOINT, True, True)
    STREAM_ERROR = ("stream_error", Blame.ENDPOINT, True, True)

    INTERNAL = ("internal_error", Blame.GATEWAY, False, False)

    def __init__(self, code: str, blames: Blame, retryable: bool, movable: bool) -> None:
        self.code = code
        self.blames = blames
        self.retryable = retryable
        self.movable = movable


class PointsmanError(Exception):
    """Root of everything pointsman raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a configuration: where it is, what stands there, what to do about it."""

    path: str
    message: str
    remedy: str = ""
    value: str = ""
    line: int | None = None

    def __str__(self) -> str:
        place = f"{self.path} (line {self.line})" if self.line else self.path
        found = f" (found {self.value})" if self.value else ""
        remedy = f" — {self.remedy}" if self.remedy else ""
        return f"{place}: {self.message}{found}{remedy}"


class ConfigError(PointsmanError):
    """The configuration cannot be used. Carries every problem found, never just the first."""

    def __init__(self, problems: Sequence[Problem], source: str = "") -> None:
        self.problems = tuple(problems)
        self.source = source
        count = len(self.problems)
        head = f"{source or 'configuration'}: {count} problem{'s' if count != 1 else ''}"
        super().__init__("\n".join([head, *(f"  {problem}" for problem in self.problems)]))


class RequestError(PointsmanError):
    """The caller has to change the request. `param` names the place, `code` is for programs."""

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        self.message = message
        self.param = param
        self.code = code
        super().__init__(message)


class AccessDenied(RequestError):
    """The key is missing or unknown (`known` is False), or may not do this (`known` is True)."""

    def __init__(self, message: str, *, known: bool, code: str = "invalid_api_key") -> None:
        self.known = known
        super().__init__(message, code=code)


class UnknownAgent(RequestError):
    """The request names an agent that the configuration does not declare."""


class UnknownModel(RequestError):
    """The request names a model that the configuration does not declare."""


class NotFound(RequestError):
    """Nothing is known under the name that is asked for."""


class Conflict(RequestError):
    """What is asked for cannot be done in the state that things are in."""


class NoEligibleModel(PointsmanError):
    """No model can serve the request.

    `rejections` holds the objection to every model. `callers_fault` is True when some model would
    have been eligible but for what this request asks. `retry_after_s` is set when waiting helps.
    """

    def __init__(
        self,
        rejections: Sequence[Rejection],
        *,
        decision_id: str,
        callers_fault: bool,
        retry_after_s: float | None = None,
    ) -> None:
        self.rejections = tuple(rejections)
        self.decision_id = decision_id
        self.callers_fault = callers_fault
        self.retry_after_s = retry_after_s
        super().__init__(f"No model can serve this request: {_reasons(self.rejections)}")


def _reasons(rejections: Sequence[Rejection]) -> str:
    """The objections in words; models that were not even asked for are merely counted."""
    told = [r for r in rejections if r.objection.code != "not_requested"] or rejections
    words = [f"{r.model_id}: {r.objection.words}" for r in told[:MAX_REASONS]]
    if len(told) > MAX_REASONS:
        words.append(f"and {len(told) - MAX_REASONS} more")
    if len(told) < len(rejections):
        words.append(f"{len(rejections) - len(told)} not asked for")
    return "; ".join(words) or "none declared"


class UpstreamError(PointsmanError):
    """One attempt on one model failed.

    `message`, `param`, `upstream_code` and `status` are the upstream's own words: for the caller
    where the caller is to blame, for the record otherwise. `retry_after_s` is what it asked for.
    """

    def __init__(
        self,
        kind: FailureKind,
        message: str = "",
        *,
        status: int | None = None,
        retry_after_s: float | None = None,
        param: str | None = None,
        upstream_code: str | None = None,
    ) -> None:
        self.kind = kind
        self.message = message or kind.code.replace("_", " ")
        self.status = status
        self.retry_after_s = retry_after_s
        self.param = param
        self.upstream_code = upstream_code
        super().__init__(f"{kind.code}: {self.message}")


class AttemptsSpent(PointsmanError):
    """Every attempt that was allowed has failed; `failures` holds them in order, never empty."""

    def __init__(self, failures: Sequence[tuple[Outcome, UpstreamError]]) -> None:
        self.failures = tuple(failures)
        words = "; ".join(f"{outcome.model_id}: {error}" for outcome, error in self.failures)
        super().__init__(f"{len(self.failures)} attempt(s) failed: {words}")

    @property
    def last(self) -> UpstreamError:
        return self.failures[-1][1]


class NotifyError(PointsmanError):
    """A channel did not take a notification; `message` holds no secret.

    `retryable`: it may take the same one later. `misconfigured`: somebody has to change a setting
    or a key first, here or there. `retry_after_s` is what the receiver asked for.
    """

    def __init__(
        self,
        message: str,
        *,
        retryable: bool = True,
        misconfigured: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        self.message = message
        self.retryable = retryable
        self.misconfigured = misconfigured
        self.retry_after_s = retry_after_s
        super().__init__(message)


class StoreError(PointsmanError):
    """The store could not be read or written."""
