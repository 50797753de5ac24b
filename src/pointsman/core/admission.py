"""May this model be tried now?

A circuit breaker per model, written as a table: (state, event) → state. Only failures that blame
the endpoint count. An open breaker lets nothing through until its time is over; then one probe at a
time decides, and nothing but the probe: an answer to a call that was sent before the breaker opened
may come at any time and says little about now. Each time a probe fails the next opening lasts twice
as long, up to a bound. A budget of repeats keeps a broken fleet from being hit harder than a sound
one (Finagle's retry budget).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import exp
from types import MappingProxyType


class Circuit(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"


class Event(StrEnum):
    """What can happen to a breaker.

    That a probe passed, failed or ended undecided is said only of the attempt that is the probe.
    """

    TRIP = "trip"
    PROBE = "probe"
    PASSED = "passed"
    FAILED = "failed"
    UNDECIDED = "undecided"


TRANSITIONS: Mapping[tuple[Circuit, Event], Circuit] = MappingProxyType(
    {
        (Circuit.CLOSED, Event.TRIP): Circuit.OPEN,
        (Circuit.OPEN, Event.PROBE): Circuit.PROBING,
        (Circuit.PROBING, Event.PASSED): Circuit.CLOSED,
        (Circuit.PROBING, Event.FAILED): Circuit.OPEN,
        # The caller left, or the key was refused: nothing was learned, so another may probe.
        (Circuit.PROBING, Event.UNDECIDED): Circuit.OPEN,
    }
)
"""Where each event leads; the pairs that are not listed change nothing."""


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When a breaker opens, and for how long.

    It opens after `failures` in a row, or when at least `ratio` of the last `window` attempts have
    failed. `open_s` is the first opening in seconds, `max_open_s` the longest.
    """

    failures: int = 5
    ratio: float = 0.5
    window: int = 20
    open_s: float = 5.0
    max_open_s: float = 120.0

    def __post_init__(self) -> None:
        if self.failures < 1 or self.window < 2:
            raise ValueError("a breaker needs at least one failure and a window of two")
        if not 0.0 < self.ratio <= 1.0:
            raise ValueError("ratio must be in (0, 1]")
        if not 0.0 < self.open_s <= self.max_open_s:
            raise ValueError("0 < open_s <= max_open_s must hold")


class Breaker:
    """The circuit breaker of one model. All times are seconds of one monotonic clock."""

    __slots__ = (
        "_in_a_row",
        "_openings",
        "_policy",
        "_recent",
        "circuit",
        "opened_at",
        "reopens_at",
    )

    def __init__(self, policy: BreakerPolicy) -> None:
        self._policy = policy
        self._recent: deque[bool] = deque(maxlen=policy.window)
        self._in_a_row = 0
        self._openings = 0
        self.circuit = Circuit.CLOSED
        self.opened_at = 0.0
        self.reopens_at = 0.0

    @property
    def spotless(self) -> bool:
        """Closed, and without a failure in all that it remembers."""
        return self.circuit is Circuit.CLOSED and False not in self._recent

    def wait_s(self, now: float) -> float:
        """How long until this model may be tried: 0 when it may be tried now.

        While a probe is under way the answer is the length of the shortest opening.
        """
        if self.circuit is Circuit.CLOSED:
            return 0.0
        if self.circuit is Circuit.PROBING:
            return self._policy.open_s
        return max(0.0, self.reopens_at - now)

    def begin(self) -> bool:
        """An attempt starts. True when it is the probe: on an open breaker, early or not."""
        is_probe = self.circuit is Circuit.OPEN
        self._move(Event.PROBE)
        return is_probe

    def succeeded(self, *, is_probe: bool) -> None:
        """An attempt ended well."""
        if is_probe:
            self._move(Event.PASSED)
            self._openings = 0
            self._recent.clear()
        elif self.circuit is not Circuit.CLOSED:
            return
        self._in_a_row = 0
        self._recent.append(True)

    def failed(self, now: float, *, is_probe: bool) -> None:
        """The endpoint was to blame for a failed attempt."""
        if is_probe:
            self._move(Event.FAILED)
            self._open(now)
        elif self.circuit is Circuit.CLOSED:
            self._in_a_row += 1
            self._recent.append(False)
            if self._is_too_bad():
                self._move(Event.TRIP)
                self._open(now)

    def undecided(self, *, is_probe: bool) -> None:
        """An attempt ended without a verdict on the endpoint."""
        if is_probe:
            self._move(Event.UNDECIDED)

    def _is_too_bad(self) -> bool:
        policy = self._policy
        if self._in_a_row >= policy.failures:
            return True
        failures = self._recent.count(False)
        return len(self._recent) == policy.window and failures >= policy.ratio * policy.window

    def _open(self, now: float) -> None:
        lasts_s = min(self._policy.open_s * 2.0**self._openings, self._policy.max_open_s)
        self._openings = min(self._openings + 1, 32)
        self.opened_at = now
        self.reopens_at = now + lasts_s

    def _move(self, event: Event) -> None:
        self.circuit = TRANSITIONS.get((self.circuit, event), self.circuit)


class RetryBudget:
    """How many repeats the traffic of the last `WINDOW_S` seconds has paid for.

    There is no window with edges: what was paid in fades by a factor e in `WINDOW_S`. Under steady
    traffic that leaves exactly what `WINDOW_S` of it pay in.
    """

    WINDOW_S = 10.0

    __slots__ = ("_since", "_tokens")

    def __init__(self) -> None:
        self._tokens = 0.0
        self._since: float | None = None

    def deposit(self, now: float, ratio: float) -> None:
        """One request came in and pays for `ratio` of a repeat."""
        self._age(now)
        self._tokens += ratio

    def withdraw(self, now: float, floor: int) -> bool:
        """Take one repeat; False when none is left. `floor` repeats are there in any case."""
        self._age(now)
        if self._tokens + floor < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def _age(self, now: float) -> None:
        """What was paid in fades exponentially, and so does what was overdrawn."""
        if self._since is not None and now > self._since:
            self._tokens *= exp((self._since - now) / self.WINDOW_S)
        self._since = now
