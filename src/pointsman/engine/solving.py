"""Which plan does a strategy make of the fleet as it is now, and what would it change?

Scores are asked on the event loop, a few at a time, since they are learned there; what takes a
second of arithmetic runs in a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from hashlib import blake2b
from typing import NamedTuple

from pointsman.core.assignment.duty import Expectations
from pointsman.core.assignment.greedy import balanced, greedy
from pointsman.core.assignment.optimal import USUAL_EFFORT, Effort, optimal
from pointsman.core.assignment.pareto import Point, front
from pointsman.core.assignment.plan import Plan
from pointsman.core.assignment.problem import Problem
from pointsman.core.assignment.standby import standbys
from pointsman.core.decision import Strategy
from pointsman.core.errors import RequestError
from pointsman.core.fleet import Fleet
from pointsman.engine.assign import Stated, rows_of, stated_of, without
from pointsman.engine.ports import Scores
from pointsman.engine.steps import in_steps

KNEE = "knee"
"""In the place of a plan's id: the point of the front where most is had for least."""


class How(StrEnum):
    """How a plan is made."""

    GREEDY = "greedy"
    BALANCED = "balanced"
    OPTIMAL = "optimal"
    PARETO = "pareto"


class Wish(NamedTuple):
    """What is asked for: how, with what effort, as if some models did not answer.

    `point` is the id of a plan of the front, or `KNEE`; None asks for the front itself.
    """

    how: How = How.OPTIMAL
    effort: Effort = USUAL_EFFORT
    without: tuple[str, ...] = ()
    point: str | None = None


class View(NamedTuple):
    """The configuration that assignments are made for."""

    fleet: Fleet
    expectations: Expectations
    strategy: Strategy


class Solved(NamedTuple):
    """A plan of the problem as it was stated, and its id. `front` only where it was asked for."""

    stated: Stated
    plan: Plan
    id: str
    front: tuple[Point, ...] = ()
    point: Point | None = None

    def models_of(self) -> dict[str, tuple[str, ...]]:
        """For every agent the ids of its primary and of those that stand by; empty without any."""
        names = [model.id for model in self.stated.models]
        ready = standbys(self.stated.problem, self.plan.chosen)
        return {
            agent.id: () if first is None else (names[first], *(names[m] for m in spares))
            for agent, first, spares in zip(
                self.stated.agents, self.plan.chosen, ready, strict=True
            )
        }


async def stated_now(
    view: View,
    scores: Scores,
    monotonic: Callable[[], float],
    standing: Mapping[str, str],
    held: Collection[str],
) -> Stated:
    """The fleet's problem at this moment, without anybody waiting for long while it is stated."""
    found = rows_of(view.fleet, view.expectations, scores, view.strategy)
    rows = [row async for row in in_steps(found, monotonic)]
    return stated_of(view.fleet, view.expectations, rows, standing, held)


async def solved(stated: Stated, wish: Wish) -> Solved:
    """Raises `RequestError` for a model or a point that is not there."""
    try:
        stated = without(stated, wish.without)
    except ValueError as error:
        raise RequestError(f"without: {error}.", param="without", code="unknown_model") from error
    if wish.how is not How.PARETO:
        plan = await asyncio.to_thread(_PLANS[wish.how], stated.problem, wish.effort)
        return Solved(stated, plan, plan_id(stated, plan))
    points = await asyncio.to_thread(front, stated.problem)
    point = _picked(stated, points, wish.point)
    return Solved(stated, point.plan, plan_id(stated, point.plan), points, point)


def plan_id(stated: Stated, plan: Plan) -> str:
    """The same for plans that put the same agents on the same models, whoever made them."""
    names = (
        f"{agent.id}\t{'' if model is None else stated.models[model].id}"
        for agent, model in zip(stated.agents, plan.chosen, strict=True)
    )
    text = "\n".join(sorted(names)).encode("utf-8", "surrogatepass")
    return f"plan_{blake2b(text, digest_size=8).hexdigest()}"


def _picked(stated: Stated, points: tuple[Point, ...], name: str | None) -> Point:
    if name in {None, KNEE}:
        return next(point for point in points if point.knee)
    for point in points:
        if plan_id(stated, point.plan) == name:
            return point
    raise RequestError(
        f"point: {name!r} is not on the front any more; ask for the front again.",
        param="point",
        code="unknown_point",
    )


_PLANS: Mapping[How, Callable[[Problem, Effort], Plan]] = {
    How.GREEDY: lambda problem, _: greedy(problem),
    How.BALANCED: lambda problem, _: balanced(problem),
    How.OPTIMAL: optimal,
}
