"""What do all rules say of all that is measured, in one look?"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from pointsman.core.alert_conditions import Look, Reading, judge
from pointsman.core.alert_counts import OTHER, Counts, Series
from pointsman.core.alert_log import AlertLog, Event, Now, State
from pointsman.core.alert_metrics import EVERYTHING, Kind, Scope, ScopeKind
from pointsman.core.alert_rules import NoData, Rule

Gauges = Mapping[Scope, Mapping[str, Reading]]
"""Readings by scope and the name of their metric."""

_Scopes = Sequence[tuple[Scope, Series | None]]

_NONE: Mapping[str, Reading] = {}

AT_ONCE = 64
"""So many scopes are one step of looking."""


Declared = Mapping[ScopeKind, Container[str]]
"""The ids that there are now, of the kinds of which it is known."""


class Judgement:
    """The rules in force, what is known of their alerts, and what is counted for them.

    One look after the other, each at a later instant; nobody else may step the log.
    """

    def __init__(self, rules: Iterable[Rule], log: AlertLog, counts: Counts) -> None:
        self.rules: Mapping[str, Rule] = {rule.name: rule for rule in rules if rule.enabled}
        self.log = log
        self.counts = counts
        self.declared: Declared | None = None
        """Nobody looks at models, providers and agents that are not among them; None: at all."""
        self._gone: AbstractSet[Scope] = frozenset()

    def look(self, now: Now, gauges: Gauges) -> list[Event]:
        """Everything that happened to alerts in this look."""
        events: list[Event] = []
        for _ in self.looking(now, gauges, events):
            pass
        return events

    def looking(self, now: Now, gauges: Gauges, events: list[Event]) -> Iterator[None]:
        """The same, with what happened appended to `events`, a little with every step."""
        look = Look(now.s, self.counts, EVERYTHING, None, _NONE)
        counted = (self.counts.counted(kind) for kind in self.declared or ())
        self._gone = {each for known in counted for each, _ in known if self._is_gone(each)}
        # Who is declared anew later begins anew.
        self.counts.drop(self._gone)
        for rule in self.rules.values():
            scopes = self._scopes(rule, gauges)
            for begin in range(0, len(scopes), AT_ONCE):
                self._look(rule, scopes[begin : begin + AT_ONCE], look, now, gauges, events)
                yield
        yield from self._ending_orphans(now, events)

    def _look(
        self, rule: Rule, scopes: _Scopes, look: Look, now: Now, gauges: Gauges, events: list[Event]
    ) -> None:
        log, known, found_of = self.log, self.log.known(rule.name), judge(rule.conditions)
        # Nothing to say of nobody in trouble, by far the common case; what cannot be measured of
        # them is no trouble either, but where the rule says so.
        quiet, resolved = rule.no_data is not NoData.FIRE, State.RESOLVED
        for scope, series in scopes:
            before = known.get(scope) if known else None
            look.scope, look.series = scope, series
            look.gauges = gauges.get(scope, _NONE) if gauges else _NONE
            look.wanted = before is not None and before.state is not resolved
            found = found_of(look)
            if before is None and found.severity is None and (quiet or found.known):
                continue
            happened = log.take(rule, scope, before, found, now)
            if happened is not None:
                events.append(happened)

    def _scopes(self, rule: Rule, gauges: Gauges) -> _Scopes:
        """Whom a rule looks at: of whom anything is counted or read, and whose alert is open."""
        counts = self.counts
        counted = any(each.about.kind is not Kind.GAUGE for each in rule.conditions)
        found: list[tuple[Scope, Series | None]] = []
        for kind in rule.scopes if counted else ():
            found += counts.counted(kind)
        if self._gone:
            found = [each for each in found if each[0] not in self._gone]
        others: dict[Scope, None] = {}
        metrics = [each.metric for each in rule.conditions if each.about.kind is Kind.GAUGE]
        for scope, readings in gauges.items() if metrics else ():
            if any(metric in readings for metric in metrics):
                others[scope] = None
        others.update((alert.scope, None) for alert in self.log.of(rule.name))
        if self.declared is not None:
            others = {scope: None for scope in others if not self._is_gone(scope)}
        if counted:
            # They are there already.
            others = {scope: None for scope in others if counts.series(scope) is None}
        found += ((scope, counts.series(scope)) for scope in others)
        concerns = rule.concerns
        if rule.only or others:
            return [each for each in found if concerns(each[0])]
        return found

    def _is_gone(self, scope: Scope) -> bool:
        """Whether the scope is of somebody who is declared no longer."""
        known = None if self.declared is None else self.declared.get(scope.kind)
        return known is not None and scope.id not in known and scope.id != OTHER

    def _ending_orphans(self, now: Now, events: list[Event]) -> Iterator[None]:
        """Alerts whose rule or scope is gone, or that do not concern each other, are over."""
        for name in tuple(self.log.rules()):
            rule = self.rules.get(name)
            for alert in self.log.of(name):
                why = self._why_orphaned(rule, alert.scope)
                ended = None if why is None else self.log.end(alert, now, why)
                if ended is not None:
                    events.append(ended)
            yield

    def _why_orphaned(self, rule: Rule | None, scope: Scope) -> str | None:
        if (
            rule is None
            or scope.kind not in rule.scopes
            or (rule.only and not rule.concerns(scope))
        ):
            return "its rule is gone"
        return "no longer declared" if self._is_gone(scope) else None
