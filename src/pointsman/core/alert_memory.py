"""What of an alert outlives the process, and how is it taken up again?

In memory times are those of a clock that never runs backwards, which begins anew with every start.
What is kept has seconds since 1970 in their place. Whatever a wall clock did in between, nothing
that was kept lies ahead of the one who takes it up.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from pointsman.core.alert import AlertType, Severity
from pointsman.core.alert_conditions import Figures
from pointsman.core.alert_log import Alert, Event, Now, State
from pointsman.core.alert_metrics import Scope
from pointsman.core.alert_silences import Ack
from pointsman.core.alert_telling import NOTHING, Told

_NO_DETAILS: Mapping[str, str] = MappingProxyType({})


class Kept(NamedTuple):
    """An alert as it is stored: its times and those of `told` are seconds since 1970.

    `message` and `labels` are those that were told, for whoever reads the store.
    """

    alert: Alert
    told: Told = NOTHING
    ack: Ack | None = None
    message: str = ""
    labels: Mapping[str, str] = _NO_DETAILS


class Step(StrEnum):
    """What happened to an alert, in the history."""

    PENDING = "pending"
    PASSED = "passed"
    FIRING = "firing"
    ROSE = "rose"
    RECOVERING = "recovering"
    RELAPSED = "relapsed"
    RESOLVED = "resolved"
    ACKED = "acknowledged"
    UNACKED = "unacknowledged"


class Entry(NamedTuple):
    """One line of the history. Ids rise with time.

    `severity` and `figures` are those after the step; `actor` is who did it, '' for the router.
    """

    id: str
    at: datetime
    step: Step
    alert_id: str
    rule: str
    scope: Scope
    type: AlertType
    before: State | None
    after: State
    severity: Severity
    figures: Figures
    message: str
    actor: str = ""
    details: Mapping[str, str] = _NO_DETAILS


def step_of(event: Event) -> Step:
    """The name of what happened."""
    if event.before is event.after:
        return Step.ROSE
    if event.after is State.FIRING and event.before is State.RECOVERING:
        return Step.RELAPSED
    if event.after is State.RESOLVED and event.before is State.PENDING:
        return Step.PASSED
    return _STEPS[event.after]


_STEPS: Mapping[State, Step] = MappingProxyType(
    {
        State.PENDING: Step.PENDING,
        State.FIRING: Step.FIRING,
        State.RECOVERING: Step.RECOVERING,
        State.RESOLVED: Step.RESOLVED,
    }
)


def on_the_wall(alert: Alert, told: Told, now: Now) -> tuple[Alert, Told]:
    """Both with seconds since 1970 in place of those of this process."""
    return _shifted(alert, told, now.at.timestamp() - now.s)


def since_start(kept: Kept, now: Now) -> tuple[Alert, Told]:
    """Both with seconds of this process's clock; what lies ahead has happened just now."""
    return _shifted(kept.alert, kept.told, now.s - now.at.timestamp(), now.s)


def _shifted(
    alert: Alert, told: Told, by_s: float, latest_s: float = float("inf")
) -> tuple[Alert, Told]:
    def moved(at_s: float) -> float:
        return min(at_s + by_s, latest_s)

    return (
        alert._replace(
            since_s=moved(alert.since_s),
            known_s=moved(alert.known_s),
            episodes=tuple(map(moved, alert.episodes)),
        ),
        told._replace(
            marks=tuple((severity, moved(at_s)) for severity, at_s in told.marks),
            last_s=moved(told.last_s),
        ),
    )
