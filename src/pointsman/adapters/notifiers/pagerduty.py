"""How is whoever is on call told of alerts through PagerDuty?

By Events API v2. A group of alerts is one incident there: its key follows from the group, so a
message that comes twice changes nothing, and a resolve finds what it ends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from pointsman.adapters.notifiers.fitting import as_json, fitted, short
from pointsman.adapters.notifiers.posting import MASK, Poster
from pointsman.adapters.notifiers.webhook import rfc3339, said_of
from pointsman.adapters.notifiers.wording import evidence_words, more_words, title
from pointsman.core.notification import AlertNotice, NoticeState, Notification

API = "https://events.pagerduty.com/v2/enqueue"
MOST_ALERTS = 100
MAX_BYTES = 256_000
"""PagerDuty takes 512 KB; a page that is read at night is no place for more than half."""

_ACTIONS = {
    NoticeState.FIRING: "trigger",
    NoticeState.ACKNOWLEDGED: "acknowledge",
    NoticeState.RESOLVED: "resolve",
}


class PagerDuty:
    """A service of PagerDuty, named by its integration key."""

    one_by_one = True

    def __init__(self, poster: Poster, routing_key: str, source: str = "pointsman") -> None:
        self._poster = poster
        self._routing_key = routing_key
        self._source = source

    def preview(self, notification: Notification) -> str:
        return as_json(event(notification, MASK, self._source)).decode()

    async def notify(self, notification: Notification, earlier: str = "") -> str:  # noqa: ARG002
        told = event(notification, self._routing_key, self._source)
        await self._poster.post(as_json(told), {})
        return ""


def event(notification: Notification, routing_key: str, source: str) -> dict[str, Any]:
    """The event; only a trigger says more than which incident it is about."""
    action = _ACTIONS[notification.state]
    bare = {
        "routing_key": routing_key,
        "event_action": action,
        "dedup_key": hashlib.sha256(notification.group_key.encode()).hexdigest(),
    }
    if action != "trigger":
        return bare

    def build(alerts: Sequence[AlertNotice], others: int) -> dict[str, Any]:
        first = alerts[0]
        details: dict[str, Any] = {
            "notification_id": notification.id,
            "alerts": [_detail(alert) for alert in alerts],
        }
        if others:
            details["more"] = more_words(others)
        return {
            **bare,
            "payload": {
                "summary": short(title(notification), 1024),
                "source": source,
                "severity": notification.severity.label,
                "timestamp": rfc3339(first.starts_at),
                "component": short(first.labels.get("model", first.labels.get("agent", "")), 255),
                "group": short(notification.group_key, 255),
                "class": first.type.value,
                "custom_details": details,
            },
            "client": "pointsman",
            "links": [{"href": url, "text": short(name, 100)} for name, url in first.links.items()],
        }

    return fitted(notification, build, most=MOST_ALERTS, max_bytes=MAX_BYTES)


def _detail(alert: AlertNotice) -> dict[str, str]:
    return {
        **said_of(alert),
        "state": alert.state.value,
        "severity": alert.severity.label,
        "evidence": evidence_words(alert.evidence),
        **{name: short(value, 300) for name, value in alert.labels.items()},
    }
