"""Do prices prove what they say, and does a solver that ran out of time say nothing false?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_fleets import best_of_all, problem, random_fleet

from pointsman.core.assignment import exact
from pointsman.core.assignment.highs import columns_of, whole_places
from pointsman.core.assignment.limits import Rooms, limits_of
from pointsman.core.assignment.optimal import Effort, optimal
from pointsman.core.assignment.prices import Counts, Grid, bound_at, grid_of, left_out_at_least
from pointsman.core.assignment.problem import AgentNeeds, ModelRoom, Problem


def grid(stated: Problem) -> Grid:
    return grid_of(stated, Rooms(stated, limits_of(stated)))


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_whatever_the_prices_no_plan_is_worth_more_than_they_prove(seed: int, drawn: int) -> None:
    stated = random_fleet(seed, 5, 3)
    fleet = grid(stated)
    chance = np.random.default_rng(drawn)
    proven = bound_at(fleet, chance.random(len(fleet.limits)) * chance.integers(0, 2))
    best = best_of_all(stated)
    manual = [needs for needs in stated.agents if needs.manual is not None]
    of_manual = sum(
        stated.value(agent, needs.manual)
        for agent, needs in enumerate(stated.agents)
        if needs.manual is not None
    )
    placed = best.placed - len(manual)
    outside = sum(sorted(fleet.outside)[: len(fleet.agents) - placed])
    assert proven.value >= best.value - of_manual + outside - 1e-7
    assert (proven.regret >= -1e-12).all()


def test_where_nobody_has_a_choice_nobody_must_be_left_out() -> None:
    decided = problem([[0.5]], agents=(AgentNeeds("a", manual=0),))
    assert left_out_at_least(grid(decided), 0.0) == 0


def exclusive(size: int, models: int) -> Problem:
    scores = np.random.default_rng(3).random((size, models)).tolist()
    rooms = tuple(ModelRoom(f"p/{n}", "p", exclusive=True) for n in range(models))
    return problem(scores, models=rooms)


def test_without_time_there_is_no_plan_and_no_proof() -> None:
    fleet = grid(exclusive(40, 40))
    found = whole_places(fleet, columns_of(np.isfinite(fleet.value)), gap=0.0, within_s=1e-9)
    assert (found.chosen == -1).all()
    assert found.bound >= 0.0


def test_more_pairs_than_the_solver_can_take_leave_an_honest_gap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exact, "MOST_PAIRS", 0)
    monkeypatch.setattr(exact, "PAIRS_PER_AGENT", 1)
    for seed in range(60):
        stated = random_fleet(seed, 5, 3)
        hurried, best = optimal(stated, Effort(gap=0.0)), best_of_all(stated)
        assert hurried.bound is not None
        assert hurried.placed <= best.placed
        if hurried.placed == best.placed:
            assert hurried.value - 1e-7 <= best.value <= hurried.bound + 1e-7


def test_too_few_rounds_of_pricing_cost_time_and_never_the_optimum(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stated = exclusive(30, 20)
    best = optimal(stated, Effort(gap=0.0))
    monkeypatch.setattr(exact, "MOST_ROUNDS", 1)
    assert optimal(stated, Effort(gap=0.0)).value == pytest.approx(best.value)


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_who_asks_only_for_better_plans_gets_the_best_or_a_proof_that_there_is_none(
    seed: int,
) -> None:
    fleet = grid(random_fleet(seed, 6, 4))
    pairs = columns_of(np.isfinite(fleet.value))

    def worth(chosen: Counts) -> float:
        own = fleet.value[np.arange(len(chosen)), chosen]
        return float(np.where(chosen >= 0, own, fleet.outside).sum())

    best = worth(whole_places(fleet, pairs, gap=0.0, within_s=60.0).chosen)
    for less in (1e-5, 0.01, 1.0):
        found = whole_places(fleet, pairs, gap=0.0, within_s=60.0, better_than=best - less)
        assert worth(found.chosen) == pytest.approx(best, abs=1e-6)
        assert found.bound >= best - 1e-6
    none = whole_places(fleet, pairs, gap=0.0, within_s=60.0, better_than=best + 1e-4)
    assert best <= none.bound <= best + 1e-4 + 1e-6
