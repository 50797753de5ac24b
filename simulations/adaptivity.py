"""How soon is a model left that turns slow or starts to fail, and does it get its traffic back?

Six models. The best turns five times slower after 1,000 requests, the second best fails two in five
after 2,000, and both heal after 3,500. Everybody meets the same requests and the same luck.

    make sim ARGS="adaptivity --seeds 0-29 --plots docs/explanation"
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import NamedTuple

from pointsman.app.plots import Line, Plot, svg
from simulations.adaptation import Adaptation, adaptation, regret_per_1000, share
from simulations.fleet_world import World
from simulations.lineup import EPSILON, LIFETIME, LINEUP, ROUTER, all_of, figure, seeds_of, table
from simulations.scenarios import HEALED, ONSET_FAILING, ONSET_SLOW, degrading

SLOW, FAILING = 0, 1
"""The places of the two models that are hit."""

LAST = 1000
"""So many requests at the end show who gets how much after everything has healed."""

BIN = 50
SHOWN = (ROUTER, "classic", LIFETIME, EPSILON, "Thompson, discounted")


class Run(NamedTuple):
    """How one policy fared on one seed. `slow`, `failing`: what followed each onset.

    `back` is the share of the last 1,000 requests that the model which was slow got, and `missed`
    the regret per 1,000 requests. `shares` and `worths` are means over every 50 requests: which
    share went to a model that was in trouble, and the worth of the chosen against that of the best.
    """

    slow: Adaptation
    failing: Adaptation
    back: float
    missed: float
    shares: tuple[float, ...]
    worths: tuple[float, ...]


def run(case: tuple[str, int]) -> Run:
    """One policy, by its name, on one seed."""
    name, seed = case
    scenario = degrading(seed)
    steps = list(World(scenario, seed).steps(LINEUP[name](scenario, seed)))
    troubled = [_in_trouble(number, step.place) for number, step in enumerate(steps)]
    worths = [step.means[step.place] / max(step.means) for step in steps]
    return Run(
        adaptation(steps, SLOW, ONSET_SLOW, ONSET_FAILING),
        adaptation(steps, FAILING, ONSET_FAILING, HEALED),
        share(steps, SLOW, len(steps) - LAST, len(steps)),
        regret_per_1000(steps),
        _binned(troubled),
        _binned(worths),
    )


def _in_trouble(number: int, place: int) -> bool:
    slow = place == SLOW and ONSET_SLOW <= number < HEALED
    return slow or (place == FAILING and ONSET_FAILING <= number < HEALED)


def _binned(values: Sequence[float]) -> tuple[float, ...]:
    return tuple(mean(values[n : n + BIN]) for n in range(0, len(values), BIN))


def row(name: str, runs: Sequence[Run]) -> tuple[object, ...]:
    """The figures of one policy."""
    return (
        name,
        figure([run.slow.own for run in runs]),
        figure([run.slow.until_back for run in runs]),
        figure([run.failing.own for run in runs]),
        figure([run.failing.until_back for run in runs]),
        f"{100 * mean(run.back for run in runs):.0f} %",
        figure([run.missed for run in runs]),
    )


HEAD = (
    "policy",
    "slow: own requests until left",
    "slow: requests until 95 % of the best",
    "failing: own requests until left",
    "failing: requests until 95 % of the best",
    "healed: share of the best",
    "regret per 1,000",
)


def lines(runs: dict[str, list[Run]], field: str) -> list[Line]:
    """Means over seeds with their confidence bands, of those that are shown."""
    made = []
    for name in SHOWN:
        columns = zip(*(getattr(run, field) for run in runs[name]), strict=True)
        figures = [figure(column) for column in columns]
        made.append(Line(name, [f.mean for f in figures], [f.within for f in figures]))
    return made


def plots(runs: dict[str, list[Run]], command: str) -> dict[str, str]:
    """Documents by file name."""
    marks = ((ONSET_SLOW, "5 × slower"), (ONSET_FAILING, "40 % fail"), (HEALED, "both heal"))
    requests = len(runs[ROUTER][0].shares) * BIN
    bad = Plot(
        title="Traffic to models in trouble",
        across="requests",
        up="share of traffic",
        span=(0, requests),
        top=1.0,
        lines=lines(runs, "shares"),
        marks=marks,
        note=f"{command}; mean of the seeds with its 95 % confidence band",
    )
    worth = bad._replace(
        title="Worth of the chosen model against the best of the moment",
        up="share of the best",
        floor=0.5,
        lines=lines(runs, "worths"),
    )
    return {"learning-traffic.svg": svg(bad), "learning-worth.svg": svg(worth)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=seeds_of, default=range(4), help="such as 0-29")
    parser.add_argument("--plots", type=Path, help="the folder to put the plots in")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    given = parser.parse_args()
    cases = [(name, seed) for name in LINEUP for seed in given.seeds]
    all_runs: dict[str, list[Run]] = {name: [] for name in LINEUP}
    for (name, _), each in zip(cases, all_of(run, cases, given.jobs), strict=True):
        all_runs[name].append(each)
    print(table(HEAD, [row(name, runs) for name, runs in all_runs.items()]))
    if given.plots:
        seeds = f"{given.seeds.start}-{given.seeds.stop - 1}"
        command = f"python -m simulations adaptivity --seeds {seeds}"
        for file, text in plots(all_runs, command).items():
            (given.plots / file).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
