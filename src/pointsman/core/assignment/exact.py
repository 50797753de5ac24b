"""How is a fleet solved exactly, in steps that each leave less to be solved?

Importing this module loads numpy and HiGHS; `optimal` does it when there is something to solve.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pointsman.core.assignment.greedy import taken_in_turn
from pointsman.core.assignment.highs import Columns, Relaxed, column_in, columns_of, whole_places
from pointsman.core.assignment.limits import Rooms, limits_of
from pointsman.core.assignment.optimal import Effort
from pointsman.core.assignment.plan import Method, Plan, plan_of, value_of
from pointsman.core.assignment.prices import (
    Bound,
    Counts,
    Numbers,
    bound_at,
    grid_of,
    left_out_at_least,
)
from pointsman.core.assignment.problem import Problem

Offered = NDArray[np.bool_]

FIRST_OFFERED = 8
OFFERED_A_ROUND = 4
MOST_ROUNDS = 60
PAIRS_PER_AGENT = 5
MOST_PAIRS = 60_000
ROUNDING = 1e-9
SHORTEST_S = 0.1
SHARE_OF_GAP = 0.95
"""Of the gap that is allowed, for the solver; the rest is for what it rounds."""
SHARE_FOR_A_FIRST_PLAN = 0.4
"""Of the time that is left, for a plan from few pairs, before those that matter are all there."""


def solved(problem: Problem, effort: Effort) -> Plan:
    """The best plan of `problem`, or the best found within the effort, with its gap."""
    search = Search(problem, effort)
    search.run()
    return search.plan()


class Search:
    """The best plan so far, what is proven of all plans, and the time that is left."""

    def __init__(self, problem: Problem, effort: Effort) -> None:
        self._problem = problem
        self._effort = effort
        self._left_s = effort.within_s
        self._rooms = Rooms(problem, limits_of(problem))
        self._grid = grid_of(problem, self._rooms)
        self._bound = math.inf
        self._best = self._on_grid(taken_in_turn(problem, problem.worths, self._rooms))
        self._value = self._value_of(self._best)

    def run(self) -> None:
        proven = self._priced()
        if self._is_proven():
            return
        self.adopt(self._placed_under(proven))
        if self._is_proven():
            return
        short, most = self._regret_of_few(proven), self._regret_of_needed(proven)
        if short < most:
            share = SHARE_FOR_A_FIRST_PLAN if self._is_small(proven, most) else 1.0
            self._solve(proven, short, share * self._left_s)
        again, most = short < most, self._regret_of_needed(proven)
        if not self._is_proven() and self._is_small(proven, most):
            self._solve(proven, most, self._left_s, again=again)

    def plan(self) -> Plan:
        chosen: list[int | None] = [agent.manual for agent in self._problem.agents]
        for row, model in enumerate(self._best):
            chosen[int(self._grid.agents[row])] = int(model) if model >= 0 else None
        value = value_of(self._problem, chosen)
        missing = max(0.0, self._bound - self._value)
        gap = 0.0 if missing <= ROUNDING else min(1.0, missing / max(abs(value), ROUNDING))
        bound = value + missing
        return plan_of(
            self._problem, chosen, Method.OPTIMAL, bound=bound, gap=gap, before=self._rooms
        )

    def _priced(self) -> Bound:
        """The best bound that prices prove, found by offering pairs until none is missing."""
        relaxed = Relaxed(self._grid)
        offered = self._first_offered()
        relaxed.offer(columns_of(offered))
        proven = bound_at(self._grid, np.zeros(len(self._grid.limits)))
        self._bound = min(self._bound, proven.value)
        for _ in range(MOST_ROUNDS):
            prices = relaxed.solve(within_s=self._left_s - relaxed.took_s)
            if prices is None:
                break
            found = bound_at(self._grid, prices.of_limits, prices.per_left_out)
            if found.value < self._bound:
                self._bound, proven = found.value, found
            wanted = _wanted(found, offered)
            if self._bound - prices.value <= self._close_enough() or not wanted.any():
                if not self._more_left_out(relaxed):
                    break
                continue
            offered |= wanted
            relaxed.offer(columns_of(wanted))
        self._left_s = max(SHORTEST_S, self._left_s - relaxed.took_s)
        return proven

    def _first_offered(self) -> Offered:
        """Everyone's favourites, and where they stand in the plan at hand."""
        value = self._grid.value
        offered = _highest(value, FIRST_OFFERED)
        placed = np.flatnonzero(self._best >= 0)
        offered[placed, self._best[placed]] = True
        return offered

    def _more_left_out(self, relaxed: Relaxed) -> bool:
        """Whether the bound proves that more agents than known so far have no place."""
        least = left_out_at_least(self._grid, self._bound)
        if least <= self._grid.least_left_out:
            return False
        self._grid = replace(self._grid, least_left_out=least)
        relaxed.leave_out_at_least(least)
        return True

    def _close_enough(self) -> float:
        return max(ROUNDING, 0.1 * self._effort.gap * abs(self._scores()))

    def _scores(self) -> float:
        placed = np.flatnonzero(self._best >= 0)
        return float(self._grid.value[placed, self._best[placed]].sum())

    def _is_proven(self) -> bool:
        return self._bound - self._value <= self._near_enough()

    def _near_enough(self) -> float:
        return max(ROUNDING, self._effort.gap * abs(self._scores()))

    def _placed_under(self, proven: Bound) -> Counts:
        """Agents in turn where their regret is least, which is what the prices advise."""
        advised = list(self._problem.scores)
        for agent, row in zip(self._grid.agents, (-proven.regret).tolist(), strict=True):
            advised[int(agent)] = row
        chosen = taken_in_turn(self._problem, advised.__getitem__, self._rooms)
        return self._on_grid(chosen)

    def _solve(self, proven: Bound, most: float, within_s: float, *, again: bool = False) -> None:
        """Adopt the best plan among pairs of at most this regret, and what it proves of all.

        `again` looks only for plans that the one at hand is not near enough to: mostly there are
        none, and to prove that takes a tenth of finding the one at hand anew.
        """
        gap = SHARE_OF_GAP * self._near_enough()
        least = self._value + gap if again else -math.inf
        offered = self._within(proven, most)
        enough = self._bound - self._near_enough()
        found = whole_places(
            self._grid, offered, gap=gap, within_s=within_s, enough=enough, better_than=least
        )
        self._left_s = max(SHORTEST_S, self._left_s - found.took_s)
        self.adopt(found.chosen)
        # A plan with any other pair falls short of the bound by more than the best one does.
        if most >= self._regret_of_needed(proven):
            self._bound = max(self._value, min(self._bound, found.bound))

    def _regret_of_few(self, proven: Bound) -> float:
        few = min(PAIRS_PER_AGENT * len(self._grid.agents), proven.regret.size) - 1
        return float(np.partition(proven.regret, few, axis=None)[few])

    def _regret_of_needed(self, proven: Bound) -> float:
        """The most that a pair in a plan better than the best at hand can be short of."""
        return proven.value - self._value + ROUNDING

    def _is_small(self, proven: Bound, most: float) -> bool:
        """Whether the solver has a chance with so many pairs; else it would only burn the time."""
        return int((proven.regret <= most).sum()) <= MOST_PAIRS

    def _within(self, proven: Bound, most: float) -> Columns:
        offered = (proven.regret <= most) & np.isfinite(self._grid.value)
        placed = np.flatnonzero(self._best >= 0)
        offered[placed, self._best[placed]] = True
        return columns_of(offered)

    def _on_grid(self, chosen: Sequence[int | None]) -> Counts:
        own = (chosen[int(agent)] for agent in self._grid.agents)
        return np.array([-1 if model is None else model for model in own], dtype=np.int64)

    def _value_of(self, best: Counts) -> float:
        rows = np.arange(len(best))
        values = np.where(best >= 0, self._grid.value[rows, best], self._grid.outside)
        return float(values.sum())

    def adopt(self, found: Counts) -> None:
        value = self._value_of(found)
        if value > self._value and self._keeps_limits(found):
            self._best, self._value = found, value

    def _keeps_limits(self, found: Counts) -> bool:
        """Whether no limit is exceeded: a solver is believed about its sums, never about ours."""
        placed = np.flatnonzero(found >= 0)
        for limit, left, uses in zip(
            self._grid.limits, self._grid.capacity, self._grid.uses, strict=True
        ):
            inside = placed[np.isin(found[placed], limit.models)]
            used = uses[inside, column_in(limit, found[inside], uses)].sum()
            if used > left + limit.slack:
                return False
        return True


def _highest(values: Numbers, count: int) -> Offered:
    """True for the `count` highest finite values of each row."""
    count = min(count, values.shape[1])
    first = np.argpartition(-values, count - 1, axis=1)[:, :count]
    found = np.zeros(values.shape, dtype=bool)
    np.put_along_axis(found, first, np.take_along_axis(values, first, 1) > -np.inf, 1)
    return found


def _wanted(found: Bound, offered: Offered) -> Offered:
    """The pairs not yet offered that are better, under these prices, than all that were."""
    regret = found.regret
    of_offered = np.where(offered, regret, np.inf).min(axis=1, initial=np.inf)
    least = np.minimum(of_offered, found.regret_outside)
    better: Offered = ~offered & (regret < least[:, None] - ROUNDING)
    better &= _highest(np.where(better, -regret, -np.inf), OFFERED_A_ROUND)
    return better
