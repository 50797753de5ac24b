"""May this model be tried now?

A circuit breaker per model, written as a table: (state, event) → state. Only failures that blame
the endpoint count. An open breaker lets nothing through until its time is over; then one probe at a
time decides. Each time a probe fails the next opening lasts twice as long, up to a bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Circuit(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"


class Event(StrEnum):
    """What can happen to a breaker."""

    SUCCESS = "success"
    FAILURE = "failure"
    TRIP = "trip"
    PROBE = "probe"
    RELEASE = "release"


TRANSITIONS: Mapping[tuple[Circuit, Event], Circuit] = MappingProxyType(
    {
        (Circuit.CLOSED, Event.SUCCESS): Circuit.CLOSED,
        (Circuit.CLOSED, Event.FAILURE): Circuit.CLOSED,
        (Circuit.CLOSED, Event.TRIP): Circuit.OPEN,
        (Circuit.CLOSED, Event.PROBE): Circuit.CLOSED,
        (Circuit.CLOSED, Event.RELEASE): Circuit.CLOSED,
        # A late answer to a call sent before the breaker opened proves that the model can answer,
        # but not that it is well: only a probe closes.
        (Circuit.OPEN, Event.SUCCESS): Circuit.OPEN,
        (Circuit.OPEN, Event.FAILURE): Circuit.OPEN,
        (Circuit.OPEN, Event.TRIP): Circuit.OPEN,
        (Circuit.OPEN, Event.PROBE): Circuit.PROBING,
        (Circuit.OPEN, Event.RELEASE): Circuit.OPEN,
        (Circuit.PROBING, Event.SUCCESS): Circuit.CLOSED,
        (Circuit.PROBING, Event.FAILURE): Circuit.OPEN,
        (Circuit.PROBING, Event.TRIP): Circuit.OPEN,
        (Circuit.PROBING, Event.PROBE): Circuit.PROBING,
        # The probe ended without a verdict (the caller left, the key was refused): try another.
        (Circuit.PROBING, Event.RELEASE): Circuit.OPEN,
    }
)


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
