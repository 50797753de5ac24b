"""What would a rule have done, had it been in force?

The record of attempts is looked at as the watch would have looked, every few seconds, with the same
arithmetic; also money, budgets and caches, which follow from attempts. What is usual is what it is
now. What does not follow from attempts (a queue, a breaker, models that were eligible) is not in
the record.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from pointsman.core.alert import Severity
from pointsman.core.alert_budget import Budget, Spending
from pointsman.core.alert_counts import Counts
from pointsman.core.alert_judgement import Judgement
from pointsman.core.alert_log import Alert, AlertLog, Now, State
from pointsman.core.alert_metrics import Kind, Scope
from pointsman.core.alert_rules import Condition, Rule, lines
from pointsman.core.alert_usual import Usual
from pointsman.core.alert_words import summary
from pointsman.core.decision import Outcome
from pointsman.engine.measured_gauges import MEASURED, READERS, Measured, readings
from pointsman.engine.ports import Store
from pointsman.engine.recalling import Records, Wanted, recall, waits_of

MOST = 100_000
IDLE_STEP_S = 60.0
LOOKS_AT_ONCE = 16
PAUSE_S = 0.001


class Episode(NamedTuple):
    """An alert that would have been. `ends_at` None: it would be open still."""

    scope: Scope
    severity: Severity
    starts_at: datetime
    ends_at: datetime | None
    message: str


class Tried(NamedTuple):
    """What a rule would have done between two instants, by so many attempts.

    `not_judged` are the metrics of which the record says nothing.
    """

    episodes: list[Episode]
    since: datetime
    until: datetime
    attempts: int
    not_judged: frozenset[str]


class Trial(NamedTuple):
    """A rule, the time for which it is tried, how often it would have looked, and the budgets."""

    rule: Rule
    since: datetime
    until: datetime
    step_s: float
    budgets: Sequence[Budget] = ()


async def tried(records: Records, trial: Trial) -> Tried:
    """Try a rule on the record of this time. Raises `StoreError`."""
    wanted = Wanted(waits=any(each.relative for each in trial.rule.conditions))
    usual = (await recall(records, trial.until, wanted)).usual
    return await asyncio.to_thread(_tried, records.attempts, trial, usual)


def _tried(store: Store, trial: Trial, usual: Mapping[Scope, Usual]) -> Tried:
    rule, since, until = trial.rule, trial.since, trial.until
    outcomes = [outcome for outcome, _ in store.recent_outcomes(since, MOST) if outcome.at < until]
    begun = outcomes[0].at if len(outcomes) == MOST else since
    judged = [each for each in rule.conditions if _is_recorded(each)]
    episodes = _Episodes(rule)
    if judged:
        seen = trial._replace(
            rule=replace(rule, conditions=tuple(judged), enabled=True), since=begun
        )
        for count, (now, alerts) in enumerate(_looks(seen, outcomes, usual)):
            episodes.note(now, alerts)
            if not count % LOOKS_AT_ONCE:
                # Whoever is being served shares one interpreter with this.
                time.sleep(PAUSE_S)
    not_judged = {each.metric for each in rule.conditions} - {each.metric for each in judged}
    return Tried(episodes.all(), begun, until, len(outcomes), frozenset(not_judged))


def _is_recorded(condition: Condition) -> bool:
    """Whether what it judges follows from attempts, and so can be tried."""
    return condition.about.kind is not Kind.GAUGE or condition.metric in MEASURED


def _looks(
    trial: Trial, outcomes: list[Outcome], usual: Mapping[Scope, Usual]
) -> Iterator[tuple[Now, Iterable[Alert]]]:
    """Every look of that time at which anything could have changed, and the alerts after it."""
    rule, begun, until, step_s, budgets = trial
    counts = Counts(*lines([rule]))
    counts.usual_s = waits_of(usual)
    measured = Measured(counts, usual, Spending(budgets, begun))
    wanted = frozenset(each.metric for each in rule.conditions) & MEASURED
    judgement = Judgement([rule], AlertLog(), counts)
    waits_for_nothing = any(each.about.kind is Kind.ABSENCE for each in rule.conditions)
    place, at_s, end_s = 0, 0.0, (until - begun).total_seconds()
    while at_s < end_s:
        restless = waits_for_nothing or any(each.is_live for each in judgement.log.all())
        at_s = _next_look_s(outcomes, place, (begun, at_s), step_s, restless=restless)
        # The last look is at the end, where anything happened since the one before.
        at_s = min(at_s, end_s)
        now = Now(at_s, begun + timedelta(seconds=at_s))
        first = place
        while place < len(outcomes) and outcomes[place].at <= now.at:
            measured.spending.spend(outcomes[place])
            place += 1
        counts.fold(at_s, outcomes[first:place])
        judgement.look(now, readings(READERS, now, measured, wanted))
        counts.forget(at_s)
        yield now, judgement.log.all()
        judgement.log.forget(now)


def _next_look_s(
    outcomes: list[Outcome],
    place: int,
    since: tuple[datetime, float],
    step_s: float,
    *,
    restless: bool,
) -> float:
    """When the next look is worth while: when something has happened, or may end."""
    begun, at_s = since
    if place >= len(outcomes):
        return at_s + (IDLE_STEP_S if restless else float("inf"))
    ahead_s = (outcomes[place].at - begun).total_seconds()
    soonest_s = at_s + step_s
    if restless:
        return soonest_s if ahead_s <= soonest_s else min(ahead_s + step_s, at_s + IDLE_STEP_S)
    return max(soonest_s, ahead_s + step_s)


class _Episodes:
    """What became of each alert that fired."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._found: dict[str, Episode] = {}

    def note(self, now: Now, alerts: Iterable[Alert]) -> None:
        del now
        for alert in alerts:
            passed = alert.why == "passed" and alert.id not in self._found
            if alert.state is State.PENDING or passed:
                continue
            self._found[alert.id] = Episode(
                alert.scope,
                alert.severity,
                alert.starts_at,
                alert.ends_at,
                self._message(alert),
            )

    def _message(self, alert: Alert) -> str:
        """What would have been told first: what follows is how it ended."""
        known = self._found.get(alert.id)
        if known is not None and known.severity is alert.severity:
            return known.message
        return summary(alert, self._rule)

    def all(self) -> list[Episode]:
        return sorted(self._found.values(), key=lambda each: each.starts_at)
