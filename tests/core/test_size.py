"""Is a request scored by its own size, and still by few sizes?"""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lessons import answered

from pointsman.core.adaptive import AdaptiveScorer
from pointsman.core.decision import Selection, Strategy, Task
from pointsman.core.expectation import BRIEF_ANSWER, SHORT_PROMPT, brevity_of, size_of
from pointsman.core.fleet import Agent, Model, Price, PriceState, Rate, Usage

PRICE = Price(PriceState.KNOWN, Rate(Decimal(2), ((100_000, Decimal(4)),)), Rate(Decimal(10)))
MODEL = Model("p/m", "p", "m", strengths={"coding": 0.9}, price=PRICE)
DEAR = Model("p/m", "p", "m", strengths={"coding": 0.95}, price=PRICE)
CHEAP_PRICE = Price(PriceState.KNOWN, Rate(Decimal("0.1")), Rate(Decimal("0.4")))
CHEAP = Model("p/c", "p", "c", strengths={"coding": 0.8}, price=CHEAP_PRICE)
AGENT = Agent("a", requires=("coding",))
CHOICE = Selection()


def usd(task: Task, scorer: AdaptiveScorer | None = None, model: Model = MODEL) -> float:
    estimate = (scorer or AdaptiveScorer()).score(AGENT, task, CHOICE, model).estimate
    assert estimate is not None
    assert estimate.cost_usd is not None
    return estimate.cost_usd


def used_to_short_ones() -> AdaptiveScorer:
    scorer = AdaptiveScorer()
    for number in range(50):
        scorer.learn(answered(number, usage=Usage(20, 10)))
    scorer.tick(answered(100).at.timestamp())
    return scorer


@given(st.integers(0, 4_000_000))
def test_sizes_are_few_and_each_is_of_its_own_size(tokens: int) -> None:
    size = size_of(tokens)
    assert size_of(size) == size
    if tokens >= SHORT_PROMPT:
        assert size <= tokens < 2 * size
    else:
        assert size == bool(tokens)


@given(st.integers(0, 200_000))
def test_so_is_how_long_an_answer_may_be(tokens: int) -> None:
    most = brevity_of(tokens)
    assert brevity_of(most) == most
    if most is None:
        assert tokens > BRIEF_ANSWER / 2
    else:
        assert tokens <= most < BRIEF_ANSWER


def test_a_long_prompt_costs_what_it_will_cost_whatever_the_agent_usually_sends() -> None:
    for scorer in (AdaptiveScorer(), used_to_short_ones()):
        expected = usd(Task(prompt_tokens=10_000), scorer)
        assert expected == pytest.approx(10_000 * 2e-6, rel=0.5)
    assert usd(Task(prompt_tokens=200_000)) > 150_000 * 4e-6, "the dearer tier"


def test_a_short_prompt_costs_what_the_agents_short_ones_do() -> None:
    scorer = used_to_short_ones()
    assert usd(Task(prompt_tokens=15), scorer) == pytest.approx(usd(Task(), scorer))
    assert usd(Task(prompt_tokens=15), scorer) < 1e-3
    grown = AdaptiveScorer()
    for number in range(50):
        grown.learn(answered(number, usage=Usage(50_000, 10)))
    grown.tick(answered(100).at.timestamp())
    assert usd(Task(prompt_tokens=15), grown) < usd(Task(), grown) / 10


def test_an_answer_that_must_be_brief_costs_no_more_than_that() -> None:
    long, brief = usd(Task(prompt_tokens=15)), usd(Task(prompt_tokens=15, max_output_tokens=4))
    assert long - brief == pytest.approx((200 - 16) * 10e-6)
    assert usd(Task(prompt_tokens=15, max_output_tokens=4_000)) == long


def test_what_it_costs_rises_with_the_prompt() -> None:
    costs = [usd(Task(prompt_tokens=2**power)) for power in range(1, 21)]
    assert all(one <= two for one, two in pairwise(costs))


def test_who_counts_the_cost_sends_what_is_long_to_the_cheap_one() -> None:
    scorer, cheaply = used_to_short_ones(), Selection(strategy=Strategy.COST)
    long = Task(prompt_tokens=10_000)
    dear, cheap = (scorer.score(AGENT, long, cheaply, model) for model in (DEAR, CHEAP))
    assert cheap.score > dear.score


@pytest.mark.parametrize("task", [Task(prompt_tokens=9_000, max_output_tokens=16), Task()])
def test_all_models_at_once_are_scored_alike(task: Task) -> None:
    models, scorer = (MODEL, CHEAP), used_to_short_ones()
    found, *_ = scorer.panel(models).told(AGENT, task, CHOICE)
    for model, score in zip(models, found, strict=True):
        assert score == pytest.approx(scorer.score(AGENT, task, CHOICE, model).score, abs=1e-12)
