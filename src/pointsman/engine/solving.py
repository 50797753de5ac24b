"""Which plan does a strategy make of the fleet as it is now, and what would it change?

What a fleet comes to is a second of arithmetic or twenty, done aside (`ports` `Aside`) so that no
request waits for it. So the answer holds ids and figures, not the problem that it was found in.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from functools import partial
from hashlib import blake2b
from types import MappingProxyType
from typing import NamedTuple

from pointsman.core.assignment.duty import Expectations
from pointsman.core.assignment.easing import words_of_easing
from pointsman.core.assignment.greedy import balanced, greedy
from pointsman.core.assignment.optimal import USUAL_EFFORT, Effort, optimal
from pointsman.core.assignment.pareto import Point, front
from pointsman.core.assignment.plan import Plan, excesses
from pointsman.core.assignment.posting import Facts
from pointsman.core.assignment.problem import Problem
from pointsman.core.assignment.records import Chosen, Figures
from pointsman.core.assignment.relaxation import relaxation
from pointsman.core.assignment.shadow import shadows, words_of_shadow
from pointsman.core.assignment.stability import Move, Moved, Pace, moves, paced
from pointsman.core.assignment.standby import standbys
from pointsman.core.decision import Candidate, Strategy
from pointsman.core.errors import RequestError
from pointsman.core.fleet import Fleet
from pointsman.engine.assign import Stated, stated_of, without
from pointsman.engine.matching import facts_of
from pointsman.engine.ports import Aside, Scores
from pointsman.engine.rows import Row, rows_of
from pointsman.engine.standing import Trying

KNEE = "knee"
"""In the place of a plan's id: the point of the front where most is had for least."""


class How(StrEnum):
    """How a plan is made."""

    GREEDY = "greedy"
    BALANCED = "balanced"
    OPTIMAL = "optimal"
    PARETO = "pareto"


class Wish(NamedTuple):
    """What is asked for: how, with what effort, as if some models did not answer.

    `point` is the id of a plan of the front, or `KNEE`; None asks for the front itself. `advice`
    asks for what a person could decide, too.
    """

    how: How = How.OPTIMAL
    effort: Effort = USUAL_EFFORT
    without: tuple[str, ...] = ()
    point: str | None = None
    advice: bool = False


class View(NamedTuple):
    """The configuration that assignments are made for."""

    fleet: Fleet
    expectations: Expectations
    strategy: Strategy


class Lately(NamedTuple):
    """The pace at which a fleet may change, who has moved when, and what time it is, in seconds."""

    pace: Pace
    moved: tuple[tuple[str, float], ...]
    now_s: float


class Question(NamedTuple):
    """The fleet's problem but for its scores. Nothing of it changes while it is answered.

    Agents that are `held` stay where a person put them, agents that are `trying` a model where they
    are as long as that serves: or nothing would be compared. So does whoever is `resting`. `lately`
    is of plans that are put in place by themselves.
    """

    view: View
    standing: Mapping[str, str]
    held: Collection[str] = frozenset()
    trying: Mapping[str, Trying] = MappingProxyType({})
    resting: Collection[str] = frozenset()
    lately: Lately | None = None


class Placed(NamedTuple):
    """Where a plan puts an agent; unknown costs and latencies are None.

    `models` are the ids of its model and of those that stand by, `facts` what is known of each.
    """

    agent_id: str
    agent_name: str
    model_name: str
    models: tuple[str, ...]
    facts: tuple[Facts, ...]
    by_hand: bool
    pinned: bool
    score: float
    quality: float
    latency_s: float | None
    usd_per_day: float | None
    candidate: Candidate

    @property
    def model_id(self) -> str:
        return self.models[0]


class Shift(NamedTuple):
    """An agent that would stand elsewhere, by ids; None is no model, and an unknown change."""

    agent_id: str
    source: str | None
    target: str | None
    gain: float | None
    latency_s: float | None
    usd_per_day: float | None


class Advice(NamedTuple):
    """What a person could decide, in words: so that all have a place, and what more would bring.

    The `hopeless` are agents that no decision gives a model.
    """

    relaxations: tuple[str, ...] = ()
    hopeless: tuple[str, ...] = ()
    more_would_bring: tuple[str, ...] = ()


class Solved(NamedTuple):
    """A plan and its id; `standing` is where each agent of the problem stood, None without a model,
    and `broken` says which rules that breaks by now.

    `front` only where it was asked for. `problem` is what was solved, as the store keeps it; empty
    where nobody wants to keep it.
    """

    id: str
    figures: Figures
    standing: Mapping[str, str | None]
    broken: tuple[str, ...]
    unpriced: tuple[str, ...]
    moved: tuple[Shift, ...]
    front: tuple[Chosen, ...] = ()
    point: Chosen | None = None
    advice: Advice | None = None
    problem: bytes = b""
    placed: tuple[Placed, ...] = ()

    def models_of(self) -> dict[str, tuple[str, ...]]:
        """For every agent the ids of its primary and of those that stand by; empty without any."""
        none: dict[str, tuple[str, ...]] = dict.fromkeys(self.standing, ())
        return none | {each.agent_id: each.models for each in self.placed}


Packing = Callable[[Problem], bytes]
"""Makes of a problem what a store keeps of it."""


async def solved(
    aside: Aside, question: Question, scores: Scores, wish: Wish, packing: Packing | None = None
) -> Solved:
    """A plan for the fleet as it is. Raises `RequestError` for a model or a point not there."""
    view = question.view
    rows = rows_of(view.fleet, view.expectations, scores, view.strategy)
    head, *placed = await aside.run(rows, partial(_parts, question, wish, packing))
    assert isinstance(head, Solved)  # noqa: S101 - the first part is
    return head._replace(placed=tuple(each for each in placed if isinstance(each, Placed)))


def stated_for(question: Question, rows: Sequence[Row]) -> Stated:
    """The problem that the rows are of."""
    view = question.view
    stated = stated_of(view.fleet, view.expectations, rows, question.standing, question.held)
    resting = question.resting
    agents = tuple(
        replace(needs, stays=needs.stays or needs.id in question.trying or needs.id in resting)
        for needs in stated.problem.agents
    )
    problem = replace(stated.problem, agents=agents)
    if question.lately is not None:
        pace, moved, now_s = question.lately
        numbers = {agent.id: number for number, agent in enumerate(stated.agents)}
        earlier = [Moved(numbers[name], at_s) for name, at_s in moved if name in numbers]
        problem = paced(problem, pace, earlier, now_s)
    return stated._replace(problem=problem)


def shift_of(stated: Stated, move: Move) -> Shift:
    """A move by ids, with all that it changes."""
    problem, agent = stated.problem, move.agent
    latency, sides = problem.expected.latency_s[agent], (move.target, move.source)
    usd = [0.0 if model is None else problem.usd_per_day(agent, model) for model in sides]
    return Shift(
        stated.agents[agent].id,
        name_of(stated, move.source),
        name_of(stated, move.target),
        move.gain,
        _less(*(None if model is None else latency[model] for model in sides)),
        _less(*usd),
    )


def name_of(stated: Stated, model: int | None) -> str | None:
    return None if model is None else stated.models[model].id


def plan_id(stated: Stated, plan: Plan) -> str:
    """The same for plans that put the same agents on the same models, whoever made them."""
    names = (
        f"{agent.id}\t{name_of(stated, model) or ''}"
        for agent, model in zip(stated.agents, plan.chosen, strict=True)
    )
    text = "\n".join(sorted(names)).encode("utf-8", "surrogatepass")
    return f"plan_{blake2b(text, digest_size=8).hexdigest()}"


def _parts(
    question: Question, wish: Wish, packing: Packing | None, rows: Sequence[Row]
) -> Iterator[Solved | Placed]:
    """The answer a piece at a time: what it says of the fleet, then each agent that is placed."""
    stated = _without(stated_for(question, rows), wish.without)
    problem = stated.problem
    points: tuple[Point, ...] = ()
    point = None
    if wish.how is How.PARETO:
        points = front(problem)
        point = picked(stated, points, wish.point)
        plan = point.plan
    else:
        plan = _PLANS[wish.how](problem, wish.effort)
    current = [needs.current for needs in problem.agents]
    yield Solved(
        plan_id(stated, plan),
        _figures(stated, plan),
        {needs.id: name_of(stated, needs.current) for needs in problem.agents},
        excesses(problem, current),
        tuple(stated.agents[agent].id for agent in plan.unpriced),
        tuple(shift_of(stated, move) for move in moves(problem, current, plan.chosen)),
        tuple(_point(stated, each) for each in points),
        None if point is None else _point(stated, point),
        _advice(stated, plan, wish.effort) if wish.advice else None,
        packing(problem) if packing is not None else b"",
    )
    ready = standbys(problem, plan.chosen)
    for agent, model in enumerate(plan.chosen):
        if model is not None:
            yield _placed(stated, agent, (model, *ready[agent]))


def _without(stated: Stated, model_ids: tuple[str, ...]) -> Stated:
    try:
        return without(stated, model_ids)
    except ValueError as error:
        raise RequestError(f"without: {error}.", param="without", code="unknown_model") from error


def _placed(stated: Stated, number: int, models: Sequence[int]) -> Placed:
    agent, candidate, problem = stated.agents[number], stated.candidates[number], stated.problem
    first = models[0]
    return Placed(
        agent.id,
        agent.name or agent.id,
        stated.models[first].display_name or stated.models[first].id,
        tuple(stated.models[model].id for model in models),
        tuple(facts_of(agent, stated.models[model], candidate(model)) for model in models),
        problem.agents[number].manual is not None,
        agent.pinned is not None,
        problem.scores[number][first],
        problem.expected.quality[number][first],
        problem.expected.latency_s[number][first],
        problem.usd_per_day(number, first),
        candidate(first),
    )


def _figures(stated: Stated, plan: Plan) -> Figures:
    names = stated.agents
    left_out = tuple((names[left.agent].id, left.reasons) for left in plan.unplaced)
    return Figures(plan.mean_score, plan.usd_per_day, plan.gap, left_out, plan.notes)


def _point(stated: Stated, point: Point) -> Chosen:
    timed = any(s is not None for row in stated.problem.expected.latency_s for s in row)
    latency_s = point.latency_s if timed else None
    return Chosen(
        plan_id(stated, point.plan), point.quality, latency_s, point.usd_per_day, point.knee
    )


def _advice(stated: Stated, plan: Plan, effort: Effort) -> Advice:
    """What more would bring is only known of a plan that is optimal."""
    problem = stated.problem
    eased = relaxation(problem, effort) if plan.unplaced else None
    wider = shadows(problem, plan, effort) if plan.gap is not None else ()
    return Advice(
        tuple(words_of_easing(problem, each) for each in eased.easings) if eased else (),
        tuple(stated.agents[agent].id for agent in eased.hopeless) if eased else (),
        tuple(words_of_shadow(problem, each) for each in wider),
    )


def picked(stated: Stated, points: Sequence[Point], name: str | None) -> Point:
    """The point whose plan has this id; the knee where none is named.

    Raises `RequestError` for one that is not on the front.
    """
    if name in {None, KNEE}:
        return next(point for point in points if point.knee)
    for point in points:
        if plan_id(stated, point.plan) == name:
            return point
    raise RequestError(
        f"point: {name!r} is not on the front any more; ask for the front again.",
        param="point",
        code="unknown_point",
    )


def _less(new: float | None, old: float | None) -> float | None:
    return None if new is None or old is None else new - old


_PLANS: Mapping[How, Callable[[Problem, Effort], Plan]] = {
    How.GREEDY: lambda problem, _: greedy(problem),
    How.BALANCED: lambda problem, _: balanced(problem),
    How.OPTIMAL: optimal,
}
