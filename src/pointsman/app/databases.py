"""At which revision is the database that a configuration names, and how does it get to another?

Only those who change a database import this: it brings SQLAlchemy and Alembic with it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Protocol

from pointsman.adapters.stores.file import address_to_read, address_to_write, why_unreadable
from pointsman.adapters.stores.holding import Held
from pointsman.adapters.stores.migrations.running import move, moving
from pointsman.adapters.stores.schema import APPLICATION_ID, HEAD
from pointsman.app.configuration import Configuration
from pointsman.app.storing import DATABASE, server_of


class Unmovable(Exception):
    """The words tell what is wrong with a database and what would be right."""


class Database(Protocol):
    """One that has a schema. `str` of it is its name, without any password."""

    def exists(self) -> bool: ...

    def revision(self) -> int:
        """The revision that it is at, 0 without tables. Raises `Unmovable` for a foreign one."""

    def move(self, target: int) -> None:
        """Bring it up or down to a revision. Raises `StoreError` while a gateway uses it."""


class FileDatabase:
    """The embedded one."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __str__(self) -> str:
        return str(self.path)

    def exists(self) -> bool:
        return self.path.exists()

    def revision(self) -> int:
        if not self.exists():
            return 0
        with self.reading() as db:
            revision = int(db.execute("PRAGMA user_version").fetchone()[0])
            ours = db.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
        if not ours:
            raise Unmovable(f"{self.path} belongs to another program")
        return _known(self, revision)

    def move(self, target: int) -> None:
        held = closing(Held(self.path.parent))
        with held, closing(_opened(address_to_write(self.path))) as db, moving(db) as connection:
            move(connection, target)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for who changes nothing. Raises `Unmovable` where it cannot be read."""
        try:
            with closing(_opened(address_to_read(self.path))) as db:
                yield db
        except sqlite3.OperationalError as error:
            if words := why_unreadable(self.path):
                raise Unmovable(f"{self.path} cannot be read: {words}") from error
            raise


class ServerDatabase:
    """One on a server, which somebody has made and given us rights in."""

    def __init__(self, url: str) -> None:
        server = server_of(url)
        self._address = server.address(url)
        self._schema = import_module(server.schema)

    def __str__(self) -> str:
        return str(self._address)

    def exists(self) -> bool:
        return True

    def revision(self) -> int:
        return _known(self, self._schema.status(self._address))

    def move(self, target: int) -> None:
        self._schema.move(self._address, target)


def database_of(configuration: Configuration) -> Database:
    """The database that a gateway with this configuration keeps its decisions in."""
    url = configuration.store.url
    if url is not None:
        return ServerDatabase(url.reveal())
    return FileDatabase(configuration.server.data_dir / DATABASE)


def _opened(address: str) -> sqlite3.Connection:
    return sqlite3.connect(address, uri=True, isolation_level=None)


def _known(database: Database, revision: int) -> int:
    if revision > HEAD:
        raise Unmovable(
            f"{database} is at revision {revision}, of a newer pointsman: upgrade this one"
        )
    return revision
