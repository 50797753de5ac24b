"""When not everybody has a place, what is the least that would have to give way?

The fewest things a person could decide, and of these the smallest, over all limits and all bars
that somebody can lift; then proved by solving the fleet with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pointsman.core.assignment.easing import Easing, eased
from pointsman.core.assignment.optimal import USUAL_EFFORT, Effort, optimal
from pointsman.core.assignment.plan import Plan
from pointsman.core.assignment.problem import BarCode, Problem

MOST_PATHS = 40_000
"""Of how many pairs the smallest set is sought; of a larger fleet, among each agent's best."""

FEWEST_PATHS_EACH = 8


class Relaxation(NamedTuple):
    """What would have to give way for everybody but `hopeless` to have a place, and the plan then.

    The hopeless are kept off every model by what nobody can decide: a model that cannot see.
    """

    easings: tuple[Easing, ...]
    hopeless: tuple[int, ...]
    plan: Plan


def relaxation(problem: Problem, effort: Effort = USUAL_EFFORT) -> Relaxation:
    """The smallest set of decisions after which everybody has a place that can have one."""
    # As in `optimal`: only who has something to solve loads a solver.
    from pointsman.core.assignment.easiest import easiest  # noqa: PLC0415

    paths = [_paths(problem, agent) for agent in range(len(problem.agents))]
    hopeless = tuple(agent for agent, models in enumerate(paths) if not models)
    easings = easiest(problem, paths, effort.within_s)
    return Relaxation(easings, hopeless, optimal(eased(problem, easings), effort))


def _paths(problem: Problem, agent: int) -> Sequence[int]:
    """The models that `agent` may take, or could if somebody decided so; the best of many."""
    needs, scores = problem.agents[agent], problem.scores[agent]
    choices = problem.choices(agent)
    if needs.manual is not None or (needs.stays and needs.current in choices):
        return choices
    most = max(FEWEST_PATHS_EACH, MOST_PATHS // len(problem.agents))
    ways = [(False, -scores[m], m) for m in choices]
    ways += [(True, -scores[m], m) for m in range(len(scores)) if _liftable(problem, agent, m)]
    return [model for _, _, model in sorted(ways)[:most]]


def _liftable(problem: Problem, agent: int, model: int) -> bool:
    """Whether somebody can decide it. To know a price is no decision, so it is not among these."""
    barred = problem.bars[agent].get(model)
    if barred is None or not barred.remedy or barred.code is BarCode.PRICE_UNKNOWN:
        return False
    priced = problem.expected.usd_per_request[agent][model] is not None
    return priced or problem.rules.budget_usd_per_day is None
