"""How are assignments and the runs that made them kept in PostgreSQL?

A run and what it changed are one transaction, which is durable before `keep` returns. They do not
pass through the spool: who changes an assignment is told when it cannot be kept. The usage of an
assignment is counted where outcomes are written (see `copying.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from pointsman.adapters.stores.assignment_rows import (
    ASSIGNMENT_COLUMNS,
    MARK,
    MATCH_COLUMNS,
    RUN_COLUMNS,
    USAGE_COLUMNS,
    assignment_row,
    mark_of,
    match_row,
    packed,
    run_row,
    stored_assignment,
    stored_run,
    tests_of,
    unpacked,
)
from pointsman.adapters.stores.assignments import MOST_INPUTS, MOST_RUNS
from pointsman.adapters.stores.auditing import RECORD, act_of_run, act_row
from pointsman.adapters.stores.drawn import DRAWN, drawn_results, drawn_values
from pointsman.adapters.stores.postgres.finding import readable
from pointsman.adapters.stores.postgres.link import Answer, Link, Session, Work
from pointsman.adapters.stores.postgres.portable import numbered
from pointsman.adapters.stores.rows import Row, microseconds
from pointsman.adapters.stores.schema import ASSIGNMENTS, DECISIONS, RUN_INPUTS, RUNS
from pointsman.adapters.stores.usage import quality
from pointsman.core.assignment.problem import Problem
from pointsman.core.assignment.records import Assignment, Run, RunKind, RunState, Status
from pointsman.core.assignment.trial import Results
from pointsman.core.decision import Feedback
from pointsman.core.errors import StoreError
from pointsman.engine.ports import AssignmentPage, AssignmentQuery, DrawnQuery, RunQuery


def _upsert(table: str, columns: Sequence[str], key: str) -> str:
    marks = ", ".join(f"${place}" for place in range(1, len(columns) + 1))
    replaced = ", ".join(f"{name} = excluded.{name}" for name in columns if name != key)
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608
        f" ON CONFLICT ({key}) DO UPDATE SET {replaced}"
    )


_KEEP_ASSIGNMENT = _upsert(ASSIGNMENTS, ASSIGNMENT_COLUMNS, "ASSIGNMENT_ID")
_KEEP_RUN = _upsert(RUNS, RUN_COLUMNS, "RUN_ID")
_KEEP_INPUTS = _upsert(RUN_INPUTS, ("RUN_ID", "PROBLEM"), "RUN_ID")
_MATCH = ", ".join(f"{name} = ${place}" for place, name in enumerate(MATCH_COLUMNS, 1))
_REMATCH = f"UPDATE {ASSIGNMENTS} SET {_MATCH} WHERE ASSIGNMENT_ID = ${len(MATCH_COLUMNS) + 1}"  # noqa: S608
_UNUSED = f"""
DELETE FROM {ASSIGNMENTS}
WHERE STATUS = $1 AND ASSIGNMENT_RANK IS NULL AND LAST_UPDATED < $2
    AND COALESCE(LAST_USED_AT, 0) < $2
RETURNING ASSIGNMENT_ID
"""  # noqa: S608
_RECORD = numbered(RECORD)
_DRAWN = numbered(DRAWN)
_SETTLE = f"UPDATE {RUNS} SET STATE = $1, SETTLED_AT = $2 WHERE RUN_ID = $3"  # noqa: S608
_OUTDATE = f"UPDATE {RUNS} SET STATE = $1, SETTLED_AT = $2 WHERE STATE = $3 AND RUN_ID <> $4"  # noqa: S608
_FORGET = """
DELETE FROM {0} WHERE RUN_ID <= (SELECT RUN_ID FROM {0} ORDER BY RUN_ID DESC LIMIT 1 OFFSET {1})
"""
_REMOVE = f"DELETE FROM {ASSIGNMENTS} WHERE ASSIGNMENT_ID = $1"  # noqa: S608
_SELECT = f"SELECT {', '.join((*ASSIGNMENT_COLUMNS, *USAGE_COLUMNS))} FROM {ASSIGNMENTS}"  # noqa: S608
_SELECT_RUN = f"SELECT {', '.join(RUN_COLUMNS)} FROM {RUNS}"  # noqa: S608
_SELECT_PROBLEM = f"SELECT PROBLEM FROM {RUN_INPUTS} WHERE RUN_ID = $1"  # noqa: S608
_IN_ORDER = " ORDER BY AGENT_ID, ASSIGNMENT_RANK NULLS LAST, MODEL_ID"

_BEFORE = f"""
SELECT TIMESTAMP, SELECTED_AGENT_ID, RATED_MODEL_ID, USER_RATING, USER_SUCCESS
FROM {DECISIONS} WHERE DECISION_ID = $1 FOR UPDATE
"""  # noqa: S608
_REVALUE = f"""
UPDATE {ASSIGNMENTS}
SET TOTAL_WORTH = greatest(0, least(SUCCESSFUL_REQUESTS, TOTAL_WORTH + $1))
WHERE AGENT_ID = $2 AND MODEL_ID = $3 AND ASSIGNED_AT <= $4
"""  # noqa: S608


class PostgresAssignments:
    """Assignments and runs in the database of `link`, which belongs to a `PostgresStore`."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def packed(self, problem: Problem) -> bytes:
        return packed(problem)

    def keep(
        self, run: Run, assignments: Collection[Assignment] = (), problem: bytes = b""
    ) -> None:
        rows = [_readable(assignment_row(each)) for each in assignments]

        async def work(session: Session) -> None:
            await _keep_run(session, run)
            if problem:
                await session.execute(_KEEP_INPUTS, readable(run.id), problem)
            await session.executemany(_KEEP_ASSIGNMENT, rows)
            # What is too much, in the same transaction: so neither table ever grows without end.
            await session.execute(_FORGET.format(RUNS, MOST_RUNS))
            await session.execute(_FORGET.format(RUN_INPUTS, MOST_INPUTS))

        self._link.run(work)

    def rematch(self, assignments: Collection[Assignment]) -> None:
        rows = [_readable(match_row(each)) for each in assignments]

        async def work(session: Session) -> None:
            await session.executemany(_REMATCH, rows)

        self._link.run(work)

    def forget_unused(self, before: datetime) -> int:
        async def work(session: Session) -> int:
            gone = await session.fetch(_UNUSED, Status.INACTIVE.value, microseconds(before))
            return len(gone)

        return self._link.run(work)

    def remove(self, run: Run, assignment_id: str) -> None:
        async def work(session: Session) -> None:
            await _keep_run(session, run)
            await session.execute(_REMOVE, readable(assignment_id))

        self._link.run(work)

    def listed(self, query: AssignmentQuery) -> AssignmentPage:
        tests = {
            "STATUS": query.status,
            "ASSIGNMENT_METHOD": query.means,
            "AGENT_ID": query.agent_id,
            "MODEL_ID": query.model_id,
        }
        asked = {name: readable(value) for name, value in tests.items() if value is not None}
        conditions = (f"{name} = ${place}" for place, name in enumerate(asked, 1))
        where = " WHERE " + " AND ".join(["TRUE", *conditions])
        values: list[Any] = list(asked.values())
        count = f"SELECT count(*) FROM {ASSIGNMENTS}{where}"  # noqa: S608
        place = len(values) + 1
        page = f"{_SELECT}{where}{_IN_ORDER} LIMIT ${place} OFFSET ${place + 1}"

        async def work(session: Session) -> AssignmentPage:
            total = await session.fetchval(count, *values)
            rows = await session.fetch(page, *values, query.limit, query.offset)
            return AssignmentPage([stored_assignment(row) for row in rows], total)

        return self._read(work)

    def assignment(self, assignment_id: str) -> Assignment | None:
        return self._one(f"{_SELECT} WHERE ASSIGNMENT_ID = $1", assignment_id, stored_assignment)

    def runs(self, query: RunQuery) -> Sequence[Run]:
        asked = tests_of(query)
        where = " AND ".join(["TRUE", *asked])
        page = numbered(f"{_SELECT_RUN} WHERE {where} ORDER BY RUN_ID DESC LIMIT ?")

        async def work(session: Session) -> list[Run]:
            rows = await session.fetch(page, *_readable(tuple(asked.values())), query.limit)
            return [stored_run(row) for row in rows]

        return self._read(work)

    def drawn(self, query: DrawnQuery) -> Mapping[str, Results]:
        values = _readable(drawn_values(query))

        async def work(session: Session) -> Mapping[str, Results]:
            return drawn_results(await session.fetch(_DRAWN, *values))

        return self._read(work)

    def mark(self) -> str:
        async def work(session: Session) -> str:
            return mark_of(await session.fetchrow(MARK))

        return self._read(work)

    def run(self, run_id: str) -> Run | None:
        return self._one(f"{_SELECT_RUN} WHERE RUN_ID = $1", run_id, stored_run)

    def problem(self, run_id: str) -> Problem | None:
        return self._one(_SELECT_PROBLEM, run_id, lambda row: unpacked(row[0]))

    def _one(self, select: str, key: str, read: Callable[[Any], Answer]) -> Answer | None:
        async def work(session: Session) -> Answer | None:
            row = await session.fetchrow(select, readable(key))
            return None if row is None else read(row)

        return self._read(work)

    def _read(self, work: Work[Answer]) -> Answer:
        try:
            return self._link.run(work, read=True)
        except (ValueError, ArithmeticError, msgspec.DecodeError) as error:
            raise StoreError(f"{self._link.address} holds a damaged record: {error}") from error


async def _keep_run(session: Session, run: Run) -> None:
    await session.execute(_KEEP_RUN, *_readable(run_row(run)))
    await session.execute(_RECORD, *_readable(act_row(act_of_run(run))))
    at_us = microseconds(run.settled_at)
    if run.undoes is not None:
        await session.execute(_SETTLE, RunState.UNDONE.value, at_us, readable(run.undoes))
    if run.kind is RunKind.PLAN:
        proposed = RunState.PROPOSED.value
        await session.execute(_OUTDATE, RunState.STALE.value, at_us, proposed, readable(run.id))


async def revalue(session: Session, feedback: Feedback) -> None:
    """An answer was counted as worth 1, or what was said of it before; now it is worth this.

    Called before the feedback takes the place of what was said.
    """
    found = await session.fetchrow(_BEFORE, readable(feedback.decision_id))
    if found is None:
        return
    at_us, agent_id, model_id, rating, success = found
    before = 1.0 if model_id is None else quality(rating, success=success)
    if model_id in {None, feedback.model_id}:
        change = feedback.quality - before
        await session.execute(_REVALUE, change, agent_id, readable(feedback.model_id), at_us)


def _readable(row: Row) -> Row:
    return tuple(readable(value) if isinstance(value, str) else value for value in row)
