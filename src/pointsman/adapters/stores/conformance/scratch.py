"""Where can a database be examined without touching what stands in it?

On PostgreSQL and HANA in a schema of its own, on SQLite in a file of its own.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import threading
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from pointsman.adapters.stores.hana.address import SCHEMES as HANA
from pointsman.adapters.stores.hana.address import HanaAddress, hana_address
from pointsman.adapters.stores.postgres.address import SCHEMES as POSTGRES
from pointsman.adapters.stores.postgres.address import Address, address_of
from pointsman.core.errors import StoreError
from pointsman.engine.history_ports import AggregateStore, AuditStore
from pointsman.engine.ports import AssignmentStore, Store

PREFIX = "POINTSMAN_VERIFY_"
EMBEDDED = "sqlite"
SUCCESS, LATENCY_MS = 1, 100.0


class Memory(Store, Protocol):
    @property
    def assignments(self) -> AssignmentStore: ...

    @property
    def aggregates(self) -> AggregateStore: ...

    @property
    def audit(self) -> AuditStore: ...


class Scratch(Protocol):
    """An empty place in a database. `name` says which, without a password."""

    name: str
    store: Memory

    def another(self) -> Memory:
        """A store of its own for another thread."""

    def move(self, target: int) -> None: ...

    def pause(self) -> None:
        """Close the store, so that tables may change."""

    def resume(self) -> None: ...

    def ask(self, statement: str) -> list[Any]: ...

    def call_metrics(self, assignment_id: str, *, calls: int, callers: int) -> None:
        """Call the procedure so often, from so many sessions at once."""

    def recommended(self, task_type: str, strategy: str) -> str | None:
        """The model that the procedure recommends."""

    def remove(self) -> None:
        """Take away everything that was made."""


def scratch_of(url: str, token: str) -> Scratch:
    """A scratch place in the database at `url`, named by a `token` of letters and digits.

    Raises `ValueError` for a URL that is none, and `StoreError` when it cannot be made.
    """
    scheme = urlsplit(url).scheme
    if scheme in POSTGRES:
        return PostgresScratch(address_of(url), token)
    if scheme in HANA:
        return HanaScratch(hana_address(url), token)
    if scheme == EMBEDDED:
        return SqliteScratch(urlsplit(url).path, token)
    begins = f"{scheme}:" if scheme else "no scheme"
    raise ValueError(f"it begins with {begins}, not with postgresql:, hana: or sqlite:")


class PostgresScratch:
    """A schema in a database of PostgreSQL."""

    def __init__(self, address: Address, token: str) -> None:
        self._schema = f"{PREFIX}{token}".lower()
        self._whole = address
        joined = "&" if "?" in address.url else "?"
        url = f"{address.url}{joined}search_path={self._schema}"
        self._address = Address(url, f"{address.place}?search_path={self._schema}")
        self.name = str(self._address)
        self._driver = import_module("asyncpg")
        self._ask(self._whole, f"CREATE SCHEMA {self._schema}")
        self.move(_head())
        self.resume()

    def another(self) -> Memory:
        made: Memory = _postgres("store").PostgresStore(self._address)
        return made

    def move(self, target: int) -> None:
        _postgres("schema").move(self._address, target)

    def pause(self) -> None:
        self.store.close()

    def resume(self) -> None:
        self.store = self.another()

    def ask(self, statement: str) -> list[Any]:
        return self._ask(self._address, statement)

    def call_metrics(self, assignment_id: str, *, calls: int, callers: int) -> None:
        call = "CALL SP_UPDATE_ASSIGNMENT_METRICS($1, $2, $3)"

        async def caller() -> None:
            session = await self._driver.connect(self._address.url)
            for _ in range(calls // callers):
                await session.execute(call, assignment_id, SUCCESS, LATENCY_MS)
            await session.close()

        async def together() -> None:
            await asyncio.gather(*(caller() for _ in range(callers)))

        asyncio.run(together())

    def recommended(self, task_type: str, strategy: str) -> str | None:
        function = f"SP_GET_ROUTING_RECOMMENDATION('{task_type}', '{strategy}')"
        found = self.ask(f"SELECT MODEL_ID FROM {function}")  # noqa: S608 - words of our own
        return str(found[0][0]) if found else None

    def remove(self) -> None:
        self.pause()
        self._ask(self._whole, f"DROP SCHEMA {self._schema} CASCADE")

    def _ask(self, address: Address, statement: str) -> list[Any]:
        async def once() -> list[Any]:
            session = await self._driver.connect(address.url, timeout=10)
            try:
                return list(await session.fetch(statement))
            finally:
                await session.close()

        try:
            return asyncio.run(once())
        except (OSError, TimeoutError, self._driver.PostgresError) as error:
            raise StoreError(f"{address} cannot do it: {error}") from error


class HanaScratch:
    """A schema in a database of HANA."""

    def __init__(self, address: HanaAddress, token: str) -> None:
        self._schema = f"{PREFIX}{token}".upper()
        self._whole = address
        arguments = {**address.arguments, "currentSchema": self._schema}
        self._address = HanaAddress(f"{address.place}/{self._schema}", arguments)
        self.name = str(self._address)
        self._run(self._whole, f"CREATE SCHEMA {self._schema}")
        self.move(_head())
        self.resume()

    def another(self) -> Memory:
        made: Memory = _hana("store").HanaStore(self._address)
        return made

    def move(self, target: int) -> None:
        _hana("schema").move(self._address, target)

    def pause(self) -> None:
        self.store.close()

    def resume(self) -> None:
        self.store = self.another()

    def ask(self, statement: str) -> list[Any]:
        return self._run(self._address, statement)

    def call_metrics(self, assignment_id: str, *, calls: int, callers: int) -> None:
        call = f"CALL SP_UPDATE_ASSIGNMENT_METRICS('{assignment_id}', {SUCCESS}, {LATENCY_MS})"
        failures: list[StoreError] = []

        def caller() -> None:
            session = _hana("session").HanaSession(self._address)
            try:
                for _ in range(calls // callers):
                    session.again(lambda cursor: cursor.execute(call))
            except StoreError as error:
                failures.append(error)
            finally:
                session.close()

        threads = [threading.Thread(target=caller) for _ in range(callers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]

    def recommended(self, task_type: str, strategy: str) -> str | None:
        found = self.ask(f"CALL SP_GET_ROUTING_RECOMMENDATION('{task_type}', '{strategy}', ?)")
        return str(found[0][1]) if found else None

    def remove(self) -> None:
        self.pause()
        self._run(self._whole, f"DROP SCHEMA {self._schema} CASCADE")

    @staticmethod
    def _run(address: HanaAddress, statement: str) -> list[Any]:
        session = _hana("session").HanaSession(address)
        asks = statement.startswith(("SELECT", "CALL"))

        def work(cursor: Any) -> list[Any]:
            cursor.execute(statement)
            return list(cursor.fetchall()) if asks else []

        try:
            found: list[Any] = session.again(work)
            return found
        finally:
            session.close()


class SqliteScratch:
    """A file of its own, in the folder that the URL names, or where temporary files go."""

    def __init__(self, folder: str, token: str) -> None:
        if folder and not Path(folder).is_dir():
            raise ValueError(f"there is no folder {folder!r}; make it, or name one that is there")
        self._folder = tempfile.TemporaryDirectory(prefix=PREFIX, dir=folder or None)
        self._path = Path(self._folder.name) / f"{token}.db"
        self.name = f"sqlite:{self._path}"
        self.resume()

    def another(self) -> Memory:
        made: Memory = import_module("pointsman.adapters.stores.sqlite").SqliteStore(self._path)
        return made

    def move(self, target: int) -> None:
        running = import_module("pointsman.adapters.stores.migrations.running")
        with (
            closing(sqlite3.connect(self._path, isolation_level=None)) as db,
            running.moving(db) as connection,
        ):
            running.move(connection, target)

    def pause(self) -> None:
        self.store.close()

    def resume(self) -> None:
        self.store = self.another()

    def ask(self, statement: str) -> list[Any]:
        with closing(sqlite3.connect(self._path)) as db:
            return db.execute(statement).fetchall()

    def call_metrics(self, assignment_id: str, *, calls: int, callers: int) -> None:
        """SQLite has no procedures; the same statement, in so many transactions."""
        update = """
        UPDATE AGENT_MODEL_ASSIGNMENTS SET TOTAL_REQUESTS = TOTAL_REQUESTS + 1,
        SUCCESSFUL_REQUESTS = SUCCESSFUL_REQUESTS + 1 WHERE ASSIGNMENT_ID = ?
        """

        def caller() -> None:
            with closing(sqlite3.connect(self._path, timeout=60, isolation_level=None)) as db:
                db.execute("PRAGMA synchronous = OFF")
                for _ in range(calls // callers):
                    db.execute(update, (assignment_id,))

        threads = [threading.Thread(target=caller) for _ in range(callers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def recommended(self, task_type: str, strategy: str) -> str | None:
        """The same question as the procedure's, for the strategy that is asked for."""
        if strategy != "quality":
            raise ValueError("only the success rate is compared here")
        found = self.ask(
            "SELECT MODEL_ID FROM AGENT_MODEL_ASSIGNMENTS WHERE STATUS = 'ACTIVE'"  # noqa: S608
            f" AND AGENT_CAPABILITIES_JSON LIKE '%\"{task_type}\"%'"
            " ORDER BY 1.0 * SUCCESSFUL_REQUESTS / NULLIF(TOTAL_REQUESTS, 0) DESC LIMIT 1"
        )
        return str(found[0][0]) if found else None

    def remove(self) -> None:
        self.pause()
        self._folder.cleanup()


def _head() -> int:
    head: int = import_module("pointsman.adapters.stores.schema").HEAD
    return head


def _postgres(name: str) -> Any:
    return import_module(f"pointsman.adapters.stores.postgres.{name}")


def _hana(name: str) -> Any:
    return import_module(f"pointsman.adapters.stores.hana.{name}")
