"""Who has moved lately, and how many more may move without anybody asking?"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta

from pointsman.core.assignment.records import Run, RunKind, RunState
from pointsman.core.assignment.stability import HOUR_S, Pace, moves_left
from pointsman.engine.assignments import Assignments
from pointsman.engine.ports import AssignmentStore, RunQuery
from pointsman.engine.solving import Lately

AT_ONCE = 200
"""How many runs are read at a time; most changed few agents."""


async def lately(assignments: Assignments, pace: Pace) -> Lately:
    """The pace, and every move that counts for it, by whomever. Raises `StoreError`."""
    now = assignments.clock.now()
    since = now - timedelta(seconds=max(HOUR_S, pace.cool_off_s))
    moved = await asyncio.to_thread(_moved_since, assignments.store, since)
    return Lately(pace, moved, now.timestamp())


async def left_to_move(assignments: Assignments) -> int:
    """How many agents may still move within the hour. Raises `StoreError`."""
    found = await lately(assignments, assignments.view().expectations.routine.pace)
    return moves_left(found.pace, (at_s for _, at_s in found.moved), found.now_s)


def runs_of(store: AssignmentStore, query: RunQuery) -> Iterator[Run]:
    """All runs that are asked for, newest first, `limit` of them at a time. Blocks."""
    while runs := store.runs(query):
        yield from runs
        query = query._replace(before=runs[-1].id)


def _moved_since(store: AssignmentStore, since: datetime) -> tuple[tuple[str, float], ...]:
    made = runs_of(store, RunQuery(AT_ONCE, state=RunState.APPLIED, since=since))
    # A proposal may be older than that, and applied since. While it was open no other plan was
    # kept, or it would be stale: so there is one at most, the last.
    earlier = RunQuery(limit=1, state=RunState.APPLIED, kind=RunKind.PLAN, until=since)
    runs = (*made, *store.runs(earlier))
    return tuple(each for run in runs if run.settled_at >= since for each in _moved_in(run))


def _moved_in(run: Run) -> Iterator[tuple[str, float]]:
    """Who was moved by choice, and when: not who had no place, or lost it."""
    for change in run.moves:
        if change.source is not None and change.target is not None:
            yield change.agent_id, run.settled_at.timestamp()
