"""How do ten thousand alerts become a few messages?

What is to be told is gathered by group. A group of which nothing is told yet waits a moment for
company, one that is told of already until its interval is over; what is critical waits for neither.
What is told of a group on a channel is one notification: what is new first, then what goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

from pointsman.core.alert import AlertType, Severity
from pointsman.core.alert_inhibition import Hiding, Members
from pointsman.core.alert_log import Alert, Key, Now, State
from pointsman.core.alert_metrics import ScopeKind
from pointsman.core.alert_routes import Route, channels_of
from pointsman.core.alert_rules import Rule
from pointsman.core.alert_silences import Ack, Silence, silenced_by
from pointsman.core.alert_telling import LOUD, NOTHING, Quiet, Told, Why, after_telling, due
from pointsman.core.alert_words import all_labels, evidence_words, explanation, labels_of, summary
from pointsman.core.notification import AlertNotice, NoticeState, Notification

GroupKey = tuple[str, ...]

AT_ONCE = 64
"""So many alerts are one step of telling."""

_RANK = {Why.ROSE: 0, Why.BEGAN: 1, Why.ENDED: 2, Why.TAKEN: 3, Why.GOES_ON: 4}


class Grouping(NamedTuple):
    """What belongs together and when it is told; times in seconds.

    Alerts with the same values of the labels `by` are one group. A new group waits `wait_s`; a told
    one is told again after `interval_s`, of what is new, or after `repeat_s` that it goes on (0:
    never). One notification tells of `most` alerts one by one and counts the others.
    """

    by: tuple[str, ...] = ("alert_type",)
    wait_s: float = 0.0
    interval_s: float = 60.0
    repeat_s: float = 14_400.0
    most: int = 100


class Wishes(NamedTuple):
    """What people want to be told, and how: all that telling depends on besides the alerts.

    `acks` are by fingerprint; `dashboard` is the address that links lead to, '' without.
    """

    rules: Mapping[str, Rule]
    routes: Sequence[Route] = ()
    grouping: Grouping = Grouping()
    silences: Sequence[Silence] = ()
    acks: Mapping[str, Ack] = {}
    dashboard: str = ""


class _Due(NamedTuple):
    """An alert, what was told of it, and why it is to be told now, if it is."""

    key: Key
    alert: Alert
    told: Told
    why: Why | None
    acked: bool


_Heard = tuple[_Due, tuple[str, ...]]
"""What is told, and through which channels."""


class Said(NamedTuple):
    """What is told, and the alerts of which something is told thereby."""

    notifications: list[Notification]
    heard: list[Alert]


class _Pace:
    """When a group, of which anything is open, began to wait, and when it was last told."""

    __slots__ = ("told_s", "waits_s")

    def __init__(self) -> None:
        self.waits_s: float | None = None
        self.told_s: float | None = None


class Teller:
    """What was told of each alert, and what is to be told now.

    `told` is to be kept beside the alerts: who forgets it tells everything again.
    """

    def __init__(self) -> None:
        self.told: dict[Key, Told] = {}
        self._paces: dict[GroupKey, _Pace] = {}

    def tell(
        self, now: Now, alerts: Iterable[Alert], wishes: Wishes, members: Members
    ) -> tuple[list[Notification], list[Alert]]:
        """The notifications that are due, and the alerts of which something was told thereby."""
        said = Said([], [])
        for _ in self.telling(now, alerts, wishes, members, said):
            pass
        return said.notifications, said.heard

    def telling(
        self,
        now: Now,
        alerts: Iterable[Alert],
        wishes: Wishes,
        members: Members,
        said: Said,
    ) -> Iterator[None]:
        """The same, put into `said`, a little with every step."""
        if not wishes.routes:
            return
        groups: dict[GroupKey, list[_Due]] = {}
        yield from self._gathering(now, list(alerts), wishes, members, groups)
        self._paces = {key: pace for key, pace in self._paces.items() if key in groups}
        for key, group in groups.items():
            news = [each for each in group if each.why is not None]
            pace = self._paces.setdefault(key, _Pace())
            if not self._may_tell(pace, news, group, now.s, wishes.grouping):
                continue
            told = self._told_on(news, now, wishes)
            if not told:
                continue
            pace.waits_s, pace.told_s = None, now.s
            yield
            said.notifications.extend(self._notifications(key, group, told, now, wishes))
            yield from self._noting(told, now.s)
            said.heard.extend(each.alert for each, _ in told)

    def forget(self, known: Iterable[Alert]) -> None:
        """Forget what was told of alerts that are known no more."""
        keys = {alert.key for alert in known}
        for key in [key for key in self.told if key not in keys]:
            del self.told[key]

    def _gathering(
        self,
        now: Now,
        alerts: Sequence[Alert],
        wishes: Wishes,
        members: Members,
        groups: dict[GroupKey, list[_Due]],
    ) -> Iterator[None]:
        """Put alerts that are open, or of which the end is to be told, into their groups."""
        hiding = Hiding(alerts, members)
        yield
        by, repeat_s = wishes.grouping.by, wishes.grouping.repeat_s
        asked, hides_any = bool(wishes.silences or wishes.acks), hiding.hides_any
        types = {each: (each.value,) for each in AlertType} if by == ("alert_type",) else {}
        told_of, rules, model = self.told, wishes.rules, ScopeKind.MODEL
        for place, alert in enumerate(alerts):
            if not place % AT_ONCE:
                yield
            key = alert[:2]
            told = told_of.get(key, NOTHING)
            if told.severity is None and not alert.is_open:
                continue
            loud = not asked and (not hides_any or alert.scope.kind is not model)
            quiet = LOUD if loud else _quiet(alert, now, wishes, hiding)
            rule = rules.get(alert.rule)
            if told is NOTHING:
                # It is open and nobody knows: `due` could say nothing else.
                why = None if quiet.hidden else Why.BEGAN
            else:
                cooldown_s = rule.cooldown_s if rule is not None else 0.0
                why = due(alert, told, quiet, now.s, cooldown_s, repeat_s)
            group_key = types[alert.type] if types else _group_of(alert, rule, by)
            group = groups.get(group_key)
            if group is None:
                group = groups[group_key] = []
            group.append(_Due(key, alert, told, why, quiet.acked))

    def _may_tell(
        self,
        pace: _Pace,
        news: Sequence[_Due],
        group: Sequence[_Due],
        now_s: float,
        grouping: Grouping,
    ) -> bool:
        if not news:
            pace.waits_s = None
            return False
        if any(_is_urgent(each) for each in news):
            return True
        if pace.told_s is not None and any(each.told.severity for each in group):
            return now_s - pace.told_s >= grouping.interval_s
        if pace.waits_s is None:
            pace.waits_s = now_s
        return now_s - pace.waits_s >= grouping.wait_s

    def _told_on(self, news: Iterable[_Due], now: Now, wishes: Wishes) -> list[_Heard]:
        """Through which channels each is told; who has no channel now is not told, and waits."""
        found = []
        way = _Way(wishes, now)
        for each in news:
            if each.why is Why.ENDED or each.why is Why.TAKEN:
                channels = tuple(sorted(each.told.channels))
            else:
                channels = way.of(each.alert)
            if channels:
                found.append((each, channels))
        return found

    def _notifications(
        self,
        key: GroupKey,
        group: Sequence[_Due],
        told: Sequence[_Heard],
        now: Now,
        wishes: Wishes,
    ) -> Iterable[Notification]:
        by_channel: dict[str, list[_Due]] = {}
        for each, channels in told:
            for channel in channels:
                if channel not in by_channel:
                    by_channel[channel] = []
                by_channel[channel].append(each)
        heard = [each for each in group if each.told.severity is not None]
        for channel, news in by_channel.items():
            known = [each for each in heard if channel in each.told.channels]
            new = {id(each) for each in news} if known else set()
            # What the channel was told of the group before, and is neither new nor over.
            going_on = [each for each in known if id(each) not in new and each.alert.is_open]
            first = not going_on and not any(id(each) in new for each in known)
            yield _notification(channel, key, (news, going_on), now, wishes, first=first)

    def _noting(self, told: Sequence[_Heard], now_s: float) -> Iterator[None]:
        """Remember what was told. Of most the same was: they share what is remembered."""
        shared: dict[tuple[object, ...], Told] = {}
        for place, (each, channels) in enumerate(told):
            alert, before = each.alert, each.told
            flapping = alert.is_flapping(now_s)
            like = id(before), channels, alert.severity, alert.state, flapping, each.acked
            after = shared.get(like)
            if after is None:
                after = shared[like] = after_telling(
                    alert, before, frozenset(channels), now_s, acked=each.acked
                )
            self.told[each.key] = after
            if not place % AT_ONCE:
                yield


class _Way:
    """Where alerts go now. Where no route asks for labels, it is the same for many at once."""

    def __init__(self, wishes: Wishes, now: Now) -> None:
        self._wishes = wishes
        self._at = now.at
        self._known: dict[tuple[Severity, AlertType], tuple[str, ...]] = {}
        self._by_labels = any(route.matchers for route in wishes.routes)

    def of(self, alert: Alert) -> tuple[str, ...]:
        if self._by_labels:
            return self._found(alert, all_labels(alert, self._wishes.rules.get(alert.rule)))
        key = alert.severity, alert.type
        channels = self._known.get(key)
        if channels is None:
            channels = self._known[key] = self._found(alert, {})
        return channels

    def _found(self, alert: Alert, labels: Mapping[str, str]) -> tuple[str, ...]:
        return channels_of(self._wishes.routes, labels, alert.severity, alert.type, self._at)


def _quiet(alert: Alert, now: Now, wishes: Wishes, hiding: Hiding) -> Quiet:
    hidden = hiding.hides_any and hiding.by(alert) is not None
    if not hidden and wishes.silences:
        labels = all_labels(alert, wishes.rules.get(alert.rule))
        hidden = bool(silenced_by(wishes.silences, labels, now.at))
    ack = wishes.acks.get(alert.fingerprint) if wishes.acks else None
    return Quiet(hidden, ack is not None and ack.holds(alert.id, now.at))


def _is_urgent(each: _Due) -> bool:
    """Nobody waits to be told that something became critical."""
    return each.alert.severity is Severity.CRITICAL and each.why in (Why.BEGAN, Why.ROSE)


def _group_of(alert: Alert, rule: Rule | None, by: tuple[str, ...]) -> GroupKey:
    labels = all_labels(alert, rule)
    return tuple(labels.get(name, "") for name in by)


def _notification(
    channel: str,
    key: GroupKey,
    told: tuple[Sequence[_Due], Sequence[_Due]],
    now: Now,
    wishes: Wishes,
    *,
    first: bool,
) -> Notification:
    news, going_on = told
    grouping = wishes.grouping
    group_labels = dict(zip(grouping.by, key, strict=True))
    group_key = ",".join(f"{name}={value}" for name, value in group_labels.items()) or "all"
    digest = blake2b(f"{channel}\0{group_key}".encode(), digest_size=8).hexdigest()
    shown = _gravest(((each, each.why) for each in news), grouping.most)
    shown += _gravest(((each, None) for each in going_on), grouping.most - len(shown))
    return Notification(
        id=f"{digest}-{int(now.at.timestamp() * 1_000):x}",
        channel=channel,
        group_key=group_key,
        alerts=tuple(_notice(each, now, wishes) for each in shown),
        made_at=now.at,
        group_labels=group_labels,
        left_out=len(news) + len(going_on) - len(shown),
        first=first,
    )


def _gravest(dues: Iterable[tuple[_Due, Why | None]], most: int) -> list[_Due]:
    """The first `most` by severity and by why they are told; those alike in their order."""
    alike: dict[tuple[Severity, Why | None], list[_Due]] = {}
    for each, why in dues:
        like = each.alert.severity, why
        found = alike.get(like)
        if found is None:
            found = alike[like] = []
        if len(found) < most:
            found.append(each)
    order = sorted(alike, key=lambda like: (-like[0], _RANK[like[1] or Why.GOES_ON]))
    return [each for like in order for each in alike[like]][:most]


def _notice(each: _Due, now: Now, wishes: Wishes) -> AlertNotice:
    alert = each.alert
    rule = wishes.rules.get(alert.rule)
    links = {"runbook": rule.runbook} if rule is not None and rule.runbook else {}
    if wishes.dashboard:
        links["dashboard"] = f"{wishes.dashboard}/alerts/{alert.id}"
    ack = wishes.acks.get(alert.fingerprint) if each.acked else None
    annotations = {
        "evidence": evidence_words(alert.figures),
        "explanation": explanation(alert, rule),
    }
    if alert.why:
        annotations["ended"] = alert.why
    return AlertNotice(
        alert_id=alert.id,
        fingerprint=alert.fingerprint,
        rule=alert.rule,
        type=alert.type,
        severity=alert.severity,
        state=_state_of(each),
        summary=summary(alert, rule),
        starts_at=alert.starts_at,
        evidence=alert.figures.evidence(),
        ends_at=alert.ends_at,
        labels=labels_of(alert, rule),
        annotations=annotations,
        links=links,
        acknowledged_by=ack.by if ack is not None else None,
        flapping=alert.is_flapping(now.s),
    )


def _state_of(each: _Due) -> NoticeState:
    if each.alert.state is State.RESOLVED:
        return NoticeState.RESOLVED
    return NoticeState.ACKNOWLEDGED if each.acked else NoticeState.FIRING
