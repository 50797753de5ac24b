"""What is usual of a model, an agent, of everything?"""

from __future__ import annotations

from decimal import Decimal

import pytest

from alerts_made import AGENT, EVERYTHING, MODEL, attempt
from pointsman.core.alert_usual import Habits, Usual
from pointsman.core.errors import FailureKind
from pointsman.core.fleet import Usage


def test_the_usual_is_a_median_and_shares_of_sums() -> None:
    habits = Habits()
    usage = Usage(1_000, 10, cached_tokens=600)
    for number in range(101):
        habits.learn(attempt(total_s=0.1 + number / 1_000, usage=usage, cost=Decimal("0.02")))
    habits.learn(attempt(FailureKind.SERVER_ERROR, cost=Decimal("2.02")))
    usual = habits.usual()
    assert usual[MODEL].wait_s == pytest.approx(0.15, rel=0.02)
    assert usual[AGENT].wait_s is None
    assert usual[EVERYTHING].cost_per_success_usd == pytest.approx(0.04)
    assert usual[EVERYTHING].cache_hit_rate == pytest.approx(0.6)


def test_of_few_nothing_is_usual() -> None:
    habits = Habits()
    habits.learn(attempt(first_s=0.2, cost=None))
    assert habits.usual()[MODEL] == Usual()
