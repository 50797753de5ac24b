"""What is the whole schema, and what are the statements that make it?

`python -m pointsman.adapters.stores.schema.whole` writes those for SQLite to `sqlite.sql`, from
which a new file is made without SQLAlchemy.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from pointsman.adapters.stores.schema import (
    HEAD,
    VERSION_TABLE,
    administration,
    aggregates,
    alerts,
    assignments,
    decisions,
    revision_id,
)
from pointsman.adapters.stores.schema.columns import METADATA
from pointsman.adapters.stores.schema.views import view_statements

FAMILIES = (decisions, assignments, alerts, aggregates, administration)
TABLES: tuple[sa.Table, ...] = tuple(METADATA.sorted_tables)
"""All that the families define, by name. That of the version is Alembic's own."""


def statements(dialect: sa.Dialect) -> Iterator[str]:
    """What makes an empty database one at the newest revision, in order."""
    for table in TABLES:
        yield _text(CreateTable(table), dialect)
        for index in sorted(table.indexes, key=lambda each: str(each.name)):
            yield _text(CreateIndex(index), dialect)
    yield from view_statements(dialect.name)
    yield f"CREATE TABLE {VERSION_TABLE} (VERSION_NUM VARCHAR(32) NOT NULL PRIMARY KEY)"
    yield f"INSERT INTO {VERSION_TABLE} (VERSION_NUM) VALUES ('{revision_id(HEAD)}')"  # noqa: S608


def script(dialect: sa.Dialect) -> str:
    """The statements as one text, each ended by a semicolon at the end of a line."""
    return "".join(f"{statement};\n" for statement in statements(dialect))


def _text(element: sa.schema.ExecutableDDLElement, dialect: sa.Dialect) -> str:
    lines = str(element.compile(dialect=dialect)).replace("\t", "    ").strip().splitlines()
    return "\n".join(line.rstrip() for line in lines)


if __name__ == "__main__":
    Path(__file__).with_name("sqlite.sql").write_text(script(sqlite.dialect()), "utf-8")
