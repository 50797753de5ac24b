"""How is the problem put to HiGHS, and what does it answer?

The only door to the solver (https://highs.dev). One thread and one seed, so that the same question
gets the same answer, unless a time limit cuts it short.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import highspy
import numpy as np
from numpy.typing import NDArray

from pointsman.core.assignment.limits import Limit
from pointsman.core.assignment.prices import Counts, Grid, Numbers

FEASIBILITY = 1e-9
"""How far a row may be over its bound for the solver; rows are scaled to a capacity of 1."""

OPTIONS: Mapping[str, bool | int | float | str] = MappingProxyType(
    {
        "output_flag": False,
        "threads": 1,
        "parallel": "off",
        "random_seed": 0,
        "primal_feasibility_tolerance": FEASIBILITY,
        "mip_feasibility_tolerance": FEASIBILITY,
        # Knapsacks give many weak cuts; keeping fewer halves the time of a tight fleet.
        "mip_pool_soft_limit": 100,
    }
)

Highs = highspy._core._Highs  # noqa: SLF001 - `highspy.Highs` prints a banner when it is made
Row = tuple[Counts, Counts, Numbers]


class Columns(NamedTuple):
    """Pairs offered to the solver, one entry per pair, sorted by model and then by agent."""

    rows: Counts
    models: Counts

    def __len__(self) -> int:
        return len(self.rows)


def columns_of(offered: NDArray[np.bool_]) -> Columns:
    """The pairs that are true in an array of agents × models."""
    models, rows = np.nonzero(offered.T)
    return Columns(rows, models)


class Prices(NamedTuple):
    """What the relaxed problem says: a price per limit, one for being left out, its value."""

    of_limits: Numbers
    per_left_out: float
    value: float
    shares: Numbers


class Relaxed:
    """The problem with shares instead of whole places; columns are added as they are asked for."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._highs = silent()
        self._scales = np.where(grid.capacity > 0.0, grid.capacity, 1.0)
        self.columns = Columns(np.arange(0), np.arange(0))
        _add_rows(self._highs, grid)
        _add_outside(self._highs, grid)

    def offer(self, columns: Columns) -> None:
        """Add pairs; those that are offered already must not be among them."""
        _add_pairs(self._highs, self._grid, columns, self._scales)
        self.columns = Columns(
            np.concatenate((self.columns.rows, columns.rows)),
            np.concatenate((self.columns.models, columns.models)),
        )

    def solve(self, *, within_s: float) -> Prices | None:
        """The prices, or None when the time was too short."""
        self._highs.setOptionValue("time_limit", self._highs.getRunTime() + within_s)
        self._highs.run()
        if self._highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        solution = self._highs.getSolution()
        agents = len(self._grid.agents)
        duals = np.array(solution.row_dual)
        # A minimum is sought, so a limit's price is the negative of its dual.
        return Prices(
            np.maximum(0.0, -duals[agents:-1]) / self._scales,
            max(0.0, float(duals[-1])),
            -self._highs.getInfo().objective_function_value,
            np.array(solution.col_value)[agents:],
        )

    def leave_out_at_least(self, count: int) -> None:
        """From now on so many agents have no place."""
        last = len(self._grid.agents) + len(self._grid.limits)
        self._highs.changeRowBounds(last, float(count), highspy.kHighsInf)

    @property
    def took_s(self) -> float:
        return float(self._highs.getRunTime())


class Whole(NamedTuple):
    """A plan in whole places: per row of the grid a model or -1, and what no plan can exceed."""

    chosen: Counts
    bound: float
    took_s: float


def whole_places(
    grid: Grid,
    columns: Columns,
    *,
    gap: float,
    within_s: float,
    enough: float = math.inf,
    better_than: float = -math.inf,
) -> Whole:
    """The best plan found among `columns`; nobody has a place when the time was too short for any.

    A plan that is worth `enough` ends the search: what is known elsewhere proves it good enough.
    Only plans that are `better_than` so much are looked for; where there is none, that is proved
    without one of that worth having to be found, and what is found is worth nothing.

    A plan at hand is not given as a start: of 8,000 small fleets HiGHS 1.16 answered two with that
    start as the optimum, under the objective of a better plan.
    """
    highs = silent()
    scales = np.where(grid.capacity > 0.0, grid.capacity, 1.0)
    _add_rows(highs, grid)
    _add_outside(highs, grid)
    _add_pairs(highs, grid, columns, scales)
    agents, count = len(grid.agents), len(grid.agents) + len(columns)
    kinds = np.full(count, highspy.HighsVarType.kInteger)
    highs.changeColsIntegrality(count, np.arange(count, dtype=np.int32), kinds)
    highs.setOptionValue("mip_rel_gap", 0.0)
    highs.setOptionValue("mip_abs_gap", gap)
    highs.setOptionValue("objective_target", -enough)
    highs.setOptionValue("time_limit", within_s)
    if math.isfinite(better_than):
        highs.setOptionValue("objective_bound", -better_than)
    highs.run()
    # Of plans that are not better nothing was asked, so nothing below that is proved.
    bound = better_than
    if highs.getModelStatus() != highspy.HighsModelStatus.kInfeasible:
        bound = max(better_than, float(-highs.getInfo().mip_dual_bound))
    return Whole(_chosen(highs, columns, agents), bound, float(highs.getRunTime()))


def _chosen(highs: Highs, columns: Columns, agents: int) -> Counts:
    chosen = np.full(agents, -1, dtype=np.int64)
    solution = highs.getSolution()
    if solution.value_valid:
        taken = np.array(solution.col_value)[agents:] > 0.5
        chosen[columns.rows[taken]] = columns.models[taken]
    return chosen


def silent() -> Highs:
    highs = Highs()
    for name, value in OPTIONS.items():
        highs.setOptionValue(name, value)
    return highs


def _add_rows(highs: Highs, grid: Grid) -> None:
    """One row per agent (it stands in one place), per limit, and one for those left out."""
    agents, limits = len(grid.agents), len(grid.limits)
    lowest = np.full(agents + limits + 1, -highspy.kHighsInf)
    highest = np.ones(agents + limits + 1)
    lowest[:agents] = 1.0
    highest[agents:-1] = grid.capacity > 0.0
    lowest[-1], highest[-1] = grid.least_left_out, highspy.kHighsInf
    nothing = np.array([], dtype=np.int32)
    starts = np.zeros(len(lowest), dtype=np.int32)
    highs.addRows(len(lowest), lowest, highest, 0, starts, nothing, np.array([]))


def _add_outside(highs: Highs, grid: Grid) -> None:
    """A place outside for every agent."""
    agents = len(grid.agents)
    index = np.column_stack((np.arange(agents), np.full(agents, agents + len(grid.limits))))
    highs.addCols(
        agents,
        -grid.outside,
        np.zeros(agents),
        np.ones(agents),
        2 * agents,
        np.arange(0, 2 * agents, 2, dtype=np.int32),
        index.astype(np.int32).ravel(),
        np.ones(2 * agents),
    )


def _add_pairs(highs: Highs, grid: Grid, columns: Columns, scales: Numbers) -> None:
    pairs, agents = len(columns), len(grid.agents)
    parts: list[Row] = [(columns.rows, np.arange(pairs), np.ones(pairs))]
    first = np.searchsorted(columns.models, np.arange(grid.value.shape[1] + 1))
    for number, (limit, uses) in enumerate(zip(grid.limits, grid.uses, strict=True)):
        places = [np.arange(first[model], first[model + 1]) for model in limit.models]
        taken = np.concatenate(places) if places else np.arange(0)
        used = uses[columns.rows[taken], column_in(limit, columns.models[taken], uses)]
        some = used > 0.0
        row = np.full(int(some.sum()), agents + number)
        parts.append((row, taken[some], used[some] / scales[number]))
    row, column, value = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.lexsort((row, column))
    starts = np.searchsorted(column[order], np.arange(pairs))
    highs.addCols(
        pairs,
        -grid.value[columns.rows, columns.models],
        np.zeros(pairs),
        np.ones(pairs),
        len(value),
        starts.astype(np.int32),
        row[order].astype(np.int32),
        value[order],
    )


def column_in(limit: Limit, models: Counts, uses: Numbers) -> Counts:
    """Where in `uses` each model's column is."""
    if uses.shape[1] == 1:
        return np.zeros(len(models), dtype=np.int64)
    place = np.zeros(max(limit.models) + 1, dtype=np.int64)
    place[list(limit.models)] = np.arange(len(limit.models))
    return place[models]
