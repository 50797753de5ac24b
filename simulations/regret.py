"""How much is missed where models drift, against always choosing the best of the moment?

Eight models whose probability of success is anything from 0.5 to 0.98; every 2,500 requests two of
them get another. What fails is seen as an error, or else it is said of an answer afterwards. Regret
is in successes per 1,000 requests.

    make sim ARGS="regret --seeds 0-29 --plots docs/explanation"
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from itertools import accumulate
from math import ceil
from pathlib import Path
from typing import NamedTuple

from pointsman.app.plots import Line, Plot, svg
from simulations.adaptation import regret_per_1000, static_regret_per_1000
from simulations.fleet_world import World
from simulations.lineup import (
    EPSILON,
    LIFETIME,
    LINEUP,
    RANDOM,
    ROUTER,
    STATIC,
    all_of,
    figure,
    seeds_of,
    table,
)
from simulations.scenarios import drifting

BIN = 100
SHOWN = (ROUTER, LIFETIME, EPSILON, "Thompson, discounted")
HEAD = ("policy", "failures are seen", "answers are judged")


class Run(NamedTuple):
    """Regret per 1,000 requests of a policy and of the best static model, and how it grew."""

    missed: float
    static: float
    grown: tuple[float, ...]


def run(case: tuple[str, int, bool]) -> Run:
    """One policy, by its name, on one seed; `judged` says which of the two situations."""
    name, seed, judged = case
    scenario = drifting(seed, judged=judged)
    steps = list(World(scenario, seed).steps(LINEUP[name](scenario, seed)))
    grown = [0.0, *accumulate(step.regret for step in steps)]
    return Run(regret_per_1000(steps), static_regret_per_1000(steps), tuple(grown[::BIN]))


def rows(runs: dict[tuple[str, bool], list[Run]]) -> list[tuple[object, ...]]:
    """The figures of every policy, and of the best static model."""
    made: list[tuple[object, ...]] = [
        (name, *(figure([r.missed for r in runs[name, judged]]) for judged in (False, True)))
        for name in LINEUP
    ]
    static = [figure([r.static for r in runs[RANDOM, j]]) for j in (False, True)]
    return [*made, (STATIC, *static)]


def plot(runs: dict[tuple[str, bool], list[Run]], command: str) -> str:
    """How regret grows where failures are seen."""
    lines = []
    for name in SHOWN:
        columns = zip(*(each.grown for each in runs[name, False]), strict=True)
        figures = [figure(column) for column in columns]
        lines.append(Line(name, [f.mean for f in figures], [f.within for f in figures]))
    requests = (len(lines[0].means) - 1) * BIN
    highest = max(line.means[-1] for line in lines)
    changes = range(2500, requests, 2500)
    return svg(
        Plot(
            title="What was missed, eight models that drift",
            across="requests",
            up="successes missed",
            span=(0, requests),
            top=100.0 * ceil(highest / 100.0),
            lines=lines,
            marks=[(at, "two change") for at in changes],
            note=f"{command}; mean of the seeds with its 95 % confidence band",
        )
    )


def measured(seeds: Sequence[int], jobs: int) -> dict[tuple[str, bool], list[Run]]:
    """All runs, by policy and situation."""
    cases = [(name, seed, judged) for name in LINEUP for judged in (False, True) for seed in seeds]
    runs: dict[tuple[str, bool], list[Run]] = {}
    for (name, _, judged), each in zip(cases, all_of(run, cases, jobs), strict=True):
        runs.setdefault((name, judged), []).append(each)
    return runs


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=seeds_of, default=range(4), help="such as 0-29")
    parser.add_argument("--plots", type=Path, help="the folder to put the plot in")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    given = parser.parse_args()
    runs = measured(given.seeds, given.jobs)
    print(table(HEAD, rows(runs)))
    if given.plots:
        seeds = f"{given.seeds.start}-{given.seeds.stop - 1}"
        text = plot(runs, f"python -m simulations regret --seeds {seeds}")
        (given.plots / "learning-regret.svg").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
