"""Does the database that the tests use behave as they need?"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest

from database_server import DatabaseServer, shared_server

USER_OF_IT = """
import sys
from pathlib import Path
from database_server import shared_server
with shared_server(Path(sys.argv[1])) as address:
    print(address, flush=True)
    sys.stdin.read()
"""


async def one(address: str, question: str) -> object:
    connection = await asyncpg.connect(address)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def test_every_test_has_a_database_of_its_own(database: str) -> None:
    assert await one(database, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    assert await one(database, "SELECT current_setting('server_version_num')::int >= 150000")
    assert await one(database, "SHOW server_encoding") == "UTF8"


async def test_what_was_committed_is_there_after_the_server_was_killed(
    database_server: str,
) -> None:
    with DatabaseServer() as server:
        connection = await asyncpg.connect(server.url())
        await connection.execute("CREATE TABLE t AS SELECT 7 AS x")
        server.kill()
        with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
            await connection.fetchval("SELECT x FROM t")
        connection.terminate()
        server.start()
        assert await one(server.url(), "SELECT x FROM t") == 7
    assert not server.folder.exists()


def test_the_last_to_leave_takes_the_server_along_even_when_killed(
    database_server: str, tmp_path: Path, repository: Path
) -> None:
    users = [
        subprocess.Popen(
            [sys.executable, "-c", USER_OF_IT, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PYTHONPATH": str(repository / "tests")},
        )
        for _ in range(3)
    ]
    said = {user.stdout.readline() for user in users if user.stdout is not None}
    assert len(said) == 1
    for user in users[:2]:
        user.kill()
        user.communicate()
    assert (tmp_path / "address").exists()
    users[2].kill()
    users[2].communicate()
    until = time.monotonic() + 20
    while (tmp_path / "address").exists():
        assert time.monotonic() < until, "the keeper did not notice"
        time.sleep(0.01)
    with shared_server(tmp_path) as address:
        assert address.encode() not in said
