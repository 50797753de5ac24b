"""How much does a fleet move when the world changes, and what does not moving cost?

    python -m simulations.stability               30 histories of 200 changes
    python -m simulations.stability --histories 2 --changes 50

Prices change, models fail and come back, latencies drift, evidence comes in, loads change. After
every change the fleet is solved twice: from where it stands, with what switching costs, and from
scratch, as if to move cost nothing. Printed are the moves of each per change, and how far the
standing fleet's score is behind that of the restless one. Of the changes in which a model fails it
is told how many agents move that were not on it, and how many of these for nothing: who could have
stayed where it was without breaking a rule, and to the fleet's gain.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from statistics import mean

from bench.fleets import Shape, fleet

from pointsman.core.assignment.optimal import Effort, optimal
from pointsman.core.assignment.plan import excesses, value_of
from pointsman.core.assignment.problem import Bar, BarCode, Load, Matrix, Problem
from pointsman.core.assignment.stability import moves

SHAPE = Shape(15, 8, room=5.0, budget=0.9)
EFFORT = Effort(within_s=5.0, gap=1e-3)
DOWN = Bar(BarCode.UNAVAILABLE, "does not answer")
COSTS = (0.0, 0.03, 0.10)
ROUNDING = 1e-9

Choice = Sequence[int | None]


@dataclass
class World:
    """The fleet as it is now; changes are made to it one at a time."""

    problem: Problem
    draw: random.Random
    down: set[int] = field(default_factory=set)

    def change(self) -> None:
        kinds: tuple[Callable[[], None], ...] = (
            self._price,
            self._failure,
            self._evidence,
            self._evidence,
            self._load,
        )
        self.draw.choice(kinds)()

    def now(self) -> Problem:
        """The fleet with the models that are down out for everybody."""
        out = dict.fromkeys(self.down, DOWN)
        return replace(self.problem, bars=[{**bars, **out} for bars in self.problem.bars])

    def _price(self) -> None:
        model, factor = self._model(), self.draw.uniform(0.6, 1.5)
        known = self.problem.expected
        usd = [
            [each if m != model or each is None else each * factor for m, each in enumerate(row)]
            for row in known.usd_per_request
        ]
        self.problem = replace(self.problem, expected=replace(known, usd_per_request=usd))

    def _failure(self) -> None:
        """A model fails, or the one that is down comes back."""
        if self.down:
            self.down.clear()
        else:
            self.down.add(self._model())

    def _evidence(self) -> None:
        """What is known of a model changes a little, for each agent a little differently."""
        model, shift = self._model(), self.draw.gauss(0.0, 0.04)
        self.problem = replace(self.problem, scores=self._shifted(model, shift))

    def _shifted(self, model: int, shift: float) -> Matrix:
        return [
            [
                each
                if m != model
                else min(1.0, max(0.0, each + shift + self.draw.gauss(0.0, 0.01)))
                for m, each in enumerate(row)
            ]
            for row in self.problem.scores
        ]

    def _load(self) -> None:
        number = self.draw.randrange(len(self.problem.agents))
        agents = list(self.problem.agents)
        load = agents[number].load
        asked = load.requests_per_min * self.draw.uniform(0.7, 1.4)
        agents[number] = replace(
            agents[number], load=Load(asked, load.prompt_tokens, load.completion_tokens)
        )
        self.problem = replace(self.problem, agents=tuple(agents))

    def _model(self) -> int:
        return self.draw.randrange(len(self.problem.models))


@dataclass(frozen=True)
class Failure:
    """Who moves when a model fails: those on it, others, and of these those that need not have."""

    on_it: int
    others: int
    idle: int


@dataclass
class Told:
    """What one history says of one switch cost."""

    moves: list[int] = field(default_factory=list)
    regret: list[float] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


def standing_on(problem: Problem, chosen: Choice, cost: float) -> Problem:
    agents = tuple(
        replace(needs, current=model, switch_cost=cost)
        for needs, model in zip(problem.agents, chosen, strict=True)
    )
    return replace(problem, agents=agents)


def score(problem: Problem, chosen: Choice) -> float:
    """The mean score in points; who has no model counts 0."""
    found = sum(problem.scores[a][m] for a, m in enumerate(chosen) if m is not None)
    return 100.0 * found / len(problem.agents)


def history(seed: int, changes: int) -> dict[float, Told]:
    world = World(fleet(SHAPE, seed), random.Random(seed))
    first = optimal(world.problem, EFFORT).chosen
    standing: dict[float, Choice] = dict.fromkeys(COSTS, first)
    told = {cost: Told() for cost in COSTS}
    for _ in range(changes):
        before = frozenset(world.down)
        world.change()
        now, failed = world.now(), frozenset(world.down) - before
        best = score(now, optimal(now, EFFORT).chosen)
        for cost in COSTS:
            stated = standing_on(now, standing[cost], cost)
            then = optimal(stated, EFFORT).chosen
            if failed:
                told[cost].failures.append(failure(stated, standing[cost], then, failed))
            told[cost].moves.append(len(moves(now, standing[cost], then)))
            told[cost].regret.append(best - score(now, then))
            standing[cost] = then
    return told


def failure(problem: Problem, before: Choice, then: Choice, failed: frozenset[int]) -> Failure:
    moved = moves(problem, before, then)
    others = [move for move in moved if move.source is not None and move.source not in failed]
    value, idle = value_of(problem, then), 0
    for move in others:
        undone = [*then]
        undone[move.agent] = move.source
        idle += not excesses(problem, undone) and value_of(problem, undone) > value + ROUNDING
    return Failure(sum(move.source in failed for move in moved), len(others), idle)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--histories", type=int, default=30)
    parser.add_argument("--changes", type=int, default=200)
    asked = parser.parse_args()
    told = [history(seed, asked.changes) for seed in range(asked.histories)]
    print(f"{asked.histories} histories of {asked.changes} changes, {SHAPE.agents} agents on")
    print(f"{SHAPE.models} models; scores in points of 100, means over all changes\n")
    print("switch cost   moves per change   behind the best, points")
    for cost in COSTS:
        moved = mean(mean(each[cost].moves) for each in told)
        behind = mean(mean(each[cost].regret) for each in told)
        print(f"{cost:11.2f} {moved:18.2f} {behind:25.2f}")
    print("\nwhen a model fails   move off it   others move   of these for nothing")
    for cost in COSTS:
        failures = [failure for each in told for failure in each[cost].failures]
        on_it, others = sum(f.on_it for f in failures), sum(f.others for f in failures)
        idle = sum(f.idle for f in failures)
        print(f"{cost:11.2f} {len(failures):8} {on_it:13} {others:13} {idle:22}")


if __name__ == "__main__":
    main()
