"""Is learning ever worse than choosing anyhow? Twenty situations, from calm to nothing that stays.

Regret per 1,000 requests against always choosing the best of the moment, in the worth of an answer
by the weights of the agent: 1 is a good answer at once for nothing.

    make sim ARGS="situations --seeds 0-9"
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from statistics import mean

from simulations.adaptation import regret_per_1000, static_regret_per_1000
from simulations.fleet_world import World
from simulations.lineup import LINEUP, RANDOM, ROUTER, STATIC, all_of, seeds_of, table
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
    given = parser.parse_args()
    missed = measured(list(LINEUP), given.seeds, given.jobs)
    names = [*LINEUP, STATIC]
    rows = [
        (scenario.name, *(f"{mean(each[name]):.1f}" for name in names))
        for scenario, each in zip(twenty(0)[:COUNT], missed, strict=True)
    ]
    print(table(("situation", *names), rows))
    worse = [
        row[0]
        for row, each in zip(rows, missed, strict=True)
        if mean(each[ROUTER]) > mean(each[RANDOM])
    ]
    print(f"\nworse than random in {len(worse)} of {COUNT}: {', '.join(map(str, worse)) or 'none'}")


if __name__ == "__main__":
    main()
