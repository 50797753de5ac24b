"""Which rules must give way at least, so that everybody has a place?

A whole program in which every limit may be exceeded and every bar on a path be lifted, each at the
price of one; then, with as few as that, the one that exceeds least. Importing this module loads
numpy and HiGHS; `relaxation` does it when somebody has no place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import highspy
import numpy as np

from pointsman.core.assignment.easing import Easing, LiftedBar, RaisedLimit
from pointsman.core.assignment.highs import Highs, silent
from pointsman.core.assignment.limits import WHOLE, Limit, Rooms, limits_of
from pointsman.core.assignment.prices import Counts, Numbers
from pointsman.core.assignment.problem import Problem

DIGITS = 4
"""To how many digits a raised limit is rounded up: nobody decides to spend 12.345678 dollars."""

NOTHING = np.array([], dtype=np.int32)
NO_NUMBERS = np.array([], dtype=np.float64)


def easiest(
    problem: Problem, paths: Sequence[Sequence[int]], within_s: float
) -> tuple[Easing, ...]:
    """The fewest easings, and of these the smallest, that give a place to all who have a path."""
    search = _Search(problem, paths)
    chosen = search.chosen(within_s)
    lifted = (
        LiftedBar(agent, model, barred)
        for agent, model in enumerate(chosen)
        if model is not None and problem.agents[agent].manual is None
        if (barred := problem.bar(agent, model)) is not None
    )
    return (*lifted, *_raised(problem, search.limits, chosen))


def _raised(
    problem: Problem, limits: Sequence[Limit], chosen: Sequence[int | None]
) -> list[RaisedLimit]:
    """The limits that `chosen` exceeds; those that people exceeded alone are theirs."""
    found = []
    for limit in limits:
        on_it = [(a, m) for a, m in enumerate(chosen) if m is not None and m in limit.models]
        of_manual = sum(limit.use(a, m) for a, m in on_it if problem.agents[a].manual is not None)
        used = sum(limit.use(a, m) for a, m in on_it)
        if used - of_manual > max(0.0, limit.capacity - of_manual) + limit.slack:
            raised = math.ceil(used - limit.slack) if limit.kind in WHOLE else _rounded_up(used)
            found.append(RaisedLimit(limit.kind, limit.subject, limit.capacity, raised))
    return found


def _rounded_up(amount: float) -> float:
    step = 10.0 ** (math.floor(math.log10(amount)) + 1 - DIGITS)
    # What is a whole number of steps already, but for rounding, stays.
    return round(math.ceil(amount / step - 1e-6) * step, 12)


class _Search:
    """Columns: every pair on a path, then by how much each limit is exceeded, then whether."""

    def __init__(self, problem: Problem, paths: Sequence[Sequence[int]]) -> None:
        self._problem = problem
        rooms = Rooms(problem, limits_of(problem))
        self.limits, self._left = rooms.limits, np.array(rooms.left)
        free = [a for a, needs in enumerate(problem.agents) if needs.manual is None]
        pairs = [(agent, model) for agent in free for model in paths[agent]]
        self._agents = np.array([agent for agent, _ in pairs], dtype=np.int64)
        self._models = np.array([model for _, model in pairs], dtype=np.int64)
        bars = [problem.bar(agent, model) for agent, model in pairs]
        self._lifts = np.array([float(bar is not None) for bar in bars])
        self._amounts = np.array([0.0 if bar is None else bar.amount for bar in bars])
        self._uses = [self._use(limit) for limit in self.limits]
        self._scales = np.where(self._left > 0.0, self._left, 1.0)

    def _use(self, limit: Limit) -> tuple[Counts, Numbers]:
        """The pairs that use of the limit, and how much."""
        places = np.flatnonzero(np.isin(self._models, limit.models))
        uses = np.array(
            [limit.use(int(self._agents[p]), int(self._models[p])) for p in places],
            dtype=np.float64,
        )
        return places[uses > 0.0], uses[uses > 0.0]

    def chosen(self, within_s: float) -> list[int | None]:
        """Who stands where with the fewest rules broken, the least.

        Where the time is too short even for a first answer, everybody is where it would be best.
        """
        highs, ones = self._stated(), self._ones()
        fewest = self._solved(highs, ones, within_s)
        if fewest is None:
            return self._favourites()
        counted = np.flatnonzero(ones).astype(np.int32)
        most = float(np.rint(ones @ fewest))
        highs.addRow(-highspy.kHighsInf, most, len(counted), counted, ones[counted])
        smallest = self._solved(highs, self._smallness(), within_s)
        return self._read(fewest if smallest is None else smallest)

    def _solved(self, highs: Highs, costs: Numbers, within_s: float) -> Numbers | None:
        columns = np.arange(len(costs), dtype=np.int32)
        highs.changeColsCost(len(columns), columns, costs)
        highs.setOptionValue("time_limit", highs.getRunTime() + within_s)
        highs.run()
        solution = highs.getSolution()
        return np.array(solution.col_value) if solution.value_valid else None

    def _favourites(self) -> list[int | None]:
        firsts = [needs.manual for needs in self._problem.agents]
        for place in reversed(range(len(self._agents))):
            firsts[int(self._agents[place])] = int(self._models[place])
        return firsts

    def _ones(self) -> Numbers:
        count = len(self.limits)
        return np.concatenate((self._lifts, np.zeros(count), np.ones(count)))

    def _smallness(self) -> Numbers:
        count = len(self.limits)
        return np.concatenate((self._amounts, np.ones(count), np.zeros(count)))

    def _stated(self) -> Highs:
        pairs, count = len(self._agents), len(self.limits)
        highs = silent()
        highest = np.concatenate(
            (np.ones(pairs), np.full(count, highspy.kHighsInf), np.ones(count))
        )
        total = len(highest)
        zeros = np.zeros(total)
        highs.addCols(
            total, zeros, zeros, highest, 0, np.zeros(total, np.int32), NOTHING, NO_NUMBERS
        )
        whole = np.concatenate((np.arange(pairs), np.arange(pairs + count, total)))
        kinds = np.full(len(whole), highspy.HighsVarType.kInteger)
        highs.changeColsIntegrality(len(whole), whole.astype(np.int32), kinds)
        for agent in np.unique(self._agents):
            own = np.flatnonzero(self._agents == agent).astype(np.int32)
            highs.addRow(1.0, 1.0, len(own), own, np.ones(len(own)))
        for number, (places, uses) in enumerate(self._uses):
            self._state_limit(highs, number, places, uses)
        return highs

    def _state_limit(self, highs: Highs, number: int, places: Counts, uses: Numbers) -> None:
        """What is used, less the excess, is within the limit; there is excess only where said."""
        excess, said = len(self._agents) + number, len(self._agents) + len(self.limits) + number
        scaled = uses / self._scales[number]
        row = np.append(places, excess).astype(np.int32)
        room = float(self._left[number] > 0.0)
        highs.addRow(-highspy.kHighsInf, room, len(row), row, np.append(scaled, -1.0))
        most = np.zeros(len(self._problem.agents))
        np.maximum.at(most, self._agents[places], scaled)
        pair = np.array([excess, said], dtype=np.int32)
        highs.addRow(-highspy.kHighsInf, 0.0, 2, pair, np.array([1.0, -most.sum()]))

    def _read(self, values: Numbers) -> list[int | None]:
        chosen: list[int | None] = [needs.manual for needs in self._problem.agents]
        for place in np.flatnonzero(values[: len(self._agents)] > 0.5):
            chosen[int(self._agents[place])] = int(self._models[place])
        return chosen
