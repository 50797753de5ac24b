"""Why does this agent stand on this model, and what would anything else cost?"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from pointsman.core.assignment.optimal import USUAL_EFFORT, Effort, optimal
from pointsman.core.assignment.plan import Plan, listed, rooms_after, words_of
from pointsman.core.assignment.problem import Bar, BarCode, Problem
from pointsman.core.assignment.shadow import better_models, in_the_way_of
from pointsman.core.assignment.stability import Move, moves

ALIKE = 1e-9
"""Values that differ by less differ by how they were summed up."""

IN_QUESTION = Bar(BarCode.UNAVAILABLE, "is the model in question")


UNUSED = "there is room, and the plan does not use it"


class Wish(NamedTuple):
    """A model that is worth `more` to the agent than its own, and the limits it is kept off by.

    No limit in the way of a plan that is not optimal: nobody looked.
    """

    model: int
    more: float
    in_the_way: tuple[str, ...]


class Alternative(NamedTuple):
    """The best the fleet could do with the agent elsewhere: where, at what loss, who else moves.

    `loss` is of the fleet's value; `left_out` how many agents more would have no model.
    """

    model: int
    loss: float
    left_out: int
    others: tuple[Move, ...]


class Explanation(NamedTuple):
    """What speaks for the model that `agent` has (None: it has none), and what against others.

    Where it has none, `barred` says what keeps it off those that it may not use. `out` is what bars
    it from the model that it has: it was put there when that was otherwise, or by a person.
    """

    agent: int
    model: int | None
    by_hand: bool
    wishes: tuple[Wish, ...]
    alternative: Alternative | None
    barred: tuple[str, ...] = ()
    out: Bar | None = None


def explained(
    problem: Problem, plan: Plan, agent: int, effort: Effort = USUAL_EFFORT, *, wishes: int = 3
) -> Explanation:
    """Why `agent` stands where it does in `plan`; the fleet is solved once more to know."""
    model, by_hand = plan.chosen[agent], problem.agents[agent].manual is not None
    out = None if model is None else problem.bar(agent, model)
    if by_hand:
        return Explanation(agent, model, by_hand, (), None, out=out)
    wished = _wishes(problem, plan, agent)[:wishes]
    if model is None:
        return Explanation(agent, None, by_hand, wished, None, _barred(problem, agent))
    other = _alternative(problem, plan, agent, model, effort)
    return Explanation(agent, model, by_hand, wished, other, out=out)


def _barred(problem: Problem, agent: int) -> tuple[str, ...]:
    """What keeps the agent off the models that it may not use: each reason once."""
    models: dict[str, list[str]] = {}
    for number, model in enumerate(problem.models):
        bar = problem.bar(agent, number)
        if bar is not None:
            models.setdefault(bar.words, []).append(model.id)
    return tuple(f"{words}: {listed(names)}" for words, names in models.items())


def _wishes(problem: Problem, plan: Plan, agent: int) -> tuple[Wish, ...]:
    model, worths = plan.chosen[agent], problem.worths(agent)
    own = 0.0 if model is None else worths[model]
    rooms = rooms_after(problem, plan.chosen)
    return tuple(
        Wish(
            wished,
            worths[wished] - own,
            tuple(
                words_of(rooms.limits[number])
                for number in in_the_way_of(rooms, plan.chosen, agent, wished)
            ),
        )
        for wished in better_models(problem, agent, model)
    )


def _alternative(
    problem: Problem, plan: Plan, agent: int, model: int, effort: Effort
) -> Alternative | None:
    bars = list(problem.bars)
    bars[agent] = {**bars[agent], model: IN_QUESTION}
    other = optimal(replace(problem, bars=bars), effort)
    elsewhere = other.chosen[agent]
    if elsewhere is None:
        return None
    moved = moves(problem, plan.chosen, other.chosen)
    return Alternative(
        elsewhere,
        plan.value - other.value,
        plan.placed - other.placed,
        tuple(move for move in moved if move.agent != agent),
    )


def words_of_explanation(problem: Problem, said: Explanation) -> tuple[str, ...]:
    """The explanation as sentences, for people."""
    name = problem.agents[said.agent].id
    if said.model is None:
        return (
            f"{name} has no model",
            *(
                _words_of_wish(problem, wish, "would be worth {} points to it")
                for wish in said.wishes
            ),
            *said.barred,
        )
    model = problem.models[said.model].id
    score = 100.0 * problem.scores[said.agent][said.model]
    opening = f"{name} stands on {model}: score {score:.2f}"
    out = () if said.out is None else (f"by now it may not have {model}: {said.out.words}",)
    if said.by_hand:
        return (f"{opening}; a person put it there", *out)
    return (opening, *out, *_words_of_wishes(problem, said), _words_of_other(problem, said))


def _words_of_wishes(problem: Problem, said: Explanation) -> list[str]:
    wishes = said.wishes
    if not wishes and said.out is not None:
        return []
    if not wishes:
        return ["no model that it may use is worth more to it"]
    return [_words_of_wish(problem, wish, "is worth {} points more to it") for wish in wishes]


def _words_of_wish(problem: Problem, wish: Wish, worth: str) -> str:
    kept = f"no room in {', '.join(wish.in_the_way)}" if wish.in_the_way else UNUSED
    amount = worth.format(f"{100.0 * wish.more:.2f}")
    return f"{problem.models[wish.model].id} {amount}; {kept}"


def _words_of_other(problem: Problem, said: Explanation) -> str:
    other = said.alternative
    if other is None:
        return "nowhere else would it have a place"
    others = len(other.others)
    side = "gain" if other.loss < -ALIKE else "lose"
    what = f"{abs(100.0 * other.loss):.2f} points" + (
        f" and the place of {other.left_out} agents" if other.left_out > 0 else ""
    )
    moved = f", and {others} other agent{'s' * (others > 1)} would move" if others else ""
    return f"next best is {problem.models[other.model].id}: the fleet would {side} {what}{moved}"
