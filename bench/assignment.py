"""How long does it take to assign a fleet, and how good is what comes out?

    python -m bench.assignment            200 x 50 and 2,000 x 200, three fleets each
    python -m bench.assignment --quick    one fleet each

CPU seconds of one core (the solver's included). Beside each figure stands what the same fleet costs
a plainer way in the same minute: agents in turn beside the mere sorting of what each would like,
the exact optimum beside the whole problem put to HiGHS as it is. `bench/fleets.py` has the fleets:
every kind of rule is in use, and few have room to spare.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

import numpy as np

from bench.fleets import Shape, fleet
from pointsman.core.assignment.greedy import balanced, greedy
from pointsman.core.assignment.highs import columns_of, whole_places
from pointsman.core.assignment.limits import Rooms, limits_of
from pointsman.core.assignment.optimal import Effort, optimal
from pointsman.core.assignment.plan import Plan, excesses
from pointsman.core.assignment.prices import grid_of
from pointsman.core.assignment.problem import Problem

Found = TypeVar("Found")

SEEDS = (0, 1, 2)
USUAL = Shape(200, 50, room=5.0, budget=0.9)
TIGHT = Shape(200, 50)
LARGE = Shape(2000, 200)
# The solver's limit is on the clock of the wall, which a busy machine must not turn into a figure.
EXACT = Effort(within_s=60.0, gap=1e-4)
NEAR = Effort(within_s=60.0, gap=1e-3)
LARGE_EFFORT = Effort(within_s=60.0, gap=1e-2)
MOST_MB = 1000.0


@dataclass(frozen=True, slots=True)
class Line:
    """One figure: seconds, what it is measured against, and the most it may be (None: no promise).

    `also` says how good what was found is.
    """

    name: str
    seconds: float
    plain_s: float | None = None
    at_most_s: float | None = None
    also: str = ""

    @property
    def kept(self) -> bool:
        return self.at_most_s is None or self.seconds <= self.at_most_s


def timed(work: Callable[[], Found]) -> tuple[Found, float]:
    """What `work` returns, and the CPU seconds it took."""
    started = time.process_time()
    found = work()
    return found, time.process_time() - started


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    seeds = SEEDS[:1] if parser.parse_args().quick else SEEDS
    optimal(fleet(Shape(20, 5), 1))  # loads the solver, once
    lines = [
        *in_turn(LARGE, seeds),
        exact(USUAL, EXACT, seeds, at_most_s=1.0),
        exact(TIGHT, NEAR, seeds, at_most_s=None),
        exact(LARGE, LARGE_EFFORT, seeds, at_most_s=20.0, plain=False),
    ]
    for line in lines:
        print(_shown(line))
    used_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    print(f"{'memory of all this together':<58} {used_mb:7.0f} MB   promised {MOST_MB:.0f}")
    return 0 if all(line.kept for line in lines) and used_mb <= MOST_MB else 1


def in_turn(shape: Shape, seeds: tuple[int, ...]) -> list[Line]:
    """`greedy` and `balanced`, beside sorting every agent's models by score."""
    lines = []
    for name, strategy, at_most_s in (("greedy", greedy, 0.5), ("balanced", balanced, None)):
        took, plain, left_out = [], [], []
        for seed in seeds:
            problem = fleet(shape, seed)
            plain.append(timed(lambda: [sorted(row) for row in problem.scores])[1])  # noqa: B023 - now
            plan, seconds = timed(lambda: strategy(problem))  # noqa: B023 - called at once
            took.append(seconds)
            left_out.append(len(plan.unplaced))
        also = f"{median(left_out):.0f} left out"
        lines.append(Line(_title(name, shape), median(took), median(plain), at_most_s, also))
    return lines


def exact(
    shape: Shape,
    effort: Effort,
    seeds: tuple[int, ...],
    *,
    at_most_s: float | None,
    plain: bool = True,
) -> Line:
    """`optimal`, beside the whole problem put to the solver (where `plain`)."""
    took, others, gaps, lifts = [], [], [], []
    for seed in seeds:
        problem = fleet(shape, seed)
        plan, seconds = timed(lambda: optimal(problem, effort))  # noqa: B023 - called at once
        if excesses(problem, plan.chosen):
            sys.exit(f"a limit is broken: {excesses(problem, plan.chosen)}")
        took.append(seconds)
        gaps.append(plan.gap or 0.0)
        lifts.append(_lift(problem, plan))
        if plain:
            others.append(timed(lambda: _as_it_is(problem, effort))[1])  # noqa: B023 - at once
    also = f"gap {max(gaps):.1e}, {median(lifts):+.1f} points an agent over greedy"
    name = _title(f"optimal to {effort.gap:.2%}", shape)
    return Line(name, median(took), median(others) if others else None, at_most_s, also)


def _lift(problem: Problem, plan: Plan) -> float:
    return 100.0 * (plan.value - greedy(problem).value) / len(problem.agents)


def _as_it_is(problem: Problem, effort: Effort) -> None:
    grid = grid_of(problem, Rooms(problem, limits_of(problem)))
    gap = effort.gap * float(grid.value.max(axis=1).sum())
    whole_places(grid, columns_of(np.isfinite(grid.value)), gap=gap, within_s=effort.within_s)


def _title(name: str, shape: Shape) -> str:
    tight = "" if shape.room > TIGHT.room else ", tight"
    return f"{name}, {shape.agents} agents x {shape.models} models{tight}"


def _shown(line: Line) -> str:
    ratio = "" if not line.plain_s else f"{line.seconds / line.plain_s:6.2f} x plain"
    promise = "" if line.at_most_s is None else f"promised {line.at_most_s:g} s"
    broken = "" if line.kept else "  BROKEN"
    return f"{line.name:<58} {line.seconds:7.2f} s {ratio:<16} {promise}{broken}   {line.also}"


if __name__ == "__main__":
    sys.exit(main())
