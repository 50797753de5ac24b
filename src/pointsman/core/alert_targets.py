"""What is good enough, as whoever wrote the rules and the budgets has said?"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from pointsman.core.alert_budget import Budget, Per
from pointsman.core.alert_metrics import EVERYTHING
from pointsman.core.alert_rules import Rule

DAY_H = 24.0


class Targets(NamedTuple):
    """Of everything together; None where nobody has said anything.

    At a `success_rate`, in [0, 1], below this the first rule fires; more than `usd_per_h` an hour
    would exceed a budget or make a rule fire.
    """

    success_rate: float | None = None
    usd_per_h: float | None = None


def targets(rules: Iterable[Rule], budgets: Iterable[Budget], now: datetime) -> Targets:
    """The strictest of all rules in force and all budgets for everything."""
    known = [rule for rule in rules if rule.enabled and rule.concerns(EVERYTHING)]
    spending = [*_thresholds(known, "spend_usd_per_h"), *_hourly(budgets, now)]
    return Targets(
        max(_thresholds(known, "success_rate"), default=None), min(spending, default=None)
    )


def _thresholds(rules: Iterable[Rule], metric: str) -> Iterator[float]:
    """Where each rule begins to fire: at its mildest severity."""
    for rule in rules:
        for condition in rule.conditions:
            if condition.metric == metric:
                yield condition.ladder[min(condition.ladder)]


def _hourly(budgets: Iterable[Budget], now: datetime) -> Iterator[float]:
    month_h = DAY_H * monthrange(now.year, now.month)[1]
    for budget in budgets:
        if budget.scope == EVERYTHING:
            yield budget.usd / (DAY_H if budget.per is Per.DAY else month_h)
