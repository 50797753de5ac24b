"""What is the problem as arrays, and what do prices of its limits prove?

Columns are pairs (agent on model) and, per agent, a place outside: to
be left out costs more than anything that the others could gain by it.

Prices of the limits (λ >= 0) bound every plan: no plan is worth more than Σ λ·capacity plus what
each agent would choose if it had to pay λ for what it uses (Lagrangian duality; Geoffrion, 1974).
A pair whose regret under these prices exceeds the distance between this bound and a plan at hand is
in no better plan, so it is left out. That is how a fleet with 400,000 pairs becomes a small problem
that can be solved exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pointsman.core.assignment.limits import Limit, Rooms
from pointsman.core.assignment.problem import Problem

Numbers = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Grid:
    """The problem as arrays: `value[agent, model]` is -inf where the pair is not open.

    Rows are the `agents` that have a choice, in order; `outside` is what leaving each out costs.
    """

    agents: Counts
    value: Numbers
    outside: Numbers
    limits: tuple[Limit, ...]
    capacity: Numbers
    uses: tuple[Numbers, ...]
    least_left_out: int = 0


def grid_of(problem: Problem, rooms: Rooms) -> Grid:
    """The arrays of `problem`; `rooms` has what manual assignments leave of the limits."""
    agents = np.array([a for a, n in enumerate(problem.agents) if n.manual is None], dtype=np.int64)
    count = len(problem.models)
    value = np.full((len(agents), count), -np.inf)
    weights = np.array([needs.importance for needs in problem.agents])
    worth = np.asarray(problem.scores, dtype=np.float64).reshape(-1, count) * weights[:, None]
    for row, agent in enumerate(agents):
        needs = problem.agents[agent]
        worths = worth[agent]
        if needs.current is not None:
            worths = worths - needs.importance * needs.switch_cost
            worths[needs.current] = worth[agent, needs.current]
        chosen = list(problem.choices(int(agent)))
        value[row, chosen] = worths[chosen]
    uses = tuple(_uses(limit, agents) for limit in rooms.limits)
    for limit, left, used in zip(rooms.limits, rooms.left, uses, strict=True):
        # What does not fit even alone is out from the start; it would only blur the prices.
        models = list(limit.models)
        value[:, models] = np.where(used > left + limit.slack, -np.inf, value[:, models])
    able = np.isfinite(value).any(axis=1)
    agents, value, uses = agents[able], value[able], tuple(used[able] for used in uses)
    outside = np.full(len(agents), -_loss(value))
    return Grid(agents, value, outside, rooms.limits, np.array(rooms.left), uses)


def _loss(value: Numbers) -> float:
    """Ten times what all agents together could gain by one being left out.

    More than once keeps the fewest left out; ten times lets a bound on the value count them, too.
    """
    highest = np.maximum(value.max(axis=1, initial=-np.inf), 0.0)
    return float(10.0 * (1.0 + highest.sum() - _lowest(value).sum()))


def _lowest(value: Numbers) -> Numbers:
    """The least that each agent can bring, wherever it stands; 0 when that is positive."""
    finite = np.where(np.isfinite(value), value, 0.0)
    lowest: Numbers = finite.min(axis=1, initial=0.0)
    return lowest


def left_out_at_least(grid: Grid, bound: float) -> int:
    """How many agents must be left out of every plan when none is worth more than `bound`."""
    if not len(grid.agents):
        return 0
    count = float((_lowest(grid.value).sum() - bound) / -grid.outside[0])
    return max(0, math.ceil(count - 1e-6))


def _uses(limit: Limit, agents: Counts) -> Numbers:
    """What each agent uses: a column for a limit of one use per agent, else one per model."""
    if limit.per_pair:
        return np.asarray(limit.per_pair, dtype=np.float64)[agents][:, list(limit.models)]
    return np.asarray(limit.per_agent, dtype=np.float64)[agents][:, None]


@dataclass(frozen=True, slots=True)
class Bound:
    """What prices prove: no plan is worth more than `value`; what each pair is short of it."""

    value: float
    regret: Numbers
    regret_outside: Numbers


def bound_at(grid: Grid, prices: Numbers, per_left_out: float = 0.0) -> Bound:
    """The bound that non-negative `prices` of the limits prove, and every pair's regret."""
    net = grid.value.copy()
    for limit, price, uses in zip(grid.limits, prices, grid.uses, strict=True):
        if price > 0.0:
            net[:, list(limit.models)] -= price * uses
    outside = grid.outside + per_left_out
    best = np.maximum(net.max(axis=1, initial=-np.inf), outside)
    total = best.sum() + prices @ grid.capacity - per_left_out * grid.least_left_out
    return Bound(float(total), best[:, None] - net, best - outside)
