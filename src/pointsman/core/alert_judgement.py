"""What do all rules say of all that is measured, in one look?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from pointsman.core.alert_conditions import Look, Reading, worst
from pointsman.core.alert_counts import Counts
from pointsman.core.alert_log import Alert, AlertLog, Event, Now
from pointsman.core.alert_metrics import Kind, Scope, ScopeKind
from pointsman.core.alert_rules import Rule

Gauges = Mapping[Scope, Mapping[str, Reading]]
"""Readings by scope and the name of their metric."""

_NONE: Mapping[str, Reading] = {}


class Judgement:
    """The rules in force, what is known of their alerts, and what is counted for them.

    One look after the other, each at a later instant; nobody else may step the log.
    """

    def __init__(self, rules: Iterable[Rule], log: AlertLog, counts: Counts) -> None:
        self.rules: Mapping[str, Rule] = {rule.name: rule for rule in rules if rule.enabled}
        self.log = log
        self.counts = counts

    def look(self, now: Now, gauges: Gauges) -> list[Event]:
        """Everything that happened to alerts in this look."""
        events: list[Event] = []
        for _ in self.looking(now, gauges, events):
            pass
        return events

    def looking(self, now: Now, gauges: Gauges, events: list[Event]) -> Iterator[None]:
        """The same, with what happened appended to `events`, a little with every step."""
        scopes = {kind: self.counts.scopes(kind) for kind in ScopeKind}
        for rule in self.rules.values():
            for place, scope in enumerate(self._scopes(rule, scopes, gauges)):
                self._look(rule, scope, now, gauges, events)
                if not place % 64:
                    yield
        events += self._end_orphans(now)

    def _look(
        self, rule: Rule, scope: Scope, now: Now, gauges: Gauges, events: list[Event]
    ) -> None:
        log, counts = self.log, self.counts
        before = log.get(rule.name, scope)
        wanted = before is not None and before.is_live
        readings = gauges.get(scope, _NONE)
        look = Look(now.s, counts, scope, counts.series(scope), readings, wanted)
        found = worst(rule.conditions, look)
        # Nothing to say of nobody in trouble: the common case by far.
        if before is None and found.severity is None and found.known:
            return
        happened = log.step(rule, scope, found, now)
        if happened is not None:
            events.append(happened)

    def _scopes(
        self,
        rule: Rule,
        scopes: Mapping[ScopeKind, Sequence[Scope]],
        gauges: Gauges,
    ) -> Iterator[Scope]:
        """Whom a rule looks at: of whom anything is counted or read, and whose alert is open."""
        found: dict[Scope, None] = {}
        counted = any(each.about.kind is not Kind.GAUGE for each in rule.conditions)
        for kind in rule.scopes if counted else ():
            found.update(dict.fromkeys(scopes[kind]))
        metrics = [each.metric for each in rule.conditions if each.about.kind is Kind.GAUGE]
        for scope, readings in gauges.items() if metrics else ():
            if any(metric in readings for metric in metrics):
                found[scope] = None
        found.update((alert.scope, None) for alert in self.log.of(rule.name))
        return (scope for scope in found if rule.concerns(scope))

    def _end_orphans(self, now: Now) -> Iterator[Event]:
        """Alerts whose rule is gone, or does not concern their scope any more, are over."""
        gone = [each for each in self.log.all() if each.is_live and not self._is_ruled(each)]
        yield from filter(None, (self.log.end(each, now, "its rule is gone") for each in gone))

    def _is_ruled(self, alert: Alert) -> bool:
        rule = self.rules.get(alert.rule)
        return rule is not None and rule.concerns(alert.scope)
