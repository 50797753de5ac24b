"""What is told of a channel that does not deliver, through another one?"""

from __future__ import annotations

import hashlib
from datetime import datetime

from pointsman.core.alert import AlertType, Evidence, Severity
from pointsman.core.notification import MAX_SUMMARY_CHARS, AlertNotice, NoticeState, Notification

RULE = "channel_failing"
TOLD_AFTER = 3
"""So many failures in a row are told; fewer when somebody has to act before it gets better."""

TOLD_AGAIN_S = 900.0
"""A channel that comes and goes is told of once in so long; one that fails on is told of then."""


def trouble_id(channel: str, row_id: str) -> str:
    """Names an episode of trouble by the row that has waited longest: the same on all replicas."""
    return f"trouble-{_short(f'{channel}/{row_id}')}"


def trouble(
    episode: str, channel: str, through: str, *, since: datetime, failures: int, error: str
) -> Notification:
    """Tells `through` that `channel` fails; `error` is free of secrets."""
    words = f"Alerts cannot be delivered through the channel `{channel}`: {error}"
    return _told(episode, channel, through, words, since=since, failures=failures)


def recovery(
    episode: str, channel: str, through: str, since: datetime, now: datetime
) -> Notification:
    """Tells `through` that `channel`, of whose trouble it was told, delivers again."""
    words = f"The channel `{channel}` delivers alerts again"
    return _told(episode, channel, through, words, since=since, failures=0, over_at=now)


def _told(
    episode: str,
    channel: str,
    through: str,
    words: str,
    *,
    since: datetime,
    failures: int,
    over_at: datetime | None = None,
) -> Notification:
    alert = AlertNotice(
        alert_id=episode,
        fingerprint=_short(f"{RULE}/{channel}"),
        rule=RULE,
        type=AlertType.THRESHOLD_BREACH,
        severity=Severity.ERROR,
        state=NoticeState.FIRING if over_at is None else NoticeState.RESOLVED,
        summary=" ".join(words.split())[:MAX_SUMMARY_CHARS],
        starts_at=since,
        ends_at=over_at,
        evidence=Evidence(
            "delivery_failures", float(failures), float(failures), 1.0, failures, 0.0
        ),
        labels={"channel": channel},
    )
    return Notification(
        id=episode if over_at is None else f"{episode}-over",
        channel=through,
        group_key=f"{RULE}:channel={channel}",
        group_labels={"channel": channel},
        alerts=(alert,),
        made_at=over_at or since,
    )


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]
