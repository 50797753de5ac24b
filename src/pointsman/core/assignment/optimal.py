"""Which assignment of the whole fleet is best, and how sure is that?

First what needs no solver: when everyone's favourite fits, nothing is better. Otherwise prices for
what is scarce are found by column generation (Dantzig and Wolfe, 1960), a plan is found under these
prices, and what the prices prove cannot be in a better plan is left out. What remains is solved
exactly, so that the answer is the best of all plans and not of some.
"""

from __future__ import annotations

from dataclasses import dataclass

from pointsman.core.assignment.limits import Rooms, limits_of
from pointsman.core.assignment.plan import Choice, Method, Plan, plan_of, value_of
from pointsman.core.assignment.problem import Problem


@dataclass(frozen=True, slots=True)
class Effort:
    """How long the solver may take, and what share of the value it may miss.

    The limit is the solver's own time. Without reaching it, the same problem gets the same plan.
    A gap of one in ten thousand is what solvers call optimal; scores are known far less well.
    """

    within_s: float = 10.0
    gap: float = 1e-4

    def __post_init__(self) -> None:
        if not self.within_s > 0.0:
            raise ValueError(f"within_s must be positive, not {self.within_s}")
        if not 0.0 <= self.gap < 1.0:
            raise ValueError(f"gap must be in [0, 1), not {self.gap}")


USUAL_EFFORT = Effort()


def optimal(problem: Problem, effort: Effort = USUAL_EFFORT) -> Plan:
    """The plan of the highest value among those that leave the fewest agents without a model.

    Importing numpy and HiGHS takes about a tenth of a second, the first time only.
    """
    favourites = _favourites(problem)
    if favourites is not None:
        value = value_of(problem, favourites)
        return plan_of(problem, favourites, Method.OPTIMAL, bound=value, gap=0.0)
    # Loaded when there is something to solve: most processes never assign a fleet.
    from pointsman.core.assignment.exact import solved  # noqa: PLC0415

    return solved(problem, effort)


def _favourites(problem: Problem) -> Choice | None:
    """Everyone on the model that is worth most to it, or None where they cannot all have it."""
    rooms = Rooms(problem, limits_of(problem))
    chosen: list[int | None] = []
    for agent, needs in enumerate(problem.agents):
        choices = problem.choices(agent)
        model = max(choices, key=lambda m: problem.worth(agent, m), default=None)
        chosen.append(model)
        if model is None or needs.manual is not None:
            continue
        if not rooms.fits(agent, model):
            return None
        rooms.take(agent, model)
    return tuple(chosen)
