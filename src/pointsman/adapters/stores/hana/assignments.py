"""How are assignments and the runs that made them kept in HANA?

A run and what it changed are one transaction. The usage of an assignment is counted by one update
per pair of agent and model, in the transaction that keeps the outcomes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from pointsman.adapters.stores.assignment_rows import (
    MARK,
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
from pointsman.adapters.stores.auditing import act_of_run, act_row
from pointsman.adapters.stores.drawn import DRAWN, drawn_results, drawn_values
from pointsman.adapters.stores.hana import statements as say
from pointsman.adapters.stores.hana.portable import record
from pointsman.adapters.stores.hana.session import HanaSession, fetched, first
from pointsman.adapters.stores.rows import Row, microseconds, storable
from pointsman.adapters.stores.schema import RUN_INPUTS, RUNS
from pointsman.adapters.stores.usage import NOT_THE_MODELS, quality
from pointsman.core.assignment.problem import Problem
from pointsman.core.assignment.records import Assignment, Run, RunKind, RunState, Status
from pointsman.core.assignment.trial import Results
from pointsman.core.decision import Feedback
from pointsman.core.errors import FailureKind, StoreError
from pointsman.engine.ports import AssignmentPage, AssignmentQuery, DrawnQuery, RunQuery

ALL = 2**31 - 1
_NOT_THE_MODELS = frozenset(kind.code for kind in FailureKind if kind.blames in NOT_THE_MODELS)


class HanaAssignments:
    """Assignments and runs in the database of `session`, which belongs to a `HanaStore`."""

    def __init__(self, session: HanaSession) -> None:
        self._session = session

    def packed(self, problem: Problem) -> bytes:
        return packed(problem)

    def keep(
        self, run: Run, assignments: Collection[Assignment] = (), problem: bytes = b""
    ) -> None:
        def work(cursor: Any) -> None:
            _keep_run(cursor, run)
            if problem:
                cursor.execute(say.KEEP_INPUTS, (run.id, problem))
            for each in assignments:
                cursor.execute(say.KEEP_ASSIGNMENT, assignment_row(each))
            for table, most in ((RUNS, MOST_RUNS), (RUN_INPUTS, MOST_INPUTS)):
                too_old = first(cursor, say.TOO_OLD[table], (most,))
                if too_old is not None:
                    cursor.execute(say.FORGET_RUNS[table], (too_old,))

        self._session.again(work)

    def rematch(self, assignments: Collection[Assignment]) -> None:
        rows = [match_row(each) for each in assignments]
        if rows:
            self._session.again(lambda cursor: cursor.executemany(say.REMATCH, rows))

    def forget_unused(self, before: datetime) -> int:
        before_us = microseconds(before)

        def work(cursor: Any) -> int:
            cursor.execute(say.UNUSED, (Status.INACTIVE.value, before_us, before_us))
            return int(cursor.rowcount)

        gone: int = self._session.again(work)
        return gone

    def remove(self, run: Run, assignment_id: str) -> None:
        def work(cursor: Any) -> None:
            _keep_run(cursor, run)
            cursor.execute(say.REMOVE, (storable(assignment_id),))

        self._session.again(work)

    def listed(self, query: AssignmentQuery) -> AssignmentPage:
        tests = {
            "STATUS": query.status,
            "ASSIGNMENT_METHOD": query.means,
            "AGENT_ID": query.agent_id,
            "MODEL_ID": query.model_id,
        }
        asked = {name: str(storable(value)) for name, value in tests.items() if value is not None}
        where = " WHERE " + " AND ".join(["1 = 1", *(f"{name} = ?" for name in asked)])
        limit = ALL if query.limit is None else query.limit
        page = (*asked.values(), limit, query.offset)

        def work(cursor: Any) -> AssignmentPage:
            total = first(cursor, f"{say.COUNT_ASSIGNMENTS}{where}", asked.values())
            rows = fetched(cursor, f"{say.SELECT_ASSIGNMENTS}{where}{say.IN_ORDER}", page)
            return AssignmentPage([stored_assignment(row) for row in rows], total)

        listed: AssignmentPage = self._read(work)
        return listed

    def assignment(self, assignment_id: str) -> Assignment | None:
        select = f"{say.SELECT_ASSIGNMENTS} WHERE ASSIGNMENT_ID = ?"
        found: Assignment | None = self._one(select, assignment_id, stored_assignment)
        return found

    def runs(self, query: RunQuery) -> Sequence[Run]:
        asked = tests_of(query)
        where = " AND ".join(["1 = 1", *asked])
        page = f"{say.SELECT_RUNS} WHERE {where} ORDER BY RUN_ID DESC LIMIT ?"

        def work(cursor: Any) -> list[Run]:
            return [
                stored_run(row) for row in fetched(cursor, page, (*asked.values(), query.limit))
            ]

        runs: list[Run] = self._read(work)
        return runs

    def drawn(self, query: DrawnQuery) -> Mapping[str, Results]:
        values = drawn_values(query)
        found: Mapping[str, Results] = self._read(
            lambda cursor: drawn_results(fetched(cursor, DRAWN, values))
        )
        return found

    def mark(self) -> str:
        def work(cursor: Any) -> str:
            (row,) = fetched(cursor, MARK, ())
            return mark_of(row)

        mark: str = self._read(work)
        return mark

    def run(self, run_id: str) -> Run | None:
        found: Run | None = self._one(f"{say.SELECT_RUNS} WHERE RUN_ID = ?", run_id, stored_run)
        return found

    def problem(self, run_id: str) -> Problem | None:
        packed_problem: bytes | None = self._one(say.SELECT_PROBLEM, run_id, lambda row: row[0])
        return (
            None
            if packed_problem is None
            else self._read(lambda _: unpacked(bytes(packed_problem)))
        )

    def _one(self, select: str, key: str, read: Callable[[Row], Any]) -> Any:
        def work(cursor: Any) -> Any:
            rows = fetched(cursor, select, (storable(key),))
            return read(rows[0]) if rows else None

        return self._read(work)

    def _read(self, work: Callable[[Any], Any]) -> Any:
        try:
            return self._session.again(work)
        except (ValueError, ArithmeticError, msgspec.DecodeError) as error:
            raise StoreError(f"{self._session.address} holds a damaged record: {error}") from error


def _keep_run(cursor: Any, run: Run) -> None:
    cursor.execute(say.KEEP_RUN, run_row(run))
    record(cursor, act_row(act_of_run(run)))
    at_us = microseconds(run.settled_at)
    if run.undoes is not None:
        cursor.execute(say.SETTLE, (RunState.UNDONE.value, at_us, storable(run.undoes)))
    if run.kind is RunKind.PLAN:
        states = (RunState.STALE.value, at_us, RunState.PROPOSED.value)
        cursor.execute(say.OUTDATE, (*states, storable(run.id)))


class _Used(NamedTuple):
    requests: int = 0
    successes: int = 0
    latency_ms: float = 0.0
    last_us: int = 0


def count_usage(cursor: Any, outcomes: Sequence[Row]) -> None:
    """Count outcomes that are being kept: agent, model, failure, seconds and instant of each."""
    used: dict[tuple[str, str], _Used] = {}
    for agent_id, model_id, failure, total_s, at_us in outcomes:
        if failure in _NOT_THE_MODELS:
            continue
        before = used.get((agent_id, model_id), _Used())
        good = failure is None
        used[agent_id, model_id] = _Used(
            before.requests + 1,
            before.successes + good,
            before.latency_ms + (1000.0 * total_s if good else 0.0),
            max(before.last_us, at_us),
        )
    for pair in sorted(used):
        requests, successes, latency_ms, last_us = used[pair]
        counts = (
            *(requests, successes, latency_ms, successes),
            *(successes, requests - successes, successes),
        )
        cursor.execute(say.COUNT_USAGE, (*counts, last_us, last_us, *pair))


def revalue(cursor: Any, feedback: Feedback) -> None:
    """An answer was counted as worth 1, or what was said of it before; now it is worth this."""
    found = fetched(cursor, say.BEFORE, (storable(feedback.decision_id),))
    if not found:
        return
    at_us, agent_id, model_id, rating, success = found[0]
    before = 1.0 if model_id is None else quality(rating, success=success)
    if model_id in {None, feedback.model_id}:
        change = feedback.quality - before
        values = (change, change, change, agent_id, storable(feedback.model_id), at_us)
        cursor.execute(say.REVALUE, values)
