"""What was observed of an attempt that failed, and what does a rule about it look like?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from pointsman.core.errors import FailureKind


class Transport(StrEnum):
    """What went wrong other than by a status: on the way, in time, or in the answer's form."""

    DNS = "dns"
    CONNECT = "connect"
    CONNECT_TIMEOUT = "connect_timeout"
    TLS = "tls"
    RESET = "reset"
    FIRST_TOKEN_TIMEOUT = "first_token_timeout"  # noqa: S105 - a deadline, not a secret
    STALL = "stall"
    TOTAL_TIMEOUT = "total_timeout"
    TRUNCATED = "truncated"
    EMPTY = "empty"
    MALFORMED = "malformed"
    ERROR_IN_STREAM = "error_in_stream"
    CANCELLED = "cancelled"
    DEADLINE = "deadline"


class Evidence(NamedTuple):
    """What was observed. `status`, `code`, `type` and `message` are the upstream's own words.

    An error inside a successful answer has `transport` ERROR_IN_STREAM and, where its code is a
    number, that number as `status`. `retry_after_s` in seconds, None when not asked for.
    """

    status: int | None = None
    code: str = ""
    type: str = ""
    message: str = ""
    transport: Transport | None = None
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A rule: every given condition must hold; within a condition, one of its values.

    `codes` are compared with the error's code and its type, `words` with its lower-case message.
    """

    name: str
    kind: FailureKind
    why: str
    transport: Transport | None = None
    statuses: frozenset[int] = frozenset()
    codes: frozenset[str] = frozenset()
    words: tuple[str, ...] = ()
    retry_after: bool = False

    def fits(self, evidence: Evidence) -> bool:
        """Whether every condition of this row holds."""
        if self.transport is not None and evidence.transport is not self.transport:
            return False
        if self.statuses and evidence.status not in self.statuses:
            return False
        if self.codes and self.codes.isdisjoint((evidence.code.lower(), evidence.type.lower())):
            return False
        if self.retry_after and evidence.retry_after_s is None:
            return False
        return not self.words or any(word in evidence.message.lower() for word in self.words)
