"""How is a notification written down as JSON, and read again?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pointsman.core.alert import AlertType, Evidence, Severity
from pointsman.core.notification import AlertNotice, NoticeState, Notification


def text_of(notification: Notification) -> str:
    """The notification as JSON; `notification_of` reads exactly the same one."""
    return json.dumps(plain(notification), ensure_ascii=False, separators=(",", ":"))


def notification_of(text: str) -> Notification:
    """The notification that `text_of` wrote. Raises `ValueError` for any other text."""
    try:
        facts = json.loads(text)
        alerts = tuple(notice_of(alert) for alert in facts["alerts"])
        made_at = datetime.fromisoformat(facts["made_at"])
        return Notification(**{**facts, "alerts": alerts, "made_at": made_at})
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no notification as it was written: {error!r}") from error


def plain(notification: Notification) -> dict[str, Any]:
    """The notification in values that JSON has."""
    return {
        "id": notification.id,
        "channel": notification.channel,
        "group_key": notification.group_key,
        "group_labels": dict(notification.group_labels),
        "alerts": [plain_notice(alert) for alert in notification.alerts],
        "left_out": notification.left_out,
        "first": notification.first,
        "made_at": notification.made_at.isoformat(),
    }


def plain_notice(alert: AlertNotice) -> dict[str, Any]:
    """One alert in values that JSON has."""
    proof = alert.evidence
    return {
        "alert_id": alert.alert_id,
        "fingerprint": alert.fingerprint,
        "rule": alert.rule,
        "type": alert.type.value,
        "severity": alert.severity.name,
        "state": alert.state.value,
        "summary": alert.summary,
        "starts_at": alert.starts_at.isoformat(),
        "ends_at": alert.ends_at.isoformat() if alert.ends_at else None,
        "evidence": {name: getattr(proof, name) for name in Evidence.__slots__},
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "links": dict(alert.links),
        "acknowledged_by": alert.acknowledged_by,
        "flapping": alert.flapping,
    }


def notice_of(facts: Mapping[str, Any]) -> AlertNotice:
    """The alert that `plain_notice` made plain. Raises `KeyError`, `TypeError`, `ValueError`."""
    ends_at = facts["ends_at"]
    return AlertNotice(
        **{
            **facts,
            "type": AlertType(facts["type"]),
            "severity": Severity[facts["severity"]],
            "state": NoticeState(facts["state"]),
            "starts_at": datetime.fromisoformat(facts["starts_at"]),
            "ends_at": datetime.fromisoformat(ends_at) if ends_at else None,
            "evidence": Evidence(**facts["evidence"]),
        }
    )
