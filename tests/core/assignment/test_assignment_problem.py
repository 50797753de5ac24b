"""Is a problem that makes no sense refused, with the place and the value named?"""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from small_fleets import TOO_WEAK, agents, expected, models, problem

from pointsman.core.assignment.optimal import Effort
from pointsman.core.assignment.problem import (
    AgentNeeds,
    Apart,
    BarCode,
    Load,
    ModelRoom,
    Rules,
)

REFUSED: tuple[tuple[Callable[[], object], str], ...] = (
    (lambda: AgentNeeds("a", Load(-1.0)), "a: a load is made of numbers of at least 0"),
    (lambda: AgentNeeds("a", Load(math.nan)), "a: a load is made of numbers"),
    (lambda: AgentNeeds("a", importance=0.0), "a: importance must be positive, not 0.0"),
    (lambda: AgentNeeds("a", importance=math.inf), "a: importance must be positive, not inf"),
    (lambda: AgentNeeds("a", switch_cost=1.5), r"a: switch_cost must be in \[0, 1\], not 1.5"),
    (lambda: AgentNeeds("a", fallbacks=-1), "a: fallbacks must be at least 0, not -1"),
    (lambda: ModelRoom("m", "p", in_flight=-1.0), "m: in_flight must be at least 0, not -1.0"),
    (lambda: ModelRoom("m", "p", tokens_per_min=math.inf), "m: tokens_per_min must be at least 0"),
    (lambda: Apart("pair", frozenset({0}), at_most=0), "pair: at_most must be at least 1, not 0"),
    (lambda: Rules(budget_usd_per_day=-0.1), "budget_usd_per_day must be at least 0, not -0.1"),
    (lambda: Rules(max_moves=-1), "max_moves must be at least 0, not -1"),
    (lambda: Rules(provider_shares={"p": 1.1}), r"the share of p must be in \[0, 1\], not 1.1"),
    (lambda: problem([[1.2]]), r"agent-0: scores must be in \[0, 1\]"),
    (lambda: problem([[math.nan]]), r"agent-0: scores must be in \[0, 1\]"),
    (lambda: problem([[0.5], [0.5, 0.5]]), "scores: one row per agent and one column per model"),
    (lambda: problem([[0.5]], expected=expected([])), "usd_per_request: one row per agent"),
    (lambda: problem([[0.5]], bars=[]), "bars: one mapping per agent is needed"),
    (
        lambda: problem([[0.5]], agents=(AgentNeeds("a", manual=1),)),
        "a: there is no model number 1",
    ),
    (
        lambda: problem([[0.5]], agents=(AgentNeeds("a", current=-1),)),
        "a: there is no model number -1",
    ),
    (
        lambda: problem([[0.5]], rules=Rules(apart=(Apart("pair", frozenset({0, 1})),))),
        "pair: names an agent that is not there",
    ),
    (lambda: Effort(within_s=0.0), "within_s must be positive, not 0.0"),
    (lambda: Effort(within_s=float("nan")), "within_s must be positive, not nan"),
    (lambda: Effort(gap=1.0), r"gap must be in \[0, 1\), not 1.0"),
)


@pytest.mark.parametrize(("made", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_what_makes_no_sense_is_refused_by_name(made: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        made()


def test_a_group_of_nobody_is_no_mistake() -> None:
    problem([[0.5]], rules=Rules(apart=(Apart("pair", frozenset()),)))


def test_load_is_known_per_minute_and_per_day() -> None:
    load = Load(2.0, prompt_tokens=900.0, completion_tokens=100.0)
    assert load.tokens_per_min == 2000.0
    assert load.requests_per_day == 2880.0


def test_a_model_without_a_price_is_out_only_where_there_is_a_budget() -> None:
    scores = [[0.5, 0.6]]
    unpriced = expected(scores, usd=[[0.01, None]])
    free = problem(scores, expected=unpriced)
    assert free.open_models(0) == [0, 1]
    assert free.bar(0, 1) is None
    bound = problem(scores, expected=unpriced, rules=Rules(budget_usd_per_day=100.0))
    assert bound.open_models(0) == [0]
    assert bound.bar(0, 0) is None
    barred = bound.bar(0, 1)
    assert barred is not None
    assert barred.code is BarCode.PRICE_UNKNOWN
    assert barred.remedy == "give provider-1/model-1 a price"


def test_a_bar_comes_before_the_question_of_price() -> None:
    scores = [[0.5]]
    barred = problem(
        scores,
        bars=[{0: TOO_WEAK}],
        expected=expected(scores, usd=[[None]]),
        rules=Rules(budget_usd_per_day=1.0),
    )
    bar = barred.bar(0, 0)
    assert bar is not None
    assert bar.code is TOO_WEAK.code
    assert bar.words.startswith(f"{TOO_WEAK.words}; the price of provider-0/model-0 is unknown")
    assert bar.remedy == "lower the floor and give provider-0/model-0 a price"


def test_a_person_may_put_an_agent_where_nothing_else_would() -> None:
    forced = problem([[0.5, 0.6]], agents=(AgentNeeds("a", manual=1),), bars=[{1: TOO_WEAK}])
    assert forced.choices(0) == (1,)


def test_who_is_to_stay_stays_unless_its_model_is_out() -> None:
    needs = (AgentNeeds("a", current=0, stays=True),)
    assert problem([[0.1, 0.9]], agents=needs).choices(0) == (0,)
    assert problem([[0.1, 0.9]], agents=needs, bars=[{0: TOO_WEAK}]).choices(0) == [1]


def test_to_leave_a_model_costs_what_a_switch_costs() -> None:
    stands = problem([[0.5, 0.6]], agents=(AgentNeeds("a", current=0, switch_cost=0.2),))
    assert stands.worths(0) == pytest.approx([0.5, 0.4])
    assert [stands.worth(0, model) for model in (0, 1)] == pytest.approx([0.5, 0.4])
    new = problem([[0.5, 0.6]])
    assert new.worths(0) == [0.5, 0.6]


def test_what_a_person_decided_costs_no_switch() -> None:
    forced = problem([[0.5, 0.6]], agents=(AgentNeeds("a", current=0, manual=1),))
    assert forced.worth(0, 1) == 0.6
    assert forced.worths(0) == [0.5, 0.6]


def test_importance_weighs_what_the_fleet_gains_and_not_what_the_agent_does() -> None:
    weighty = problem([[0.5]], agents=(AgentNeeds("a", importance=3.0),))
    assert weighty.worth(0, 0) == 0.5
    assert weighty.value(0, 0) == 1.5


def test_a_day_costs_a_requests_price_times_its_requests_and_nothing_known_is_not_nothing() -> None:
    priced = problem([[0.5, 0.5]], expected=expected([[0.5, 0.5]], usd=[[0.01, None]]))
    assert priced.usd_per_day(0, 0) == pytest.approx(14.4)
    assert priced.usd_per_day(0, 1) is None


def test_providers_come_once_in_the_order_of_their_models() -> None:
    shared = problem([[0.1, 0.2, 0.3]], models=models("b", "a", "b"), agents=agents(1))
    assert list(shared.providers()) == ["b", "a"]
    assert shared.of_provider("b") == (0, 2)
