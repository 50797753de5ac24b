"""How are decisions and outcomes kept in one SQLite file?

Every batch is one transaction that is on the disk before `append` returns. What is forgotten makes
room in the file for what comes; the file itself does not shrink.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from itertools import chain
from pathlib import Path

from pointsman.adapters.stores.file import DatabaseFile
from pointsman.adapters.stores.finding import matching_ids, stored
from pointsman.adapters.stores.forgetting import Delete, delete_oldest, delete_strays
from pointsman.adapters.stores.rows import (
    DECISION_COLUMNS,
    OUTCOME_COLUMNS,
    SET_COLUMNS,
    Row,
    decision_row,
    json_text,
    microseconds,
    outcome_row,
    storable,
)
from pointsman.adapters.stores.schema import DECISIONS, OUTCOMES, SETS
from pointsman.adapters.stores.sets import CandidateSets
from pointsman.core.decision import Decision, Outcome
from pointsman.engine.ports import DecisionQuery, StoredDecision

LEAST_SLICE, MOST_SLICES = 16, 16
SLICE_PAUSE_S = 0.0002
"""A batch is written in slices with a pause between them, because a burst of work on the core that
serves is felt by the requests of that moment: in one go, 1 % of them waited 3 ms instead of 1.
Large batches come when all are waiting anyway; for them small slices would cost too much."""

FORGETTING_PAUSE_S = 0.01

# A statement per row would hand the interpreter lock to and fro for every row, each time waiting
# for a busy event loop to let go of it. A statement per 8 rows does so 8 times less.
_CHUNKS = (64, 16, 8, 4, 1)


class SqliteStore:
    """Decisions and outcomes in the file at `path`, which is made if there is none.

    Raises `StoreError` when the file cannot be opened, is no database, belongs to another program
    or to a newer version of this one.
    """

    def __init__(self, path: str | Path) -> None:
        self._file = DatabaseFile(path)
        self._sets = CandidateSets(json_text)

    def append(self, records: Sequence[Decision | Outcome]) -> None:
        with self._file.writing() as db:
            # Also sets of earlier batches are written again: `forget_before` may have removed them.
            written: set[int] = set()
            size = max(LEAST_SLICE, len(records) // MOST_SLICES)
            for start in range(0, len(records), size):
                if start:
                    time.sleep(SLICE_PAUSE_S)
                self._append(db, records[start : start + size], written)

    def _append(
        self, db: sqlite3.Connection, records: Sequence[Decision | Outcome], written: set[int]
    ) -> None:
        """Insert the records, and those candidate sets that are not in `written`."""
        sets: list[Row] = []
        decisions: list[Row] = []
        for record in records:
            if isinstance(record, Decision):
                reference = self._sets.reference(record)
                if reference.set.id not in written:
                    written.add(reference.set.id)
                    sets.append(reference.set)
                decisions.append(decision_row(record, reference))
        outcomes = [outcome_row(r) for r in records if isinstance(r, Outcome)]
        _insert(db, SETS, SET_COLUMNS, sets)
        _insert(db, DECISIONS, DECISION_COLUMNS, decisions)
        _insert(db, OUTCOMES, OUTCOME_COLUMNS, outcomes)

    def forget_before(self, instant: datetime) -> int:
        before_us = microseconds(instant)
        count = 0
        for delete in (delete_oldest, delete_strays):
            while deleted := self._deleted(delete, before_us):
                count += deleted if delete is delete_oldest else 0
                # A lock that is taken again at once is never handed to whoever waits for it.
                time.sleep(FORGETTING_PAUSE_S)
        return count

    def decisions(self, query: DecisionQuery) -> Sequence[StoredDecision]:
        with self._file.reading() as db:
            return stored(db, matching_ids(db, query))

    def decision(self, decision_id: str) -> StoredDecision | None:
        with self._file.reading() as db:
            found = stored(db, [storable(decision_id)])
            return found[0] if found else None

    def close(self) -> None:
        self._file.close()

    def _deleted(self, delete: Delete, before_us: int) -> int:
        with self._file.writing() as db:
            return delete(db, before_us)


def _insert(
    db: sqlite3.Connection, table: str, columns: tuple[str, ...], rows: Sequence[Row]
) -> None:
    start = 0
    for size in _CHUNKS:
        while len(rows) - start >= size:
            chunk = rows[start : start + size]
            db.execute(_insertion(table, columns, size), tuple(chain.from_iterable(chunk)))
            start += size


@cache
def _insertion(table: str, columns: tuple[str, ...], count: int) -> str:
    values = ", ".join([f"({', '.join('?' * len(columns))})"] * count)
    names = ", ".join(columns)
    # OR FAIL: our transaction is rolled back upon any error, so a statement need not be undone by
    # itself. For that SQLite would copy every page it touches: four fifths of the system calls.
    return f"INSERT OR FAIL INTO {table} ({names}) VALUES {values} ON CONFLICT DO NOTHING"  # noqa: S608
