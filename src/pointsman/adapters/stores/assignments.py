"""How are assignments and the runs that made them kept in the file of decisions?

A run and what it changed are one transaction that is on the disk before `keep` returns: nothing is
in force that would be forgotten by a crash.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

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
from pointsman.adapters.stores.auditing import act_of_run, write_act
from pointsman.adapters.stores.drawn import DRAWN, drawn_results, drawn_values
from pointsman.adapters.stores.file import DatabaseFile
from pointsman.adapters.stores.rows import microseconds, storable
from pointsman.adapters.stores.schema import ASSIGNMENTS, RUN_INPUTS, RUNS, marks
from pointsman.adapters.stores.usage import Pair, UsageCount
from pointsman.core.assignment.problem import Problem
from pointsman.core.assignment.records import Assignment, Run, RunKind, RunState, Status
from pointsman.core.assignment.trial import Results
from pointsman.engine.ports import AssignmentPage, AssignmentQuery, DrawnQuery, RunQuery

MOST_RUNS = 5_000
MOST_INPUTS = 50
"""So many runs, and the problems of so many, are remembered; the oldest are forgotten first."""


def _upsert(table: str, columns: Sequence[str], key: str) -> str:
    replaced = ", ".join(f"{name} = excluded.{name}" for name in columns if name != key)
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks(columns)})"  # noqa: S608
        f" ON CONFLICT ({key}) DO UPDATE SET {replaced}"
    )


_KEEP_ASSIGNMENT = _upsert(ASSIGNMENTS, ASSIGNMENT_COLUMNS, "ASSIGNMENT_ID")
_KEEP_RUN = _upsert(RUNS, RUN_COLUMNS, "RUN_ID")
_KEEP_INPUTS = _upsert(RUN_INPUTS, ("RUN_ID", "PROBLEM"), "RUN_ID")
_REMATCH = f"""
UPDATE {ASSIGNMENTS} SET {", ".join(f"{name} = ?" for name in MATCH_COLUMNS)}
WHERE ASSIGNMENT_ID = ?
"""  # noqa: S608
_UNUSED = f"""
DELETE FROM {ASSIGNMENTS}
WHERE STATUS = ? AND ASSIGNMENT_RANK IS NULL AND LAST_UPDATED < ? AND COALESCE(LAST_USED_AT, 0) < ?
RETURNING AGENT_ID, MODEL_ID
"""  # noqa: S608
_SETTLE = f"UPDATE {RUNS} SET STATE = ?, SETTLED_AT = ? WHERE RUN_ID = ?"  # noqa: S608
_OUTDATE = f"UPDATE {RUNS} SET STATE = ?, SETTLED_AT = ? WHERE STATE = ? AND RUN_ID <> ?"  # noqa: S608
_FORGET = """
DELETE FROM {0} WHERE RUN_ID <= (SELECT RUN_ID FROM {0} ORDER BY RUN_ID DESC LIMIT 1 OFFSET {1})
"""
_SELECT = f"SELECT {', '.join((*ASSIGNMENT_COLUMNS, *USAGE_COLUMNS))} FROM {ASSIGNMENTS}"  # noqa: S608
_SELECT_RUN = f"SELECT {', '.join(RUN_COLUMNS)} FROM {RUNS}"  # noqa: S608
_IN_ORDER = " ORDER BY AGENT_ID, ASSIGNMENT_RANK IS NULL, ASSIGNMENT_RANK, MODEL_ID"


class SqliteAssignments:
    """Assignments and runs in `file`, which belongs to a `SqliteStore`."""

    def __init__(self, file: DatabaseFile) -> None:
        self._file = file
        # By the one that writes: a reader of its own would go on reading a file that was removed.
        self._pairs: set[Pair] = file.vitally(_pairs)

    def count(self) -> UsageCount:
        """For the outcomes of one batch; asked for while nobody else writes."""
        return UsageCount(self._pairs)

    def packed(self, problem: Problem) -> bytes:
        return packed(problem)

    def keep(
        self, run: Run, assignments: Collection[Assignment] = (), problem: bytes = b""
    ) -> None:
        def work(db: sqlite3.Connection) -> None:
            _keep_run(db, run)
            if problem:
                db.execute(_KEEP_INPUTS, (run.id, problem))
            db.executemany(_KEEP_ASSIGNMENT, map(assignment_row, assignments))
            _forget(db)

        self._file.vitally(work)
        self._pairs.update((each.agent_id, each.model_id) for each in assignments)

    def rematch(self, assignments: Collection[Assignment]) -> None:
        rows = [match_row(each) for each in assignments]
        with self._file.writing() as db:
            db.executemany(_REMATCH, rows)

    def forget_unused(self, before: datetime) -> int:
        at_us, inactive = microseconds(before), Status.INACTIVE.value
        # Also on a full disk: what is forgotten after it makes room there.
        gone = self._file.vitally(
            lambda db: db.execute(_UNUSED, (inactive, at_us, at_us)).fetchall()
        )
        self._pairs.difference_update(gone)
        return len(gone)

    def remove(self, run: Run, assignment_id: str) -> None:
        where = f"FROM {ASSIGNMENTS} WHERE ASSIGNMENT_ID = ?"
        named = (storable(assignment_id),)

        def work(db: sqlite3.Connection) -> list[Pair]:
            _keep_run(db, run)
            gone = db.execute(f"SELECT AGENT_ID, MODEL_ID {where}", named).fetchall()
            db.execute(f"DELETE {where}", named)
            return gone

        self._pairs.difference_update(self._file.vitally(work))

    def listed(self, query: AssignmentQuery) -> AssignmentPage:
        tests = {
            "STATUS": query.status,
            "ASSIGNMENT_METHOD": query.means,
            "AGENT_ID": query.agent_id,
            "MODEL_ID": query.model_id,
        }
        asked = {name: storable(value) for name, value in tests.items() if value is not None}
        where = " WHERE " + " AND ".join(["TRUE", *(f"{name} = ?" for name in asked)])
        values: list[Any] = list(asked.values())
        page = f"{_SELECT}{where}{_IN_ORDER} LIMIT ? OFFSET ?"
        limit = -1 if query.limit is None else query.limit
        with self._file.reading() as db:
            total = db.execute(f"SELECT COUNT(*) FROM {ASSIGNMENTS}{where}", values).fetchone()[0]  # noqa: S608
            rows = db.execute(page, [*values, limit, query.offset])
            return AssignmentPage([stored_assignment(row) for row in rows], total)

    def assignment(self, assignment_id: str) -> Assignment | None:
        with self._file.reading() as db:
            named = (storable(assignment_id),)
            row = db.execute(f"{_SELECT} WHERE ASSIGNMENT_ID = ?", named).fetchone()
            return None if row is None else stored_assignment(row)

    def runs(self, query: RunQuery) -> Sequence[Run]:
        asked = tests_of(query)
        where = " AND ".join(["TRUE", *asked])
        with self._file.reading() as db:
            rows = db.execute(
                f"{_SELECT_RUN} WHERE {where} ORDER BY RUN_ID DESC LIMIT ?",
                [*asked.values(), query.limit],
            )
            return [stored_run(row) for row in rows]

    def drawn(self, query: DrawnQuery) -> Mapping[str, Results]:
        with self._file.reading() as db:
            return drawn_results(db.execute(DRAWN, drawn_values(query)))

    def mark(self) -> str:
        with self._file.reading() as db:
            return mark_of(db.execute(MARK).fetchone())

    def run(self, run_id: str) -> Run | None:
        with self._file.reading() as db:
            row = db.execute(f"{_SELECT_RUN} WHERE RUN_ID = ?", (storable(run_id),)).fetchone()
            return None if row is None else stored_run(row)

    def problem(self, run_id: str) -> Problem | None:
        with self._file.reading() as db:
            select = f"SELECT PROBLEM FROM {RUN_INPUTS} WHERE RUN_ID = ?"  # noqa: S608
            row = db.execute(select, (storable(run_id),)).fetchone()
            return None if row is None else unpacked(row[0])


def _pairs(db: sqlite3.Connection) -> set[Pair]:
    return set(db.execute(f"SELECT AGENT_ID, MODEL_ID FROM {ASSIGNMENTS}"))  # noqa: S608


def _keep_run(db: sqlite3.Connection, run: Run) -> None:
    db.execute(_KEEP_RUN, run_row(run))
    write_act(db, act_of_run(run))
    at_us = microseconds(run.settled_at)
    if run.undoes is not None:
        db.execute(_SETTLE, (RunState.UNDONE.value, at_us, run.undoes))
    if run.kind is RunKind.PLAN:
        proposed = RunState.PROPOSED.value
        db.execute(_OUTDATE, (RunState.STALE.value, at_us, proposed, run.id))


def _forget(db: sqlite3.Connection) -> None:
    """What is too much, in the same transaction: so neither table ever grows without end."""
    db.execute(_FORGET.format(RUNS, MOST_RUNS))
    db.execute(_FORGET.format(RUN_INPUTS, MOST_INPUTS))
