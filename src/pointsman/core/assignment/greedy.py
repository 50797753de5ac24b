"""Who goes where when agents choose one after the other?

`greedy` gives each the best model that still has room. `balanced` does the same with points off for
every agent that a model already has. Neither needs a solver. An agent that finds every place taken
makes others move on, as in Kuhn's algorithm for matchings (1955), before it is left without one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from pointsman.core.assignment.limits import Limit, Rooms, limits_of
from pointsman.core.assignment.plan import Method, Plan, plan_of
from pointsman.core.assignment.problem import Problem

CROWDING = 0.05
"""What `balanced` takes off a model's score for every agent that stands on it."""

MOST_STEPS = 20_000
"""How many times one agent is asked to move on for another before a run ends as it is."""

MOST_RUNS = 4
"""How often it begins anew with those who were left out before it ends as it is."""


Ranks = Sequence[Sequence[tuple[float, int]]]
"""For every agent its open models, best first, each after the loss of being on it."""


def greedy(problem: Problem) -> Plan:
    """Each agent in turn on its best model that has room."""
    return plan_of(problem, taken_in_turn(problem, problem.worths), Method.GREEDY)


def balanced(problem: Problem) -> Plan:
    """Each agent in turn, `CROWDING` off per agent on a model. Nobody is left out by crowding."""
    chosen = taken_in_turn(problem, problem.worths, crowding=CROWDING)
    return plan_of(problem, chosen, Method.BALANCED)


def taken_in_turn(
    problem: Problem, worths: Callable[[int], Sequence[float]], *, crowding: float = 0.0
) -> list[int | None]:
    """A choice in which each agent in turn took what was worth most to it and had room.

    Agents come in their order. Where some are left out, they come first in another run, as long as
    that helps ("squeaky wheel" optimisation; Joslin and Clements, 1999).
    """
    ranks = [_ranks(problem, worths, agent) for agent in range(len(problem.agents))]
    rooms = Rooms(problem, limits_of(problem))
    order = [agent for agent, own in enumerate(ranks) if own]
    turns = best = _Turns(problem, ranks, rooms.as_they_are(), crowding)
    for _ in range(MOST_RUNS):
        turns.run(order)
        if turns.placed > best.placed:
            best = turns
        left_out = [agent for agent in order if turns.chosen[agent] is None]
        if not left_out:
            break
        order = left_out + [agent for agent in order if turns.chosen[agent] is not None]
        turns = _Turns(problem, ranks, rooms.as_they_are(), crowding)
    return best.chosen


def _ranks(
    problem: Problem, worths: Callable[[int], Sequence[float]], agent: int
) -> Sequence[tuple[float, int]]:
    if problem.agents[agent].manual is not None:
        return ()
    row = worths(agent)
    return sorted([(-row[model], model) for model in problem.choices(agent)])


class _Turns:
    """The state of one run: what is taken, what is left, who stands where."""

    def __init__(self, problem: Problem, ranks: Ranks, rooms: Rooms, crowding: float) -> None:
        self._problem = problem
        self._ranks = ranks
        self._rooms = rooms
        self._crowding = crowding
        self._standing: list[set[int]] = [set() for _ in problem.models]
        self._steps = MOST_STEPS
        self.chosen: list[int | None] = [needs.manual for needs in problem.agents]

    @property
    def placed(self) -> int:
        return sum(model is not None for model in self.chosen)

    def run(self, order: Sequence[int]) -> None:
        for agent, model in enumerate(self.chosen):
            if model is not None:
                self._standing[model].add(agent)
        for agent, reserved in zip(order, self._reserves(order), strict=True):
            model = self._best_with_room(agent, reserved)
            if model is not None:
                self._place(agent, model)
        for agent in order:
            if self.chosen[agent] is None:
                self._make_room(agent, set())

    def _reserves(self, order: Sequence[int]) -> Iterator[Sequence[float]]:
        """For every turn, what those who come later need at least of each limit of the fleet.

        Without it, the first to choose spend the budget of the last. Where even the least that all
        need is too much, nothing is held back.
        """
        held = [0.0] * len(self._rooms.limits)
        least: dict[int, list[float]] = {}
        for number, limit in enumerate(self._rooms.limits):
            if not limit.per_pair:
                continue
            needed = [self._least(limit, agent) for agent in order]
            if sum(needed) <= self._rooms.left[number] + limit.slack:
                least[number], held[number] = needed, sum(needed)
        for turn in range(len(order)):
            for number, needed in least.items():
                held[number] = max(0.0, held[number] - needed[turn])
            yield held

    def _least(self, limit: Limit, agent: int) -> float:
        uses = limit.per_pair[agent]
        return min(uses[model] for _, model in self._ranks[agent])

    def _ranked(self, agent: int) -> list[int]:
        """The open models, best first; the earlier one among equals."""
        ranks = self._ranks[agent]
        if self._crowding:
            crowds = [self._crowding * len(standing) for standing in self._standing]
            ranks = sorted((loss + crowds[model], model) for loss, model in ranks)
        return [model for _, model in ranks]

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
            self._steps -= 1
            if self._steps < 0:
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
