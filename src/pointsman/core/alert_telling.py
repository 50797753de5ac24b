"""Is there anything to be told of this alert now?

State and history are always recorded; what is told is less: each alert once at each severity within
its cooldown, one that comes and goes only so often that somebody knows. That it got worse is told
at once, that it is over is told to all who were told that it began, whoever else is silent.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from pointsman.core.alert import Severity
from pointsman.core.alert_log import Alert, State


class Why(StrEnum):
    """For what reason an alert is told."""

    __hash__ = str.__hash__

    BEGAN = "began"
    ROSE = "rose"
    OPENED = "opened"
    """A route has opened: whom it leads to knows nothing yet."""
    TAKEN = "taken"
    BACK = "given back"
    GOES_ON = "goes on"
    ENDED = "ended"


class Told(NamedTuple):
    """What was told of an alert.

    `severity` is what those who were told believe: None, that all is well. They are `channels`.
    `marks` are when each severity was last told, `last_s` when anything was. `flapping`: that it
    comes and goes was told; `taken_by` is who was said to have taken it, '' for nobody.
    """

    severity: Severity | None = None
    channels: frozenset[str] = frozenset()
    marks: tuple[tuple[Severity, float], ...] = ()
    last_s: float = 0.0
    flapping: bool = False
    taken_by: str = ""


NOTHING = Told()


class Quiet(NamedTuple):
    """What keeps an alert from being told: `hidden` by a silence or another alert, `taken_by`."""

    hidden: bool = False
    taken_by: str = ""


LOUD = Quiet()


def due(
    alert: Alert, told: Told, quiet: Quiet, now_s: float, cooldown_s: float, repeat_s: float
) -> Why | None:
    """Why this alert is to be told now to those who know of it, or to all; None: it is not.

    One that goes on and that nobody has taken is told again every `repeat_s`; 0: never.
    """
    flapping = told.flapping and alert.is_flapping(now_s)
    if alert.state is State.RESOLVED:
        return None if told.severity is None or flapping else Why.ENDED
    if not alert.is_open or quiet.hidden:
        return None
    if told.severity is None or alert.severity > told.severity:
        began = told.severity is None
        if (began and flapping) or _cools(told, alert.severity, now_s, cooldown_s):
            return None
        return Why.BEGAN if began else Why.ROSE
    if quiet.taken_by != told.taken_by:
        return Why.TAKEN if quiet.taken_by else Why.BACK
    if quiet.taken_by:
        return None
    waits = flapping or not repeat_s or now_s - told.last_s < repeat_s
    return None if waits else Why.GOES_ON


def _cools(told: Told, severity: Severity, now_s: float, cooldown_s: float) -> bool:
    """Whether this severity was told a moment ago."""
    return any(marked is severity and now_s - at_s < cooldown_s for marked, at_s in told.marks)


def after_opening(told: Told, channels: frozenset[str]) -> Told:
    """What they know when those to whom a route has opened were told, and nobody else was."""
    return told._replace(channels=told.channels | channels)


def after_telling(
    alert: Alert, told: Told, channels: frozenset[str], now_s: float, taken_by: str
) -> Told:
    """What they know who were told of the alert as it is now."""
    flapping = alert.is_flapping(now_s)
    if not alert.is_open:
        return Told(None, frozenset(), told.marks, now_s, flapping)
    others = tuple(mark for mark in told.marks if mark[0] is not alert.severity)
    marks = (*others, (alert.severity, now_s))
    return Told(alert.severity, told.channels | channels, marks, now_s, flapping, taken_by)
