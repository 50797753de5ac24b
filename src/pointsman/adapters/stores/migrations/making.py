"""How does a revision say what it makes and what it takes away?

Alembic's operations quote upper-case names, which on PostgreSQL would make other tables than those
that hand-written statements find. These do not.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import CreateIndex, CreateTable, DropIndex, DropTable

from pointsman.adapters.stores.schema.columns import NUMBER, column, index, plain, table


def make(*described: sa.Table) -> None:
    """The tables with their indexes."""
    for each in described:
        op.execute(CreateTable(each))
        make_indexes(*sorted(each.indexes, key=lambda one: str(one.name)))


def drop(*described: sa.Table) -> None:
    """The tables with all that is in them."""
    for each in reversed(described):
        op.execute(DropTable(each))


def index_on(name: str, index_name: str, *columns: str, where: str | None = None) -> sa.Index:
    """An index on a table that is there, of which no more need be known than these columns."""
    added = index(index_name, *columns, where=where)
    table(name, *(column(each, NUMBER) for each in columns), added, metadata=sa.MetaData())
    return added


def widen(name: str, *columns: sa.Column[Any]) -> None:
    """Add columns to a table that is there."""
    for each in columns:
        op.add_column(plain(name), each)


def narrow(name: str, *columns: sa.Column[Any]) -> None:
    """Take away what `widen` added."""
    for each in reversed(columns):
        op.drop_column(plain(name), plain(each.name))


def make_indexes(*indexes: sa.Index) -> None:
    for each in indexes:
        op.execute(CreateIndex(each))


def drop_indexes(*indexes: sa.Index) -> None:
    for each in indexes:
        op.execute(DropIndex(each))


def dialect() -> str:
    """`sqlite`, `postgresql` or `hana`."""
    return op.get_context().dialect.name
