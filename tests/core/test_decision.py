"""Is what several attempts cost known exactly when the cost of each is?"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.decision import Decision, Outcome, Strategy, Task, total_cost_usd

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
AMOUNTS = st.decimals(min_value=0, max_value=100, places=6)


def attempts(costs: list[Decimal | None]) -> list[Outcome]:
    return [
        Outcome("dec_1", n, "a/m", "default", NOON, None, True, 1.0, cost_usd=cost)
        for n, cost in enumerate(costs, 1)
    ]


@given(st.lists(AMOUNTS, max_size=5))
def test_known_costs_add_up(costs: list[Decimal]) -> None:
    assert total_cost_usd(attempts([*costs])) == sum(costs, Decimal(0))


@given(st.lists(AMOUNTS, max_size=3), st.lists(AMOUNTS, max_size=3))
def test_one_unknown_cost_makes_the_whole_unknown(
    before: list[Decimal], after: list[Decimal]
) -> None:
    assert total_cost_usd(attempts([*before, None, *after])) is None


def test_the_end_of_an_id_is_the_seed() -> None:
    made = Decision(
        "dec_019ac3f2b7ffedcba9876543210",
        "req_1",
        NOON,
        "default",
        Task(),
        Strategy.BALANCED,
        (),
        (),
        1.0,
        "v1",
    )
    assert made.seed == 0xFEDCBA9876543210
