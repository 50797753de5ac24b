"""Who stands by for each agent when its model fails?

The best of the other models that it may use, the first of another provider where there is one: what
takes a model down mostly takes its provider down. Room is not asked for; a failure is no plan.
"""

from __future__ import annotations

from collections.abc import Sequence

from pointsman.core.assignment.problem import Problem


def standbys(problem: Problem, chosen: Sequence[int | None]) -> tuple[tuple[int, ...], ...]:
    """For every agent the models that stand by, in order; none for an agent without a model."""
    return tuple(
        () if model is None else _standbys_of(problem, agent, model)
        for agent, model in enumerate(chosen)
    )


def _standbys_of(problem: Problem, agent: int, primary: int) -> tuple[int, ...]:
    count = problem.agents[agent].fallbacks
    scores = problem.scores[agent]
    others = [m for m in range(len(scores)) if m != primary and problem.bar(agent, m) is None]
    others.sort(key=lambda model: (-scores[model], model))
    provider = problem.models[primary].provider
    elsewhere = next((m for m in others if problem.models[m].provider != provider), None)
    if elsewhere is not None and count:
        others.remove(elsewhere)
        others.insert(0, elsewhere)
    return tuple(others[:count])
