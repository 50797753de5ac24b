"""Who goes where when agents choose one after the other?

`greedy` gives each the best model that still has room. `balanced` does the same with points off for
every agent that a model already has. Neither needs a solver. An agent that finds every place taken
makes others move on, as in Kuhn's algorithm for matchings (1955), before it is left without one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate

from pointsman.core.assignment.limits import Limit, Rooms, limits_of
from pointsman.core.assignment.plan import Method, Plan, plan_of
from pointsman.core.assignment.problem import Problem

CROWDING = 0.05
"""What `balanced` takes off a model's score for every agent that stands on it."""

MOST_STEPS_PER_AGENT = 2_000
"""How many places are looked at before an agent is left without one."""


def greedy(problem: Problem) -> Plan:
    """Each agent in turn on its best model that has room."""
    return plan_of(problem, taken_in_turn(problem, problem.worth), Method.GREEDY)


def balanced(problem: Problem) -> Plan:
    """Each agent in turn, `CROWDING` off per agent on a model. Nobody is left out by crowding."""
    chosen = taken_in_turn(problem, problem.worth, crowding=CROWDING)
    return plan_of(problem, chosen, Method.BALANCED)


def taken_in_turn(
    problem: Problem, worth: Callable[[int, int], float], *, crowding: float = 0.0
) -> list[int | None]:
    """A choice in which each agent in turn took what was worth most to it and had room."""
    turns = _Turns(problem, worth, crowding)
    turns.run()
    return turns.chosen


class _Turns:
    """The state of one run: what is taken, what is left, who stands where."""

    def __init__(
        self, problem: Problem, worth: Callable[[int, int], float], crowding: float
    ) -> None:
        self._problem = problem
        self._worth = worth
        self._crowding = crowding
        self._rooms = Rooms(problem, limits_of(problem))
        self._open = [problem.choices(agent) for agent in range(len(problem.agents))]
        self._standing: list[set[int]] = [set() for _ in problem.models]
        self._steps = 0
        self.chosen: list[int | None] = [None] * len(problem.agents)

    def run(self) -> None:
        for agent, needs in enumerate(self._problem.agents):
            if needs.manual is not None:
                self.chosen[agent] = needs.manual
                self._standing[needs.manual].add(agent)
        waiting = [a for a, needs in enumerate(self._problem.agents) if needs.manual is None]
        for agent, reserved in zip(waiting, self._reserves(waiting), strict=True):
            model = self._best_with_room(agent, reserved)
            if model is not None:
                self._place(agent, model)
        for agent in waiting:
            if self.chosen[agent] is None:
                self._steps = MOST_STEPS_PER_AGENT
                self._make_room(agent, set())

    def _reserves(self, waiting: Sequence[int]) -> list[list[float]]:
        """For every turn, what those who come later need at least of each limit of the fleet.

        Without it, the first to choose spend the budget of the last. Where even the least that all
        need is too much, nothing is held back.
        """
        reserves = [[0.0] * len(self._rooms.limits) for _ in waiting]
        for number, limit in enumerate(self._rooms.limits):
            if not limit.per_pair:
                continue
            least = [self._least(limit, agent) for agent in reversed(waiting)]
            held = list(accumulate(least, initial=0.0))
            if held.pop() > self._rooms.left[number] + limit.slack:
                continue
            for row, amount in zip(reserves, reversed(held), strict=True):
                row[number] = amount
        return reserves

    def _least(self, limit: Limit, agent: int) -> float:
        return min((limit.use(agent, model) for model in self._open[agent]), default=0.0)

    def _ranked(self, agent: int) -> list[int]:
        """The open models, best first; the earlier one among equals."""
        worth, crowding = self._worth, self._crowding
        ranks = [
            (crowding * len(self._standing[model]) - worth(agent, model), model)
            for model in self._open[agent]
        ]
        ranks.sort()
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
