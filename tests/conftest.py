"""Where do tests leave what pointsman keeps by default, and which database is theirs?"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import asyncpg
import pytest
from hypothesis import HealthCheck, settings

from database_server import NoDatabaseServer, shared_server
from pointsman.adapters.stores.postgres.address import address_of
from pointsman.adapters.stores.postgres.schema import move

_numbers = count(1)

# A machine that is busy with something else makes no test fail.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


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


@pytest.fixture(scope="session")
def new_database(database_server: str) -> Callable[[str], str]:
    """Makes a database with the tables of a `template`, and says its address."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")

    def make(template: str) -> str:
        name = f"test_{worker}_{next(_numbers)}"
        asyncio.run(_make_database(database_server % "postgres", name, template))
        return database_server % name

    return make


async def _make_database(address: str, name: str, template: str) -> None:
    server = await asyncpg.connect(address)
    try:
        await server.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    finally:
        await server.close()


@pytest.fixture
def database(new_database: Callable[[str], str]) -> str:
    """The address of a new, empty database."""
    return new_database("template1")


@pytest.fixture(scope="session")
def _upgraded(new_database: Callable[[str], str]) -> str:
    """The name of a database with our tables, to be copied: to make them anew takes longer."""
    address = new_database("template1")
    move(address_of(address))
    return address.rpartition("/")[2]


@pytest.fixture
def upgraded_database(new_database: Callable[[str], str], _upgraded: str) -> str:
    """The address of a new database with our tables, which are empty."""
    return new_database(_upgraded)


@pytest.fixture
def repository() -> Path:
    """The folder of the whole project."""
    return Path(__file__).resolve().parent.parent
