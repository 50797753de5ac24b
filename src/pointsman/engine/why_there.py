"""Why does an agent stand where it stands, where else could it be, and what is in the way?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

from pointsman.core.assignment.explanation import explained, words_of_explanation
from pointsman.core.assignment.optimal import USUAL_EFFORT, Effort
from pointsman.core.assignment.plan import Method, plan_of, rooms_after, words_of
from pointsman.core.assignment.problem import Bar
from pointsman.core.assignment.shadow import in_the_way_of
from pointsman.core.decision import Candidate
from pointsman.engine.assign import Stated
from pointsman.engine.ports import Aside, Scores
from pointsman.engine.rows import Row, rows_of
from pointsman.engine.solving import Question, Shift, name_of, shift_of, stated_for
from pointsman.engine.standing import Trying


class Option(NamedTuple):
    """A model as one agent could have it: what it would be, what keeps it off, what is full.

    `full` are the limits without room for it as long as the others stay where they are.
    """

    candidate: Candidate
    score: float
    usd_per_day: float | None
    latency_s: float | None
    bar: Bar | None
    full: tuple[str, ...]


class Elsewhere(NamedTuple):
    """The best the fleet could do with the agent elsewhere: where, at what loss, who else moves."""

    model_id: str
    loss: float
    left_out: int
    others: tuple[Shift, ...]


class WhyThere(NamedTuple):
    """What is said of one agent; the options best first, those that are barred last."""

    model_id: str | None
    by_hand: bool
    words: tuple[str, ...]
    elsewhere: Elsewhere | None
    options: tuple[Option, ...]


async def why_there(
    aside: Aside,
    question: Question,
    scores: Scores,
    agent_id: str,
    effort: Effort = USUAL_EFFORT,
) -> WhyThere | None:
    """About the agent where it stands now; None for one that is not to be assigned.

    While it is trying a model no plan moves it; what is told is what would be so without that.
    """
    view = question.view
    tried = question.trying.get(agent_id)
    others = {name: each for name, each in question.trying.items() if name != agent_id}
    question = question._replace(trying=others)
    rows = rows_of(view.fleet, view.expectations, scores, view.strategy)
    (found,) = await aside.run(rows, partial(_answer, question, agent_id, effort))
    if found is None or tried is None:
        return found
    return found._replace(words=(*found.words, _words_of_trial(agent_id, found.model_id, tried)))


def _answer(
    question: Question, agent_id: str, effort: Effort, rows: Sequence[Row]
) -> Iterator[WhyThere | None]:
    stated = stated_for(question, rows)
    places = {agent.id: number for number, agent in enumerate(stated.agents)}
    yield None if agent_id not in places else _why_there(stated, places[agent_id], effort)


def _words_of_trial(agent_id: str, model_id: str | None, tried: Trying) -> str:
    share = f"{100.0 * tried.share:.3g}%"
    return (
        f"it is on trial: {tried.model_id} gets {share} of the requests of {agent_id}, "
        f"which stays on {model_id or 'no model'} until something is proved"
    )


def _why_there(stated: Stated, agent: int, effort: Effort) -> WhyThere:
    problem = stated.problem
    standing = [needs.current if needs.manual is None else needs.manual for needs in problem.agents]
    said = explained(problem, plan_of(problem, standing, Method.OPTIMAL), agent, effort)
    other = said.alternative
    elsewhere = None
    if other is not None:
        others = tuple(shift_of(stated, move) for move in other.others)
        elsewhere = Elsewhere(stated.models[other.model].id, other.loss, other.left_out, others)
    return WhyThere(
        name_of(stated, said.model),
        said.by_hand,
        words_of_explanation(problem, said),
        elsewhere,
        _options(stated, standing, agent),
    )


def _options(stated: Stated, standing: Sequence[int | None], agent: int) -> tuple[Option, ...]:
    problem = stated.problem
    rooms = rooms_after(problem, standing)
    # What a person decided has taken its room for good, so that is not given back first.
    placed = [
        m if n.manual is None else None for m, n in zip(standing, problem.agents, strict=True)
    ]
    found = []
    for model in range(len(stated.models)):
        full: tuple[str, ...] = ()
        if model != standing[agent]:
            numbers = in_the_way_of(rooms, placed, agent, model)
            full = tuple(words_of(rooms.limits[number]) for number in numbers)
        found.append(
            Option(
                stated.candidates[agent](model),
                problem.scores[agent][model],
                problem.usd_per_day(agent, model),
                problem.expected.latency_s[agent][model],
                problem.bar(agent, model),
                full,
            )
        )
    return tuple(sorted(found, key=lambda option: (option.bar is not None, -option.score)))
