"""How do ten thousand alerts become a few messages?

What is to be told is gathered by group. A group of which nothing is told yet waits a moment for
company, one that is told of already until its interval is over; what is critical waits for neither.
What is told of a group on a channel is one notification: what is new first, then what goes on.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from pointsman.core.alert import AlertType, Severity
from pointsman.core.alert_inhibition import Hiding, Members
from pointsman.core.alert_log import Alert, Now, State
from pointsman.core.alert_message import Alike, GroupKey, alike, message
from pointsman.core.alert_metrics import Scope, ScopeKind
from pointsman.core.alert_routes import Route, channels_of
from pointsman.core.alert_rules import Rule
from pointsman.core.alert_silences import silenced_by
from pointsman.core.alert_telling import (
    LOUD,
    NOTHING,
    Quiet,
    Told,
    Why,
    after_opening,
    after_telling,
    due,
)
from pointsman.core.alert_wishes import Grouping, Wishes
from pointsman.core.alert_words import all_labels
from pointsman.core.notification import Notification

AT_ONCE = 64
"""So many alerts are one step of telling."""
NOTED_AT_ONCE = 512
MOST_WAYS = 20_000
"""Of so many alerts it is remembered where they go."""


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

    What was told is to be kept beside the alerts: who forgets it tells everything again.
    """

    def __init__(self) -> None:
        self._told: dict[str, dict[Scope, Told]] = {}
        self._paces: dict[GroupKey, _Pace] = {}
        self._way = _Way(Wishes({}), Now(0.0, datetime.min.replace(tzinfo=UTC)))

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
        groups: dict[GroupKey, list[Alike]] = {}
        if not self._way.holds(wishes, now):
            self._way = _Way(wishes, now)
        yield from self._gathering(now, list(alerts), wishes, members, groups)
        self._paces = {key: pace for key, pace in self._paces.items() if key in groups}
        for key, group in groups.items():
            pace = self._paces.setdefault(key, _Pace())
            if not self._may_tell(pace, group, now.s, wishes.grouping):
                continue
            parts = [part for each in group for part in self._way.parts(each)]
            told = [each for each in parts if each.channels]
            if not told:
                continue
            pace.waits_s, pace.told_s = None, now.s
            yield
            for channel in {channel: None for each in told for channel in each.channels}:
                said.notifications.append(message(channel, key, parts, now, wishes))
            for each in told:
                yield from self._noting(each, now.s)
                said.heard.extend(each.alerts)

    def told(self, alert: Alert) -> Told:
        """What was told of this alert."""
        return self._told.get(alert.rule, {}).get(alert.scope, NOTHING)

    def restore(self, alert: Alert, told: Told) -> None:
        """So much was told of this alert before."""
        self._told.setdefault(alert.rule, {})[alert.scope] = told

    def clear(self) -> None:
        """Forget what was told of all alerts."""
        self._told.clear()

    def forget(self, rule: str, known: Container[Scope]) -> None:
        """Forget what was told of alerts of this rule that are known no more."""
        told = self._told.get(rule, {})
        for scope in [scope for scope in told if scope not in known]:
            del told[scope]

    def _gathering(
        self,
        now: Now,
        alerts: Sequence[Alert],
        wishes: Wishes,
        members: Members,
        groups: dict[GroupKey, list[Alike]],
    ) -> Iterator[None]:
        """Put alerts that are open, or of which the end is to be told, into their groups."""
        hiding = Hiding((), members)
        for begin in range(0, len(alerts), NOTED_AT_ONCE):
            hiding.note(alerts[begin : begin + NOTED_AT_ONCE])
            yield
        by = wishes.grouping.by
        asked, hides_any = bool(wishes.silences or wishes.acks), hiding.hides_any
        types = {each: (each.value,) for each in AlertType} if by == ("alert_type",) else {}
        told_by_rule, rules, model = self._told, wishes.rules, ScopeKind.MODEL
        known_alike: dict[tuple[object, ...], list[Alert]] = {}
        firing, recovering = State.FIRING, State.RECOVERING
        for place, alert in enumerate(alerts):
            if not place % AT_ONCE:
                yield
            known, state = told_by_rule.get(alert.rule), alert.state
            told = known.get(alert.scope, NOTHING) if known else NOTHING
            if told.severity is None and state is not firing and state is not recovering:
                continue
            loud = not asked and (not hides_any or alert.scope.kind is not model)
            quiet = LOUD if loud else _quiet(alert, now, wishes, hiding)
            # Few come and go, so that is asked only of who came more than once.
            flapping = len(alert.episodes) > 1 and alert.is_flapping(now.s)
            group_key = types[alert.type] if types else _group_of(alert, rules.get(alert.rule), by)
            # Of what is told only few differ, so that it is known by where it is.
            is_open = not quiet.hidden and (state is firing or state is recovering)
            opened = self._way.opened(alert, told) if is_open else ()
            like = alert.rule, alert.severity, state, id(told), quiet, flapping, group_key, opened
            found = known_alike.get(like)
            if found is None:
                each = _alike(alert, told, quiet, now, wishes)
                if opened:
                    each = each._replace(why=each.why or Why.OPENED, opened=opened)
                groups.setdefault(group_key, []).append(each)
                found = known_alike[like] = each.alerts
                continue
            found.append(alert)

    def _may_tell(
        self, pace: _Pace, group: Sequence[Alike], now_s: float, grouping: Grouping
    ) -> bool:
        if all(each.why is None for each in group):
            pace.waits_s = None
            return False
        if any(_is_urgent(each) for each in group):
            return True
        if pace.told_s is not None and any(each.told.severity for each in group):
            return now_s - pace.told_s >= grouping.interval_s
        if pace.waits_s is None:
            pace.waits_s = now_s
        return now_s - pace.waits_s >= grouping.wait_s

    def _noting(self, told: Alike, now_s: float) -> Iterator[None]:
        """Remember what was told: of all these the same, so they share it."""
        alert, channels = told.alerts[0], frozenset(told.channels)
        if told.why is Why.OPENED:
            after = after_opening(told.told, channels)
        else:
            after = after_telling(alert, told.told, channels, now_s, told.taken_by)
        known = self._told.setdefault(alert.rule, {})
        for begin in range(0, len(told.alerts), NOTED_AT_ONCE):
            some = told.alerts[begin : begin + NOTED_AT_ONCE]
            known.update(dict.fromkeys([each.scope for each in some], after))
            yield


class _Way:
    """Where alerts go while the same routes are open, and the rules are what they are."""

    def __init__(self, wishes: Wishes, now: Now) -> None:
        self._routes = _open(wishes, now)
        self._rules = wishes.rules
        self._at = now.at
        self._by_labels = any(route.matchers for route in self._routes)
        self._everywhere = frozenset(each for route in self._routes for each in route.channels)
        self._found: dict[tuple[object, ...], tuple[str, ...]] = {}

    def holds(self, wishes: Wishes, now: Now) -> bool:
        """Whether it is so still."""
        return self._routes == _open(wishes, now) and self._rules == wishes.rules

    def of(self, alert: Alert) -> tuple[str, ...]:
        """The channels that its routes lead to."""
        asked = (alert.rule, alert.severity, alert.scope if self._by_labels else alert.type)
        found = self._found.get(asked)
        if found is None:
            if len(self._found) >= MOST_WAYS:
                self._found.clear()
            labels = all_labels(alert, self._rules.get(alert.rule)) if self._by_labels else {}
            found = channels_of(self._routes, labels, alert.severity, alert.type, self._at)
            self._found[asked] = found
        return found

    def opened(self, alert: Alert, told: Told) -> tuple[str, ...]:
        """The channels that routes lead to now, and that were told nothing of what others were."""
        if told.severity is None or self._everywhere <= told.channels:
            return ()
        return tuple(each for each in self.of(alert) if each not in told.channels)

    def parts(self, these: Alike) -> list[Alike]:
        """The same with their channels, apart where those differ; none where it is not told."""
        why = these.why
        if why is Why.OPENED:
            return [these._replace(channels=these.opened)]
        if why in (Why.ENDED, Why.TAKEN, Why.BACK):
            return [these._replace(channels=(*sorted(these.told.channels), *these.opened))]
        if why is not None:
            apart = self._apart(these.alerts)
            return [these._replace(channels=to, alerts=alerts) for to, alerts in apart]
        if these.is_cooling:
            apart = self._apart(these.alerts)
            return [these._replace(cools=to, alerts=alerts) for to, alerts in apart]
        return [these]

    def _apart(self, alerts: list[Alert]) -> Iterable[tuple[tuple[str, ...], list[Alert]]]:
        """The same, by the channels that their routes lead to."""
        if not self._by_labels:
            return [(self.of(alerts[0]), alerts)]
        apart: dict[tuple[str, ...], list[Alert]] = {}
        for alert in alerts:
            apart.setdefault(self.of(alert), []).append(alert)
        return apart.items()


def _open(wishes: Wishes, now: Now) -> list[Route]:
    return [route for route in wishes.routes if route.is_open(now.at)]


def _alike(alert: Alert, told: Told, quiet: Quiet, now: Now, wishes: Wishes) -> Alike:
    """What is to be told of this alert, and of those like it that join it."""
    rule = wishes.rules.get(alert.rule)
    cooldown_s = rule.cooldown_s if rule is not None else 0.0
    why = due(alert, told, quiet, now.s, cooldown_s, wishes.grouping.repeat_s)
    return alike(alert, told, quiet, now, why)


def _quiet(alert: Alert, now: Now, wishes: Wishes, hiding: Hiding) -> Quiet:
    hidden = hiding.hides_any and hiding.by(alert) is not None
    if not hidden and wishes.silences:
        labels = all_labels(alert, wishes.rules.get(alert.rule))
        hidden = bool(silenced_by(wishes.silences, labels, now.at))
    ack = wishes.acks.get(alert.fingerprint) if wishes.acks else None
    taken = ack is not None and ack.holds(alert.id, now.at)
    return Quiet(hidden, ack.by if ack is not None and taken else "")


def _is_urgent(each: Alike) -> bool:
    """Nobody waits to be told that something became critical."""
    return each.severity is Severity.CRITICAL and each.why in (Why.BEGAN, Why.ROSE, Why.OPENED)


def _group_of(alert: Alert, rule: Rule | None, by: tuple[str, ...]) -> GroupKey:
    labels = all_labels(alert, rule)
    return tuple(labels.get(name, "") for name in by)
