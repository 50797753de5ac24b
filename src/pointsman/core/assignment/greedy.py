"""Who goes where when agents choose one after the other?

`greedy` gives each the best model that still has room. `balanced` does the same with points off for
every agent that a model already has. Neither needs a solver. An agent that finds every place taken
makes others move on, as in Kuhn's algorithm for matchings (1955), before it is left without one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pointsman.core.assignment.limits import Rooms, limits_of
from pointsman.core.assignment.plan import Method, Plan, plan_of
from pointsman.core.assignment.problem import Problem

CROWDING = 0.05
"""What `balanced` takes off a model's score for every agent that stands on it."""

MOST_STEPS = 20_000
"""How many times one agent is asked to move on for another before it ends as it is."""

MOST_RUNS = 4
"""How often it begins anew with those who were left out before it ends as it is."""


Least = Mapping[int, Sequence[float]]
"""By number of a limit, the least that each agent can use of it."""


class Ranks(NamedTuple):
    """The open models of an agent, best first, and what every model is worth to it."""

    models: Sequence[int] = ()
    worths: Sequence[float] = ()


def greedy(problem: Problem) -> Plan:
    """Each agent in turn on its best model that has room."""
    rooms = Rooms(problem, limits_of(problem))
    chosen = taken_in_turn(problem, problem.worths, rooms)
    return plan_of(problem, chosen, Method.GREEDY, before=rooms)


def balanced(problem: Problem) -> Plan:
    """Each agent in turn, `CROWDING` off per agent on a model. Nobody is left out by crowding."""
    rooms = Rooms(problem, limits_of(problem))
    chosen = taken_in_turn(problem, problem.worths, rooms, crowding=CROWDING)
    return plan_of(problem, chosen, Method.BALANCED, before=rooms)


def taken_in_turn(
    problem: Problem,
    worths: Callable[[int], Sequence[float]],
    rooms: Rooms,
    *,
    crowding: float = 0.0,
) -> list[int | None]:
    """A choice in which each agent in turn took what was worth most to it and had room in `rooms`.

    Agents come in their order. Where some are left out, they come first in another run, as long as
    that helps ("squeaky wheel" optimisation; Joslin and Clements, 1999).
    """
    ranks = [_ranks(problem, worths, agent) for agent in range(len(problem.agents))]
    least = _least_uses(rooms, ranks)
    order = [agent for agent, own in enumerate(ranks) if own.models]
    turns = best = _Turns(problem, ranks, rooms, crowding)
    for _ in range(MOST_RUNS):
        turns.run(order, least)
        if turns.placed > best.placed:
            best = turns
        left_out = [agent for agent in order if turns.chosen[agent] is None]
        if not left_out or turns.steps <= 0:
            break
        order = left_out + [agent for agent in order if turns.chosen[agent] is not None]
        turns = turns.anew()
    return best.chosen


def _ranks(problem: Problem, worths: Callable[[int], Sequence[float]], agent: int) -> Ranks:
    if problem.agents[agent].manual is not None:
        return Ranks()
    row = worths(agent)
    # In reverse, a stable order still has the earlier of equals first.
    return Ranks(sorted(problem.choices(agent), key=row.__getitem__, reverse=True), row)


def _least_uses(rooms: Rooms, ranks: Sequence[Ranks]) -> Least:
    """What all agents together need at least of limits that depend on where each one stands.

    Where even that is too much, nothing can be held back for anybody, so it is left out.
    """
    found = {}
    for number, limit in enumerate(rooms.limits):
        if limit.per_pair:
            needed = [_least(uses, own) for uses, own in zip(limit.per_pair, ranks, strict=True)]
            if sum(needed) <= rooms.left[number] + limit.slack:
                found[number] = needed
    return found


def _least(uses: Sequence[float], own: Ranks) -> float:
    return min([uses[model] for model in own.models], default=0.0)


class _Turns:
    """The state of one run: what is taken, what is left, who stands where."""

    def __init__(
        self, problem: Problem, ranks: Sequence[Ranks], rooms: Rooms, crowding: float
    ) -> None:
        self._problem = problem
        self._ranks = ranks
        self._empty = rooms
        self._rooms = rooms.as_they_are()
        self._crowding = crowding
        self._standing: list[set[int]] = [set() for _ in problem.models]
        self.steps = MOST_STEPS
        self.chosen: list[int | None] = [needs.manual for needs in problem.agents]

    def anew(self) -> _Turns:
        """The same with everybody waiting again, and the steps that are left."""
        other = _Turns(self._problem, self._ranks, self._empty, self._crowding)
        other.steps = self.steps
        return other

    @property
    def placed(self) -> int:
        return sum(model is not None for model in self.chosen)

    def run(self, order: Sequence[int], least: Least) -> None:
        for agent, model in enumerate(self.chosen):
            if model is not None:
                self._standing[model].add(agent)
        for agent, reserved in zip(order, self._reserves(order, least), strict=True):
            model = self._best_with_room(agent, reserved)
            if model is not None:
                self._place(agent, model)
        for agent in order:
            if self.chosen[agent] is None:
                self._make_room(agent, set())

    def _reserves(self, order: Sequence[int], least: Least) -> Iterator[Sequence[float]]:
        """For every turn, what those who come later need at least of each limit of the fleet.

        Without it, the first to choose spend the budget of the last.
        """
        held = [0.0] * len(self._rooms.limits)
        for number, needed in least.items():
            held[number] = sum(needed)
        for agent in order:
            for number, needed in least.items():
                held[number] = max(0.0, held[number] - needed[agent])
            yield held

    def _ranked(self, agent: int) -> Sequence[int]:
        """The open models, best first; the earlier one among equals."""
        ranks = self._ranks[agent]
        if not self._crowding:
            return ranks.models
        crowds = [self._crowding * len(standing) for standing in self._standing]
        worths = ranks.worths
        ranked = sorted([(crowds[model] - worths[model], model) for model in ranks.models])
        return [model for _, model in ranked]

    def _best_with_room(self, agent: int, reserved: Sequence[float] = ()) -> int | None:
        for model in self._ranked(agent):
            if self._rooms.fits(agent, model, reserved):
                return model
        return None

    def _place(self, agent: int, model: int) -> None:
        self._rooms.take(agent, model)
        self._standing[model].add(agent)
        self.chosen[agent] = model

    def _lift(self, agent: int, model: int) -> None:
        self._rooms.give_back(agent, model)
        self._standing[model].discard(agent)
        self.chosen[agent] = None

    def _make_room(self, agent: int, asked: set[int]) -> bool:
        """Place `agent`, if need be by moving one who can stand elsewhere, and so on."""
        ranked = self._ranked(agent)
        for model in ranked:
            if self._rooms.fits(agent, model):
                self._place(agent, model)
                return True
        for model in ranked:
            if model in asked:
                continue
            asked.add(model)
            if self._take_over(agent, model, asked):
                return True
        return False

    def _take_over(self, agent: int, model: int, asked: set[int]) -> bool:
        for other in sorted(self._standing[model]):
            self.steps -= 1
            if self.steps < 0:
                return False
            if self._problem.agents[other].manual is not None:
                continue
            self._lift(other, model)
            if self._rooms.fits(agent, model):
                self._place(agent, model)
                if self._make_room(other, asked):
                    return True
                self._lift(agent, model)
            self._place(other, model)
        return False
