"""What is usual of a model, an agent, of everything?"""

from __future__ import annotations

import pytest

from pointsman.core.alert_usual import Sums, Usual
from pointsman.core.quantiles import Sketch


def test_the_usual_is_a_median_and_shares_of_sums() -> None:
    waits = Sketch()
    waits.add_all([0.1 + number / 1_000 for number in range(101)])
    day = Sums(50, 2.0, 60_000, 36_000)
    usual = day.plus(day)._replace(waits=waits).usual()
    assert usual.wait_s == pytest.approx(0.15, rel=0.02)
    assert usual.cost_per_success_usd == pytest.approx(0.04)
    assert usual.cache_hit_rate == pytest.approx(0.6)
    assert day.usual().wait_s is None, "nobody asked"


def test_of_few_nothing_is_usual() -> None:
    waits = Sketch()
    waits.add(0.2)
    assert Sums(49, 1.0, 9_999, 1, waits).usual() == Usual()
    assert Sums(50, 0.0, 0, 0).usual() == Usual(), "what is free costs nothing usual"
