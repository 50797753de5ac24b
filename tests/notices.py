"""Which alerts and notifications do the tests tell of?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pointsman.core.alert import AlertType, Evidence, Severity
from pointsman.core.notification import AlertNotice, NoticeState, Notification

STARTED = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
EVIDENCE = Evidence("success_rate", 0.62, 0.71, 0.8, 50, 300.0, "ratio")


def notice(number: int = 0, **changes: Any) -> AlertNotice:
    """An alert that fires, each with a model of its own; one said to be resolved has an end."""
    facts: dict[str, Any] = {
        "alert_id": f"al-{number:06}",
        "fingerprint": f"{number:016x}",
        "rule": "low_success_rate",
        "type": AlertType.LOW_SUCCESS_RATE,
        "severity": Severity.CRITICAL,
        "state": NoticeState.FIRING,
        "summary": f"Only 62 % of requests to acme/model-{number} succeed",
        "starts_at": STARTED,
        "evidence": EVIDENCE,
        "labels": {"model": f"acme/model-{number}", "provider": "acme"},
        "annotations": {"description": "62 % of 50 in 5 min; at most 71 % with 95 % confidence."},
        "links": {"dashboard": f"https://router.example/alerts/al-{number:06}"},
    }
    if changes.get("state") is NoticeState.RESOLVED:
        facts["ends_at"] = STARTED + timedelta(minutes=9)
    return AlertNotice(**{**facts, **changes})


def notification(count: int = 1, **changes: Any) -> Notification:
    """A notification of so many alerts of one provider."""
    facts: dict[str, Any] = {
        "id": "ntf-0001",
        "channel": "pager",
        "group_key": "LOW_SUCCESS_RATE:provider=acme",
        "group_labels": {"provider": "acme"},
        "alerts": tuple(notice(number) for number in range(count)),
        "made_at": STARTED + timedelta(seconds=10),
    }
    return Notification(**{**facts, **changes})
