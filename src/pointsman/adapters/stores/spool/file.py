"""What has been accepted and has not yet reached the database, and where does it stand meanwhile?

In a SQLite file beside the gateway, one row per batch, first in, first out. What `append` has
returned from is on the disk. How much was taken, passed on and lost is counted in the same
transactions, so the figures add up after every crash:

    taken = passed on + lost + waiting

Acts of people wait beside them, one row each. There are few, so none is ever thrown away.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from pointsman.adapters.stores.incoming import Incoming
from pointsman.adapters.stores.rows import DECISION_COLUMNS, OUTCOME_COLUMNS, SET_COLUMNS, mended
from pointsman.core.audit import Act
from pointsman.core.errors import StoreError

APPLICATION_ID = 0x706F_7370
"""`PRAGMA application_id` of our files ("posp")."""
FORMAT = 1
"""`PRAGMA user_version`: how the payloads are written."""
MOST_BYTES = 8_000_000
"""So much is read at once at most, as it is all in memory then."""
FREED_PAGES = 2_000
"""So much room is given back to the disk at a time, when all has been passed on."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS BATCHES (
    SEQ       INTEGER PRIMARY KEY AUTOINCREMENT,
    AT_US     INTEGER NOT NULL,
    DECISIONS INTEGER NOT NULL,
    OUTCOMES  INTEGER NOT NULL,
    BYTES     INTEGER NOT NULL,
    PAYLOAD   BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS TALLY (
    WHAT      TEXT PRIMARY KEY,
    DECISIONS INTEGER NOT NULL,
    OUTCOMES  INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS ACTS (
    ACT_ID  TEXT PRIMARY KEY,
    PAYLOAD BLOB NOT NULL
) WITHOUT ROWID;
INSERT OR IGNORE INTO TALLY VALUES ('taken', 0, 0), ('passed on', 0, 0), ('lost', 0, 0);
"""
_INSERT = "INSERT INTO BATCHES (AT_US, DECISIONS, OUTCOMES, BYTES, PAYLOAD) VALUES (?, ?, ?, ?, ?)"
_WAITING = (
    "SELECT coalesce(sum(DECISIONS), 0), coalesce(sum(OUTCOMES), 0), coalesce(sum(BYTES), 0),"
    " min(AT_US) FROM BATCHES"
)
_SOME = "SELECT SEQ, DECISIONS, OUTCOMES, BYTES, PAYLOAD FROM BATCHES WHERE SEQ > ? ORDER BY SEQ"
_COUNT = "UPDATE TALLY SET DECISIONS = DECISIONS + ?, OUTCOMES = OUTCOMES + ? WHERE WHAT = ?"

_ACTS = "SELECT PAYLOAD FROM ACTS ORDER BY ACT_ID LIMIT 100"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode
_encode_act = msgspec.json.Encoder().encode
_decode_act = msgspec.json.Decoder(Act).decode


class Count(NamedTuple):
    """So many records of either class."""

    decisions: int = 0
    outcomes: int = 0

    @property
    def total(self) -> int:
        return self.decisions + self.outcomes


class Waiting(NamedTuple):
    """What waits: how many records, how many bytes, and when the oldest came, in microseconds."""

    records: Count
    bytes: int
    oldest_us: int | None


NOTHING = Waiting(Count(), 0, None)


class Portion(NamedTuple):
    """Some of the oldest batches: the row of the last, how much it is, and what they hold.

    `rows` are by column names, since they may have been written by another version.
    """

    through: int
    records: Count
    bytes: int
    batches: tuple[Mapping[str, Any], ...]


class SpoolFile:
    """The spool in the file at `path`, of at most `max_bytes`.

    What is too much takes the place of the oldest, which is counted in `lost`. Raises `StoreError`
    when the file cannot be opened, belongs to another program or to a newer version.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._closed = False
        self._in_flight = 0
        self._identity: tuple[int, int] | None = None
        self._waiting, self.lost = NOTHING, Count()
        self._acts_wait = False
        with self._translated("opened"):
            self._open()

    def append(self, rows: Incoming, at_us: int) -> None:
        """Take a batch, durably, that comes at an instant."""
        payload = encoded(rows)
        count = Count(len(rows.decisions), len(rows.outcomes))
        with self._writing() as db:
            self._make_room(db, len(payload))
            db.execute(_INSERT, (at_us, *count, len(payload), payload))
            db.execute(_COUNT, (*count, "taken"))
            before, size, oldest_us = self._waiting
            oldest_us = at_us if oldest_us is None else oldest_us
            self._waiting = Waiting(_sum(before, count), size + len(payload), oldest_us)

    def oldest(self, records: int) -> Portion | None:
        """The oldest batches, at least one and up to so many records; None when nothing waits.

        Until `passed_on` or the next call they are in flight, and not among what may be lost.
        """
        with self._writing() as db:
            batches: list[Mapping[str, Any]] = []
            count, size, through = Count(), 0, 0
            for seq, decisions, outcomes, length, payload in db.execute(_SOME, (0,)):
                more = _sum(count, Count(decisions, outcomes))
                if batches and (more.total > records or size + length > MOST_BYTES):
                    break
                batches.append(_decoded(payload))
                count, size, through = more, size + length, seq
            self._in_flight = through
        return Portion(through, count, size, tuple(batches)) if batches else None

    def passed_on(self, portion: Portion, lost: Count = Count()) -> None:  # noqa: B008 - immutable
        """Forget what the database has; so much of it was refused there, or could not be read."""
        kept = Count(portion.records[0] - lost[0], portion.records[1] - lost[1])
        with self._writing() as db:
            db.execute("DELETE FROM BATCHES WHERE SEQ <= ?", (portion.through,))
            db.execute(_COUNT, (*kept, "passed on"))
            db.execute(_COUNT, (*lost, "lost"))
            self._waiting, self.lost = self._without(db, portion), _sum(self.lost, lost)
            self._in_flight = 0

    def _without(self, db: sqlite3.Connection, portion: Portion) -> Waiting:
        """To add up all that waits would take longer the longer nothing is passed on."""
        oldest = db.execute("SELECT AT_US FROM BATCHES ORDER BY SEQ LIMIT 1").fetchone()
        if oldest is None:
            return NOTHING
        (decisions, outcomes), size, _ = self._waiting
        left = Count(decisions - portion.records[0], outcomes - portion.records[1])
        return Waiting(left, size - portion.bytes, oldest[0])

    def give_back(self) -> None:
        """Give some of the room that nothing needs any more back to the disk."""
        with self._lock, self._translated("written"):
            # As a script, which goes on to the end: `execute` would stop after the first page.
            self._present().executescript(f"PRAGMA incremental_vacuum({FREED_PAGES})")

    def keep_act(self, act: Act) -> None:
        """Take an act, durably."""
        payload = _encode_act(act)
        with self._writing() as db:
            db.execute("INSERT OR IGNORE INTO ACTS VALUES (?, ?)", (act.id, payload))
            self._acts_wait = True

    def acts(self) -> Sequence[Act]:
        """Some of the acts that wait, the oldest first."""
        if not self._acts_wait:
            return ()
        with self._lock, self._translated("read"):
            rows = self._present().execute(_ACTS).fetchall()
        return [_decode_act(payload) for (payload,) in rows]

    def acts_passed_on(self, acts: Sequence[Act]) -> None:
        """Forget acts that the database has."""
        with self._writing() as db:
            db.executemany("DELETE FROM ACTS WHERE ACT_ID = ?", [(act.id,) for act in acts])
            self._acts_wait = _acts_wait(db)

    @property
    def waiting(self) -> Waiting:
        """The records that wait."""
        return self._waiting

    @property
    def anything_waits(self) -> bool:
        return self._acts_wait or self._waiting.records.total > 0

    def tally(self) -> Mapping[str, Count]:
        """How much was ever `taken`, `passed on` and `lost`."""
        with self._lock, self._translated("read"):
            rows = self._present().execute("SELECT * FROM TALLY").fetchall()
        return {what: Count(decisions, outcomes) for what, decisions, outcomes in rows}

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._db.close()

    def _make_room(self, db: sqlite3.Connection, needed: int) -> None:
        """Drop the oldest batches that are not just being passed on, if this one is too much."""
        spare = self._max_bytes - self._waiting.bytes - needed
        if spare >= 0:
            return
        lost, through = Count(), 0
        # Some more at once, so that not every batch of a long outage has to look for room.
        wanted = -spare + self._max_bytes // 100
        for seq, decisions, outcomes, size, _ in db.execute(_SOME, (self._in_flight,)):
            lost, through = _sum(lost, Count(decisions, outcomes)), seq
            wanted -= size
            if wanted <= 0:
                break
        db.execute("DELETE FROM BATCHES WHERE SEQ > ? AND SEQ <= ?", (self._in_flight, through))
        db.execute(_COUNT, (*lost, "lost"))
        self._waiting, self.lost = _waiting(db), _sum(self.lost, lost)

    def _open(self) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        uri = f"{self.path.absolute().as_uri()}?mode=rw"
        self._db = db = sqlite3.connect(
            uri, timeout=5.0, isolation_level=None, check_same_thread=False, uri=True
        )
        try:
            self._prepare(db)
            self._waiting, self.lost = _waiting(db), _lost(db)
            self._acts_wait = _acts_wait(db)
        except BaseException:
            db.close()
            raise
        self._identity = _identity(self.path)

    def _prepare(self, db: sqlite3.Connection) -> None:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        used = db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None
        if used and db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise StoreError(f"{self.path} belongs to another program: use another folder")
        if version > FORMAT:
            raise StoreError(f"{self.path} was written by a newer pointsman: upgrade pointsman")
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")  # of a new file; others keep theirs
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {FORMAT}")
        db.executescript(_SCHEMA)

    def _present(self) -> sqlite3.Connection:
        if self._closed:
            raise StoreError(f"{self.path} is closed")
        if _identity(self.path) != self._identity:
            self._db.close()
            self._open()
            raise StoreError(f"{self.path} was removed or replaced while in use; begun anew")
        return self._db

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._translated("written"), self._lock:
            db = self._present()
            before = self._waiting, self.lost
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                self._waiting, self.lost = before
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    @contextmanager
    def _translated(self, done: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            words = (error.strerror if isinstance(error, OSError) else None) or str(error)
            raise StoreError(f"{self.path} cannot be {done}: {words}") from error


def encoded(rows: Incoming) -> bytes:
    """The rows with the names of their columns, so that a later version knows what is what."""
    document = {
        "set_columns": SET_COLUMNS,
        "decision_columns": DECISION_COLUMNS,
        "outcome_columns": OUTCOME_COLUMNS,
        "rows": rows,
    }
    try:
        return _encode(document)
    except (UnicodeEncodeError, OverflowError):
        whole = Incoming(*([tuple(map(mended, row)) for row in part] for part in rows))
        return _encode({**document, "rows": whole})


def _decoded(payload: bytes) -> Mapping[str, Any]:
    """What `encoded` made, empty where it is damaged."""
    try:
        document = _decode(payload)
    except (msgspec.DecodeError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def rows_of(batch: Mapping[str, Any]) -> Incoming:
    """The rows of a batch in the columns of this version; what an earlier one did not have is None.

    Raises `ValueError` for a batch that is damaged.
    """
    try:
        given = (batch["set_columns"], batch["decision_columns"], batch["outcome_columns"])
        wanted = (SET_COLUMNS, DECISION_COLUMNS, OUTCOME_COLUMNS)
        parts = zip(given, wanted, batch["rows"], strict=True)
        return Incoming(*(_in_columns(have, want, rows) for have, want, rows in parts))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ValueError(f"a batch of the spool is damaged: {error!r}") from error


def _in_columns(have: list[str], want: tuple[str, ...], rows: list[list[Any]]) -> list[Any]:
    if have == list(want):
        return rows
    places = [have.index(name) if name in have else None for name in want]
    return [[None if place is None else row[place] for place in places] for row in rows]


def _waiting(db: sqlite3.Connection) -> Waiting:
    decisions, outcomes, size, oldest_us = db.execute(_WAITING).fetchone()
    return Waiting(Count(decisions, outcomes), size, oldest_us)


def _lost(db: sqlite3.Connection) -> Count:
    return Count(
        *db.execute("SELECT DECISIONS, OUTCOMES FROM TALLY WHERE WHAT = 'lost'").fetchone()
    )


def _acts_wait(db: sqlite3.Connection) -> bool:
    return db.execute("SELECT 1 FROM ACTS LIMIT 1").fetchone() is not None


def _sum(one: Count, other: Count) -> Count:
    return Count(one[0] + other[0], one[1] + other[1])


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
