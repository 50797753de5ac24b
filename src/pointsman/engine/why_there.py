"""Why does an agent stand where it stands, where else could it be, and what is in the way?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from pointsman.core.assignment.explanation import (
    Explanation,
    explained,
    words_of_explanation,
)
from pointsman.core.assignment.optimal import USUAL_EFFORT, Effort
from pointsman.core.assignment.plan import Method, plan_of, rooms_after, words_of
from pointsman.core.assignment.problem import Bar
from pointsman.core.assignment.relaxation import Relaxation, relaxation
from pointsman.core.assignment.shadow import Shadow, in_the_way_of, shadows
from pointsman.core.decision import Candidate
from pointsman.engine.assign import Stated
from pointsman.engine.solving import Solved


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


class WhyThere(NamedTuple):
    """What is said of one agent; the options best first, those that are barred last."""

    explanation: Explanation
    words: tuple[str, ...]
    options: tuple[Option, ...]


class Advice(NamedTuple):
    """What a person could decide: so that all have a place, and what more would bring."""

    relaxation: Relaxation | None
    shadows: tuple[Shadow, ...]


async def why_there(stated: Stated, agent_id: str, effort: Effort = USUAL_EFFORT) -> WhyThere:
    """About the agent where it stands now. Raises `KeyError` for who is not to be assigned."""
    places = {agent.id: number for number, agent in enumerate(stated.agents)}
    return await asyncio.to_thread(_why_there, stated, places[agent_id], effort)


async def advice(found: Solved, effort: Effort = USUAL_EFFORT) -> Advice:
    """About a plan; what more would bring is only known of one that is optimal."""
    return await asyncio.to_thread(_advice, found, effort)


def _why_there(stated: Stated, agent: int, effort: Effort) -> WhyThere:
    problem = stated.problem
    standing = [needs.current if needs.manual is None else needs.manual for needs in problem.agents]
    plan = plan_of(problem, standing, Method.OPTIMAL)
    said = explained(problem, plan, agent, effort)
    options = _options(stated, standing, agent)
    return WhyThere(said, words_of_explanation(problem, said), options)


def _options(stated: Stated, standing: Sequence[int | None], agent: int) -> tuple[Option, ...]:
    problem = stated.problem
    rooms = rooms_after(problem, standing)
    # What a person decided has taken its room for good, so that is not given back first.
    placed = [
        m if n.manual is None else None for m, n in zip(standing, problem.agents, strict=True)
    ]
    found = []
    for model, candidate in enumerate(stated.candidates[agent]):
        full: tuple[str, ...] = ()
        if model != standing[agent]:
            numbers = in_the_way_of(rooms, placed, agent, model)
            full = tuple(words_of(rooms.limits[number]) for number in numbers)
        found.append(
            Option(
                candidate,
                problem.scores[agent][model],
                problem.usd_per_day(agent, model),
                problem.expected.latency_s[agent][model],
                problem.bar(agent, model),
                full,
            )
        )
    return tuple(sorted(found, key=lambda option: (option.bar is not None, -option.score)))


def _advice(found: Solved, effort: Effort) -> Advice:
    problem, plan = found.stated.problem, found.plan
    eased = relaxation(problem, effort) if plan.unplaced else None
    wider = shadows(problem, plan, effort) if plan.gap is not None else ()
    return Advice(eased, wider)
