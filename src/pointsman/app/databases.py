"""At which revision is the database that a configuration names, and how does it get to another?

Only those who change a database import this: it brings SQLAlchemy and Alembic with it.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Protocol

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
        with closing(self.opened()) as db:
            revision = int(db.execute("PRAGMA user_version").fetchone()[0])
            ours = db.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
        if not ours:
            raise Unmovable(f"{self.path} belongs to another program")
        return _known(self, revision)

    def move(self, target: int) -> None:
        held = closing(Held(self.path.parent))
        with held, closing(self.opened()) as db, moving(db) as connection:
            move(connection, target)

    def opened(self) -> sqlite3.Connection:
        uri = f"{self.path.absolute().as_uri()}?mode=rw"
        return sqlite3.connect(uri, uri=True, isolation_level=None)


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


def _known(database: Database, revision: int) -> int:
    if revision > HEAD:
        raise Unmovable(
            f"{database} is at revision {revision}, of a newer pointsman: upgrade this one"
        )
    return revision
