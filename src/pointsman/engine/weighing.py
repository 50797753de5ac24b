"""What would be broken, and what lost, by what is known now, if some agents stood elsewhere?

A proposal may be days old when somebody applies it, and what is undone was right on another day: so
both are held against the configuration of the moment before they are put in place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from pointsman.core.assignment.limits import LimitKind
from pointsman.core.assignment.plan import exceeded, words_of_excess
from pointsman.core.assignment.posting import Places, is_held
from pointsman.core.assignment.problem import BarCode, Problem
from pointsman.core.assignment.records import Change, primary_of
from pointsman.engine.assign import Stated
from pointsman.engine.ports import Aside, Scores
from pointsman.engine.rows import Row, declared_bar, rows_of
from pointsman.engine.solving import Question, stated_for

OVERRIDABLE = frozenset(
    {
        BarCode.BELOW_QUALITY_FLOOR,
        BarCode.CONTEXT_TOO_SMALL,
        BarCode.OVER_LATENCY_BUDGET,
        BarCode.PRICE_UNKNOWN,
    }
)
"""What a person may decide against: they put an agent on such a model, and it serves."""


class Weighed(NamedTuple):
    """What stands against places, in words, worst first; nothing for those that may be taken.

    `gain` is what the scores of those who move would change by, each times the importance of its
    agent; None where a rule is broken as things stand, and somebody must move whatever it costs.
    """

    broken: tuple[str, ...]
    gain: float | None


async def weighed(
    aside: Aside, question: Question, scores: Scores, wanted: Mapping[str, Places]
) -> Weighed:
    """What it would come to if the agents had the places that are `wanted`, and all others theirs.

    A limit that is exceeded as things stand is broken only where it would be exceeded by more.
    """
    view = question.view
    rows = rows_of(view.fleet, view.expectations, scores, view.strategy)
    (found,) = await aside.run(rows, partial(_answer, question, wanted))
    return found


def recorded_gain(question: Question, changes: Sequence[Change]) -> float:
    """What the scores were to change by when the changes were worked out, weighted as `Weighed`."""
    duty = question.view.expectations.duty
    known = ((duty(each.agent_id).importance, each.gain) for each in changes)
    return sum(importance * gain for importance, gain in known if gain is not None)


def _answer(
    question: Question, wanted: Mapping[str, Places], rows: Sequence[Row]
) -> Iterator[Weighed]:
    now, then = stated_for(question, rows), stated_for(_with(question, wanted), rows)
    kept, barred = _excess(now.problem), tuple(_barred(question, wanted, then))
    over = tuple(
        words_of_excess(limit, excess)
        for limit, excess in exceeded(then.problem, _standing(then.problem))
        if excess > kept.get((limit.kind, limit.subject), 0.0) + limit.slack
    )
    must = bool(kept) or any(_is_out(now.problem, agent) for agent in range(len(now.agents)))
    yield Weighed((*barred, *over), None if must else _gain(now, wanted))


def _with(question: Question, wanted: Mapping[str, Places]) -> Question:
    """The same question once these agents have those places."""
    others = {name: each for name, each in question.standing.items() if name not in wanted}
    moved = {name: primary_of(places) for name, places in wanted.items()}
    held = {name for name, places in wanted.items() if any(map(is_held, places))}
    return question._replace(
        standing=others | {name: each for name, each in moved.items() if each is not None},
        held=frozenset(set(question.held) - wanted.keys() | held),
        trying={name: each for name, each in question.trying.items() if name not in wanted},
    )


def _standing(problem: Problem) -> list[int | None]:
    return [n.current if n.manual is None else n.manual for n in problem.agents]


def _excess(problem: Problem) -> dict[tuple[LimitKind, str], float]:
    """By how much each limit is exceeded as things stand; only those that are."""
    over = exceeded(problem, _standing(problem))
    return {(limit.kind, limit.subject): excess for limit, excess in over}


def _barred(question: Question, wanted: Mapping[str, Places], then: Stated) -> Iterator[str]:
    """Who would be put on a model that it may not have."""
    view = question.view
    agents = {agent.id: number for number, agent in enumerate(then.agents)}
    models = {model.id: number for number, model in enumerate(then.models)}
    for agent_id, places in wanted.items():
        target = primary_of(places)
        if target not in models or target == question.standing.get(agent_id):
            continue
        if agent_id in agents:
            bar = then.problem.bar(agents[agent_id], models[target])
        elif agent_id in view.fleet.agents:  # and not online: nobody has asked about it
            agent, duty = view.fleet.agents[agent_id], view.expectations.duty(agent_id)
            bar = declared_bar(agent, duty, then.models[models[target]])
        else:
            bar = None
        if bar is not None and not (bar.code in OVERRIDABLE and any(map(is_held, places))):
            yield f"{agent_id} may not stand on {target}: {bar.words}"


def _is_out(problem: Problem, agent: int) -> bool:
    """Whether the agent stands on a model that it may not have."""
    needs = problem.agents[agent]
    if needs.manual is not None or needs.current is None:
        return False
    return problem.bar(agent, needs.current) is not None


def _gain(now: Stated, wanted: Mapping[str, Places]) -> float:
    numbers = {model.id: number for number, model in enumerate(now.models)}
    gained = 0.0
    for needs, scores in zip(now.problem.agents, now.problem.scores, strict=True):
        target = numbers.get(primary_of(wanted.get(needs.id, ())) or "")
        if target is not None and needs.current is not None:
            gained += needs.importance * (scores[target] - scores[needs.current])
    return gained
