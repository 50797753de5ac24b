"""What was decided for the fleet, what is it worth, and who was left without a model, why?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from pointsman.core.assignment.limits import Limit, LimitKind, Rooms, limits_of, overloaded
from pointsman.core.assignment.problem import Problem

Choice = tuple[int | None, ...]
"""For every agent the model it stands on; None where it has none."""


class Method(StrEnum):
    """How a plan was found."""

    GREEDY = "greedy"
    BALANCED = "balanced"
    OPTIMAL = "optimal"
    PARETO = "pareto"


class Unplaced(NamedTuple):
    """An agent without a model, and what kept it from each, in words."""

    agent: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Who stands where. `chosen` has an entry per agent of the problem.

    `value` is the weighted sum of scores less switch costs, `bound` the most that any plan that
    places as many agents could reach, or None where nobody worked it out. `gap` is what may be
    missing, as a share of the value: 0 is proven best. `mean_score` in [0, 1] is weighted by
    importance over the agents that are placed. `usd_per_day` leaves out `unpriced` agents, which
    a person put on models without a known price. `notes` say what else a reader must know.
    """

    method: Method
    chosen: Choice
    value: float
    mean_score: float
    usd_per_day: float
    unplaced: tuple[Unplaced, ...] = ()
    unpriced: tuple[int, ...] = ()
    bound: float | None = None
    gap: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def placed(self) -> int:
        return len(self.chosen) - len(self.unplaced)


def value_of(problem: Problem, chosen: Sequence[int | None]) -> float:
    """The weighted sum of scores less switch costs."""
    return sum(problem.value(a, m) for a, m in enumerate(chosen) if m is not None)


def rooms_after(
    problem: Problem, chosen: Sequence[int | None], before: Rooms | None = None
) -> Rooms:
    """What is left of every limit when `chosen` is in place, of what was left `before`."""
    rooms = before.as_they_are() if before else Rooms(problem, limits_of(problem))
    for agent, model in enumerate(chosen):
        if model is not None and problem.agents[agent].manual is None:
            rooms.take(agent, model)
    return rooms


def excesses(problem: Problem, chosen: Sequence[int | None]) -> tuple[str, ...]:
    """Every rule that `chosen` breaks, in words; none for a plan of ours.

    What people decided is theirs: a limit is exceeded only by what is put on top of that.
    """
    found = []
    for agent, model in enumerate(chosen):
        if model is not None and model not in problem.choices(agent):
            names = problem.agents[agent].id, problem.models[model].id
            found.append(f"{names[0]} may not stand on {names[1]}")
    found += [words_of_excess(limit, excess) for limit, excess in exceeded(problem, chosen)]
    return tuple(found)


def exceeded(problem: Problem, chosen: Sequence[int | None]) -> Iterator[tuple[Limit, float]]:
    """The limits that `chosen` exceeds beyond what people decided, and by how much each."""
    rooms = rooms_after(problem, chosen)
    for limit, left in zip(rooms.limits, rooms.left, strict=True):
        if left < -limit.slack:
            yield limit, -left


def plan_of(
    problem: Problem,
    chosen: Sequence[int | None],
    method: Method,
    *,
    bound: float | None = None,
    gap: float | None = None,
    before: Rooms | None = None,
) -> Plan:
    """The plan that `chosen` is, with what it is worth and costs, and why some have no model.

    `before` is what manual assignments alone leave of the limits, where that is at hand.
    """
    placed = [(agent, model) for agent, model in enumerate(chosen) if model is not None]
    weights = sum(problem.agents[agent].importance for agent, _ in placed)
    scores = sum(problem.agents[a].importance * problem.scores[a][m] for a, m in placed)
    costs = [problem.usd_per_day(agent, model) for agent, model in placed]
    return Plan(
        method,
        tuple(chosen),
        value_of(problem, chosen),
        scores / weights if placed else 0.0,
        sum(cost for cost in costs if cost is not None),
        _unplaced(problem, chosen, before),
        tuple(agent for (agent, _), cost in zip(placed, costs, strict=True) if cost is None),
        bound,
        gap,
        _overload_notes(problem, before),
    )


_WORDS = {
    LimitKind.REQUESTS: "the requests per minute of {}",
    LimitKind.TOKENS: "the tokens per minute of {}",
    LimitKind.IN_FLIGHT: "the requests in flight on {}",
    LimitKind.EXCLUSIVE: "the single place on {}",
    LimitKind.PROVIDER_SHARE: "the share of {}",
    LimitKind.APART: "the places of {}, who are kept apart",
    LimitKind.BUDGET: "the budget per day of the {}",
    LimitKind.LATENCY: "the mean latency of the {}",
    LimitKind.MOVES: "the moves allowed to the {}",
}


def words_of(limit: Limit) -> str:
    """What the limit is, as a noun."""
    return _WORDS[limit.kind].format(limit.subject)


def words_of_excess(limit: Limit, excess: float) -> str:
    return f"{words_of(limit)} exceeded by {excess:g}"


def _overload_notes(problem: Problem, before: Rooms | None) -> tuple[str, ...]:
    if all(agent.manual is None for agent in problem.agents):
        return ()
    limits = before.limits if before else limits_of(problem)
    return tuple(
        f"manual assignments alone exceed {words_of(limit)} by {excess:g}"
        for limit, excess in overloaded(problem, limits)
    )


def _unplaced(
    problem: Problem, chosen: Sequence[int | None], before: Rooms | None
) -> tuple[Unplaced, ...]:
    without = [agent for agent, model in enumerate(chosen) if model is None]
    if not without:
        return ()
    rooms = rooms_after(problem, chosen, before)
    return tuple(Unplaced(agent, _reasons(problem, rooms, agent)) for agent in without)


def _reasons(problem: Problem, rooms: Rooms, agent: int) -> tuple[str, ...]:
    """What keeps `agent` off every model: each reason once, with the models it is about."""
    named: Counter[str] = Counter()
    models: dict[str, list[str]] = {}
    for number, model in enumerate(problem.models):
        for reason in _reasons_against(problem, rooms, agent, number):
            named[reason] += 1
            models.setdefault(reason, []).append(model.id)
    if not named:
        return ("there is no model",)
    return tuple(f"{reason}: {listed(models[reason])}" for reason, _ in named.most_common())


def _reasons_against(problem: Problem, rooms: Rooms, agent: int, model: int) -> list[str]:
    barred = problem.bar(agent, model)
    if barred is not None:
        return [barred.words]
    full = [words_of(rooms.limits[number]) for number in rooms.in_the_way(agent, model)]
    return [f"no room in {words}" for words in full] or ["is kept for agents that need it more"]


def words_of_gap(gap: float) -> str:
    """How good a plan is known to be; a gap that would read as none is not called none."""
    if not gap:
        return "proven best"
    return f"within {max(gap, 1e-4):.2%} of the best there is"


def listed(names: Sequence[str], most: int = 5) -> str:
    """The first of the names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
