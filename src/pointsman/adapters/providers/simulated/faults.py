"""Which faults can a simulated model show, and which one has somebody ordered?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """What goes wrong with one request.

    `STATUS` answers with any HTTP status; `RESET` drops the connection before the answer;
    `STALL_FIRST` and `STALL` accept and then fall silent, before or after the first token; `CUT`
    drops the connection in the middle; `EARLY_END` ends the body properly but before the answer is
    complete; `EMPTY` completes an answer with nothing in it; `EMPTY_BODY` sends no byte at all;
    `MALFORMED` sends broken JSON; `WRONG_TYPE` sends a web page; `STREAM_ERROR` reports an error
    after the answer began; `NO_DONE` leaves out the last event; `SLOW` takes five times as long.
    """

    SERVER_ERROR = "server_error"
    OVERLOADED = "overloaded"
    RATE_LIMITED = "rate_limited"
    STATUS = "status"
    RESET = "reset"
    STALL_FIRST = "stall_first"
    STALL = "stall"
    CUT = "cut"
    EARLY_END = "early_end"
    EMPTY = "empty"
    EMPTY_BODY = "empty_body"
    MALFORMED = "malformed"
    WRONG_TYPE = "wrong_type"
    STREAM_ERROR = "stream_error"
    NO_DONE = "no_done"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Order:
    """One fault to show, on purpose.

    `after` is how many chunks with content come first, `at_byte` where in the body a `CUT` falls
    instead; None leaves it to chance. `status` is for `STATUS`, `retry_after_s` for every status.
    """

    fault: Fault
    after: int | None = None
    at_byte: int | None = None
    status: int | None = None
    retry_after_s: float | None = None

    def __post_init__(self) -> None:
        if min(self.after or 0, self.at_byte or 0, self.retry_after_s or 0) < 0:
            raise ValueError("a fault cannot be ordered for before the beginning")
        if self.status is not None and not 400 <= self.status <= 599:
            raise ValueError("status must be an error status, 400 to 599")


class Orders:
    """The faults that are ordered for models, each for a number of requests or until revoked."""

    def __init__(self) -> None:
        self._placed: dict[str, tuple[Order, int | None]] = {}

    def place(self, name: str, order: Order, count: int | None = None) -> None:
        """From now on the next `count` requests to a model (None: all) show this fault."""
        if count is not None and count < 1:
            raise ValueError("count must be at least 1, or null for all requests")
        self._placed[name] = (order, count)

    def revoke(self, name: str | None = None) -> None:
        """Withdraw what is ordered for one model, or for all."""
        if name is None:
            self._placed.clear()
        else:
            self._placed.pop(name, None)

    def take(self, name: str) -> Order | None:
        """The fault that the request now at hand has to show, or None."""
        if name not in self._placed:
            return None
        order, count = self._placed[name]
        if count == 1:
            del self._placed[name]
        elif count is not None:
            self._placed[name] = (order, count - 1)
        return order
