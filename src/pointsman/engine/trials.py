"""How is a model tried on a share of an agent's traffic, and when is the trial over?

What counts is read from the decisions since it began, so a trial outlives a restart, and feedback
that comes late counts. It is looked at as often as anybody likes: the test allows for that (see
`trial` in `core`).
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import NamedTuple

from pointsman.core.assignment.posting import Places, adopted, is_held, tried, untried
from pointsman.core.assignment.records import (
    Assignment,
    Means,
    Run,
    RunKind,
    Status,
    Trial,
    place_of,
    primary_of,
)
from pointsman.core.assignment.trial import USUAL_RIGOUR, Results, Rigour, Verdict, verdict
from pointsman.core.audit import ITSELF
from pointsman.core.errors import Conflict
from pointsman.engine.assignment_checks import check_ours
from pointsman.engine.assignments import Assignments
from pointsman.engine.in_force import About, Who
from pointsman.engine.pace import left_to_move
from pointsman.engine.ports import AssignmentQuery, DrawnQuery

JUDGE = "sequential test"
"""Who decides when a trial is over, where a person did not."""

PROVED = frozenset({Verdict.BETTER, Verdict.NO_WORSE})
"""A model is tried because it is expected to be better, or cheaper: that it is no worse will do."""

STAYS = "it stays where it is and the trial is over"


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
        if going is not None and going.model_id == model_id:
            means = going.means  # of the same trial, which began when it did
        places = tried(before, model_id, Trial(share), means, who.reason)
        return await assignments.decide({agent_id: places}, who, About(RunKind.TRIAL))


async def judged(assignments: Assignments, rigour: Rigour = USUAL_RIGOUR) -> list[Run]:
    """End the trials in which something is proved, that had their chance, or can show nothing.

    The tried model takes over, or goes. Where a person put the agent it stays, whatever is proved.
    No more models take over in an hour than agents may move; the others go on being tried. What a
    person began to try takes over at once: they have decided it.
    """
    runs, left = await _given_up(assignments), None
    for going in await trials(assignments, rigour):
        if going.verdict is Verdict.UNDECIDED and not going.over:
            continue
        if _moves_by_itself(assignments, going):
            left = (await left_to_move(assignments) if left is None else left) - 1
            if left < 0:
                continue
        run = await _settled(assignments, going)
        runs.extend([run] if run else [])
    return runs


def _moves_by_itself(assignments: Assignments, going: Standing) -> bool:
    primary = assignments.roll.primary(going.assignment.agent_id)
    held = primary is not None and primary.is_manual
    return going.verdict in PROVED and going.assignment.means is Means.AUTO and not held


async def _settled(assignments: Assignments, going: Standing) -> Run | None:
    """Do what follows from the verdict; None where that trial was ended or begun anew meanwhile."""
    async with assignments.deciding():
        check_ours(assignments.view().expectations)
        agent_id = going.assignment.agent_id
        before = assignments.roll.places(agent_id)
        if place_of(going.assignment) not in before or primary_of(before) != going.standing_id:
            return None
        who, places = Who(JUDGE, words_of(going)), untried(before)
        if going.verdict in PROVED:
            against = await _against(assignments, agent_id, before)
            if against is None:
                places = adopted(before)
            else:
                # Nobody was found wanting: once it is otherwise, the model may be tried again.
                who = Who(ITSELF, f"{who.reason}; but {against}, so {STAYS}")
        return await assignments.decide({agent_id: places}, who, About(RunKind.TRIAL))


async def _against(assignments: Assignments, agent_id: str, before: Places) -> str | None:
    """Why the agent does not get the model that has proved itself, if there is a reason."""
    if any(map(is_held, before)):
        return f"a person put {agent_id} on {primary_of(before)}"
    # The configuration may have changed while it was tried, and others have moved.
    broken = await assignments.broken_by({agent_id: adopted(before)})
    return "; ".join(broken) or None


async def trials(assignments: Assignments, rigour: Rigour = USUAL_RIGOUR) -> list[Standing]:
    """How each trial is going."""
    query = AssignmentQuery(limit=None, status=Status.TESTING)
    testing = (await asyncio.to_thread(assignments.store.listed, query)).assignments
    found: list[Standing] = []
    for each in testing:
        primary = assignments.roll.primary(each.agent_id)
        if primary is not None:
            found.append(await _going(assignments, each, primary.model_id, rigour))
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
    """End the trials that can show nothing (any more), and say why."""
    runs = []
    for each in filter(None, map(assignments.roll.tried, tuple(assignments.roll.trying()))):
        words = _void(assignments, each)
        if words is None:
            continue
        # Nothing was judged: once it is otherwise again, it may be tried again at once.
        with suppress(Conflict):  # a person was quicker
            runs.append(await assignments.end(each, Who(ITSELF, words)))
    return runs


def _void(assignments: Assignments, each: Assignment) -> str | None:
    """Why a trial can show nothing: the model is gone, or there is nothing to compare it with."""
    primary, fleet = assignments.roll.primary(each.agent_id), assignments.view().fleet
    agent = fleet.agents.get(each.agent_id)
    if each.model_id not in fleet.models:
        kept = primary.model_id if primary else "no model"
        return f"{each.model_id} is not declared any more: {kept} is kept"
    if primary is None:
        return f"{each.agent_id} stands on no model to compare {each.model_id} with"
    if agent is not None and agent.pinned is not None:
        return f"the configuration pins {agent.id} to {agent.pinned}: {each.model_id} gets nothing"
    return None


async def _going(
    assignments: Assignments, each: Assignment, standing_id: str, rigour: Rigour
) -> Standing:
    sides, strategy = (each.model_id, standing_id), assignments.view().strategy
    query = DrawnQuery(each.agent_id, sides, each.at, strategy)
    found = await asyncio.to_thread(assignments.store.drawn, query)
    shown, against = (found.get(model_id, Results()) for model_id in sides)
    lasted_s = (assignments.clock.now() - each.at).total_seconds()
    said, over = verdict(shown, against, rigour), rigour.is_over(shown, lasted_s)
    return Standing(each, shown, against, said, standing_id, lasted_s, over)
