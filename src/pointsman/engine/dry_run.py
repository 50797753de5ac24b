"""What would a rule have done, had it been in force?

The record of attempts is looked at as the watch would have looked, every few seconds, with the same
arithmetic. What is no attempt (a queue, a breaker, models that were eligible) is not in the record.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from pointsman.core.alert import Severity
from pointsman.core.alert_counts import Counts
from pointsman.core.alert_judgement import Judgement
from pointsman.core.alert_log import Alert, AlertLog, Now, State
from pointsman.core.alert_metrics import Kind, Scope, ScopeKind
from pointsman.core.alert_rules import Rule, lines
from pointsman.core.alert_usual import Habits
from pointsman.core.alert_words import summary
from pointsman.core.decision import Outcome
from pointsman.engine.ports import Store

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


async def tried(store: Store, rule: Rule, since: datetime, until: datetime, step_s: float) -> Tried:
    """Try a rule on the record of this time, looking every `step_s`. Raises `StoreError`."""
    return await asyncio.to_thread(_tried, store, rule, since, until, step_s)


def _tried(store: Store, rule: Rule, since: datetime, until: datetime, step_s: float) -> Tried:
    outcomes = [outcome for outcome, _ in store.recent_outcomes(since, MOST) if outcome.at < until]
    begun = outcomes[0].at if len(outcomes) == MOST else since
    judged = [each for each in rule.conditions if each.about.kind is not Kind.GAUGE]
    episodes = _Episodes(rule)
    if judged:
        seen = replace(rule, conditions=tuple(judged), enabled=True)
        for count, (now, alerts) in enumerate(_looks(seen, outcomes, (begun, until), step_s)):
            episodes.note(now, alerts)
            if not count % LOOKS_AT_ONCE:
                # Whoever is being served shares one interpreter with this.
                time.sleep(PAUSE_S)
    not_judged = {each.metric for each in rule.conditions} - {each.metric for each in judged}
    return Tried(episodes.all(), begun, until, len(outcomes), frozenset(not_judged))


def _looks(
    rule: Rule, outcomes: list[Outcome], span: tuple[datetime, datetime], step_s: float
) -> Iterator[tuple[Now, Iterable[Alert]]]:
    """Every look of that time at which anything could have changed, and the alerts after it."""
    begun, until = span
    counts = Counts(*lines([rule]))
    counts.usual_s = _usual(outcomes) if counts.factors else {}
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
            place += 1
        counts.fold(at_s, outcomes[first:place])
        judgement.look(now, {})
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


def _usual(outcomes: list[Outcome]) -> dict[Scope, float]:
    habits = Habits()
    for outcome in outcomes:
        habits.learn(outcome)
    return {
        scope: each.wait_s
        for scope, each in habits.usual().items()
        if scope.kind is ScopeKind.MODEL and each.wait_s
    }


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
