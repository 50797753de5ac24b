"""What does one message tell of a group, in which order, and what does it only count?

What is open stands before what is over, and what is new before what goes on. However much is left
out, the message fires while anything of the group does, as gravely as the gravest of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import NamedTuple

from pointsman.core.alert import Severity
from pointsman.core.alert_log import Alert, Now
from pointsman.core.alert_telling import Quiet, Told, Why
from pointsman.core.alert_wishes import Wishes
from pointsman.core.alert_words import evidence_words, explanation, labels_of, summary
from pointsman.core.notification import AlertNotice, NoticeState, Notification, gravest_open

GroupKey = tuple[str, ...]

_ORDER = (Why.ROSE, Why.BEGAN, Why.OPENED, Why.BACK, Why.ENDED, Why.TAKEN, Why.GOES_ON)
_RANK = {why: place for place, why in enumerate(_ORDER)}


class Alike(NamedTuple):
    """Alerts of one group of which the same was told, and the same is to be told now, if anything.

    Ten thousand at once are a few of these. `channels` are those through which it is told now,
    `opened` those among them that routes lead to only since others were told, `cools` those through
    which it would be told had it not been told a moment ago. `hidden`: by a silence or another
    alert. `taken_by` has taken it, '' where nobody has.
    """

    severity: Severity
    is_open: bool
    is_flapping: bool
    told: Told
    why: Why | None
    hidden: bool
    taken_by: str
    alerts: list[Alert]
    channels: tuple[str, ...] = ()
    cools: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()

    def was_told_on(self, channel: str) -> bool:
        """Whether the channel believes that it goes on."""
        return self.told.severity is not None and channel in self.told.channels

    @property
    def is_cooling(self) -> bool:
        """Whether it is open, and nobody knows only because it was told a moment ago."""
        began = self.is_open and self.told.severity is None
        return began and self.why is None and not self.hidden

    @property
    def state(self) -> NoticeState:
        """As it is told. Of one that comes and goes the end is no news, so it is told to go on."""
        if self.why is Why.ENDED:
            return NoticeState.RESOLVED
        return NoticeState.ACKNOWLEDGED if self.taken_by else NoticeState.FIRING

    @property
    def believed(self) -> Severity:
        """How grave it is, or was said to be where it is over and that was not told."""
        return self.severity if self.is_open else self.told.severity or self.severity


def alike(alert: Alert, told: Told, quiet: Quiet, now: Now, why: Why | None) -> Alike:
    """The first of those that are like it."""
    return Alike(
        alert.severity,
        alert.is_open,
        alert.is_flapping(now.s),
        told,
        why,
        quiet.hidden,
        quiet.taken_by,
        [alert],
    )


def message(
    channel: str, key: GroupKey, group: Sequence[Alike], now: Now, wishes: Wishes
) -> Notification:
    """What `channel`, which something is to be told of this group, is told of it."""
    grouping = wishes.grouping
    group_labels = dict(zip(grouping.by, key, strict=True))
    group_key = ",".join(f"{name}={value}" for name, value in group_labels.items()) or "all"
    digest = blake2b(f"{channel}\0{group_key}".encode(), digest_size=8).hexdigest()
    news = [each for each in group if channel in each.channels]
    # What the channel was told of the group before, and is neither new nor over.
    others = [each for each in group if channel not in each.channels]
    going_on = [each for each in others if each.is_open and each.was_told_on(channel)]
    quiet = [each for each in others if _keeps_open(each, channel)]
    shown, rest = _cut(
        [
            *_gravest(each for each in news if each.why is not Why.ENDED),
            *_gravest(going_on),
            *_gravest(each for each in news if each.why is Why.ENDED),
        ],
        grouping.most,
    )
    rest += quiet
    state, severity = gravest_open((each.state, each.believed) for each in rest)
    return Notification(
        id=f"{digest}-{int(now.at.timestamp() * 1_000):x}",
        channel=channel,
        group_key=group_key,
        alerts=tuple(notice(alert, alike, wishes) for alike in shown for alert in alike.alerts),
        made_at=now.at,
        group_labels=group_labels,
        left_out=sum(len(each.alerts) for each in rest),
        left_out_state=state,
        left_out_severity=severity,
        first=not any(each.was_told_on(channel) for each in (*news, *going_on, *quiet)),
    )


def _keeps_open(alike: Alike, channel: str) -> bool:
    """Whether it is no news, and yet all is not well: its end was not told, or it began again."""
    if alike.is_open:
        return channel in alike.cools
    return alike.why is None and alike.was_told_on(channel)


def _gravest(group: Iterable[Alike]) -> list[Alike]:
    """By severity, and by why they are told."""
    return sorted(group, key=lambda each: (-each.severity, _RANK[each.why or Why.GOES_ON]))


def _cut(in_order: Iterable[Alike], most: int) -> tuple[list[Alike], list[Alike]]:
    """The first `most` alerts, and the others."""
    shown: list[Alike] = []
    rest: list[Alike] = []
    for each in in_order:
        here, there = each.alerts[:most], each.alerts[most:]
        most -= len(here)
        if here:
            shown.append(each._replace(alerts=here))
        if there:
            rest.append(each._replace(alerts=there))
    return shown, rest


def notice(alert: Alert, alike: Alike, wishes: Wishes) -> AlertNotice:
    """One alert as a channel is told of it."""
    rule = wishes.rules.get(alert.rule)
    links = {"runbook": rule.runbook} if rule is not None and rule.runbook else {}
    if wishes.dashboard:
        links["dashboard"] = f"{wishes.dashboard}/#/alerts/{alert.id}"
    state = alike.state
    annotations = {
        "evidence": evidence_words(alert.figures),
        "explanation": explanation(alert, rule),
    }
    if alert.why and state is NoticeState.RESOLVED:
        annotations["ended"] = alert.why
    return AlertNotice(
        alert_id=alert.id,
        fingerprint=alert.fingerprint,
        rule=alert.rule,
        type=alert.type,
        severity=alert.severity,
        state=state,
        summary=summary(alert, rule),
        starts_at=alert.starts_at,
        evidence=alert.figures.evidence(),
        ends_at=alert.ends_at if state is NoticeState.RESOLVED else None,
        labels=labels_of(alert, rule),
        annotations=annotations,
        links=links,
        acknowledged_by=alike.taken_by or None,
        flapping=alike.is_flapping,
        scope=alert.scope.kind.value,
    )
