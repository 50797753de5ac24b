"""How much of a budget is spent, and how long will the rest last?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from pointsman.core.alert_metrics import EVERYTHING, Scope, ScopeKind
from pointsman.core.decision import Outcome

LONGEST_H = 10_000.0
"""Longer than this lasts what nobody spends."""


class Per(StrEnum):
    """The time that a budget is for, from midnight or the first of a month, UTC."""

    DAY = "day"
    MONTH = "month"


class Budget(NamedTuple):
    """So many US dollars for everything, or for an agent, a day or a month."""

    scope: Scope
    usd: float
    per: Per


class Recorded(NamedTuple):
    """What was spent of a budget since its period began, by the record."""

    begun: datetime
    usd: float


class Spent(NamedTuple):
    """Of a budget: what was spent since its period began, as a share of it, hours it will last."""

    usd: float
    share: float
    lasts_h: float


def begun_at(per: Per, at: datetime) -> datetime:
    """When the period began that `at` is in."""
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return day if per is Per.DAY else day.replace(day=1)


def left_h(per: Per, at: datetime) -> float:
    """How many hours are left of the period that `at` is in."""
    begun = begun_at(per, at)
    longest = timedelta(days=1 if per is Per.DAY else 32)
    return (begun_at(per, begun + longest) - at).total_seconds() / 3_600


class Spending:
    """What was spent of each budget in its present period."""

    def __init__(self, budgets: Iterable[Budget], now: datetime) -> None:
        self.budgets = tuple(budgets)
        self._usd = [0.0 for _ in self.budgets]
        self._begun = [begun_at(each.per, now) for each in self.budgets]

    def covers(self, scope: Scope) -> bool:
        """Whether there is a budget for this scope."""
        return any(each.scope == scope for each in self.budgets)

    def spend(self, outcome: Outcome) -> None:
        """Count an attempt that was billed."""
        if outcome.cost_usd:
            self.bill(outcome.agent_id, outcome.at, float(outcome.cost_usd))

    def bill(self, agent_id: str, at: datetime, usd: float) -> None:
        """Count what an agent was billed at an instant."""
        for place, budget in enumerate(self.budgets):
            if budget.scope not in (EVERYTHING, Scope(ScopeKind.AGENT, agent_id)):
                continue
            begun = begun_at(budget.per, at)
            if begun > self._begun[place]:
                self._begun[place], self._usd[place] = begun, 0.0
            if begun == self._begun[place]:
                self._usd[place] += usd

    def add(self, recorded: Sequence[Recorded]) -> None:
        """Count, for each budget, what was spent before anybody watched."""
        for place, (begun, usd) in enumerate(recorded):
            if begun == self._begun[place]:
                self._usd[place] += usd

    def at_least(self, recorded: Sequence[Recorded]) -> None:
        """So much was spent of each budget, by whomever; what was seen here is not forgotten."""
        for place, (begun, usd) in enumerate(recorded):
            if begun == self._begun[place]:
                self._usd[place] = max(self._usd[place], usd)

    def spent(self, place: int, usd_per_h: float, now: datetime) -> Spent:
        """How a budget stands now, when so much is spent in an hour.

        What lasts until the period ends lasts: then there is a new one.
        """
        budget = self.budgets[place]
        usd = self._usd[place] if begun_at(budget.per, now) <= self._begun[place] else 0.0
        rest = max(0.0, budget.usd - usd)
        lasts_h = 0.0
        if rest > 0:
            lasts_h = rest / usd_per_h if usd_per_h > 0 else LONGEST_H
            lasts_h = LONGEST_H if lasts_h >= left_h(budget.per, now) else lasts_h
        return Spent(usd, usd / budget.usd, min(lasts_h, LONGEST_H))
