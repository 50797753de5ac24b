"""What is said at once of notifications that may not all be sent one by one?

A channel has a rate. What comes faster is told in one message, so that nothing is ever dropped:
each alert in its last state, the gravest first, and how many more there are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from itertools import chain

from pointsman.core.notification import AlertNotice, NoticeState, Notification, gravest_open

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
    # Later ones of a group say anew what it leaves out; groups do not share alerts.
    groups = {each.group_key: each for each in waiting}
    in_order = sorted(
        _last_words(waiting), key=lambda alert: (_ORDER[alert.state], -alert.severity)
    )
    cut = in_order[MOST_TOLD:]
    rest = [(alert.state, alert.severity) for alert in cut]
    rest += [
        (each.left_out_state, each.left_out_severity)
        for each in groups.values()
        if each.left_out_state is not None and each.left_out_severity is not None
    ]
    state, severity = gravest_open(rest)
    newest = waiting[-1]
    return Notification(
        id=_id_of(waiting),
        channel=newest.channel,
        group_key=newest.group_key if len(groups) == 1 else SEVERAL,
        group_labels=newest.group_labels if len(groups) == 1 else {},
        alerts=tuple(in_order[:MOST_TOLD]),
        left_out=sum(each.left_out for each in groups.values()) + len(cut),
        left_out_state=state,
        left_out_severity=severity,
        first=waiting[0].first or len(groups) > 1,
        made_at=newest.made_at,
    )


def _last_words(waiting: Sequence[Notification]) -> Iterable[AlertNotice]:
    """The last that is told of each alert by name.

    What was open goes on or is over, and a later one of its group tells of it. Where that leaves
    alerts out and does not name it, it is among those: what was said of it before holds no more.
    """
    last: dict[str, dict[str, AlertNotice]] = {}
    for each in waiting:
        known = last.setdefault(each.group_key, {})
        named = {alert.fingerprint: alert for alert in each.alerts}
        for name, alert in list(known.items()):
            if name in named or (each.left_out and alert.state is not NoticeState.RESOLVED):
                del known[name]
        known.update(named)
    return chain.from_iterable(known.values() for known in last.values())


def _id_of(waiting: Sequence[Notification]) -> str:
    ids = "\n".join(each.id for each in waiting)
    return f"merged-{hashlib.sha256(ids.encode()).hexdigest()[:32]}"
