"""What is asked of a database by statements that mean the same on SQLite and PostgreSQL?

Such statements mark their values by `?`, compare and sum, and name no type. What is rarely asked is
written so, once for both, and `hana/portable.py` says how HANA has it; the statements of every
request are each database's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

T = TypeVar("T")


class Rows(Protocol):
    """What a statement found; `rowcount` is how many rows it changed."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Found(NamedTuple):
    """What a statement found or did, all of it at once."""

    rows: Sequence[Any]
    rowcount: int = -1

    def fetchone(self) -> Any:
        return self.rows[0] if self.rows else None

    def fetchall(self) -> list[Any]:
        return list(self.rows)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.rows)


class Database(Protocol):
    """One transaction."""

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> Rows: ...

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> Any: ...


class Transactions(Protocol):
    """Runs work, each time in a transaction of its own. All raise `StoreError` and nothing else.

    Work may be done again when the first time came to nothing, so it must not change anything else.
    """

    def read(self, work: Callable[[Database], T]) -> T:
        """All that work reads is of one moment."""

    def write(self, work: Callable[[Database], T]) -> T:
        """Durable once this returns. Fails while there is little room, so that others find some."""

    def vitally(self, work: Callable[[Database], T]) -> T:
        """Durable once this returns; for what must be written also when there is little room."""


class Run(Protocol):
    """Runs work in a transaction of its own. Raises `StoreError` and nothing else."""

    def __call__(self, work: Callable[[Database], T], *, read: bool) -> T: ...


class ServerTransactions:
    """Those of a database on a server, of which it is not for us to say how much room it has."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def read(self, work: Callable[[Database], T]) -> T:
        return self._run(work, read=True)

    def write(self, work: Callable[[Database], T]) -> T:
        return self._run(work, read=False)

    vitally = write
