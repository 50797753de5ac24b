"""How are decisions and outcomes kept in SAP HANA?

As in PostgreSQL: a batch goes into tables of the session, and from there what is not yet kept goes
into the tables, so that a batch which comes twice is kept once. Days are partitions.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from itertools import groupby
from typing import Any

import msgspec

from pointsman.adapters.stores.absence import Unstorable
from pointsman.adapters.stores.aggregating import Aggregating
from pointsman.adapters.stores.auditing import AuditLog
from pointsman.adapters.stores.days import AHEAD_DAYS, day_at, days_of
from pointsman.adapters.stores.hana import statements as say
from pointsman.adapters.stores.hana.address import HanaAddress
from pointsman.adapters.stores.hana.assignments import HanaAssignments, count_usage, revalue
from pointsman.adapters.stores.hana.forgetting import forget_agent, forget_before, make_days
from pointsman.adapters.stores.hana.portable import transactions
from pointsman.adapters.stores.hana.schema import check
from pointsman.adapters.stores.hana.session import HanaSession, fetched
from pointsman.adapters.stores.incoming import Incoming, halves, incoming
from pointsman.adapters.stores.recent import by_time
from pointsman.adapters.stores.rows import (
    FEEDBACK_COLUMNS,
    OUTCOME_COLUMNS,
    Row,
    feedback_values,
    json_text,
    mended,
    microseconds,
    storable,
    stored_decision,
    stored_feedback,
    stored_outcome,
)
from pointsman.adapters.stores.schema import OUTCOMES
from pointsman.adapters.stores.sets import CandidateSets
from pointsman.core.decision import Decision, Feedback, Outcome
from pointsman.core.errors import StoreError
from pointsman.engine.ports import DecisionQuery, StoredDecision

MONEY = frozenset(OUTCOME_COLUMNS.index(name) for name in ("ACTUAL_COST", "REPORTED_COST"))
AT_A_TIME = 2_000
MOST_NAMED = 500
"""Ids in one statement."""
LONGEST = 512
"""Characters of a name, as the columns have it; only what was refused is cut."""
_DOCUMENTS = frozenset(
    {"TASK_JSON", "CANDIDATE_ORDER", "REJECTIONS_JSON", "CANDIDATES_JSON", "ERROR_MESSAGE"}
)
_WORDS = frozenset({"TASK_TYPE", "STRATEGY", "CONFIG_VERSION", "FAILURE_KIND"})
LONGEST_WORD = 128


class HanaStore:
    """Decisions, outcomes and assignments in the database at `address`.

    Nothing is asked of the server before the first call. What it refuses even when `mended` is left
    out and counted in `unstorable` by class.
    """

    def __init__(self, address: HanaAddress, *, now: Callable[[], datetime] | None = None) -> None:
        self.session = HanaSession(address, check)
        self.assignments = HanaAssignments(self.session)
        self.aggregates = Aggregating(transactions(self.session))
        self.audit = AuditLog(transactions(self.session))
        self.unstorable = {"decision": 0, "outcome": 0}
        self.crowded_out = 0
        self._sets = CandidateSets(json_text)
        self._days: set[int] = set()
        self._now = now or partial(datetime.now, UTC)

    def append(self, records: Sequence[Decision | Outcome]) -> None:
        self.write(incoming(records, self._sets))

    def write(self, rows: Incoming) -> None:
        """Keep all rows or none, durably; one that is already kept is left as it is."""
        self._make_days(days_of(row[0] for row in (*rows.decisions, *rows.outcomes)))
        try:
            self.session.again(partial(_write, rows=rows))
        except (Unstorable, UnicodeEncodeError, OverflowError, ArithmeticError):
            self._write_apart(_mended(rows))
        self.aggregates.note((*rows.decisions, *rows.outcomes))

    def _write_apart(self, rows: Incoming) -> None:
        """Write what can be written, ever smaller parts of what cannot."""
        try:
            self.session.again(partial(_write, rows=rows))
        except (Unstorable, OverflowError, ArithmeticError):
            if rows.records > 1:
                for part in halves(rows):
                    self._write_apart(part)
                return
            self.unstorable["decision"] += len(rows.decisions)
            self.unstorable["outcome"] += len(rows.outcomes)

    def judge(self, feedback: Feedback) -> bool:
        def update(cursor: Any) -> bool:
            revalue(cursor, feedback)
            cursor.execute(say.JUDGE, (*feedback_values(feedback), storable(feedback.decision_id)))
            return bool(cursor.rowcount > 0)

        return bool(self.session.again(update))

    def decisions(self, query: DecisionQuery) -> Sequence[StoredDecision]:
        with self._reading() as cursor:
            return _stored(cursor, _matching_ids(cursor, query))

    def decision(self, decision_id: str) -> StoredDecision | None:
        with self._reading() as cursor:
            found = _stored(cursor, [storable(decision_id)])
            return found[0] if found else None

    def recent_outcomes(self, since: datetime, limit: int) -> Iterator[tuple[Outcome, str | None]]:
        rows = self._outcome_rows(microseconds(since), limit)
        for row in by_time(rows, OUTCOME_COLUMNS.index("TIMESTAMP")):
            with self._undamaged():
                yield stored_outcome(row), row[len(OUTCOME_COLUMNS)]

    def recent_feedback(self, since: datetime, limit: int) -> Iterator[Feedback]:
        since_us = microseconds(since)
        with self._reading() as cursor:
            newest = fetched(cursor, say.NEWEST_FEEDBACK, (since_us, limit))
        too_old = newest[0][0] if newest else -1
        after = (-1, "")
        while True:
            values = (since_us, too_old, after[0], *after, AT_A_TIME)
            with self._reading() as cursor:
                rows = fetched(cursor, say.FEEDBACK_SINCE, values)
            if not rows:
                return
            yield from filter(None, map(stored_feedback, rows))
            after = (rows[-1][FEEDBACK_COLUMNS.index("RATED_AT")], rows[-1][0])

    def forget_before(self, instant: datetime) -> int:
        today = day_at(self._now())
        self._make_days(range(today, today + AHEAD_DAYS + 1))
        return forget_before(self.session, instant)

    def forget_agent(self, agent_id: str) -> int:
        return forget_agent(self.session, storable(agent_id))

    def close(self) -> None:
        self.session.close()

    def _outcome_rows(self, since_us: int, limit: int) -> Iterator[Row]:
        with self._reading() as cursor:
            older = fetched(cursor, say.OLDER, (limit,))
        after = (older[0][0] if older else "", 2**31 - 1)
        while True:
            with self._reading() as cursor:
                values = (after[0], *after, since_us, AT_A_TIME)
                rows = fetched(cursor, say.OUTCOMES_SINCE, values)
            if not rows:
                return
            yield from rows
            after = (rows[-1][0], rows[-1][1])

    def _make_days(self, days: Collection[int]) -> None:
        missing = set(days) - self._days
        if missing:
            make_days(self.session, missing)
            self._days |= missing

    @contextmanager
    def _reading(self) -> Iterator[Any]:
        with self._undamaged(), self.session.transaction() as cursor:
            yield cursor

    @contextmanager
    def _undamaged(self) -> Iterator[None]:
        try:
            yield
        except (ValueError, IndexError, ArithmeticError, msgspec.DecodeError) as error:
            raise StoreError(f"{self.session.address} holds a damaged record: {error}") from error


def _write(cursor: Any, rows: Incoming) -> None:
    cursor.execute(say.SHARE_SETS)
    batches: tuple[Sequence[Row], ...] = rows
    for table, batch in zip(say.ROWS, batches, strict=True):
        if not batch:
            continue
        cursor.execute(say.CLEAR[table])
        keys = len(say.KEYS[table])
        once = {tuple(row[:keys]): row for row in reversed(batch)}
        staged = map(_with_money, once.values()) if table == OUTCOMES else once.values()
        cursor.executemany(say.STAGE[table], [tuple(row) for row in staged])
        if table == OUTCOMES:
            count_usage(cursor, fetched(cursor, say.NEW_OUTCOMES))
        cursor.execute(say.KEEP[table])


def _with_money(row: Row) -> Row:
    return tuple(
        Decimal(value) if place in MONEY and value is not None else value
        for place, value in enumerate(row)
    )


def _matching_ids(cursor: Any, query: DecisionQuery) -> list[str]:
    """Ids of the page, newest first. A model matches that was chosen first or tried later."""
    if query.model_id is None:
        return _ids(cursor, query, say.CHOSEN, "")
    found = {
        *_ids(cursor, query, say.CHOSEN, "d.SELECTED_MODEL_ID = ?"),
        *_ids(cursor, query, say.TRIED, "o.ATTEMPT > 1 AND o.MODEL_ID = ?"),
    }
    return sorted(found, reverse=True)[: query.limit]


def _ids(cursor: Any, query: DecisionQuery, source: str, model: str) -> list[str]:
    tests = {
        "d.DECISION_ID < ?": query.before,
        "d.DECISION_ID >= ?": query.least_id,
        "d.SELECTED_AGENT_ID = ?": query.agent_id,
        "d.SESSION_ID = ?": query.session,
        "d.REQUEST_ID = ?": query.request_id,
        model: query.model_id if model else None,
    }
    asked = {test: storable(value) for test, value in tests.items() if value is not None}
    conditions = list(asked)
    if query.success is not None:
        conditions.append(say.BY_RESULT[query.success])
    rows = fetched(cursor, say.ids_of(source, conditions), (*asked.values(), query.limit))
    return [row[0] for row in rows]


def _stored(cursor: Any, ids: Sequence[str]) -> list[StoredDecision]:
    """Those of the decisions that are there, newest first."""
    found = []
    for start in range(0, len(ids), MOST_NAMED):
        some = ids[start : start + MOST_NAMED]
        rows = fetched(cursor, say.outcomes_of(len(some)), some)
        outcomes = {
            decision_id: tuple(map(stored_outcome, group))
            for decision_id, group in groupby(rows, key=lambda row: row[0])
        }
        for row in fetched(cursor, say.decisions_of(len(some)), some):
            feedback = stored_feedback(row[say.DECISION_WITH_SET :])
            found.append(StoredDecision(stored_decision(row), outcomes.get(row[0], ()), feedback))
    return found


def _mended(rows: Incoming) -> Incoming:
    return Incoming(
        *(
            [_fitting(columns, row) for row in part]
            for columns, part in zip(say.ROWS.values(), rows, strict=True)
        )
    )


def _fitting(columns: Sequence[str], row: Row) -> Row:
    """The row with all that HANA takes: no halves of surrogate pairs, nothing too long."""
    return tuple(
        _cut(name, mended(value)) if isinstance(value, str) else mended(value)
        for name, value in zip(columns, row, strict=True)
    )


def _cut(name: str, text: str) -> str:
    if name in _DOCUMENTS:
        return text
    return text[: LONGEST_WORD if name in _WORDS else LONGEST]
