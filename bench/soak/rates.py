"""Which rate can this machine sustain, with whatever else runs on it now?"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from random import Random

import uvloop

from bench.soak.callers import ImpatientCaller, Ledger, NumberedTraffic
from bench.soak.plan import Plan
from bench.soak.world import World, world
from pointsman.app.loadtest.arrivals import OpenLoop
from pointsman.app.loadtest.measured import Measured
from pointsman.app.loadtest.run import Bounds, LoadTest

FIRST_PER_S = 10.0
FACTOR = 1.5
STEP_S = 8.0
TRIES = 2
"""A machine that others use stops for a moment at times; a rate is too high when it is so twice."""

MOST_LATE_S = 0.1
"""At the 95th percentile: beyond it the load test or the machine is too slow for the rate."""

MOST_UNDER_WAY_S = 2.5
"""So many seconds' requests may be under way at the end of a step: beyond, they pile up."""


@dataclass(frozen=True)
class Step:
    """How one rate went: the 95th percentile of lateness, and how much was still under way."""

    per_s: float
    late_s: float
    under_way: int
    failed: int
    not_sent: int

    @property
    def sustained(self) -> bool:
        piled_up = self.under_way > MOST_UNDER_WAY_S * self.per_s
        return self.late_s <= MOST_LATE_S and not piled_up and not self.not_sent


def put_on(
    world: World, per_s: float, duration_s: float, ledger: Ledger, name: str
) -> tuple[Measured, int]:
    """The load of a soak at a rate; what came of it, and how much was under way when it ended.

    `name` is part of every request's id.
    """
    under_way = 0

    def look(measured: Measured, at_s: float) -> None:
        nonlocal under_way
        if at_s < duration_s:
            under_way = measured.under_way

    test = LoadTest(
        ImpatientCaller(world.gateway.url, world.plan),
        NumberedTraffic(world.plan, name),
        OpenLoop(per_s),
        Bounds(duration_s),
        random=Random(f"{world.plan.seed} {name}"),
        tick=look,
        each=ledger.note,
    )
    return uvloop.run(test.run()), under_way


def sustainable(plan: Plan) -> float:
    """The highest rate tried that was sustained, in requests per second; told on stderr."""
    best = FIRST_PER_S
    with world(plan._replace(leaving=0.0, duration_s=3600)) as place:
        per_s = FIRST_PER_S
        while per_s <= plan.most_per_s and any(_tried(place, per_s) for _ in range(TRIES)):
            best, per_s = per_s, per_s * FACTOR
    return best


def _tried(place: World, per_s: float) -> bool:
    step = _step(place, per_s)
    print(f"  {per_s:6.1f}/s: {'sustained' if step.sustained else step}", file=sys.stderr)
    return step.sustained


def _step(place: World, per_s: float) -> Step:
    measured, under_way = put_on(place, per_s, STEP_S, Ledger(), f"at {per_s}")
    late = measured.times.late.quantiles((0.95,))
    return Step(per_s, late[0] if late else 0.0, under_way, measured.failed, measured.not_sent)
