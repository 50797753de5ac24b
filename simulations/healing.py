"""How long until a model that was down for a moment has its traffic back?

The six models of `adaptivity`; of the best, every answer fails for a while, or takes ten times as
long, and then all is well again. Trouble of a second is what a false alarm looks like: the model is
punished for what is over. Back is whoever gets four fifths of its usual share of the next requests
(of five seconds, twenty requests at least). Fallbacks and circuit breakers are left out.

    make sim ARGS="healing --seeds 0-29"
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from simulations.fleet_world import World
from simulations.lineup import all_of, figure, seeds_of, table
from simulations.router_policies import ours
from simulations.scenarios import Arm, Event, became, degrading, scaled

ONSET = 1000
WATCHED_S = 600.0
BACK = 0.8
BEFORE = 300


class Trouble(NamedTuple):
    """Of what kind, for how many seconds, at so many requests a second."""

    kind: str
    lasts_s: float
    per_s: float


CHANGES: dict[str, tuple[Callable[[Arm], Arm], Callable[[Arm], Arm]]] = {
    "every answer fails": (became(failure=1.0), became(failure=0.01)),
    "ten times slower": (scaled("latency_s", 10.0), scaled("latency_s", 0.1)),
}
CASES = (
    Trouble("every answer fails", 1.0, 10.0),
    Trouble("every answer fails", 10.0, 10.0),
    Trouble("every answer fails", 60.0, 10.0),
    Trouble("every answer fails", 10.0, 1.0),
    Trouble("ten times slower", 3.0, 10.0),
    Trouble("ten times slower", 30.0, 10.0),
)


class Run(NamedTuple):
    """Seconds from the end of the trouble until the model is back; what it got during it."""

    back_s: float
    own: int


def run(case: tuple[Trouble, int]) -> Run:
    """One trouble on one seed; who does not come back counts as `WATCHED_S`."""
    trouble, seed = case
    began, ended = CHANGES[trouble.kind]
    healed = ONSET + round(trouble.lasts_s * trouble.per_s)
    scenario = replace(
        degrading(seed),
        name="healing",
        events=(Event(ONSET, 0, began), Event(healed, 0, ended)),
        requests=healed + round(WATCHED_S * trouble.per_s),
        every_s=1.0 / trouble.per_s,
    )
    taken = [step.place == 0 for step in World(scenario, seed).steps(ours(scenario, seed))]
    usual = sum(taken[ONSET - BEFORE : ONSET]) / BEFORE
    width = max(20, round(5.0 * trouble.per_s))
    back = next(
        (
            start
            for start in range(healed, len(taken) - width)
            if sum(taken[start : start + width]) >= BACK * usual * width
        ),
        len(taken),
    )
    return Run((back - healed) / trouble.per_s, sum(taken[ONSET:healed]))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=seeds_of, default=range(4), help="such as 0-29")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    given = parser.parse_args()
    cases = [(trouble, seed) for trouble in CASES for seed in given.seeds]
    results = iter(all_of(run, cases, given.jobs))
    rows = []
    for trouble in CASES:
        runs = [next(results) for _ in given.seeds]
        longest = sorted(each.back_s for each in runs)[int(0.9 * (len(runs) - 1))]
        rows.append(
            (
                f"{trouble.kind} for {trouble.lasts_s:g} s",
                f"{trouble.per_s:g}",
                figure([each.back_s for each in runs]),
                f"{longest:.1f}",
                figure([float(each.own) for each in runs]),
            )
        )
    head = ("trouble", "requests/s", "back after s", "nine in ten within s", "requests it got")
    print(table(head, rows))


if __name__ == "__main__":
    main()
