"""How much of a budget is spent, and how long will the rest last?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from alerts_made import AGENT, EVERYTHING, NOON, attempt
from pointsman.core.alert_budget import LONGEST_H, Budget, Per, Recorded, Spending, begun_at, left_h
from pointsman.core.decision import Outcome

DAILY = Budget(AGENT, 10.0, Per.DAY)
MONTHLY = Budget(EVERYTHING, 100.0, Per.MONTH)


def billed(usd: str | None, at: datetime = NOON, agent: str = "a") -> Outcome:
    cost = None if usd is None else Decimal(usd)
    return attempt(cost=cost, agent=agent)._replace(at=at)


@pytest.mark.parametrize(
    ("per", "at", "begun", "left"),
    [
        (Per.DAY, NOON, datetime(2026, 3, 1, tzinfo=UTC), 12.0),
        (Per.MONTH, NOON, datetime(2026, 3, 1, tzinfo=UTC), 30 * 24 + 12.0),
        (Per.MONTH, datetime(2026, 2, 28, 23, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC), 1.0),
        (Per.MONTH, datetime(2026, 12, 31, 23, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC), 1.0),
    ],
)
def test_a_period_begins_at_midnight_or_with_the_month(
    per: Per, at: datetime, begun: datetime, left: float
) -> None:
    assert begun_at(per, at) == begun
    assert left_h(per, at) == pytest.approx(left)


def test_a_budget_counts_what_its_agent_or_everybody_was_billed() -> None:
    spending = Spending([DAILY, MONTHLY], NOON)
    for outcome in (billed("1.5"), billed("2", agent="b"), billed(None), billed("0")):
        spending.spend(outcome)
    assert spending.spent(0, 0.0, NOON).usd == 1.5
    assert spending.spent(1, 0.0, NOON)[:2] == (3.5, 0.035)
    assert spending.covers(AGENT)
    assert not Spending([DAILY], NOON).covers(EVERYTHING)


@given(
    st.lists(st.decimals(0, 3, places=2), max_size=30), st.integers(1, 50), st.floats(0.1, 1_000.0)
)
def test_a_budget_is_used_up_when_so_much_was_billed_and_not_before(
    bills: list[Decimal], usd: int, usd_per_h: float
) -> None:
    billed_usd = float(sum(bills))
    assume(abs(billed_usd - usd) > 0.001)
    spending = Spending([Budget(AGENT, usd, Per.DAY)], NOON)
    for bill in bills:
        spending.spend(billed(str(bill)))
    spent = spending.spent(0, usd_per_h, NOON)
    assert spent[:2] == pytest.approx((billed_usd, billed_usd / usd))
    assert (spent.lasts_h == 0.0) == (billed_usd > usd)


def test_a_new_period_begins_with_nothing_spent() -> None:
    spending = Spending([DAILY], NOON)
    spending.spend(billed("4"))
    tomorrow = NOON + timedelta(days=1)
    assert spending.spent(0, 0.0, tomorrow).usd == 0.0
    spending.spend(billed("1", tomorrow))
    spending.spend(billed("8", NOON))
    assert spending.spent(0, 0.0, tomorrow).usd == 1.0


def test_what_was_spent_before_is_added_and_what_others_spent_is_not_forgotten() -> None:
    spending = Spending([DAILY], NOON)
    spending.spend(billed("4"))
    today = begun_at(Per.DAY, NOON)
    spending.add([Recorded(today, 2.0)])
    assert spending.spent(0, 0.0, NOON).usd == 6.0
    spending.at_least([Recorded(today, 5.0)])
    assert spending.spent(0, 0.0, NOON).usd == 6.0
    spending.at_least([Recorded(today, 8.0)])
    assert spending.spent(0, 0.0, NOON).usd == 8.0
    yesterday = today - timedelta(days=1)
    spending.add([Recorded(yesterday, 50.0)])
    spending.at_least([Recorded(yesterday, 50.0)])
    assert spending.spent(0, 0.0, NOON).usd == 8.0


@pytest.mark.parametrize(
    ("spent", "usd_per_h", "lasts_h"),
    [
        ("4", 1.0, 6.0),
        ("4", 0.1, LONGEST_H),
        ("4", 0.0, LONGEST_H),
        ("11", 1.0, 0.0),
        ("11", 0.0, 0.0),
    ],
)
def test_the_rest_lasts_until_it_is_spent_or_the_period_ends(
    spent: str, usd_per_h: float, lasts_h: float
) -> None:
    spending = Spending([DAILY], NOON)
    spending.spend(billed(spent))
    assert spending.spent(0, usd_per_h, NOON).lasts_h == lasts_h
