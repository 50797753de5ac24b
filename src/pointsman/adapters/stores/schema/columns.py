"""Of what are tables made, on each of three databases?

A type here says what a value means; what it is called differs:

| here | SQLite | PostgreSQL | SAP HANA |
|---|---|---|---|
| `NAME` | TEXT | TEXT COLLATE "C" | NVARCHAR(512) |
| `WORD` | TEXT | TEXT | NVARCHAR(128) |
| `LINE` | TEXT | TEXT | NVARCHAR(5000) |
| `DOCUMENT` | TEXT | TEXT | NCLOB |
| `INSTANT`, `COUNT`, `HASH` | INTEGER | BIGINT | BIGINT |
| `NUMBER` | INTEGER | INTEGER | INTEGER |
| `FLAG` | INTEGER | SMALLINT | SMALLINT |
| `REAL` | REAL | DOUBLE PRECISION | DOUBLE |
| `MONEY` | TEXT | NUMERIC | DECIMAL |
| `PACKED` | BLOB | BYTEA | BLOB |

JSON stands in `DOCUMENT`s, not in a JSON type: what callers send may hold what such a type refuses,
and nothing searches in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

POSTGRES, SQLITE = "postgresql", "sqlite"

_text = sa.Text()
NAME = sa.Unicode(512).with_variant(_text, SQLITE).with_variant(sa.Text(collation="C"), POSTGRES)
"""Who or what something is; compared and sorted byte by byte, so that ids rise with time."""
WORD = sa.Unicode(128).with_variant(_text, SQLITE, POSTGRES)
"""One of few words."""
LINE = sa.Unicode(5000).with_variant(_text, SQLITE, POSTGRES)
"""What somebody says, of a length that is bounded before it gets here."""
DOCUMENT = sa.UnicodeText().with_variant(_text, SQLITE, POSTGRES)
"""JSON or words of any length; never searched, compared or sorted."""
COUNT = sa.BigInteger().with_variant(sa.Integer(), SQLITE)
INSTANT = COUNT
"""Microseconds since 1970 UTC."""
HASH = COUNT
"""63 bits."""
NUMBER = sa.Integer()
FLAG = sa.SmallInteger().with_variant(sa.Integer(), SQLITE)
"""0 or 1: a number, so that it can be summed up everywhere."""
REAL: sa.types.TypeEngine[float] = sa.Double().with_variant(sa.REAL(), SQLITE)
MONEY = sa.Numeric().with_variant(_text, SQLITE)
"""US dollars; text on SQLite, whose only numbers with a fraction are floats."""
PACKED = sa.LargeBinary()
"""Bytes that only pointsman reads."""

METADATA = sa.MetaData()


def plain(name: str) -> sa.quoted_name:
    """The name, never to be quoted."""
    return sa.quoted_name(name, quote=False)


def column(name: str, kind: Any, *, null: bool = False, **options: Any) -> sa.Column[Any]:
    """A column; `null` says that a value may be missing."""
    return sa.Column(plain(name), kind, nullable=null, autoincrement=False, **options)


def key(name: str, kind: Any = NAME) -> sa.Column[Any]:
    """A column that is the primary key, or part of it."""
    return column(name, kind, primary_key=True)


def table(name: str, *items: Any, metadata: sa.MetaData = METADATA, **options: Any) -> sa.Table:
    return sa.Table(plain(name), metadata, *items, quote=False, **options)


def index(name: str, *names: str, where: str | None = None, unique: bool = False) -> sa.Index:
    """An index; `where` restricts it to some rows on databases that can, HANA cannot."""
    only: Any = (
        {} if where is None else {f"{each}_where": sa.text(where) for each in (SQLITE, POSTGRES)}
    )
    return sa.Index(plain(name), *map(plain, names), unique=unique, **only)


def between(name: str, least: float, most: float) -> sa.CheckConstraint:
    """A value that is there lies between these, both included."""
    return sa.CheckConstraint(f"{name} BETWEEN {least:g} AND {most:g}")


def names_of(described: sa.Table) -> Sequence[str]:
    """The columns of a table, in order."""
    return [each.name for each in described.columns]
