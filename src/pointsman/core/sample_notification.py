"""What is sent to see whether a channel works?"""

from __future__ import annotations

from datetime import datetime, timedelta

from pointsman.core.alert import AlertType, Evidence, Severity
from pointsman.core.notification import AlertNotice, NoticeState, Notification

TEST_RULE = "test"
TEST_LASTED = timedelta(minutes=5)


def sample(
    channel: str, notification_id: str, now: datetime, *, over: bool = False
) -> Notification:
    """A notification that says of itself that it is a test; `over` is the one that ends it."""
    alert = AlertNotice(
        alert_id=notification_id,
        fingerprint=f"test-{channel}",
        rule=TEST_RULE,
        type=AlertType.THRESHOLD_BREACH,
        severity=Severity.INFO,
        state=NoticeState.RESOLVED if over else NoticeState.FIRING,
        summary=f"This is a test of the channel {channel}; nothing is wrong",
        starts_at=now - TEST_LASTED,
        ends_at=now if over else None,
        evidence=Evidence("tests", 1.0, 1.0, 1.0, 1, 60.0),
        labels={"channel": channel},
        annotations={"description": "Somebody asked pointsman to send this."},
    )
    return Notification(
        id=notification_id,
        channel=channel,
        group_key=f"{TEST_RULE}:channel={channel}",
        group_labels={"channel": channel},
        alerts=(alert,),
        made_at=now,
        first=not over,
    )
