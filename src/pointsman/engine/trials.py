"""How is a model tried on a share of an agent's traffic, and when is the trial over?

What both models have been used for is counted with their assignments, so a trial outlives a
restart. It is looked at as often as anybody likes: the test allows for that (`core` `trial`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from pointsman.core.assignment.posting import Places, adopted, tried, untried
from pointsman.core.assignment.records import (
    Assignment,
    Means,
    Run,
    RunKind,
    Status,
    Trial,
    Usage,
    primary_of,
)
from pointsman.core.assignment.trial import USUAL_RIGOUR, Results, Rigour, Verdict, verdict
from pointsman.core.audit import ITSELF
from pointsman.engine.assignment_checks import check_ours
from pointsman.engine.assignments import Assignments
from pointsman.engine.in_force import About, Who
from pointsman.engine.ports import AssignmentQuery

JUDGE = "sequential test"
"""Who decides when a trial is over, where a person did not."""

PROVED = frozenset({Verdict.BETTER, Verdict.NO_WORSE})
"""A model is tried because it is expected to be better, or cheaper: that it is no worse will do."""


class Standing(NamedTuple):
    """How a trial is going: what each has shown since it began, and what that proves.

    `over` says that it ends now, proved or not; it has lasted for `lasted_s` seconds.
    """

    assignment: Assignment
    tried: Results
    standing: Results
    verdict: Verdict
    standing_id: str
    lasted_s: float = 0.0
    over: bool = False


async def started(
    assignments: Assignments,
    agent_id: str,
    model_id: str,
    share: float,
    who: Who,
    means: Means = Means.MANUAL,
) -> Run:
    """Let the agent try the model; where it does, from now on on that share, and the counts go on.

    Raises `Conflict` where there is nothing to compare it with by the time that it is decided.
    """
    async with assignments.deciding():
        check_ours(assignments.view().expectations)
        assignments.check_pair(agent_id, model_id)
        before, going = assignments.roll.places(agent_id), assignments.roll.tried(agent_id)
        if going is not None and going.model_id == model_id and going.trial is not None:
            trial = going.trial._replace(share=share)
        else:
            usage = await _usage_of(assignments, agent_id)
            sides = (usage.get(each, Usage()).results for each in (model_id, primary_of(before)))
            trial = Trial(share, *sides)
        places = tried(before, model_id, trial, means, who.reason)
        return await assignments.decide({agent_id: places}, who, About(RunKind.TRIAL))


async def ended(assignments: Assignments, agent_id: str, who: Who) -> Run:
    """Stop trying, whatever has been shown."""
    return await assignments.change(agent_id, untried, who, RunKind.TRIAL)


async def judged(assignments: Assignments, rigour: Rigour = USUAL_RIGOUR) -> list[Run]:
    """End the trials in which something is proved, that had their chance, or can show nothing.

    The tried model takes over, or goes.
    """
    runs = await _given_up(assignments)
    for going in await trials(assignments, rigour):
        if going.verdict is Verdict.UNDECIDED and not going.over:
            continue
        agent_id = going.assignment.agent_id
        who, places = Who(JUDGE, words_of(going)), partial(judged_places, going)
        runs.append(await assignments.change(agent_id, places, who, RunKind.TRIAL))
    return runs


def judged_places(going: Standing, before: Places) -> Places:
    """The places after the verdict; as before where a person has ended that trial meanwhile."""
    if not _is_tried(going.assignment.model_id, before):
        return before
    return adopted(before) if going.verdict in PROVED else untried(before)


async def trials(assignments: Assignments, rigour: Rigour = USUAL_RIGOUR) -> list[Standing]:
    """How each trial is going."""
    query = AssignmentQuery(limit=None, status=Status.TESTING)
    testing = (await asyncio.to_thread(assignments.store.listed, query)).assignments
    found: list[Standing] = []
    for each in testing:
        usage = await _usage_of(assignments, each.agent_id)
        found.extend(_going(assignments, each, usage, rigour))
    return found


def words_of(going: Standing) -> str:
    """How the trial is going, as a sentence without an end."""
    sides = (
        f"{side.mean:.1%} of {side.answers:.0f}" if side.mean is not None else "nothing yet"
        for side in (going.tried, going.standing)
    )
    said = going.verdict.value.replace("_", " ")
    if going.over and going.verdict is Verdict.UNDECIDED:
        days = going.lasted_s / 86_400.0
        said += f" after {days:.1f} days, so {going.standing_id} is kept"
    return f"{going.assignment.model_id} is {said}: {' against '.join(sides)} answers"


async def _given_up(assignments: Assignments) -> list[Run]:
    """End the trials of models that are not declared any more, and those beside no primary."""
    runs = []
    for each in filter(None, map(assignments.roll.tried, tuple(assignments.roll.trying()))):
        primary = assignments.roll.primary(each.agent_id)
        if each.model_id not in assignments.view().fleet.models:
            kept = primary.model_id if primary else "no model"
            words = f"{each.model_id} is not declared any more: {kept} is kept"
        elif primary is None:
            words = f"{each.agent_id} stands on no model to compare {each.model_id} with"
        else:
            continue
        # Nothing was judged: once it is declared again, it may be tried again at once.
        who, places = Who(ITSELF, words), partial(_given_up_places, each.model_id)
        runs.append(await assignments.change(each.agent_id, places, who, RunKind.TRIAL))
    return runs


def _given_up_places(model_id: str, before: Places) -> Places:
    return untried(before) if _is_tried(model_id, before) else before


def _is_tried(model_id: str, places: Places) -> bool:
    return any(p.status is Status.TESTING and p.model_id == model_id for p in places)


def _going(
    assignments: Assignments, each: Assignment, usage: dict[str | None, Usage], rigour: Rigour
) -> Iterator[Standing]:
    primary, trial = assignments.roll.primary(each.agent_id), each.trial
    if primary is None or trial is None:
        return
    shown = _since(usage.get(each.model_id, Usage()).results, trial.tried_before)
    against = _since(usage.get(primary.model_id, Usage()).results, trial.standing_before)
    lasted_s = (assignments.clock.now() - each.at).total_seconds()
    said, over = verdict(shown, against, rigour), rigour.is_over(shown, lasted_s)
    yield Standing(each, shown, against, said, primary.model_id, lasted_s, over)


def _since(now: Results, before: Results) -> Results:
    """What was added. Feedback on older answers may have taken more away than came since."""
    answers = max(0.0, now.answers - before.answers)
    return Results(answers, min(answers, max(0.0, now.worth - before.worth)))


async def _usage_of(assignments: Assignments, agent_id: str) -> dict[str | None, Usage]:
    """What the agent's models were used for, by their ids."""
    query = AssignmentQuery(limit=None, agent_id=agent_id)
    found = (await asyncio.to_thread(assignments.store.listed, query)).assignments
    return {each.model_id: each.usage for each in found}
