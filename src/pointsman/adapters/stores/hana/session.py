"""How is HANA spoken to, and what do its errors mean?

The driver, `hdbcli`, is SAP's own and not free software: whoever wants it installs it. It is
imported when the first session is opened, and by nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from threading import RLock
from typing import Any

from pointsman.adapters.stores.absence import Absence, Unstorable
from pointsman.adapters.stores.hana.address import HanaAddress
from pointsman.core.errors import StoreError

UNSTORABLE = frozenset({274, 287, 304, 314, 339, 411})
"""Too large, missing, out of range, no number: refused however often it comes."""
AGAIN = frozenset({131, 133, 138, 146, 301})
"""Somebody stood in the way (lock, deadlock, changed tables), or has just kept the same row."""
NO_SCHEMA = frozenset({259, 260, 328})
"""A table, a column or a procedure that is not there."""
ATTEMPTS = 5
CONNECT_MS = 5_000
ANSWER_MS = 60_000


class HanaSession:
    """One session with a database, opened when it is needed, for one thread at a time.

    `check` looks at every new one, and may refuse it with a `StoreError`.
    """

    def __init__(self, address: HanaAddress, check: Callable[[Any], None] | None = None) -> None:
        self.address = address
        self._check = check
        self._absence = Absence(address)
        self._lock = RLock()
        self._connection: Any = None
        self._closed = False

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        """A cursor whose work is durable, all or none, once this ends. Raises `StoreError`."""
        with self._lock:
            connection = self._opened()
            cursor = connection.cursor()
            try:
                yield cursor
                connection.commit()
                self._absence.over()
            except BaseException as error:
                self._roll_back()
                if isinstance(error, _driver().Error):
                    raise self._translated(error) from error
                raise
            finally:
                with suppress(_driver().Error):
                    cursor.close()

    def again(self, work: Callable[[Any], Any]) -> Any:
        """What `work` makes of a cursor, in a transaction; again where others were in the way."""
        for _ in range(ATTEMPTS - 1):
            with suppress(_InTheWay), self.transaction() as cursor:
                return work(cursor)
        with self.transaction() as cursor:
            return work(cursor)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._drop()

    def _opened(self) -> Any:
        if self._closed:
            raise StoreError(f"{self.address} is closed")
        if self._connection is None:
            self._absence.check()
            limits = {"connectTimeout": CONNECT_MS, "communicationTimeout": ANSWER_MS}
            try:
                self._connection = _driver().connect(**{**limits, **self.address.arguments})
                self._connection.setautocommit(False)
                self._examine(self._connection)
            except _driver().Error as error:
                raise self._absent(_words(error)) from error
            except StoreError:
                self._drop()
                raise
        return self._connection

    def _examine(self, connection: Any) -> None:
        if self._check is not None:
            self._check(connection.cursor())
            connection.commit()

    def _absent(self, reason: str) -> StoreError:
        self._drop()
        return self._absence.noted(reason)

    def _roll_back(self) -> None:
        if self._connection is not None:
            with suppress(_driver().Error):
                self._connection.rollback()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(_driver().Error):
                connection.close()

    def _translated(self, error: Any) -> StoreError:
        code, words = getattr(error, "errorcode", 0), _words(error)
        if code < 0:  # of the driver itself: the way to the server
            return self._absent(words)
        if code in NO_SCHEMA:
            return StoreError(
                f"{self.address} lacks what this version of pointsman needs ({words}): run"
                " `pointsman db upgrade`"
            )
        if code in UNSTORABLE:
            return Unstorable(f"{self.address} refuses a value: {words}")
        if code in AGAIN:
            return _InTheWay(f"{self.address} is too busy: {words}")
        return StoreError(f"{self.address} cannot do it: {words}")


class _InTheWay(StoreError):
    """Worth another attempt at once."""


def _driver() -> Any:
    try:
        return import_module("hdbcli.dbapi")
    except ModuleNotFoundError as error:
        raise StoreError("SAP's driver is not installed: pip install 'pointsman[hana]'") from error


def _words(error: Any) -> str:
    return str(getattr(error, "errortext", "") or error)


def values(row: Sequence[Any]) -> tuple[Any, ...]:
    """The row as plain values: large texts may come as something to be read."""
    return tuple(map(_value, row))


def _value(value: Any) -> Any:
    whole = value.read() if hasattr(value, "read") else value
    return bytes(whole) if isinstance(whole, memoryview) else whole


def fetched(cursor: Any, statement: str, parameters: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows that a statement finds."""
    cursor.execute(statement, tuple(parameters))
    return [values(row) for row in cursor.fetchall()]


def first(cursor: Any, statement: str, parameters: Iterable[Any] = ()) -> Any:
    """The first value of the first row; None when there is none."""
    rows = fetched(cursor, statement, parameters)
    return rows[0][0] if rows else None
