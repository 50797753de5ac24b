"""How long does it take to assign a fleet, and how good is what comes out?

    python -m bench.assignment            200 x 50 and 2,000 x 200, three fleets each
    python -m bench.assignment --wide     and twenty fleets of 200 x 50, for the worst
    python -m bench.assignment --quick    one fleet each
    python -m bench.assignment --seeds 40-59   200 x 50 of other seeds, each by itself

CPU seconds of one core (the solver's included). Beside each figure stands what the same fleet costs
a plainer way in the same minute: agents in turn beside the mere sorting of what each would like,
the exact optimum beside the whole problem put to HiGHS as it is, scores of all pairs beside those
of one pair after the other. `bench/fleets.py` has the fleets:
every kind of rule is in use, and few have room to spare.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from statistics import median
from typing import TypeVar

import numpy as np

from bench.fleets import Shape, fleet
from pointsman.core.adaptive import AdaptiveScorer
from pointsman.core.assignment.duty import NOTHING_EXPECTED
from pointsman.core.assignment.greedy import balanced, greedy
from pointsman.core.assignment.highs import columns_of, whole_places
from pointsman.core.assignment.limits import Rooms, limits_of
from pointsman.core.assignment.optimal import Effort, optimal
from pointsman.core.assignment.plan import Plan, excesses
from pointsman.core.assignment.prices import grid_of
from pointsman.core.assignment.problem import Problem
from pointsman.core.decision import Candidate, Outcome, Selection, Strategy, Task
from pointsman.core.fleet import Agent, Fleet, Model, Price, PriceState, Rate
from pointsman.engine.adjusted import AdjustedScores
from pointsman.engine.rows import rows_of

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
WIDE = tuple(range(20))
ABLE = ("coding", "math", "reasoning", "general", "translation", "summaries")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


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
    parser.add_argument("--wide", action="store_true")
    parser.add_argument("--seeds", type=_seeds, metavar="FIRST-LAST")
    args = parser.parse_args()
    if args.seeds:
        return one_by_one(args.seeds)
    seeds = SEEDS[:1] if args.quick else SEEDS
    optimal(fleet(Shape(20, 5), 1))  # loads the solver, once
    lines = [
        scoring(LARGE),
        *in_turn(LARGE, seeds),
        exact(USUAL, EXACT, seeds, at_most_s=1.0),
        exact(TIGHT, NEAR, seeds, at_most_s=1.0),
        exact(LARGE, LARGE_EFFORT, seeds, at_most_s=20.0, plain=False),
    ]
    if args.wide:
        lines += [exact(s, e, WIDE, at_most_s=None) for s, e in ((USUAL, EXACT), (TIGHT, NEAR))]
    for line in lines:
        print(_shown(line))
    used_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    print(f"{'memory of all this together':<58} {used_mb:7.0f} MB   promised {MOST_MB:.0f}")
    return 0 if all(line.kept for line in lines) and used_mb <= MOST_MB else 1


def _seeds(text: str) -> tuple[int, ...]:
    first, _, last = text.partition("-")
    return tuple(range(int(first), int(last or first) + 1))


def one_by_one(seeds: tuple[int, ...]) -> int:
    """What each fleet of 200 x 50 takes, and the median and the worst of all."""
    optimal(fleet(Shape(20, 5), 1))
    for shape, effort in ((USUAL, EXACT), (TIGHT, NEAR)):
        took = []
        for seed in seeds:
            problem = fleet(shape, seed)
            plan, seconds = timed(lambda: optimal(problem, effort))  # noqa: B023 - called at once
            took.append(seconds)
            title = f"{_title(f'optimal to {effort.gap:.2%}', shape)}, seed {seed}"
            print(f"{title:<66} {seconds:7.2f} s   gap {plan.gap or 0.0:.1e}", flush=True)
        print(f"median {median(took):.2f} s, at worst {max(took):.2f} s")
    return 0


def scoring(shape: Shape) -> Line:
    """What is expected of every pair, all models at once, beside one after the other."""
    draw, scorer = random.Random(0), AdaptiveScorer()
    fleet = Fleet(
        tuple(_agent(draw, number) for number in range(shape.agents)),
        tuple(_model(draw, number) for number in range(shape.models)),
        "bench",
    )
    for number in range(4 * shape.agents):
        scorer.learn(_outcome(draw, number, fleet))
    scorer.tick(NOON.timestamp() + 60.0)
    asked = fleet, NOTHING_EXPECTED
    plain = _Plainly(scorer)
    rows, seconds = timed(lambda: list(rows_of(*asked, scorer, Strategy.BALANCED)))
    # A tenth of them is enough of that, and takes a tenth of the memory.
    some = shape.agents // 10
    others, plain_s = timed(lambda: list(islice(rows_of(*asked, plain, Strategy.BALANCED), some)))
    off = max(
        abs(one - other)
        for row, same in zip(rows, others, strict=False)
        for one, other in zip(row.scores, same.scores, strict=True)
    )
    name = f"scores, {shape.agents} agents x {shape.models} models"
    return Line(name, seconds, 10.0 * plain_s, 1.0, f"{off:.0e} off at most")


class _Plainly(AdjustedScores):
    """The scores of another, a pair at a time."""

    def score(self, agent: Agent, task: Task, selection: Selection, model: Model) -> Candidate:
        return self._scores.score(agent, task, selection, model)


def _agent(draw: random.Random, number: int) -> Agent:
    return Agent(f"agent-{number}", requires=tuple(draw.sample(ABLE, draw.choice((1, 1, 2)))))


def _model(draw: random.Random, number: int) -> Model:
    rates = (Rate(Decimal(draw.randint(1, 500)) / 100) for _ in range(2))
    return Model(
        f"p/m{number}",
        "p",
        f"m{number}",
        strengths={name: draw.uniform(0.3, 1.0) for name in ABLE},
        context_window=128_000,
        price=Price(PriceState.KNOWN, next(rates), next(rates)),
    )


def _outcome(draw: random.Random, number: int, fleet: Fleet) -> Outcome:
    agent, model = draw.choice(list(fleet.agents)), draw.choice(list(fleet.models))
    took_s = draw.uniform(0.2, 3.0)
    return Outcome(f"dec_{number}", 1, model, agent, NOON, None, True, 2.0 * took_s, took_s)


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
            others.append(timed(lambda: as_it_is(problem, effort))[1])  # noqa: B023 - at once
    worst = f"at worst {max(took):.2f} s, gap {max(gaps):.1e}"
    also = f"{worst}, {median(lifts):+.1f} points an agent over greedy"
    name = _title(f"optimal to {effort.gap:.2%}", shape)
    return Line(name, median(took), median(others) if others else None, at_most_s, also)


def _lift(problem: Problem, plan: Plan) -> float:
    return 100.0 * (plan.value - greedy(problem).value) / len(problem.agents)


def as_it_is(problem: Problem, effort: Effort) -> None:
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
