"""Is what counts as good enough what rules and budgets say?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pointsman.core.alert import AlertType, Severity
from pointsman.core.alert_budget import Budget, Per
from pointsman.core.alert_defaults import DEFAULT_RULES
from pointsman.core.alert_metrics import EVERYTHING, Scope, ScopeKind
from pointsman.core.alert_rules import Condition, Rule
from pointsman.core.alert_targets import Targets, targets

MARCH = datetime(2026, 3, 9, tzinfo=UTC)
SHIPPED = DEFAULT_RULES.values()


def spending(usd: float) -> Rule:
    condition = Condition("spend_usd_per_h", {Severity.ERROR: 2 * usd, Severity.WARNING: usd})
    everybody = frozenset({ScopeKind.GLOBAL})
    return Rule("spends", AlertType.THRESHOLD_BREACH, everybody, (condition,))


def test_the_rules_as_shipped_want_95_percent_and_say_nothing_of_money() -> None:
    assert targets(SHIPPED, (), MARCH) == Targets(0.95, None)


def test_the_strictest_counts() -> None:
    low = DEFAULT_RULES["low_success_rate"]
    strict = replace(low, conditions=(Condition("success_rate", {Severity.INFO: 0.99}),))
    assert targets([low, strict], (), MARCH).success_rate == 0.99
    budgets = [Budget(EVERYTHING, 24.0, Per.DAY), Budget(EVERYTHING, 7_440.0, Per.MONTH)]
    assert targets([spending(5.0)], budgets, MARCH).usd_per_h == 1.0
    assert targets([spending(0.5)], budgets, MARCH).usd_per_h == 0.5
    assert targets([], budgets[1:], MARCH).usd_per_h == pytest.approx(10.0)


def test_what_is_off_or_about_somebody_else_is_no_target() -> None:
    low = DEFAULT_RULES["low_success_rate"]
    theirs = Budget(Scope(ScopeKind.AGENT, "coder"), 24.0, Per.DAY)
    assert targets([replace(low, enabled=False)], [theirs], MARCH) == Targets()
    only = replace(low, only={"agent": frozenset({"coder"})})
    assert targets([only, DEFAULT_RULES["model_failure"]], (), MARCH) == Targets()
