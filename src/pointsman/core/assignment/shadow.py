"""What would the fleet gain if one limit were a little wider?

A price that a solver puts on a limit holds for an infinitely small step, and fleets move in whole
agents. So each limit that keeps somebody from something better is widened by a step that a person
would take, and the fleet is solved again: what is said is what happens.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from pointsman.core.assignment.easing import RaisedLimit, eased
from pointsman.core.assignment.limits import WHOLE, Limit, LimitKind, Rooms
from pointsman.core.assignment.optimal import USUAL_EFFORT, Effort, optimal
from pointsman.core.assignment.plan import Plan, rooms_after
from pointsman.core.assignment.problem import Problem
from pointsman.core.assignment.stability import Move, moves

USUAL_STEP = 0.1
"""Of a capacity, how much more is asked for at least."""
COUNTED = frozenset({LimitKind.EXCLUSIVE, LimitKind.APART, LimitKind.MOVES})
"""Of these one more is a step."""

MOST_NAMED = 4


class Shadow(NamedTuple):
    """What `more` of a limit brings: so many agents more with a place, so much more value.

    `moves` are against the plan that was asked about.
    """

    more: RaisedLimit
    placed: int
    gain: float
    moves: tuple[Move, ...]


class _Blocked(NamedTuple):
    """How many wishes a limit stands against, and the least that would let one of them through.

    `alone` is that of the wishes that no other limit stands against: these it decides about.
    """

    wishes: int = 0
    alone: float = math.inf
    together: float = math.inf

    @property
    def shortfall(self) -> float:
        return self.alone if self.alone < math.inf else self.together

    def joined(self, shortfall: float, *, alone: bool) -> _Blocked:
        """With one wish more."""
        least = min(self.alone, shortfall) if alone else self.alone
        return _Blocked(self.wishes + 1, least, min(self.together, shortfall))


def shadows(
    problem: Problem, plan: Plan, effort: Effort = USUAL_EFFORT, *, most: int = 6
) -> tuple[Shadow, ...]:
    """What more of each of the `most` limits in the way would bring; the best first.

    `plan` is an optimal plan of `problem`. What may be due to the gap of a plan is left out.
    """
    rooms = rooms_after(problem, plan.chosen)
    blocked = _blocked(problem, plan.chosen, rooms)
    numbers = sorted(blocked, key=lambda number: (-blocked[number].wishes, number))[:most]
    found = [
        _shadow(problem, plan, _wider(rooms.limits[number], blocked[number].shortfall), effort)
        for number in numbers
    ]
    kept = [shadow for shadow in found if shadow is not None]
    return tuple(sorted(kept, key=lambda shadow: (-shadow.placed, -shadow.gain)))


def better_models(problem: Problem, agent: int, model: int | None) -> list[int]:
    """The models that are worth more to `agent` than the one it has, best first."""
    worths = problem.worths(agent)
    least = -math.inf if model is None else worths[model]
    wished = [m for m in problem.choices(agent) if worths[m] > least]
    return sorted(wished, key=lambda m: (-worths[m], m))


def in_the_way_of(rooms: Rooms, chosen: Sequence[int | None], agent: int, wished: int) -> list[int]:
    """The numbers of the limits that would be exceeded if `agent` alone moved to `wished`."""
    model = chosen[agent]
    if model is not None:
        rooms.give_back(agent, model)
    numbers = list(rooms.in_the_way(agent, wished))
    if model is not None:
        rooms.take(agent, model)
    return numbers


def _blocked(problem: Problem, chosen: Sequence[int | None], rooms: Rooms) -> dict[int, _Blocked]:
    found: dict[int, _Blocked] = {}
    for agent, needs in enumerate(problem.agents):
        if needs.manual is not None:
            continue
        for wished in better_models(problem, agent, chosen[agent]):
            numbers = in_the_way_of(rooms, chosen, agent, wished)
            for number in numbers:
                short = _shortfall(rooms, chosen[agent], agent, wished, number)
                before = found.get(number, _Blocked())
                found[number] = before.joined(short, alone=len(numbers) == 1)
    return found


def _shortfall(rooms: Rooms, model: int | None, agent: int, wished: int, number: int) -> float:
    limit = rooms.limits[number]
    given_back = limit.use(agent, model) if model is not None and model in limit.models else 0.0
    return limit.use(agent, wished) - given_back - rooms.left[number]


def _wider(limit: Limit, shortfall: float) -> RaisedLimit:
    if limit.kind in COUNTED:
        step = float(max(1, math.ceil(shortfall - limit.slack)))
    else:
        step = _two_digits_up(max(shortfall, USUAL_STEP * limit.capacity))
        if limit.kind in WHOLE:
            step = float(math.ceil(step - limit.slack))
    return RaisedLimit(limit.kind, limit.subject, limit.capacity, limit.capacity + step)


def _two_digits_up(amount: float) -> float:
    unit = 10.0 ** (math.floor(math.log10(amount)) - 1)
    return math.ceil(amount / unit - 1e-9) * unit


def _shadow(problem: Problem, plan: Plan, more: RaisedLimit, effort: Effort) -> Shadow | None:
    then = optimal(eased(problem, [more]), effort)
    placed, gain = then.placed - plan.placed, then.value - plan.value
    doubt = (then.gap or 0.0) * abs(then.value) + (plan.gap or 0.0) * abs(plan.value)
    if placed <= 0 and gain <= doubt + 1e-9:
        return None
    return Shadow(more, placed, gain, moves(problem, plan.chosen, then.chosen))


_MORE: Mapping[LimitKind, str] = MappingProxyType(
    {
        LimitKind.REQUESTS: "{:.6g} requests per minute more on {}",
        LimitKind.TOKENS: "{:.6g} tokens per minute more on {}",
        LimitKind.IN_FLIGHT: "{:.6g} requests more in flight on {}",
        LimitKind.EXCLUSIVE: "{:.6g} agent more on {}",
        LimitKind.APART: "{:.6g} agent more, {}",
        LimitKind.BUDGET: "{:.6g} USD per day more for the {}",
        LimitKind.LATENCY: "{:.6g} s more of mean latency for the {}",
        LimitKind.MOVES: "{:.6g} moves more for the {}",
    }
)


def words_of_shadow(problem: Problem, shadow: Shadow) -> str:
    """As a sentence: "10 USD per day more for the fleet: agents a, b to x (+1.8 points)".

    Points are hundredths of the fleet's score, summed over its agents.
    """
    changes = _by_target(problem, shadow.moves)
    placed = f"{shadow.placed} more placed, " if shadow.placed > 0 else ""
    return f"{_more_of(problem, shadow.more)}: {changes} ({placed}{100 * shadow.gain:+.2g} points)"


def _more_of(problem: Problem, more: RaisedLimit) -> str:
    step = more.raised - more.capacity
    if more.kind is LimitKind.PROVIDER_SHARE:
        share = problem.rules.provider_shares[more.subject]
        points = 100.0 * share * step / more.capacity if more.capacity else 100.0
        return f"{points:.3g} % more of the fleet on {more.subject}"
    if more.kind is LimitKind.LATENCY:
        step /= sum(agent.importance for agent in problem.agents)
    return _MORE[more.kind].format(step, more.subject)


def _by_target(problem: Problem, moved: Sequence[Move]) -> str:
    targets: dict[str, list[str]] = {}
    for move in moved:
        name = "no model" if move.target is None else problem.models[move.target].id
        targets.setdefault(name, []).append(problem.agents[move.agent].id)
    return "; ".join(f"{_listed(agents)} to {target}" for target, agents in targets.items())


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
