"""Is each thing that can be wrong with a server told, waited out, and over when it is over?

The spool says how it stands, as `/readyz` shows it. What waits is counted, and all of it is there
once afterwards.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from store_contract import a_decision, an_outcome, ids

from database_server import DatabaseServer, NoDatabaseServer, sessions_of
from lying_line import LyingLine
from pointsman.adapters.stores.postgres import link
from pointsman.adapters.stores.postgres.address import address_of
from pointsman.adapters.stores.postgres.schema import move
from pointsman.adapters.stores.postgres.store import PostgresStore
from pointsman.adapters.stores.schema import VERSION_TABLE
from pointsman.adapters.stores.spool.store import Backlog, SpooledStore
from pointsman.core.errors import StoreError
from pointsman.engine.ports import DecisionQuery
from small_disk import clear, fill, small_disk

PASSWORD, OTHER = "pass-of-mine", "changed-of-mine"
LARGE = 1_000_000_000
LOCKED = "BEGIN; LOCK TABLE ROUTING_DECISIONS IN ACCESS EXCLUSIVE MODE"

_numbers = count(1)


class Server:
    """A server, a database of it, and the role of a gateway, which may do no more than it needs."""

    def __init__(self, server: DatabaseServer) -> None:
        self.server = server
        self.name = f"faults_{next(_numbers)}"
        self.do(f"CREATE DATABASE {self.name} OWNER gateway")
        move(address_of(self.url()))

    def url(self, port: int | None = None, password: str = PASSWORD) -> str:
        place = f"127.0.0.1:{port or self.server.port}"
        return f"postgresql://gateway:{password}@{place}/{self.name}"

    def do(self, *statements: str, database: str = "postgres") -> None:
        asyncio.run(_done(self.server.url(database), statements))


async def _done(url: str, statements: tuple[str, ...]) -> None:
    session = await asyncpg.connect(url)
    try:
        for each in statements:
            await session.execute(each)
    finally:
        await session.close()


@pytest.fixture(scope="module")
def database_server_of_ours() -> Iterator[DatabaseServer]:
    try:
        started = DatabaseServer()
    except NoDatabaseServer as error:
        pytest.skip(str(error))
    with started as server:
        asyncio.run(_done(server.url(), (f"CREATE ROLE gateway LOGIN PASSWORD '{PASSWORD}'",)))
        rules = server.folder / "data" / "pg_hba.conf"
        known = rules.read_text()
        rules.write_text(f"host all gateway 127.0.0.1/32 scram-sha-256\n{known}")
        asyncio.run(_done(server.url(), ("SELECT pg_reload_conf()",)))
        yield server


@pytest.fixture
def server(database_server_of_ours: DatabaseServer) -> Server:
    return Server(database_server_of_ours)


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "CONNECT_S", 0.5)
    monkeypatch.setattr(link, "MARGIN_S", 0.5)
    monkeypatch.setattr("pointsman.adapters.stores.spool.store.USUAL_S", 0.3)


@contextmanager
def spooled(folder: Path, url: str) -> Iterator[SpooledStore]:
    store = SpooledStore(folder / "spool.db", PostgresStore(address_of(url)), max_bytes=LARGE)
    try:
        yield store
    finally:
        store.close()


def reached(store: SpooledStore, wanted: Callable[[Backlog], object], within_s: float = 30) -> Any:
    until = time.monotonic() + within_s
    while not (found := wanted(store.backlog())):
        assert time.monotonic() < until, store.backlog()
        threading.Event().wait(0.02)
    return found


def endured(
    store: SpooledStore,
    break_it: Callable[[], object],
    mend: Callable[[], object],
    words: str | None,
) -> None:
    """With one record there already, break it, add records, see what is said, mend it.

    `words` are in what the log says of it, None where nothing has failed yet and records wait.
    """
    store.append([a_decision(1), an_outcome(1)])
    reached(store, lambda backlog: not backlog.records)
    break_it()
    try:
        for number in range(2, 22):
            store.append([a_decision(number), an_outcome(number)])
        state = "behind" if words is None else "failing"
        found = reached(
            store,
            lambda now: (
                now
                if now.in_public()["state"] == state and (words or "") in (now.reason or "")
                else None
            ),
        )
        assert PASSWORD not in str(found.reason)
        assert found.in_public()["behind_records"] == 40
    finally:
        mend()
    reached(store, lambda backlog: backlog.in_public()["state"] == "ok" and not backlog.records)
    assert sorted(ids(store.decisions(DecisionQuery(limit=100)))) == list(range(1, 22))
    tally = store.tally()
    assert tally["taken"] == tally["passed on"]
    assert store.backlog().lost.total == 0


def test_a_network_that_accepts_and_says_nothing(server: Server, tmp_path: Path) -> None:
    with LyingLine(server.server.port) as line, spooled(tmp_path, server.url(line.port)) as store:
        endured(store, line.be_silent, line.speak, None)


def test_a_server_that_accepts_from_the_start_and_says_nothing(
    server: Server, tmp_path: Path
) -> None:
    with LyingLine(server.server.port) as line:
        line.be_silent()
        with spooled(tmp_path, server.url(line.port)) as store:
            store.append([a_decision(1)])
            found = reached(store, lambda backlog: backlog if backlog.reason else None)
            assert "no answer in time" in found.reason
            with pytest.raises(StoreError):
                store.decisions(DecisionQuery())
            line.speak()
            reached(store, lambda backlog: not backlog.records)


def test_a_session_that_hears_nothing_any_more_is_given_up(server: Server) -> None:
    """Also when the wish to end what it was asked gets no answer either."""
    with LyingLine(server.server.port) as line:
        talk = link.Link(address_of(server.url(line.port)), _no_check, statement_s=0.3)
        talk.run(_one)
        line.be_silent()
        began = time.monotonic()
        with pytest.raises(StoreError, match="no answer in time"):
            talk.run(_one)
        assert time.monotonic() - began < 10
        line.speak()
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with suppress(StoreError):
                assert talk.run(_one) == 1
                break
            threading.Event().wait(0.05)
        else:
            raise AssertionError("it does not recover")
        talk.close()


async def _no_check(_: link.Session) -> None: ...


async def _one(session: link.Session) -> int:
    found: int = await session.fetchval("SELECT 1")
    return found


def test_a_database_in_which_somebody_holds_the_tables(server: Server, tmp_path: Path) -> None:
    loop = asyncio.new_event_loop()
    session = loop.run_until_complete(asyncpg.connect(server.server.url(server.name)))
    with spooled(tmp_path, server.url()) as store:
        endured(
            store,
            lambda: loop.run_until_complete(session.execute(LOCKED)),
            lambda: loop.run_until_complete(session.execute("ROLLBACK")),
            None,
        )
    loop.run_until_complete(session.close())
    loop.close()


def test_a_server_that_stands_still(server: Server, tmp_path: Path) -> None:
    def all_get(number: signal.Signals) -> None:
        for pid in (server.server.pid, *sessions_of(server.server.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    with spooled(tmp_path, server.url()) as store:
        endured(store, lambda: all_get(signal.SIGSTOP), lambda: all_get(signal.SIGCONT), None)


def ended_sessions(server: Server) -> str:
    others = f"datname = '{server.name}' AND pid <> pg_backend_pid()"
    return f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"


def test_a_password_that_was_changed(server: Server, tmp_path: Path) -> None:
    with spooled(tmp_path, server.url()) as store:
        endured(
            store,
            lambda: server.do(f"ALTER ROLE gateway PASSWORD '{OTHER}'", ended_sessions(server)),
            lambda: server.do(f"ALTER ROLE gateway PASSWORD '{PASSWORD}'"),
            "password authentication failed",
        )


def test_a_server_that_has_no_connection_left(server: Server, tmp_path: Path) -> None:
    limit = "ALTER ROLE gateway CONNECTION LIMIT"
    with spooled(tmp_path, server.url()) as store:
        endured(
            store,
            lambda: server.do(f"{limit} 0", ended_sessions(server)),
            lambda: server.do(f"{limit} -1"),
            "too many connections",
        )


def test_a_primary_that_has_become_a_standby(server: Server, tmp_path: Path) -> None:
    """Sessions that were opened meanwhile may only read, also when others may write again."""
    setting = f"ALTER DATABASE {server.name} SET default_transaction_read_only"
    with spooled(tmp_path, server.url()) as store:
        endured(
            store,
            lambda: server.do(f"{setting} = on", ended_sessions(server)),
            lambda: server.do(f"{setting} = off"),
            "read-only transaction",
        )


def test_a_disk_that_is_full(server: Server, tmp_path: Path) -> None:
    """A tablespace on a disk of its own, which somebody else fills."""
    folder = server.server.folder
    with small_disk(folder, 48) as disk:
        owner = (folder / "data").stat()
        (disk / "space").mkdir(mode=0o700)
        os.chown(disk, owner.st_uid, owner.st_gid)
        os.chown(disk / "space", owner.st_uid, owner.st_gid)
        server.do(f"CREATE TABLESPACE small LOCATION '{disk / 'space'}'")
        server.do(f"ALTER DATABASE {server.name} SET TABLESPACE small")
        with spooled(tmp_path, server.url()) as store:
            endured(store, lambda: fill(disk), lambda: clear(disk), "No space left on device")
        server.do(f"DROP DATABASE {server.name} WITH (FORCE)", "DROP TABLESPACE small")


def test_tables_that_were_taken_away(server: Server, tmp_path: Path) -> None:
    shown = f"ALTER TABLE HIDDEN RENAME TO {VERSION_TABLE}"
    hidden = f"ALTER TABLE {VERSION_TABLE} RENAME TO HIDDEN", ended_sessions(server)
    with spooled(tmp_path, server.url()) as store:
        endured(
            store,
            lambda: server.do(*hidden, database=server.name),
            lambda: server.do(shown, database=server.name),
            "run `pointsman db upgrade`",
        )


def test_tables_of_a_newer_version(server: Server, tmp_path: Path) -> None:
    change = f"UPDATE {VERSION_TABLE} SET VERSION_NUM = VERSION_NUM::int {{}} 90"
    with spooled(tmp_path, server.url()) as store:
        endured(
            store,
            lambda: server.do(change.format("+"), ended_sessions(server), database=server.name),
            lambda: server.do(change.format("-"), database=server.name),
            "upgrade pointsman",
        )
