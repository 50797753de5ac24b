"""Which file are we writing to, who may write and read it, and is it still there?

One writer behind a lock, a few readers beside it (write-ahead log). What goes wrong rises as
`StoreError`, with the file's name and what helps.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from queue import Empty, LifoQueue
from typing import TypeVar

import msgspec

from pointsman.adapters.stores.reserve import Reserve
from pointsman.adapters.stores.schema import APPLICATION_ID, HEAD
from pointsman.core.errors import StoreError

BUSY_TIMEOUT_S = 5.0
READERS = 4
PAGE_BYTES = 8_192
"""A set of twenty candidates takes some 5 KB: two pages of the default size, one of these."""
CACHE_KIB = 512
"""Of each connection. What is written goes to the ends of tables: 40,000 decisions take no longer
than with 2 MB. What is read of a whole minute is read once; the system keeps the file's pages."""
MUCH_CACHE_KIB = 2_048
"""Of the one that writes, while much is forgotten."""
CHECKPOINT_PAGES = 2_000
"""The log is copied into the file each 16 MB: at the default of 4 MB nearly every batch would."""


LITTLE_ROOM = 1_048_576
"""With fewer bytes left on the disk than this, a failure to write is taken for a full disk."""

T = TypeVar("T")

_Files = dict[str, tuple[int, int] | None]
"""Which files are in use, by how their names end; empty while there are none."""


class DatabaseFile:
    """The file at `path`, which is made if there is none, at the newest revision of the schema.

    `reserve` bytes of the disk are kept back for what must be written also when it is full.
    Raises `StoreError` when it cannot be opened, is no database, belongs to another program or to
    a newer version of this one. `reading` leaves the file as it is, so that somebody else may be
    writing to it: it must be there, and at the newest revision.
    """

    def __init__(self, path: str | Path, reserve: int = 0, *, reading: bool = False) -> None:
        self._path = Path(path)
        self._reading = reading
        self._begin = "BEGIN" if reading else "BEGIN IMMEDIATE"
        self._reserve = Reserve(self._path, reserve)
        self._write_lock = threading.Lock()
        self._idle_readers: LifoQueue[tuple[_Files, sqlite3.Connection]] = LifoQueue(READERS)
        self._reader_slots = threading.BoundedSemaphore(READERS)
        self._closed = False
        self._files: _Files = {}
        with self._translated("opened"):
            self._open_in_need()
        self._reserve.hold()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The one connection that writes, in a transaction that is durable once this ends.

        While the disk is full, and until there is room for the reserve again, nothing is written.
        """
        with self._translated("written"), self._write_lock:
            if not self._reserve.hold():
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            with _transaction(self._present()) as db:
                yield db

    def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` returns, all of one moment."""
        with self.reading() as db:
            return work(db)

    def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` returns, in a transaction of its own, durable once this returns."""
        with self.writing() as db:
            return work(db)

    def vitally(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` returns, in a transaction of its own, durable once this returns.

        For what must be written also when the disk is full: it is done again with the reserve.
        """
        with self._translated("written"), self._write_lock:
            try:
                with _transaction(self._present(), self._begin) as db:
                    return work(db)
            except (sqlite3.Error, OSError) as error:
                if not (self._is_full(error) and self._reserve.release()):
                    raise
            with _transaction(self._present()) as db:
                return work(db)

    @contextmanager
    def much_at_once(self) -> Iterator[None]:
        """With more memory for those who write, who get through many pages sooner with it."""
        self._set_cache(MUCH_CACHE_KIB)
        try:
            yield
        finally:
            self._set_cache(CACHE_KIB)

    def _set_cache(self, kib: int) -> None:
        with self._write_lock:
            if self._files and not self._closed:
                self._writer.execute(f"PRAGMA cache_size = -{kib}")
                self._writer.execute("PRAGMA shrink_memory")

    @property
    def has_room(self) -> bool:
        """False while the disk was full and has not been found to be anything else since."""
        return self._reserve.held

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One of at most `READERS` connections; all in one transaction, so a page is one moment."""
        with self._translated("read"), self._reader_slots:
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

    def close(self) -> None:
        with self._write_lock:
            self._closed = True
            self._writer.close()
        self._idle_reader({})

    def _open_in_need(self) -> None:
        try:
            self._open()
        except (sqlite3.Error, OSError) as error:
            if not (self._is_full(error) and self._reserve.release()):
                raise
            self._open()

    def _is_full(self, error: sqlite3.Error | OSError) -> bool:
        name = getattr(error, "sqlite_errorname", "")
        if name == "SQLITE_FULL" or getattr(error, "errno", None) == errno.ENOSPC:
            return True
        if not name.startswith(("SQLITE_IOERR", "SQLITE_CANTOPEN")):
            return False
        disk = os.statvfs(self._path.parent)
        return disk.f_bavail * disk.f_frsize < LITTLE_ROOM

    def _open(self) -> None:
        if not self._reading:
            _make_file(self._path)
        self._writer = self._connect()
        try:
            if self._reading:
                self._look()
            else:
                self._prepare()
            self._files = {end: _identity(f"{self._path}{end}") for end in ("", "-wal", "-shm")}
        except BaseException:
            self._writer.close()
            raise

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
        db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        db.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        with _transaction(db):
            older = self._revision(db) or _make_schema(db)
        if older < HEAD:
            # With it comes SQLAlchemy, which a process that merely serves does without.
            upgrade = import_module("pointsman.adapters.stores.migrations.running").upgrade_file
            upgrade(db)

    def _look(self) -> None:
        """Make sure that there is what this version reads, and change nothing."""
        self._writer.execute("PRAGMA query_only = 1")
        revision = self._revision(self._writer)
        if revision < HEAD:
            raise StoreError(
                f"{self._path} is at revision {revision}, this pointsman reads {HEAD}: bring it"
                " up to date with `pointsman db upgrade`"
            )

    def _revision(self, db: sqlite3.Connection) -> int:
        """Which one the file is at, 0 when there is nothing in it."""
        version = _pragma(db, "user_version")
        if version > HEAD:
            raise StoreError(
                f"{self._path} was written by a newer pointsman (schema {version}, this one knows"
                f" {HEAD}): upgrade pointsman or use another file"
            )
        ours = _pragma(db, "application_id") == APPLICATION_ID
        used = db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None
        if ours and used and not version:
            raise StoreError(
                f"{self._path} was taken back to revision 0, without tables: bring it up to date"
                " with `pointsman db upgrade`"
            )
        if used and not (ours and version):
            raise StoreError(f"{self._path} belongs to another program: use another file")
        return version

    def _connect(self) -> sqlite3.Connection:
        uri = address_to_read(self._path) if self._reading else address_to_write(self._path)
        return sqlite3.connect(
            uri, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, uri=True
        )

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError(f"{self._path} is closed")

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
        reader.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        return reader

    @contextmanager
    def _translated(self, done: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            words = why_unreadable(self._path) if self._reading else ""
            raise StoreError(f"{self._path} cannot be {done}: {words or _remedy(error)}") from error
        except (ValueError, IndexError, ArithmeticError, msgspec.DecodeError) as error:
            raise StoreError(f"{self._path} holds a damaged record: {error}") from error


def address_to_write(path: Path) -> str:
    """The address of a file for SQLite; it is never made thereby, or all could read it."""
    return f"{path.absolute().as_uri()}?mode=rw"


def address_to_read(path: Path) -> str:
    """The same for who only reads, also where nothing may be written.

    There SQLite may not make the files that it wants beside it, and needs none: nobody writes.
    """
    if _may_be_written_beside(path) or _log_size(path):
        return address_to_write(path)
    return f"{path.absolute().as_uri()}?mode=ro&immutable=1"


def why_unreadable(path: Path) -> str:
    """What keeps people from reading a file of which they may write nothing; '' otherwise."""
    if _may_be_written_beside(path) or not _log_size(path):
        return ""
    return (
        f"the newest of it is still in {path.name}-wal, and nothing may be written in"
        f" {path.parent}: copy both files to a folder where that is allowed, and read them there"
    )


def _may_be_written_beside(path: Path) -> bool:
    return os.access(path.parent, os.W_OK)


def _log_size(path: Path) -> int:
    """How many bytes are in its log, which whoever ends well leaves empty or takes away."""
    with suppress(FileNotFoundError):
        return os.stat(f"{path}-wal").st_size  # noqa: PTH116 - there is no path of that name yet
    return 0


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
        return _FREE_SOME.format(words)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return _FREE_SOME.format(words)
    return words


_FREE_SOME = "{}. Free some space; nothing written so far is lost"


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


def _make_schema(db: sqlite3.Connection) -> int:
    """All tables, in an empty file; returns their revision."""
    text = files("pointsman.adapters.stores.schema").joinpath("sqlite.sql").read_text("utf-8")
    for statement in text.split(";\n"):
        db.execute(statement)
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {HEAD}")
    return HEAD


def _pragma(db: sqlite3.Connection, name: str) -> int:
    return int(db.execute(f"PRAGMA {name}").fetchone()[0])
