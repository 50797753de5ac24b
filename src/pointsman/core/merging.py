"""What is said at once of notifications that may not all be sent one by one?

A channel has a rate. What comes faster is told in one message, so that nothing is ever dropped:
each alert in its last state, the gravest first, and how many more there are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from pointsman.core.notification import AlertNotice, NoticeState, Notification

MOST_TOLD = 500
"""So many alerts a message made of several tells one by one; the others it counts."""

SEVERAL = "several"
"""The group key of what tells of several groups."""

_ORDER = {NoticeState.FIRING: 0, NoticeState.ACKNOWLEDGED: 1, NoticeState.RESOLVED: 2}


def merged(waiting: Sequence[Notification]) -> Notification:
    """One notification that tells what these tell, the oldest first, all for one channel.

    Of an alert told several times the last word counts. Its id follows from theirs, so the same
    ones merged again are the same notification. What tells of several groups follows on nothing
    that was told before. Raises `ValueError` for fewer than two.
    """
    if len(waiting) < 2:
        raise ValueError("to merge takes at least two notifications")
    last: dict[str, AlertNotice] = {}
    for each in waiting:
        for alert in each.alerts:
            last.pop(alert.fingerprint, None)
            last[alert.fingerprint] = alert
    in_order = sorted(last.values(), key=lambda alert: (_ORDER[alert.state], -alert.severity))
    groups = {each.group_key: each for each in waiting}
    newest = waiting[-1]
    # Later ones of a group say anew how many it leaves out; groups do not share alerts.
    left_out = sum(each.left_out for each in groups.values())
    return Notification(
        id=_id_of(waiting),
        channel=newest.channel,
        group_key=newest.group_key if len(groups) == 1 else SEVERAL,
        group_labels=newest.group_labels if len(groups) == 1 else {},
        alerts=tuple(in_order[:MOST_TOLD]),
        left_out=left_out + max(0, len(in_order) - MOST_TOLD),
        first=waiting[0].first or len(groups) > 1,
        made_at=newest.made_at,
    )


def _id_of(waiting: Sequence[Notification]) -> str:
    ids = "\n".join(each.id for each in waiting)
    return f"merged-{hashlib.sha256(ids.encode()).hexdigest()[:32]}"
