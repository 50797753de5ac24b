"""Are the values between judging and delivering complete, and do they refuse to be wrong?"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from notices import STARTED, notice, notification
from pointsman.core.alert import Evidence, Severity
from pointsman.core.notification import NoticeState, Notification

EASTERN = timezone(timedelta(hours=2))


def test_severities_compare_and_have_a_label() -> None:
    assert Severity.INFO < Severity.WARNING < Severity.ERROR < Severity.CRITICAL
    assert Severity.CRITICAL.label == "critical"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"metric": ""}, "names its metric"),
        ({"value": float("nan")}, "finite"),
        ({"bound": float("inf")}, "finite"),
        ({"n": -1}, "n >= 0"),
        ({"window_s": -1.0}, "window_s >= 0"),
    ],
)
def test_evidence_that_proves_nothing_is_refused(changes: dict[str, Any], words: str) -> None:
    facts: dict[str, Any] = {
        "metric": "cost",
        "value": 1.0,
        "bound": 1.0,
        "threshold": 1.0,
        "n": 1,
        "window_s": 60.0,
    }
    with pytest.raises(ValueError, match=words):
        Evidence(**{**facts, **changes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"alert_id": ""}, "id and fingerprint"),
        ({"alert_id": "two words"}, "id and fingerprint"),
        ({"fingerprint": "x" * 129}, "id and fingerprint"),
        ({"rule": ""}, "names no rule"),
        ({"summary": ""}, "one line"),
        ({"summary": "two\nlines"}, "one line"),
        ({"summary": "x" * 501}, "one line"),
        ({"starts_at": datetime(2026, 1, 1)}, "starts_at must be"),  # noqa: DTZ001 - that is it
        ({"starts_at": datetime(2026, 1, 1, tzinfo=EASTERN)}, "starts_at must be"),
        ({"ends_at": STARTED}, "and only then"),
        ({"state": NoticeState.RESOLVED, "ends_at": None}, "and only then"),
        (
            {"state": NoticeState.RESOLVED, "ends_at": datetime(2026, 1, 1, tzinfo=EASTERN)},
            "ends_at must be",
        ),
    ],
)
def test_an_alert_that_could_not_be_told_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        notice(**changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"id": "no/key"}, "a notification's id"),
        ({"channel": ""}, "names its channel"),
        ({"group_key": ""}, "names its channel and its group"),
        ({"alerts": ()}, "at least one alert"),
        ({"left_out": -1}, "fewer than no alerts"),
        ({"made_at": datetime(2026, 1, 1)}, "made_at must be"),  # noqa: DTZ001 - that is it
    ],
)
def test_a_notification_that_tells_nothing_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        notification(**changes)


def test_labels_name_the_scope_the_rule_and_how_grave_it_is() -> None:
    assert notice(7).all_labels == {
        "model": "acme/model-7",
        "provider": "acme",
        "alertname": "low_success_rate",
        "alert_type": "LOW_SUCCESS_RATE",
        "severity": "critical",
    }


def _of(*alerts: tuple[NoticeState, Severity]) -> Notification:
    return notification(
        alerts=tuple(
            notice(i, state=state, severity=grave) for i, (state, grave) in enumerate(alerts)
        )
    )


def test_a_notification_fires_while_any_of_its_alerts_does() -> None:
    firing, acked, resolved = NoticeState
    low, high = Severity.WARNING, Severity.CRITICAL
    assert _of((resolved, high), (acked, low), (firing, low)).state is firing
    assert _of((resolved, high), (acked, low)).state is acked
    assert _of((resolved, high), (resolved, low)).state is resolved


def test_a_notification_is_as_grave_as_the_gravest_that_is_not_over() -> None:
    firing, _, resolved = NoticeState
    low, high = Severity.WARNING, Severity.CRITICAL
    assert _of((resolved, high), (firing, low)).severity is low
    assert _of((resolved, high), (resolved, low)).severity is high


def test_what_is_left_out_is_counted() -> None:
    told = notification(3, left_out=9_997)
    assert told.total == 10_000
    assert told.count(NoticeState.FIRING) == 3
    assert told.count(NoticeState.RESOLVED) == 0
