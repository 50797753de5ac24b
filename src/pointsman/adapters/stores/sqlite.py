"""How are decisions and outcomes kept in one SQLite file?

Every batch is one transaction that is on the disk before `append` returns. What is forgotten makes
room in the file for what comes; the file itself does not shrink.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from pointsman.adapters.stores.aggregating import Aggregating
from pointsman.adapters.stores.alerts import StoredAlerts
from pointsman.adapters.stores.assignments import SqliteAssignments
from pointsman.adapters.stores.auditing import AuditLog
from pointsman.adapters.stores.file import DatabaseFile
from pointsman.adapters.stores.finding import matching_ids, stored
from pointsman.adapters.stores.forgetting import (
    AT_A_TIME,
    MANY_AT_A_TIME,
    Delete,
    bytes_in_use,
    delete_of_agent,
    delete_oldest,
    delete_strays,
    delete_traces_of_agent,
)
from pointsman.adapters.stores.inserting import Form, Insertion
from pointsman.adapters.stores.outbox import StoredOutbox
from pointsman.adapters.stores.recent import feedback_since, outcomes_since
from pointsman.adapters.stores.rows import (
    DECISION_COLUMNS,
    OUTCOME_COLUMNS,
    SET_COLUMNS,
    USUAL_DECISION,
    USUAL_OUTCOME,
    decision_row,
    feedback_values,
    is_usual_decision,
    is_usual_outcome,
    json_text,
    microseconds,
    outcome_row,
    storable,
    usual_decision_row,
    usual_outcome_row,
)
from pointsman.adapters.stores.schema import DECISIONS, OUTCOMES, SETS
from pointsman.adapters.stores.sets import CandidateSet, CandidateSets
from pointsman.adapters.stores.usage import UsageCount, revalue
from pointsman.core.decision import Decision, Feedback, Outcome
from pointsman.engine.ports import DecisionQuery, StoredDecision

SLICE = 128
SLICE_PAUSE_S = 0.001
"""A batch is written in slices with a pause between them, because a burst of work on the core that
serves is felt by the requests of that moment."""

FORGETTING_PAUSE_S = 0.001
"""Left after each slice: a lock that is taken again at once is not handed to whoever waits."""

MOST_BYTES = 2**63 - 1
ALL_TIME_US = 2**63 - 1


_JUDGE = f"""
UPDATE {DECISIONS}
SET RATED_MODEL_ID = ?, RATED_AT = ?, USER_RATING = ?, USER_SUCCESS = ?, USER_FEEDBACK = ?
WHERE DECISION_ID = ?
"""  # noqa: S608

_SETS = Form(SETS, SET_COLUMNS)
_DECISIONS = Form(DECISIONS, DECISION_COLUMNS)
_USUAL_DECISIONS = _DECISIONS._replace(fixed=USUAL_DECISION)
_OUTCOMES = Form(OUTCOMES, OUTCOME_COLUMNS)
_USUAL_OUTCOMES = _OUTCOMES._replace(fixed=USUAL_OUTCOME)


class SqliteStore:
    """Decisions and outcomes in the file at `path`, which is made if there is none.

    Beyond `max_bytes` the oldest decisions make room for new ones. `reserve` bytes of the disk are
    kept back, see `DatabaseFile`, and what `reading` means.

    Raises `StoreError` when the file cannot be opened, is no database, belongs to another program
    or to a newer version of this one.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        max_bytes: int = MOST_BYTES,
        reserve: int = 0,
        reading: bool = False,
    ) -> None:
        self._file = DatabaseFile(path, reserve, reading=reading)
        self._max_bytes = max_bytes
        self.crowded_out = 0
        self._sets = CandidateSets(json_text)
        self.assignments = SqliteAssignments(self._file)
        self.outbox = StoredOutbox(self._file)
        self.aggregates = Aggregating(self._file)
        self.audit = AuditLog(self._file)
        self.alerts = StoredAlerts(self._file)

    def append(self, records: Sequence[Decision | Outcome]) -> None:
        with self._file.writing() as db:
            batch = _Batch(db, self._sets, self.assignments.count())
            for start in range(0, len(records), SLICE):
                if start:
                    time.sleep(SLICE_PAUSE_S)
                batch.add(records[start : start + SLICE])
            batch.finish()
            crowded = bytes_in_use(db) > self._max_bytes
        self.aggregates.note(records)
        if crowded:
            self._make_room(2 + len(records) // AT_A_TIME)

    def _make_room(self, slices: int) -> None:
        """Forget the oldest decisions until the file is as small as it should be, or so often."""
        for _ in range(slices):
            gone, crowded = self._file.vitally(self._forget_one_slice)
            self.crowded_out += gone
            if not (gone and crowded):
                return
            time.sleep(SLICE_PAUSE_S)

    def _forget_one_slice(self, db: sqlite3.Connection) -> tuple[int, bool]:
        gone = delete_oldest(db, ALL_TIME_US)
        return gone, bytes_in_use(db) > self._max_bytes

    def judge(self, feedback: Feedback) -> bool:
        with self._file.writing() as db:
            revalue(db, feedback)
            values = (*feedback_values(feedback), storable(feedback.decision_id))
            return db.execute(_JUDGE, values).rowcount > 0

    def forget_before(self, instant: datetime) -> int:
        before_us = microseconds(instant)
        with self._file.much_at_once():
            count = self._forget_decisions(before_us)
        while self._deleted(delete_strays, before_us):
            time.sleep(FORGETTING_PAUSE_S)
        return count

    def _forget_decisions(self, before_us: int) -> int:
        count = 0
        while True:
            at_most = MANY_AT_A_TIME if self._file.has_room else AT_A_TIME
            gone = self._deleted(partial(delete_oldest, at_most=at_most), before_us)
            if not gone:
                return count
            count += gone
            time.sleep(FORGETTING_PAUSE_S)

    def forget_agent(self, agent_id: str) -> int:
        name, count = storable(agent_id), 0
        while gone := self._file.vitally(lambda db: delete_of_agent(db, name)):
            count += gone
            time.sleep(FORGETTING_PAUSE_S)
        self._file.vitally(lambda db: delete_traces_of_agent(db, name))
        return count

    def decisions(self, query: DecisionQuery) -> Sequence[StoredDecision]:
        with self._file.reading() as db:
            return stored(db, matching_ids(db, query))

    def decision(self, decision_id: str) -> StoredDecision | None:
        with self._file.reading() as db:
            found = stored(db, [storable(decision_id)])
            return found[0] if found else None

    def recent_outcomes(self, since: datetime, limit: int) -> Iterator[tuple[Outcome, str | None]]:
        with self._file.reading() as db:
            yield from outcomes_since(db, microseconds(since), limit)

    def recent_feedback(self, since: datetime, limit: int) -> Iterator[Feedback]:
        with self._file.reading() as db:
            yield from feedback_since(db, microseconds(since), limit)

    def close(self) -> None:
        self._file.close()

    def _deleted(self, delete: Delete, before_us: int) -> int:
        return self._file.vitally(lambda db: delete(db, before_us))


class _Batch:
    """Records on their way into the tables, within one transaction."""

    def __init__(self, db: sqlite3.Connection, sets: CandidateSets, usage: UsageCount) -> None:
        self._db = db
        self._sets = sets
        self._usage = usage
        # Also sets of earlier batches are written again: `forget_before` may have removed them.
        self._written: set[int] = set()
        self._new_sets = Insertion(db, _SETS)
        self._usual_decisions = Insertion(db, _USUAL_DECISIONS)
        self._decisions = Insertion(db, _DECISIONS)
        self._usual_outcomes = Insertion(db, _USUAL_OUTCOMES)
        self._outcomes = Insertion(db, _OUTCOMES)
        self._tables = (
            self._new_sets,
            self._usual_decisions,
            self._decisions,
            self._usual_outcomes,
            self._outcomes,
        )

    def add(self, records: Sequence[Decision | Outcome]) -> None:
        for record in records:
            if isinstance(record, Decision):
                self._add_decision(record)
            elif is_usual_outcome(record):
                self._usual_outcomes.rows.append(usual_outcome_row(record))
            else:
                self._outcomes.rows.append(outcome_row(record))
        self._usage.add(self._db, records)
        for table in self._tables:
            table.advance()

    def _add_decision(self, decision: Decision) -> None:
        reference = self._sets.reference(decision)
        if reference.set.id not in self._written:
            self._add_set(reference.set)
            if reference.base is not None and reference.base.id not in self._written:
                self._add_set(reference.base)
        if is_usual_decision(decision, reference):
            self._usual_decisions.rows.append(usual_decision_row(decision, reference))
        else:
            self._decisions.rows.append(decision_row(decision, reference))

    def _add_set(self, candidates: CandidateSet) -> None:
        self._written.add(candidates.id)
        self._new_sets.rows.append(candidates)

    def finish(self) -> None:
        for table in self._tables:
            table.finish()
        self._usage.write(self._db)
