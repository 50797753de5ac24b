"""Where do tests leave what pointsman keeps by default, and which database is theirs?"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import asyncpg
import pytest

from database_server import NoDatabaseServer, shared_server

_numbers = count(1)


@pytest.fixture(autouse=True, scope="session")
def _away_from_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the person who runs the tests has recorded is neither read nor written."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="session")
def database_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL that all processes of this run share: its address, with a `%s` in it."""
    base = tmp_path_factory.getbasetemp()
    common = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    try:
        with shared_server(common / "postgresql") as address:
            yield address
    except NoDatabaseServer as error:
        if os.environ.get("POINTSMAN_EVERY_TEST"):
            raise
        pytest.skip(str(error))


@pytest.fixture
def database(database_server: str) -> str:
    """The address of a new, empty database."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    name = f"test_{worker}_{next(_numbers)}"
    asyncio.run(_make_database(database_server % "postgres", name))
    return database_server % name


async def _make_database(address: str, name: str) -> None:
    server = await asyncpg.connect(address)
    try:
        await server.execute(f"CREATE DATABASE {name}")
    finally:
        await server.close()


@pytest.fixture
def repository() -> Path:
    """The folder of the whole project."""
    return Path(__file__).resolve().parent.parent
