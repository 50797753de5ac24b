"""How are decisions and outcomes kept in one SQLite file?

One writer behind a lock, a few readers beside it (write-ahead log), every batch one transaction
that is on the disk before `append` returns. What is forgotten makes room in the file for what
comes; the file itself does not shrink.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cache
from itertools import chain, groupby
from pathlib import Path
from queue import Empty, LifoQueue
from typing import Any

import msgspec

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
    stored_decision,
    stored_outcome,
)
from pointsman.adapters.stores.schema import (
    APPLICATION_ID,
    DECISIONS,
    MIGRATIONS,
    OUTCOMES,
    SETS,
    marks,
)
from pointsman.adapters.stores.sets import CandidateSets
from pointsman.core.decision import Decision, Outcome
from pointsman.core.errors import StoreError
from pointsman.engine.ports import DecisionQuery, StoredDecision

BUSY_TIMEOUT_S = 5.0
READERS = 4
PAGE_BYTES = 8_192
"""A set of twenty candidates takes some 5 KB: two pages of the default size, one of these."""
CHECKPOINT_PAGES = 2_000
"""The log is copied into the file each 16 MB: at the default of 4 MB nearly every batch would."""

LEAST_SLICE, MOST_SLICES = 16, 16
SLICE_PAUSE_S = 0.0002
"""A batch is written in slices with a pause between them, because a burst of work on the core that
serves is felt by the requests of that moment: in one go, 1 % of them waited 3 ms instead of 1.
Large batches come when all are waiting anyway; for them small slices would cost too much."""

FORGETTING_PAUSE_S = 0.01

# A statement per row would hand the interpreter lock to and fro for every row, each time waiting
# for a busy event loop to let go of it. A statement per 8 rows does so 8 times less.
_CHUNKS = (64, 16, 8, 4, 1)

_STORED_DECISION = ", ".join(
    [*(f"d.{name}" for name in DECISION_COLUMNS), *(f"c.{name}" for name in SET_COLUMNS[1:])]
)
_WITH_SETS = f"{DECISIONS} d LEFT JOIN {SETS} c ON c.SET_ID = d.CANDIDATE_SET_ID"
_SUCCEEDED = (
    "EXISTS (SELECT 1 FROM ROUTING_OUTCOMES s WHERE s.DECISION_ID = d.DECISION_ID"
    " AND s.FAILURE_KIND IS NULL)"
)
_ENDED = (
    "(d.SELECTED_MODEL_ID IS NULL OR EXISTS"
    " (SELECT 1 FROM ROUTING_OUTCOMES t WHERE t.DECISION_ID = d.DECISION_ID))"
)
_BY_RESULT = {True: _SUCCEEDED, False: f"{_ENDED} AND NOT {_SUCCEEDED}"}


_Files = dict[str, tuple[int, int] | None]
"""Which files are in use, by how their names end; empty while there are none."""


class SqliteStore:
    """Decisions and outcomes in the file at `path`, which is made if there is none.

    Raises `StoreError` when the file cannot be opened, is no database, belongs to another program
    or to a newer version of this one.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._sets = CandidateSets(json_text)
        self._write_lock = threading.Lock()
        self._idle_readers: LifoQueue[tuple[_Files, sqlite3.Connection]] = LifoQueue(READERS)
        self._reader_slots = threading.BoundedSemaphore(READERS)
        self._closed = False
        self._files: _Files = {}
        with self._translated("opened"):
            self._open()

    def append(self, records: Sequence[Decision | Outcome]) -> None:
        with self._writing() as db:
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
        with self._translated("read"), self._reader() as db:
            return _stored(db, _matching_ids(db, query))

    def decision(self, decision_id: str) -> StoredDecision | None:
        with self._translated("read"), self._reader() as db:
            found = _stored(db, [storable(decision_id)])
            return found[0] if found else None

    def close(self) -> None:
        with self._write_lock:
            self._closed = True
            self._writer.close()
        self._idle_reader({})

    def _deleted(self, delete: Delete, before_us: int) -> int:
        with self._writing() as db:
            return delete(db, before_us)

    def _open(self) -> None:
        _make_file(self._path)
        self._writer = self._connect()
        try:
            self._prepare()
            self._files = {end: _identity(f"{self._path}{end}") for end in ("", "-wal", "-shm")}
        except BaseException:
            self._writer.close()
            raise

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._translated("written"), self._write_lock, _transaction(self._present()) as db:
            yield db

    def _present(self) -> sqlite3.Connection:
        """The writer; a new file is begun when the last was found to be gone the time before."""
        self._check_open()
        if not self._files:
            self._open()
        elif _identity(self._path) != self._files[""]:
            gone, self._files = self._files, {}
            self._writer.close()
            self._idle_reader({})
            for end in ("-wal", "-shm"):  # ours, and no part of what has taken the place
                if _identity(f"{self._path}{end}") == gone[end]:
                    Path(f"{self._path}{end}").unlink(missing_ok=True)
            raise StoreError(f"{self._path} was removed or replaced while in use")
        return self._writer

    def _prepare(self) -> None:
        db = self._writer
        db.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # of a new file; others keep theirs
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA temp_store = MEMORY")
        db.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        with _transaction(db):
            self._migrate(db)

    def _migrate(self, db: sqlite3.Connection) -> None:
        version = _pragma(db, "user_version")
        if version > len(MIGRATIONS):
            raise StoreError(
                f"{self._path} was written by a newer pointsman (schema {version}, this one knows"
                f" {len(MIGRATIONS)}): upgrade pointsman or use another file"
            )
        foreign = version and _pragma(db, "application_id") != APPLICATION_ID
        used = db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None
        if foreign or (used and not version):
            raise StoreError(f"{self._path} belongs to another program: use another file")
        for statement in chain.from_iterable(MIGRATIONS[version:]):
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    def _connect(self) -> sqlite3.Connection:
        uri = f"{self._path.absolute().as_uri()}?mode=rw"  # never made here, where all could read
        return sqlite3.connect(
            uri, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, uri=True
        )

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError(f"{self._path} is closed")

    @contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        """One of at most `READERS` connections; all in one transaction, so a page is one moment."""
        with self._reader_slots:
            self._check_open()
            files = self._files
            reader = self._idle_reader(files) or self._new_reader(files)
            try:
                with _transaction(reader, "BEGIN"):
                    yield reader
            except BaseException:
                reader.close()
                raise
            if self._closed:
                reader.close()
            else:
                self._idle_readers.put_nowait((files, reader))

    def _idle_reader(self, files: _Files) -> sqlite3.Connection | None:
        """A reader of these files; those of earlier ones are closed."""
        with suppress(Empty):
            while (idle := self._idle_readers.get_nowait())[0] is not files:
                idle[1].close()
            return idle[1]
        return None

    def _new_reader(self, files: _Files) -> sqlite3.Connection:
        if not files or _identity(self._path) != files[""]:
            raise StoreError(f"{self._path} was removed or replaced while in use")
        reader = self._connect()
        reader.execute("PRAGMA query_only = 1")
        return reader

    @contextmanager
    def _translated(self, done: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"{self._path} cannot be {done}: {_remedy(error)}") from error
        except (ValueError, IndexError, ArithmeticError, msgspec.DecodeError) as error:
            raise StoreError(f"{self._path} holds a damaged record: {error}") from error


def _identity(path: str | Path) -> tuple[int, int] | None:
    """Which file this is; None when there is none."""
    with suppress(FileNotFoundError):
        found = os.stat(path)  # noqa: PTH116 - before every batch, and in a third of the time
        return found.st_dev, found.st_ino
    return None


def _make_file(path: Path) -> None:
    """Answers may name people and projects, so nobody but the owner may read the file."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _remedy(error: sqlite3.Error | OSError) -> str:
    words = (error.strerror if isinstance(error, OSError) else None) or str(error)
    name = getattr(error, "sqlite_errorname", "")
    if name in {"SQLITE_NOTADB", "SQLITE_CORRUPT"}:
        return f"{words}. Move it away to start a new one, or restore it from a backup"
    if name == "SQLITE_FULL":
        return f"{words}. Free some space; nothing written so far is lost"
    return words


@contextmanager
def _transaction(
    db: sqlite3.Connection, begin: str = "BEGIN IMMEDIATE"
) -> Iterator[sqlite3.Connection]:
    db.execute(begin)
    try:
        yield db
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _pragma(db: sqlite3.Connection, name: str) -> int:
    return int(db.execute(f"PRAGMA {name}").fetchone()[0])


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


def _conditions(query: DecisionQuery) -> tuple[list[str], list[Any]]:
    """What a decision must meet, the model aside."""
    tests = {
        "d.DECISION_ID < ?": query.before,
        "d.SELECTED_AGENT_ID = ?": query.agent_id,
        "d.SESSION_ID = ?": query.session,
        "d.REQUEST_ID = ?": query.request_id,
    }
    asked = {test: storable(value) for test, value in tests.items() if value is not None}
    conditions = list(asked)
    if query.success is not None:
        conditions.append(_BY_RESULT[query.success])
    return conditions, list(asked.values())


def _matching_ids(db: sqlite3.Connection, query: DecisionQuery) -> list[str]:
    """Ids of the page, newest first.

    A model matches when it was chosen or when it was tried. Each of the two is a walk along an
    index; joined by OR they would be a walk through the whole table.
    """
    chosen = f"{DECISIONS} d"
    if query.model_id is None:
        return _ids(db, query, chosen, "")
    tried = f"{OUTCOMES} o CROSS JOIN {DECISIONS} d ON d.DECISION_ID = o.DECISION_ID"
    found = {
        *_ids(db, query, chosen, "d.SELECTED_MODEL_ID = ?"),
        *_ids(db, query, tried, "o.MODEL_ID = ?"),
    }
    return sorted(found, reverse=True)[: query.limit]


def _ids(db: sqlite3.Connection, query: DecisionQuery, source: str, model: str) -> list[str]:
    conditions, values = _conditions(query)
    if model:
        conditions.append(model)
        values.append(storable(query.model_id or ""))
    key = "o.DECISION_ID" if " o " in source else "d.DECISION_ID"
    where = " AND ".join(["TRUE", *conditions])
    rows = db.execute(
        f"SELECT DISTINCT {key} FROM {source} WHERE {where} ORDER BY {key} DESC LIMIT ?",  # noqa: S608
        [*values, query.limit],
    )
    return [row[0] for row in rows]


def _stored(db: sqlite3.Connection, ids: Sequence[str]) -> list[StoredDecision]:
    """Those of the decisions that are there, newest first."""
    rows = db.execute(
        f"SELECT {_STORED_DECISION} FROM {_WITH_SETS}"  # noqa: S608
        f" WHERE d.DECISION_ID IN ({marks(ids)}) ORDER BY d.DECISION_ID DESC",
        ids,
    ).fetchall()
    outcomes = _outcomes_of(db, ids)
    return [StoredDecision(stored_decision(row), outcomes.get(row[0], ())) for row in rows]


def _outcomes_of(db: sqlite3.Connection, ids: Sequence[str]) -> dict[str, tuple[Outcome, ...]]:
    rows = db.execute(
        f"SELECT {', '.join(OUTCOME_COLUMNS)} FROM {OUTCOMES}"  # noqa: S608
        f" WHERE DECISION_ID IN ({marks(ids)}) ORDER BY DECISION_ID, ATTEMPT",
        ids,
    )
    groups = groupby(rows, key=lambda row: row[0])
    return {decision_id: tuple(map(stored_outcome, group)) for decision_id, group in groups}
