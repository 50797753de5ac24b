"""Is a person offered only plans that nothing beats in everything, and the whole span of them?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_fleets import (
    agents,
    allowed_choices,
    expected,
    models,
    problem,
    random_fleet,
    sums,
)

from pointsman.core.assignment.optimal import Effort
from pointsman.core.assignment.pareto import front
from pointsman.core.assignment.plan import Method, excesses
from pointsman.core.assignment.problem import AgentNeeds, Rules

PROVEN = Effort(gap=0.0)


def test_a_point_is_a_plan_that_is_told_in_scores() -> None:
    """And not in what it was aimed at: its score can be set beside that of any other plan."""
    scores = [[0.9, 0.4], [0.8, 0.3]]
    quality = [[0.5, 0.1], [0.5, 0.1]]
    known = expected(scores, usd=[[0.03, 0.01]] * 2)
    stated = problem(scores, expected=replace(known, quality=quality))
    dearest, *_, cheapest = (point.plan for point in front(stated, PROVEN))
    assert (dearest.chosen, cheapest.chosen) == ((0, 0), (1, 1))
    assert (dearest.method, dearest.gap) == (Method.PARETO, None)
    assert dearest.mean_score == pytest.approx(0.85)
    assert dearest.value == pytest.approx(1.7)
    assert cheapest.mean_score == pytest.approx(0.35)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_no_choice_there_is_beats_a_point_in_everything(seed: int) -> None:
    drawn = random_fleet(seed, 4, 3)
    usd = [[each or 0.01 for each in row] for row in drawn.expected.usd_per_request]
    latency = [[each or 3.0 for each in row] for row in drawn.expected.latency_s]
    stated = problem(
        drawn.scores,
        agents=drawn.agents,
        models=drawn.models,
        bars=drawn.bars,
        rules=drawn.rules,
        expected=expected(drawn.scores, usd=usd, latency=latency),
    )
    choices = allowed_choices(stated)
    placed = (choices >= 0).sum(axis=1)
    weights = np.array([[needs.importance] for needs in stated.agents])
    load = np.array([[needs.load.requests_per_day] for needs in stated.agents])
    found = front(stated, PROVEN)
    most = choices[placed == placed.max()]
    whole = sums(np.broadcast_to(weights, np.shape(usd)), most)
    whole = np.where(whole > 0.0, whole, 1.0)
    qualities = sums(weights * np.array(stated.expected.quality), most) / whole
    waits = sums(weights * np.array(latency), most) / whole
    costs = sums(load * np.array(usd), most)
    for point in found:
        assert excesses(stated, point.plan.chosen) == ()
        assert point.plan.placed == placed.max()
        if len(set(whole)) > 1:
            continue
        ahead = np.stack(
            (qualities - point.quality, point.latency_s - waits, point.usd_per_day - costs)
        )
        assert not ((ahead.min(axis=0) >= -1e-9) & (ahead.max(axis=0) > 1e-6)).any()
    assert sum(point.knee for point in found) == 1


def dear_good_and_fast() -> list[list[float]]:
    return [[0.9, 0.6, 0.3]] * 4


def test_the_front_spans_from_the_best_to_the_cheapest_and_names_a_knee() -> None:
    scores = dear_good_and_fast()
    usd = [[0.10, 0.02, 0.01]] * 4
    stated = problem(scores, expected=expected(scores, usd=usd))
    found = front(stated)
    assert found[0].quality == pytest.approx(0.9)
    assert found[0].usd_per_day == pytest.approx(4 * 144.0)
    assert found[-1].quality == pytest.approx(0.3)
    assert found[-1].usd_per_day == pytest.approx(4 * 14.4)
    assert [point.usd_per_day for point in found] == sorted(
        (point.usd_per_day for point in found), reverse=True
    )
    (knee,) = (point for point in found if point.knee)
    assert found[-1].quality < knee.quality < found[0].quality
    assert found == front(stated)


def test_a_budget_and_a_bound_on_latency_that_are_given_hold_for_every_point() -> None:
    scores = dear_good_and_fast()
    usd = [[0.10, 0.02, 0.0]] * 4
    known = expected(scores, usd=usd, latency=[[2.0, 1.0, 1.0]] * 4)
    rules = Rules(budget_usd_per_day=400.0, mean_latency_s=1.25)
    found = front(problem(scores, expected=known, rules=rules))
    assert max(point.usd_per_day for point in found) <= 400.0
    assert max(point.latency_s for point in found) <= 1.25 + 1e-9
    assert found[-1].usd_per_day == 0.0


def test_where_all_is_one_there_is_one_point() -> None:
    (point,) = front(problem([[0.5]]))
    assert point.knee
    (nothing,) = front(problem([]))
    assert (nothing.quality, nothing.usd_per_day) == (0.0, 0.0)


def test_an_unknown_latency_is_the_longest_and_an_unknown_price_is_not_offered() -> None:
    scores = [[0.5, 0.9]]
    known = expected(scores, usd=[[0.01, None]], latency=[[None, 2.0]])
    (point,) = front(problem(scores, expected=known))
    assert point.plan.chosen == (0,)
    assert point.latency_s == 2.0


def test_what_it_costs_to_switch_does_not_hide_a_point() -> None:
    needs = (AgentNeeds("a", agents(1)[0].load, current=0, switch_cost=1.0),)
    scores = [[0.9, 0.3]]
    stated = problem(
        scores, agents=needs, models=models("p", "q"), expected=expected(scores, usd=[[0.1, 0.01]])
    )
    assert [point.plan.chosen for point in front(stated)] == [(0,), (1,)]
