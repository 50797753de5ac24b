"""How do all alerts stand, what was told of them, and what have people said about it?

The one place of all that judging, telling and people share; nothing here waits for anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from pointsman.core.alert_groups import Teller
from pointsman.core.alert_inhibition import Hiding, Members
from pointsman.core.alert_log import Alert, AlertLog, Event, Now
from pointsman.core.alert_memory import Entry, Kept, Step, on_the_wall, since_start, step_of
from pointsman.core.alert_message import alike, notice
from pointsman.core.alert_plan import AlertPlan, Origin
from pointsman.core.alert_rules import Rule
from pointsman.core.alert_silences import Ack, Silence, silenced_by
from pointsman.core.alert_telling import Quiet, Told
from pointsman.core.alert_wishes import Wishes
from pointsman.core.alert_words import all_labels, explanation, labels_of, summary
from pointsman.core.notification import AlertNotice

KEPT_AFTER_END = timedelta(hours=1)
"""So long silences that have ended are still shown."""


class Standing(NamedTuple):
    """An alert as it stands, for people: what was told of it, and why it may not be told."""

    alert: Alert
    told: Told
    ack: Ack | None
    message: str
    explanation: str
    labels: Mapping[str, str]
    silenced_by: tuple[str, ...] = ()
    inhibited_by: str = ""


class Alerts:
    """All alerts of one router. Belongs to one event loop.

    `written` are the rules of the API, by name.
    """

    def __init__(self, plan: AlertPlan) -> None:
        self.plan = plan
        self.written: dict[str, Rule] = {}
        self.log = AlertLog()
        self.teller = Teller()
        self.acks: dict[str, Ack] = {}
        self.silences: dict[str, Silence] = {}
        self.members: Members = {}
        self.rules: Mapping[str, tuple[Rule, Origin]] = {}
        self._last_id = 0
        self.rule_anew()

    def rule_anew(self) -> None:
        """The plan or the written rules have changed."""
        self.rules = self.plan.in_force(self.written)

    def rule(self, name: str) -> Rule | None:
        found = self.rules.get(name)
        return found[0] if found else None

    def enabled(self) -> list[Rule]:
        return [rule for rule, _ in self.rules.values() if rule.enabled]

    def wishes(self) -> Wishes:
        """What telling depends on now."""
        return Wishes(
            rules={rule.name: rule for rule in self.enabled()},
            routes=self.plan.routes,
            grouping=self.plan.grouping,
            silences=tuple(self.silences.values()),
            acks=self.acks,
            dashboard=self.plan.dashboard,
        )

    # For the store ---------------------------------------------------------------------------

    def restore(self, kept: Iterable[Kept], now: Now) -> None:
        """Take alerts up where they were left, but for those that live here already."""
        for each in kept:
            alert, told = since_start(each, now)
            if self.log.get(alert.rule, alert.scope) is not None:
                continue
            self.log.restore(alert)
            if told.marks:
                self.teller.restore(alert, told)
            if each.ack is not None:
                self.acks[alert.fingerprint] = each.ack

    def adopt(self, kept: Iterable[Kept], silences: Iterable[Silence], now: Now) -> None:
        """Forget what is known here, and know what another gateway has found."""
        self.log.clear()
        self.teller.clear()
        self.acks.clear()
        self.restore(kept, now)
        self.silences = {each.id: each for each in silences}

    def hear(self, kept: Iterable[Kept], silences: Iterable[Silence], now: Now) -> None:
        """Take up what people said at other gateways, and alerts that only those know of."""
        known = list(kept)
        self.restore((each for each in known if each.alert.is_live), now)
        for each in known:
            alert = self.log.get(each.alert.rule, each.alert.scope)
            if alert is not None and alert.id == each.alert.id:
                self.take(alert, each.ack)
        self.silences = {each.id: each for each in silences}

    def replace(self, kept: Kept, now: Now) -> Alert:
        """Know this alert as it was kept, in the place of what is known of its rule and scope."""
        alert, told = since_start(kept, now)
        self.log.restore(alert)
        self.teller.restore(alert, told)
        self.take(alert, kept.ack)
        return alert

    def kept(self, alert: Alert, now: Now) -> Kept:
        """The alert as it is to be stored."""
        rule = self.rule(alert.rule)
        told = self.teller.told(alert)
        on_wall, told_on_wall = on_the_wall(alert, told, now)
        ack = self.ack_of(alert, now.at)
        return Kept(on_wall, told_on_wall, ack, summary(alert, rule), labels_of(alert, rule))

    def entry(self, event: Event) -> Entry:
        """The line of the history that says what happened."""
        details = {"because": event.alert.why} if event.alert.why else {}
        if event.severity_before is not None:
            details["severity_before"] = event.severity_before.label
        return self.line(event.alert, step_of(event), event.at)._replace(
            before=event.before, after=event.after, details=details
        )

    def line(self, alert: Alert, step: Step, at: datetime) -> Entry:
        """A line of the history about an alert as it is; its id is greater than all before."""
        return Entry(
            id=self._next_id(at),
            at=at,
            step=step,
            alert_id=alert.id,
            rule=alert.rule,
            scope=alert.scope,
            type=alert.type,
            before=alert.state,
            after=alert.state,
            severity=alert.severity,
            figures=alert.figures,
            message=summary(alert, self.rule(alert.rule)),
        )

    def follow(self, newest_id: str) -> None:
        """Lines written before this start end with this id."""
        self._last_id = max(self._last_id, int(newest_id, 16))

    def _next_id(self, at: datetime) -> str:
        self._last_id = max(self._last_id + 1, int(at.timestamp() * 1_000_000))
        return f"{self._last_id:016x}"

    # For people ------------------------------------------------------------------------------

    def ack_of(self, alert: Alert, at: datetime) -> Ack | None:
        """Who has taken this episode, and has it still."""
        ack = self.acks.get(alert.fingerprint)
        return ack if ack is not None and ack.holds(alert.id, at) else None

    def lapsed(self, at: datetime) -> list[tuple[Alert, Ack]]:
        """Live alerts that somebody took for a time that is over."""
        over = {name: ack for name, ack in self.acks.items() if ack.until <= at}
        if not over:
            return []
        live = (alert for alert in self.log.all() if alert.is_live)
        found = ((alert, over.get(alert.fingerprint)) for alert in live)
        return [(alert, ack) for alert, ack in found if ack and ack.alert_id == alert.id]

    def take(self, alert: Alert, ack: Ack | None) -> None:
        """Somebody has taken this episode, or nobody has."""
        self.acks.pop(alert.fingerprint, None)
        if ack is not None:
            self.acks[alert.fingerprint] = ack

    def find(self, alert_id: str) -> Alert | None:
        """The alert whose present or last episode has this id, if it is remembered."""
        return next((alert for alert in self.log.all() if alert.id == alert_id), None)

    def standing(self, wanted: Iterable[Alert], now: datetime) -> Iterator[Standing]:
        """How these alerts stand, one after the other."""
        hiding = Hiding(self.log.all(), self.members)
        return (self._standing(alert, now, hiding) for alert in wanted)

    def _standing(self, alert: Alert, now: datetime, hiding: Hiding) -> Standing:
        rule = self.rule(alert.rule)
        hidden_by = hiding.by(alert) if alert.is_open else None
        return Standing(
            alert,
            self.teller.told(alert),
            self.ack_of(alert, now),
            summary(alert, rule),
            explanation(alert, rule),
            labels_of(alert, rule),
            silenced_by(self.silences.values(), all_labels(alert, rule), now),
            hidden_by.id if hidden_by is not None else "",
        )

    def firing(self, channel: str, now: Now) -> Iterator[AlertNotice | None]:
        """What this channel was told to fire and not to be over, as it is; None for all others."""
        wishes = self.wishes()
        for alerts in self.log.every() if self.plan.enabled else ():
            for alert in alerts:
                told = self.teller.told(alert)
                if told.severity is None or channel not in told.channels:
                    yield None
                    continue
                ack = self.ack_of(alert, now.at)
                quiet = Quiet(taken_by="" if ack is None else ack.by)
                yield notice(alert, alike(alert, told, quiet, now, None), wishes)

    def tidying(self, now: Now) -> Iterator[None]:
        """Forget what is over for long, a little with every step."""
        known: set[str] = set()
        acks = tuple(self.acks)
        for rule in self.log.forgetting(now):
            alerts = self.log.known(rule)
            self.teller.forget(rule, alerts)
            if acks:
                known.update(alert.fingerprint for alert in alerts.values())
            yield
        for key in acks:
            if key not in known:
                self.acks.pop(key, None)
        oldest = now.at - KEPT_AFTER_END
        self.silences = {
            key: silence for key, silence in self.silences.items() if silence.ends_at >= oldest
        }
