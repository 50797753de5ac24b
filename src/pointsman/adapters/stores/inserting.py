"""How do many rows get into a table at little cost?

Around every statement the interpreter lock is given away and asked for again, each time waiting for
a busy event loop to let go of it; while SQLite works, the loop is free. So rows are collected and
inserted by few statements of many rows.
"""

from __future__ import annotations

import sqlite3
from functools import cache
from itertools import chain
from typing import NamedTuple

from pointsman.adapters.stores.rows import Row, mended

ROWS_AT_ONCE = 64
"""More save no more. Beyond, a statement would keep the core it shares from others for too long."""


class Form(NamedTuple):
    """What a row gives: all columns but the last, in which the `fixed` values stand, as SQL."""

    table: str
    columns: tuple[str, ...]
    fixed: tuple[str, ...] = ()


class Insertion:
    """Rows on their way into one table; one whose key is already there is left as it is.

    What is appended to `rows` is in the table for certain only after `finish`.
    """

    __slots__ = ("_db", "_form", "rows")

    def __init__(self, db: sqlite3.Connection, form: Form) -> None:
        self._db = db
        self._form = form
        self.rows: list[Row] = []

    def advance(self) -> None:
        """Insert what fills whole statements."""
        while len(self.rows) >= ROWS_AT_ONCE:
            self._insert(ROWS_AT_ONCE)

    def finish(self) -> None:
        """Insert all."""
        self.advance()
        size = ROWS_AT_ONCE
        while self.rows:
            size //= 2  # Few sizes, as SQLite compiles a statement for each of them once.
            if len(self.rows) >= size:
                self._insert(size)

    def _insert(self, count: int) -> None:
        statement = _statement(self._form, count)
        values = tuple(chain.from_iterable(self.rows[:count]))
        del self.rows[:count]
        try:
            self._db.execute(statement, values)
        except (UnicodeEncodeError, OverflowError):
            # It is not looked for before, because that would cost every row.
            self._db.execute(statement, mended(values))


@cache
def _statement(form: Form, count: int) -> str:
    given = len(form.columns) - len(form.fixed)
    row = f"({', '.join(('?',) * given + form.fixed)})"
    names = ", ".join(form.columns)
    values = ", ".join([row] * count)
    # OR FAIL: our transaction is rolled back upon any error, so a statement need not be undone by
    # itself. For that SQLite would copy every page it touches: four fifths of the system calls.
    return f"INSERT OR FAIL INTO {form.table} ({names}) VALUES {values} ON CONFLICT DO NOTHING"  # noqa: S608
