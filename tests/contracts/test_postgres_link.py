"""What is said of a server that cannot be talked to, and is the line to it private?"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_contract import a_decision

from database_server import DatabaseServer, NoDatabaseServer
from pointsman.adapters.stores.postgres.address import address_of
from pointsman.adapters.stores.postgres.link import Link, Session
from pointsman.adapters.stores.postgres.schema import check_schema, move
from pointsman.adapters.stores.postgres.store import PostgresStore
from pointsman.core.errors import StoreError

PASSWORD = "pass-of-mine"


@pytest.fixture(scope="module")
def guarded() -> Iterator[DatabaseServer]:
    """A server that wants a password and can speak TLS with a certificate of its own making."""
    try:
        started = DatabaseServer()
    except NoDatabaseServer as error:
        pytest.skip(str(error))
    with started as server:
        move(address_of(server.url()))
        _run(server, f"ALTER ROLE pointsman PASSWORD '{PASSWORD}'")
        server.stop()
        _certify(server.folder)
        data = server.folder / "data"
        (data / "pg_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n")
        with (data / "postgresql.conf").open("a") as settings:
            settings.write("ssl = on\nssl_cert_file = '../crt.pem'\nssl_key_file = '../key.pem'\n")
        server.start()
        yield server


def _run(server: DatabaseServer, statement: str) -> None:
    async def work(session: Session) -> None:
        await session.execute(statement)

    link = Link(address_of(server.url()), check_schema)
    link.run(work)
    link.close()


def _certify(folder: Path) -> None:
    subject = ("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1")
    files = ("-keyout", "key.pem", "-out", "crt.pem")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    subprocess.run([*command, *subject, *files], cwd=folder, check=True, capture_output=True)
    owner = folder.stat()
    for name in ("key.pem", "crt.pem"):
        os.chown(folder / name, owner.st_uid, owner.st_gid)
        (folder / name).chmod(0o600)


def told(url: str) -> str:
    """What a store says that cannot do what it should."""
    store = PostgresStore(address_of(url))
    try:
        with pytest.raises(StoreError) as refused:
            store.append([a_decision(1)])
    finally:
        store.close()
    assert PASSWORD not in str(refused.value)
    return str(refused.value)


def with_password(server: DatabaseServer, options: str = "", password: str = PASSWORD) -> str:
    return server.url().replace("pointsman@", f"pointsman:{password}@") + options


def test_the_line_is_private_and_the_other_end_is_who_it_should_be(guarded: DatabaseServer) -> None:
    certificate = guarded.folder / "crt.pem"
    options = f"?sslmode=verify-full&sslrootcert={certificate}"
    store = PostgresStore(address_of(with_password(guarded, options)))
    store.append([a_decision(1)])
    assert store.decision(a_decision(1).id) is not None

    async def private(session: Session) -> bool:
        question = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        return bool(await session.fetchval(question))

    assert store.link.run(private)
    store.close()


def test_a_stranger_at_the_other_end_is_not_talked_to(
    guarded: DatabaseServer, tmp_path: Path
) -> None:
    _certify(tmp_path)
    options = f"?sslmode=verify-full&sslrootcert={tmp_path / 'crt.pem'}"
    assert "certificate verify failed" in told(with_password(guarded, options))


def test_a_wrong_password_is_said_to_be_one(guarded: DatabaseServer) -> None:
    said = told(with_password(guarded, password="another"))
    assert "password authentication failed" in said
    assert "another" not in said


def test_a_certificate_that_is_not_there_is_named(guarded: DatabaseServer) -> None:
    options = "?sslmode=verify-full&sslrootcert=/nowhere/ca.pem"
    with pytest.raises(ValueError, match=r"sslrootcert is no file that is there: /nowhere/ca\.pem"):
        address_of(with_password(guarded, options))


def test_a_database_that_is_not_there_is_named(guarded: DatabaseServer) -> None:
    assert "/nothing cannot be reached" in told(
        with_password(guarded).replace("/postgres", "/nothing")
    )


def test_who_asks_too_often_while_the_server_is_away_is_told_at_once() -> None:
    now = [100.0]
    link = Link(address_of("postgresql://me@127.0.0.1:9/x"), check_schema, clock=lambda: now[0])

    async def never(_: Session) -> None:
        raise AssertionError("nobody is there")

    for seconds, known_s in ((0.0, 0), (0.1, 0), (0.2, 0), (10.0, 10)):
        now[0] = 100.0 + seconds
        with pytest.raises(StoreError, match=f"cannot be reached for {known_s} s"):
            link.run(never)
    link.close()


def test_a_statement_that_takes_too_long_is_given_up(upgraded_database: str) -> None:
    link = Link(address_of(upgraded_database), check_schema, statement_s=0.2)

    async def slow(session: Session) -> None:
        await session.execute("SELECT pg_sleep(30)")

    with pytest.raises(StoreError, match="statement timeout"):
        link.run(slow)
    link.close()
