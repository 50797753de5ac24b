"""Is faster never worth less, cheaper never worth less, and do weights sum to one?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.decision import Selection, Strategy
from pointsman.core.fleet import Agent, Weights
from pointsman.core.utility import (
    HALF_CHEAP_USD,
    STRATEGY_WEIGHTS,
    cheapness,
    speed,
    traded,
    weights_of,
)

OWN = Weights(quality=0.2, latency=0.2, cost=0.6)


@pytest.mark.parametrize("strategy", list(Strategy))
def test_every_strategy_weighs_all_three(strategy: Strategy) -> None:
    weights = STRATEGY_WEIGHTS[strategy]
    assert weights.quality + weights.latency + weights.cost == pytest.approx(1.0)
    assert weights_of(Agent("a"), Selection(strategy)) == weights


def test_balanced_means_the_agents_own_weights_where_it_has_some() -> None:
    agent = Agent("a", weights=OWN)
    assert weights_of(agent, Selection()) == OWN
    assert weights_of(agent, Selection(Strategy.COST)) == STRATEGY_WEIGHTS[Strategy.COST]


def test_who_asks_for_what_is_cheap_gets_it_for_a_small_request_too() -> None:
    def prefers_cheap(strategy: Strategy) -> bool:
        weights = STRATEGY_WEIGHTS[strategy]
        good = weights.quality * 0.72 + weights.cost * cheapness(0.0005)
        cheap = weights.quality * 0.64 + weights.cost * cheapness(0.00004)
        return cheap > good

    assert [each for each in Strategy if prefers_cheap(each)] == [Strategy.COST]


def test_the_callers_weights_overrule_all_others() -> None:
    given_weights = Selection(Strategy.COST, weights=Weights(1.0, 0.0, 0.0))
    assert weights_of(Agent("a", weights=OWN), given_weights) == Weights(1.0, 0.0, 0.0)


def test_at_once_is_worth_one_and_the_budget_one_half() -> None:
    assert speed(0.0, 2.0) == 1.0
    assert speed(2.0, 2.0) == 0.5


def test_free_is_worth_one_and_unknown_nothing() -> None:
    assert cheapness(0.0) == 1.0
    assert cheapness(HALF_CHEAP_USD) == 0.5
    assert cheapness(None) == 0.0


@given(st.floats(0.0, 1e4), st.floats(0.0, 1e4), st.floats(0.01, 1e3))
def test_less_time_and_less_money_are_never_worth_less(
    one: float, other: float, budget_s: float
) -> None:
    less, more = sorted((one, other))
    assert 0.0 <= speed(more, budget_s) <= speed(less, budget_s) <= 1.0
    assert 0.0 <= cheapness(more) <= cheapness(less) <= 1.0


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_a_tradeoff_leaves_latency_alone_and_shares_the_rest(latency: float, share: float) -> None:
    weights = traded(Weights(1.0 - latency, latency, 0.0), share)
    assert weights.latency == latency
    assert weights.quality == pytest.approx((1.0 - latency) * share)
    assert weights.quality + weights.latency + weights.cost == pytest.approx(1.0)
