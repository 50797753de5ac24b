"""How is a Prometheus Alertmanager told of alerts?

By its API v2, as a Prometheus does: an alert that fires is said again and again, because
Alertmanager takes one that it no longer hears of for resolved. It groups, silences and routes by
itself, so it gets every alert and no summary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from pointsman.adapters.notifiers.fitting import as_json, short
from pointsman.adapters.notifiers.posting import Poster
from pointsman.adapters.notifiers.webhook import rfc3339, said_of
from pointsman.core.errors import NotifyError
from pointsman.core.notification import AlertNotice, NoticeState, Notification

AT_ONCE = 500
"""So many alerts are in one request."""

HELD_FOR = timedelta(minutes=5)
"""How long Alertmanager takes an alert for firing after it heard of it last."""


class Alertmanager:
    """One or several Alertmanagers of a cluster; all of them are told, as their manual asks.

    One that cannot be reached is told by the next refresh. Raises `NotifyError` only when none
    took what there was to say.
    """

    one_by_one = True

    def __init__(
        self,
        posters: Sequence[Poster],
        now: Callable[[], datetime],
        headers: dict[str, str] | None = None,
    ) -> None:
        self._posters = tuple(posters)
        self._now = now
        self._headers = dict(headers or {})

    def preview(self, notification: Notification) -> str:
        return as_json([alert_body(each, self._now()) for each in notification.alerts]).decode()

    async def notify(self, notification: Notification, earlier: str = "") -> str:  # noqa: ARG002
        await self.refresh(notification.alerts)
        return ""

    async def refresh(self, alerts: Sequence[AlertNotice]) -> None:
        """Say how these alerts stand now. Raises `NotifyError`."""
        bodies = [as_json(each) for each in batches(alerts, self._now())]
        problems: list[NotifyError] = []
        for poster in self._posters:
            try:
                for body in bodies:
                    await poster.post(body, self._headers, below="/api/v2/alerts")
            except NotifyError as error:
                problems.append(error)
        if len(problems) == len(self._posters):
            raise problems[0]


def batches(alerts: Sequence[AlertNotice], now: datetime) -> Iterator[list[dict[str, Any]]]:
    """The bodies of the requests, each with at most AT_ONCE alerts."""
    for start in range(0, len(alerts), AT_ONCE):
        yield [alert_body(alert, now) for alert in alerts[start : start + AT_ONCE]]


def alert_body(alert: AlertNotice, now: datetime) -> dict[str, Any]:
    """One alert as `postableAlerts` has it."""
    over = alert.state is NoticeState.RESOLVED
    ends_at = alert.ends_at if over and alert.ends_at else now + HELD_FOR
    return {
        # An alert that gets graver is another one there, and the milder one ends by itself: so
        # does one of a Prometheus, and routes are written for it.
        "labels": alert.all_labels,
        "annotations": {name: short(text, 2000) for name, text in said_of(alert).items()},
        "startsAt": rfc3339(alert.starts_at),
        "endsAt": rfc3339(ends_at),
        "generatorURL": alert.links.get("dashboard", ""),
    }
