"""Through which channels is an alert told?"""

from __future__ import annotations

from datetime import datetime, time, timedelta, timezone

import pytest

from alerts_made import CRITICAL, ERROR, NOON, WARNING
from pointsman.core.alert import AlertType, Severity
from pointsman.core.alert_routes import Hours, Route, channels_of
from pointsman.core.alert_silences import matcher

LATENCY, FAILURE = AlertType.HIGH_LATENCY, AlertType.MODEL_FAILURE
PAGER = Route(("pager",), severities=frozenset({ERROR, CRITICAL}))
CODER = Route(("coders",), matchers=(matcher("agent=~coder.*"),), goes_on=True)
SLOW = Route(("mail",), types=frozenset({LATENCY}))


@pytest.mark.parametrize(
    ("severity", "type_", "labels", "channels"),
    [
        (CRITICAL, FAILURE, {}, ("pager",)),
        (WARNING, FAILURE, {}, ()),
        (WARNING, LATENCY, {}, ("mail",)),
        (CRITICAL, LATENCY, {}, ("pager",)),
        (CRITICAL, LATENCY, {"agent": "coder-1"}, ("coders", "pager")),
        (WARNING, FAILURE, {"agent": "coder-1"}, ("coders",)),
    ],
)
def test_the_first_route_that_takes_an_alert_has_it(
    severity: Severity, type_: AlertType, labels: dict[str, str], channels: tuple[str, ...]
) -> None:
    assert channels_of([CODER, PAGER, SLOW], labels, severity, type_, NOON) == channels


def test_a_channel_is_named_once() -> None:
    routes = [Route(("a", "b"), goes_on=True), Route(("b", "c"))]
    assert channels_of(routes, {}, WARNING, LATENCY, NOON) == ("a", "b", "c")


def test_a_route_that_is_closed_takes_nothing() -> None:
    night = Route(("pager",), hours=(Hours(begin=time(22), end=time(6)),))
    routes = [night, Route(("mail",))]
    assert channels_of(routes, {}, WARNING, LATENCY, NOON) == ("mail",)
    assert channels_of(routes, {}, WARNING, LATENCY, NOON.replace(hour=23)) == ("pager",)


SUNDAY = NOON


@pytest.mark.parametrize(
    ("hours", "at", "holds"),
    [
        (Hours(), SUNDAY, True),
        (Hours(days=frozenset({6})), SUNDAY, True),
        (Hours(days=frozenset({0})), SUNDAY, False),
        (Hours(begin=time(9), end=time(12)), SUNDAY, False),
        (Hours(begin=time(9), end=time(12, 1)), SUNDAY, True),
        (Hours(begin=time(22), end=time(6)), SUNDAY.replace(hour=23), True),
        (Hours(begin=time(22), end=time(6)), SUNDAY.replace(hour=5), True),
        (Hours(frozenset({6}), time(22), time(6)), SUNDAY.replace(hour=5), False),
        (Hours(frozenset({5}), time(22), time(6)), SUNDAY.replace(hour=5), True),
        (Hours(begin=time(13), end=time(15), zone=timezone(timedelta(hours=2))), SUNDAY, True),
    ],
)
def test_hours_are_local_and_may_pass_midnight(hours: Hours, at: datetime, holds: bool) -> None:
    assert hours.holds(at) is holds


def test_there_are_seven_days() -> None:
    with pytest.raises(ValueError, match="0 \\(Monday\\) to 6"):
        Hours(frozenset({7}))
