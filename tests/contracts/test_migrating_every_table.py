"""Do rows of every table come through the steps of the schema, down and up again?

One row is made in each table, of values that its columns take. A step down that knows a table no
more takes its row along; what every step knows is as it was.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import sqlalchemy as sa

from pointsman.adapters.stores.migrations import running
from pointsman.adapters.stores.postgres.address import address_of
from pointsman.adapters.stores.postgres.schema import move
from pointsman.adapters.stores.schema import HEAD
from pointsman.adapters.stores.schema import whole as _every_table  # noqa: F401 - defines them
from pointsman.adapters.stores.schema.columns import METADATA
from pointsman.adapters.stores.sqlite import SqliteStore

STEPS = (*range(HEAD - 1, 0, -1), *range(2, HEAD + 1))
OLDEST = ("ROUTING_CANDIDATE_SETS", "ROUTING_DECISIONS", "ROUTING_OUTCOMES")
"""What the first revision has, so no step takes it away."""


def value(kind: Any) -> object:
    if isinstance(kind, sa.LargeBinary):
        return b"x"
    return "x" if isinstance(kind, sa.String) else 1


def inserts(mark: str) -> Iterator[tuple[str, list[object]]]:
    for table in METADATA.sorted_tables:
        names = ", ".join(each.name for each in table.columns)
        marks = ", ".join(mark.format(n) for n in range(1, len(table.columns) + 1))
        values = [value(each.type) for each in table.columns]
        yield f"INSERT INTO {table.name} ({names}) VALUES ({marks})", values


def whole(counts: Mapping[str, int]) -> None:
    assert {counts[name] for name in OLDEST} == {1}, counts
    assert set(counts.values()) <= {0, 1}


def test_on_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "pointsman.db"
    SqliteStore(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for statement, values in inserts("?"):
            db.execute(statement, values)

        def counts() -> dict[str, int]:
            tables = "SELECT name FROM sqlite_master WHERE type = 'table'"
            names = {row[0] for row in db.execute(tables)} & set(METADATA.tables)
            return {n: db.execute(f"SELECT count(*) FROM {n}").fetchone()[0] for n in names}

        assert set(counts().values()) == {1}
        assert set(counts()) == set(METADATA.tables)
        for target in STEPS:
            with running.moving(db) as connection:
                running.move(connection, target)
            whole(counts())
        assert set(counts()) == set(METADATA.tables)


def test_on_postgresql(database: str) -> None:
    move(address_of(database))

    async def asked() -> dict[str, int]:
        session = await asyncpg.connect(database)
        found = await session.fetch(
            "SELECT upper(relname) FROM pg_class WHERE relkind IN ('r', 'p')"
            " AND relnamespace = 'public'::regnamespace"
        )
        names = {row[0] for row in found} & set(METADATA.tables)
        counted = {n: await session.fetchval(f"SELECT count(*) FROM {n}") for n in names}
        await session.close()
        return counted

    async def fill() -> None:
        session = await asyncpg.connect(database)
        for statement, values in inserts("${}"):
            await session.execute(statement, *values)
        await session.close()

    asyncio.run(fill())
    first = asyncio.run(asked())
    assert set(first) == set(METADATA.tables)
    assert set(first.values()) == {1}
    for target in STEPS:
        move(address_of(database), target)
        whole(asyncio.run(asked()))
    assert set(asyncio.run(asked())) == set(METADATA.tables)
