"""Through which channels is an alert told?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, tzinfo

from pointsman.core.alert import AlertType, Severity
from pointsman.core.alert_silences import Matcher


@dataclass(frozen=True, slots=True)
class Hours:
    """When a route is open: on these days (0 is Monday; none: all), from one time to the other.

    Times are those of `zone`. Where the end is not after the beginning, it is on the next day.
    Raises `ValueError` for a day that there is not.
    """

    days: frozenset[int] = frozenset()
    begin: time = time.min
    end: time = time.min
    zone: tzinfo = UTC

    def __post_init__(self) -> None:
        if not self.days <= frozenset(range(7)):
            raise ValueError("days are 0 (Monday) to 6 (Sunday)")

    def holds(self, at: datetime) -> bool:
        local = at.astimezone(self.zone)
        now, day = local.time(), local.weekday()
        if self.begin < self.end:
            return self._on(day) and self.begin <= now < self.end
        # Past midnight it is the day before whose hours these are.
        return (self._on(day) and now >= self.begin) or (self._on((day - 1) % 7) and now < self.end)

    def _on(self, day: int) -> bool:
        return not self.days or day in self.days


@dataclass(frozen=True, slots=True)
class Route:
    """Which alerts are told through `channels`: those for which all of this holds.

    Empty stands for any. `severities` and `types` are those meant, `hours` when it is open. With
    `goes_on`, what took this route is offered to the following ones too.
    """

    channels: tuple[str, ...]
    severities: frozenset[Severity] = frozenset()
    types: frozenset[AlertType] = frozenset()
    matchers: tuple[Matcher, ...] = ()
    hours: tuple[Hours, ...] = ()
    goes_on: bool = False

    def takes(self, labels: Mapping[str, str], severity: Severity, type_: AlertType) -> bool:
        """Whether such an alert is meant, at whatever hour."""
        return (
            (not self.severities or severity in self.severities)
            and (not self.types or type_ in self.types)
            and all(each.matches(labels) for each in self.matchers)
        )

    def is_open(self, at: datetime) -> bool:
        return not self.hours or any(each.holds(at) for each in self.hours)


def channels_of(
    routes: Sequence[Route],
    labels: Mapping[str, str],
    severity: Severity,
    type_: AlertType,
    at: datetime,
) -> tuple[str, ...]:
    """Where such an alert goes now; () when no route takes it, or none that does is open."""
    found: dict[str, None] = {}
    for route in routes:
        if not route.takes(labels, severity, type_) or not route.is_open(at):
            continue
        found.update(dict.fromkeys(route.channels))
        if not route.goes_on:
            break
    return tuple(found)
