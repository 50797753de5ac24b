"""Which tables does a database have, and what are their columns called on each?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from from_code.table import code, table
from pointsman.adapters.stores.schema.whole import FAMILIES, TABLES

_SQLITE: sa.Dialect = sqlite.dialect()
_POSTGRES: sa.Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]


def tables() -> str:
    return "\n\n".join(_parts())


def _parts() -> Iterator[str]:
    for family in FAMILIES:
        own = [each for each in vars(family).values() if isinstance(each, sa.Table)]
        question = (family.__doc__ or "").partition("\n")[0]
        yield f"## {question}"
        for each in sorted(own, key=TABLES.index):
            yield f"### {each.name}"
            yield table(("column", "SQLite", "PostgreSQL", ""), map(_column, each.columns))
            if each.indexes:
                names = sorted(f"`{index.name}` ({_names(index)})" for index in each.indexes)
                yield f"Indexes: {', '.join(names)}."


def _column(column: sa.Column[Any]) -> tuple[str, str, str, str]:
    lite, post = (column.type.compile(dialect=dialect) for dialect in (_SQLITE, _POSTGRES))
    said = "key" if column.primary_key else "may be missing" if column.nullable else ""
    return code(column.name), lite, post, said


def _names(index: sa.Index) -> str:
    return ", ".join(str(column.name) for column in index.columns)
