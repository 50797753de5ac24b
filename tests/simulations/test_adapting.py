"""Does the router adapt as soon as it is said to? A little in `make test`, all in `make prove`.

The policy was tuned on seeds 100 to 123. These are others.
"""

from __future__ import annotations

import os
from statistics import mean

import pytest
from simulations.lineup import EPSILON, LIFETIME, RANDOM, ROUTER, Figure, all_of, figure

from simulations import adaptivity, regret, situations

REPORTED = range(30)
JOBS = os.cpu_count() or 1


def least(found: Figure) -> float:
    return found.mean - found.within


def most(found: Figure) -> float:
    return found.mean + found.within


@pytest.mark.parametrize("seed", [0, 1])
def test_a_model_in_trouble_is_left_and_comes_back(seed: int) -> None:
    run = adaptivity.run((ROUTER, seed))
    assert run.slow.own <= 25
    assert run.slow.until_back <= 180
    assert run.failing.own <= 25
    assert run.failing.until_back <= 250
    assert run.back > 0.5


def test_far_less_is_missed_than_by_chance() -> None:
    missed = {
        name: mean(regret.run((name, seed, False)).missed for seed in (0, 1))
        for name in (ROUTER, RANDOM)
    }
    assert missed[ROUTER] < missed[RANDOM] / 3


@pytest.mark.parametrize("number", range(situations.COUNT))
def test_learning_is_not_worse_than_choosing_anyhow(number: int) -> None:
    ours, anyhow = (situations.run((name, number, 0))[0] for name in (ROUTER, RANDOM))
    assert ours <= anyhow


@pytest.mark.prove
def test_the_goals_of_adapting_hold_over_thirty_seeds() -> None:
    runs = all_of(adaptivity.run, [(ROUTER, seed) for seed in REPORTED], JOBS)
    assert most(figure([run.slow.own for run in runs])) <= 20
    assert most(figure([run.failing.own for run in runs])) <= 20
    assert most(figure([run.slow.until_back for run in runs])) <= 180
    assert most(figure([run.failing.until_back for run in runs])) <= 180
    assert least(figure([run.back for run in runs])) >= 0.5


@pytest.mark.prove
def test_the_goal_of_regret_holds_over_thirty_seeds() -> None:
    cases = [
        (name, seed, judged)
        for name in (ROUTER, LIFETIME, EPSILON)
        for judged in (False, True)
        for seed in REPORTED
    ]
    found: dict[tuple[str, bool], list[float]] = {}
    for (name, _, judged), run in zip(cases, all_of(regret.run, cases, JOBS), strict=True):
        found.setdefault((name, judged), []).append(run.missed)
    missed = {key: figure(values).mean for key, values in found.items()}
    assert missed[ROUTER, False] <= 20
    assert missed[ROUTER, True] <= missed[EPSILON, True]
    for judged in (False, True):
        assert missed[ROUTER, judged] < missed[LIFETIME, judged]


@pytest.mark.prove
def test_learning_is_never_worse_than_choosing_anyhow() -> None:
    for each in situations.measured([ROUTER, RANDOM], range(10), JOBS):
        assert mean(each[ROUTER]) <= mean(each[RANDOM])
