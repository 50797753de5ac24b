"""How are statements that mean the same on both databases run on PostgreSQL?

Work that asks one thing after the other runs in a thread; each of its statements goes to the loop
that has the session, and back.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import cache
from itertools import count
from typing import Any, TypeVar

import msgspec

from pointsman.adapters.stores.postgres.finding import readable
from pointsman.adapters.stores.postgres.link import Link, Session
from pointsman.adapters.stores.transactions import Database, Found, ServerTransactions
from pointsman.core.errors import StoreError

T = TypeVar("T")

WORK_S = 60.0
"""How long one piece of work may take: a busy minute is read in a second."""


class _Transaction:
    """A session, as work in another thread sees it."""

    def __init__(self, session: Session, loop: asyncio.AbstractEventLoop) -> None:
        self._session = session
        self._loop = loop

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> Found:
        marked, given = numbered(statement), tuple(map(_sent, values))
        if statement.lstrip().startswith(("SELECT", "WITH")):
            return Found(self._done(self._session.fetch(marked, *given)))
        status: str = self._done(self._session.execute(marked, *given))
        return Found((), int(status.rpartition(" ")[2]))

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> None:
        given = [tuple(map(_sent, row)) for row in rows]
        self._done(self._session.executemany(numbered(statement), given))

    def _done(self, asked: Awaitable[Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(_awaited(asked), self._loop).result()


def transactions(link: Link) -> ServerTransactions:
    """Transactions of the database of `link`."""

    def run(work: Callable[[Database], T], *, read: bool) -> T:
        async def through(session: Session) -> T:
            transaction = _Transaction(session, asyncio.get_running_loop())
            return await asyncio.to_thread(work, transaction)

        try:
            return link.run(through, within_s=WORK_S, read=read)
        except (ValueError, IndexError, msgspec.DecodeError) as error:
            raise StoreError(f"{link.address} holds a damaged record: {error}") from error

    return ServerTransactions(run)


@cache
def numbered(statement: str) -> str:
    """The statement with its marks as PostgreSQL has them: `$1`, `$2`, ..."""
    numbers = count(1)
    return re.sub(r"\?", lambda _: f"${next(numbers)}", statement)


def _sent(value: object) -> object:
    return readable(value) if isinstance(value, str) else value


async def _awaited(asked: Awaitable[T]) -> T:
    return await asked
