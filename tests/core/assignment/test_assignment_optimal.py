"""Is the optimum the optimum, whichever way it is looked at?"""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from small_fleets import BLIND, best_of_all, expected, problem, random_fleet

from pointsman.core.assignment.exact import Search
from pointsman.core.assignment.greedy import balanced, greedy
from pointsman.core.assignment.optimal import Effort, optimal
from pointsman.core.assignment.plan import excesses
from pointsman.core.assignment.problem import AgentNeeds, Expected, Load, ModelRoom, Problem, Rules

SEEDS = st.integers(0, 2**32)
PROVEN = Effort(gap=0.0)


def proven(stated: Problem) -> tuple[int, float]:
    plan = optimal(stated, PROVEN)
    assert plan.gap == pytest.approx(0.0, abs=1e-7)
    assert excesses(stated, plan.chosen) == ()
    return plan.placed, plan.value


def same(found: tuple[int, float], best: tuple[int, float]) -> bool:
    return found[0] == best[0] and found[1] == pytest.approx(best[1], abs=1e-7)


@settings(deadline=None)
@given(SEEDS)
def test_nothing_that_can_be_tried_is_better(seed: int) -> None:
    stated = random_fleet(seed, 5, 3)
    assert same(proven(stated), best_of_all(stated))


@pytest.mark.prove
def test_nothing_that_can_be_tried_is_better_on_thousands_of_larger_fleets() -> None:
    for seed in range(5_000):
        stated = random_fleet(seed, 7, 4)
        assert same(proven(stated), best_of_all(stated)), seed


@pytest.mark.parametrize("seed", [421, 6254])
def test_fleets_whose_optimum_the_solver_was_seen_to_miss(seed: int) -> None:
    most = (6, 4) if seed == 421 else (5, 4)
    stated = random_fleet(seed, *most)
    assert same(proven(stated), best_of_all(stated))


@pytest.mark.parametrize("size", [5, 40, 200])
def test_one_agent_per_model_agrees_with_an_independent_solver(size: int) -> None:
    draw = np.random.default_rng(size)
    scores = draw.random((size, size))
    rooms = tuple(ModelRoom(f"p/{n}", "p", exclusive=True) for n in range(size))
    stated = problem(scores.tolist(), models=rooms)
    rows, columns = linear_sum_assignment(scores, maximize=True)
    placed, value = proven(stated)
    assert placed == size
    assert value == pytest.approx(float(scores[rows, columns].sum()), abs=1e-7)


@settings(deadline=None)
@given(SEEDS)
def test_it_is_at_least_as_good_as_agents_in_turn(seed: int) -> None:
    stated = random_fleet(seed, 12, 5)
    best = proven(stated)
    for plan in (greedy(stated), balanced(stated)):
        assert (plan.placed, plan.value) <= (best[0], best[1] + 1e-7)


@settings(deadline=None)
@given(SEEDS)
def test_more_room_never_makes_it_worse(seed: int) -> None:
    stated = random_fleet(seed, 8, 4)
    roomier = replace(
        stated,
        models=tuple(
            replace(room, requests_per_min=None, tokens_per_min=None, exclusive=False)
            for room in stated.models
        ),
        rules=replace(stated.rules, apart=(), max_moves=None, provider_shares={}),
    )
    placed, value = proven(stated)
    placed_then, value_then = proven(roomier)
    assert placed_then >= placed
    if placed_then == placed:
        assert value_then >= value - 1e-7


def in_order(stated: Problem, order: list[int]) -> Problem:
    known = stated.expected
    return replace(
        stated,
        agents=tuple(stated.agents[a] for a in order),
        scores=[stated.scores[a] for a in order],
        bars=[stated.bars[a] for a in order],
        expected=Expected(
            [known.usd_per_request[a] for a in order],
            [known.latency_s[a] for a in order],
            [known.duration_s[a] for a in order],
            [known.quality[a] for a in order],
        ),
        rules=replace(
            stated.rules,
            apart=tuple(
                replace(group, agents=frozenset(order.index(a) for a in group.agents))
                for group in stated.rules.apart
            ),
        ),
    )


@settings(deadline=None)
@given(SEEDS, st.randoms(use_true_random=False))
def test_the_order_of_agents_does_not_matter(seed: int, chance: random.Random) -> None:
    stated = random_fleet(seed, 8, 4)
    order = list(range(len(stated.agents)))
    chance.shuffle(order)
    mixed = in_order(stated, order)
    assert same(proven(mixed), proven(stated))


@settings(deadline=None)
@given(SEEDS)
def test_the_same_problem_gets_the_same_plan(seed: int) -> None:
    assert optimal(random_fleet(seed, 8, 4)) == optimal(random_fleet(seed, 8, 4))


def tight(count: int, *, unit: float = 1.0) -> Problem:
    """Agents of unequal load on two models with room for two thirds of them, all wanting one."""
    draw = random.Random(1)
    needs = tuple(AgentNeeds(f"a{n}", Load(unit * draw.uniform(1.0, 9.0))) for n in range(count))
    total = sum(agent.load.requests_per_min for agent in needs)
    rooms = (ModelRoom("p/a", "p", total / 3), ModelRoom("q/b", "q", total / 3))
    scores = [[draw.random(), draw.random()] for _ in needs]
    return problem(scores, agents=needs, models=rooms)


def test_who_has_no_place_is_as_few_as_can_be_and_told_why() -> None:
    plan = optimal(tight(30), PROVEN)
    assert 0 < len(plan.unplaced) < 10
    assert plan.unplaced[0].reasons[0].startswith("no room in the requests per minute of")


def test_when_everyones_favourite_fits_no_solver_is_needed() -> None:
    plan = optimal(problem([[0.2, 0.9], [0.8, 0.1]]))
    assert plan.chosen == (1, 0)
    assert plan.gap == 0.0
    assert plan.bound == plan.value


def test_who_fits_nowhere_keeps_nobody_from_the_optimum() -> None:
    needs = (AgentNeeds("huge", Load(1e6)), AgentNeeds("a", Load(1.0)), AgentNeeds("b", Load(1.0)))
    rooms = (ModelRoom("p/m", "p", 1.0), ModelRoom("p/n", "p", 1.0))
    stated = problem([[0.9, 0.9], [0.9, 0.8], [0.9, 0.1]], agents=needs, models=rooms)
    assert optimal(stated, PROVEN).chosen == (None, 1, 0)


def test_nobody_anywhere_is_a_plan_for_nobody() -> None:
    assert optimal(problem([])).chosen == ()
    stuck = problem([[0.5]], models=(ModelRoom("p/m", "p", requests_per_min=0.0),), bars=[{}])
    assert optimal(stuck).chosen == (None,)
    assert optimal(problem([[0.5]], bars=[{0: BLIND}])).chosen == (None,)


def test_a_time_that_is_too_short_still_gives_a_plan_and_an_honest_gap() -> None:
    stated = tight(60)
    hurried = optimal(stated, Effort(within_s=1e-9))
    assert excesses(stated, hurried.chosen) == ()
    best = optimal(stated)
    assert hurried.gap is not None
    assert hurried.bound is not None
    assert hurried.placed <= best.placed
    if hurried.placed == best.placed:
        assert hurried.value <= best.value <= hurried.bound + 1e-7


def test_what_breaks_a_limit_is_not_adopted_whoever_says_it() -> None:
    search = Search(tight(6), PROVEN)
    before = search.plan()
    search.adopt(np.zeros(6, dtype=np.int64))
    assert search.plan() == before


def test_a_budget_moves_those_to_the_cheaper_model_who_lose_least() -> None:
    scores = [[0.9, 0.5], [0.9, 0.8]]
    usd = expected(scores, usd=[[0.03, 0.01]] * 2)
    stated = problem(scores, expected=usd, rules=Rules(budget_usd_per_day=4 * 14.4))
    assert optimal(stated).chosen == (0, 1)


def test_the_solver_is_not_loaded_before_there_is_something_to_solve() -> None:
    program = (
        "import sys, pointsman.core.assignment.optimal, pointsman.app.cli\n"
        "assert not {'numpy', 'highspy'} & set(sys.modules), 'loaded'"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
