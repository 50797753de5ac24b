"""Is learning ever worse than choosing anyhow? Twenty situations, from calm to nothing that stays.

Regret per 1,000 requests against always choosing the best of the moment, in the worth of an answer
by the weights of the agent: 1 is a good answer at once for nothing. How far the router is ahead of
random is the mean of the differences, seed by seed, with its 95 % confidence.

    make sim ARGS="situations --seeds 0-9"
    make sim ARGS="situations --seeds 0-29 --only-random"
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from operator import sub
from statistics import mean

from simulations.adaptation import regret_per_1000, static_regret_per_1000
from simulations.fleet_world import World
from simulations.lineup import LINEUP, RANDOM, ROUTER, STATIC, all_of, figure, seeds_of, table
from simulations.scenarios import twenty

COUNT = 20


def run(case: tuple[str, int, int]) -> tuple[float, float]:
    """The regret of one policy in one situation on one seed, and that of the best static model."""
    name, number, seed = case
    scenario = twenty(seed)[number]
    steps = list(World(scenario, seed).steps(LINEUP[name](scenario, seed)))
    return regret_per_1000(steps), static_regret_per_1000(steps)


def measured(names: Sequence[str], seeds: Sequence[int], jobs: int) -> list[dict[str, list[float]]]:
    """Per situation what each policy missed, seed by seed."""
    cases = [(name, number, seed) for name in names for number in range(COUNT) for seed in seeds]
    missed: list[dict[str, list[float]]] = [{} for _ in range(COUNT)]
    for (name, number, _), (own, static) in zip(cases, all_of(run, cases, jobs), strict=True):
        missed[number].setdefault(name, []).append(own)
        if name == RANDOM:
            missed[number].setdefault(STATIC, []).append(static)
    return missed


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=seeds_of, default=range(2), help="such as 0-9")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument(
        "--only-random", action="store_true", help="compare with random and nobody else"
    )
    given = parser.parse_args()
    policies = [ROUTER, RANDOM] if given.only_random else list(LINEUP)
    missed = measured(policies, given.seeds, given.jobs)
    names = [*policies, STATIC]
    ahead = [figure(list(map(sub, each[RANDOM], each[ROUTER]))) for each in missed]
    rows = [
        (scenario.name, *(f"{mean(each[name]):.1f}" for name in names), by)
        for scenario, each, by in zip(twenty(0)[:COUNT], missed, ahead, strict=True)
    ]
    print(table(("situation", *names, "ahead of random by"), rows))
    worse = [row[0] for row, by in zip(rows, ahead, strict=True) if by.mean < 0]
    print(f"\nworse than random in {len(worse)} of {COUNT}: {', '.join(map(str, worse)) or 'none'}")


if __name__ == "__main__":
    main()
