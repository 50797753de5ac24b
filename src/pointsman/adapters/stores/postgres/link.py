"""How do threads talk to a PostgreSQL server that may be slow, away or being restarted?

asyncpg wants an event loop; ours is of its own and in a thread of its own, so that a slow server
never holds up the loop that serves requests. Whoever calls waits in their own thread.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import asyncpg

from pointsman.adapters.stores.absence import Absence, Unstorable
from pointsman.adapters.stores.postgres.address import Address
from pointsman.core.errors import StoreError

Session = Any
"""A session of asyncpg, which has no types."""

Answer = TypeVar("Answer")
Work = Callable[[Session], Awaitable[Answer]]

SESSIONS = 6
CONNECT_S = 5.0
STATEMENT_S = 30.0
"""No statement of ours takes longer, but for the forgetting of much that is old."""
MARGIN_S = 5.0

AWAY = ("08", "25006", "28", "3D", "53", "57P")
"""SQLSTATE classes that speak of the server or the way to it rather than of what was asked."""
UNSTORABLE = ("22", "23")
"""SQLSTATE classes that speak of what was to be written: it is refused however often it comes."""
NO_SCHEMA = frozenset({"42P01", "42703", "3F000"})
"""SQLSTATE of a table, column or schema that is not there."""
AGAIN = frozenset({"40001", "40P01", "0A000"})
"""SQLSTATE of those who stood in each other's way, or whose statement was planned for tables as
they were before; all may try again at once."""
LOST = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What the driver raises of a session that was ended under its hands, by whomever."""
ATTEMPTS = 5
CLOSING_S = 0.01
"""A connection that is given up closes its socket in a later turn of the loop."""


class Link:
    """Sessions with one database, opened when they are needed and at most `SESSIONS` at a time.

    `check` looks at every new session, and may refuse it with a `StoreError`. While the server is
    away, it is asked again with growing pauses, and whoever comes in between is told at once.
    """

    def __init__(
        self,
        address: Address,
        check: Work[None],
        *,
        statement_s: float = STATEMENT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.address = address
        self._check = check
        self._statement_s = statement_s
        self._absence = Absence(address, clock)
        self._closed = False
        self._opening = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pool: Any = None

    def run(
        self, work: Work[Answer], *, within_s: float | None = None, read: bool = False
    ) -> Answer:
        """What `work` makes of a session, within one transaction; all it reads is of one moment.

        Raises `StoreError`; of it `Unstorable` where what is written is refused for what it is.
        """
        self._check_open()
        self._absence.check()
        limit_s = CONNECT_S + (within_s or self._statement_s) + MARGIN_S
        job = asyncio.run_coroutine_threadsafe(
            self._attempts(work, limit_s, read=read), self._running_loop()
        )
        try:
            return job.result()
        except asyncio.CancelledError:
            raise StoreError(f"{self.address} is closed") from None

    def close(self) -> None:
        """End all sessions; who is in the middle of something gets a `StoreError`. Idempotent."""
        with self._opening:
            self._closed = True
            loop, self._loop = self._loop, None
        if loop is None:
            return
        with suppress(TimeoutError, RuntimeError):
            asyncio.run_coroutine_threadsafe(self._end(), loop).result(MARGIN_S)
        loop.call_soon_threadsafe(loop.stop)

    async def _end(self) -> None:
        if self._pool is not None:
            self._pool.terminate()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(CLOSING_S)

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError(f"{self.address} is closed")

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._opening:
            self._check_open()
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(
                    target=_serve, args=(self._loop,), name="postgres", daemon=True
                ).start()
            return self._loop

    async def _attempts(self, work: Work[Answer], limit_s: float, *, read: bool) -> Answer:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = await self._attempt(work, limit_s, read=read)
            except asyncpg.PostgresError as error:
                if error.sqlstate in AGAIN and attempt < ATTEMPTS:
                    continue
                raise self._translated(error) from error
            except LOST as error:
                raise self._absence.noted(_words(error)) from error
            self._absence.over()
            return answer
        raise StoreError(f"{self.address} is too busy: others stand in the way again and again")

    async def _attempt(self, work: Work[Answer], limit_s: float, *, read: bool) -> Answer:
        pool = await self._opened()
        isolation = "repeatable_read" if read else None
        session = await pool.acquire(timeout=limit_s)
        with _hung_up(session, limit_s):
            try:
                async with session.transaction(isolation=isolation, readonly=read):
                    return await work(session)
            except asyncpg.ReadOnlySQLTransactionError:
                # What was opened on a standby stays so, also when others may write again.
                await pool.expire_connections()
                raise
            finally:
                await pool.release(session)

    async def _examine(self, session: Session) -> None:
        with _hung_up(session, CONNECT_S):
            await self._check(session)

    async def _opened(self) -> Any:
        if self._pool is None:
            self._pool = await asyncpg.create_pool(
                self.address.url,
                min_size=0,
                max_size=SESSIONS,
                timeout=CONNECT_S,
                init=self._examine,
                server_settings=self._settings(),
            )
        return self._pool

    def _settings(self) -> Mapping[str, str]:
        statement_ms = str(round(1000 * self._statement_s))
        return {
            "application_name": "pointsman",
            "statement_timeout": statement_ms,
            "lock_timeout": statement_ms,
            # A gateway that hangs must not keep others from what it has locked.
            "idle_in_transaction_session_timeout": statement_ms,
            "timezone": "UTC",
        }

    def _translated(self, error: Any) -> StoreError:
        state, words = error.sqlstate or "", str(error)
        if state in NO_SCHEMA:
            return StoreError(
                f"{self.address} lacks what this version of pointsman needs ({words}): run"
                " `pointsman db upgrade`"
            )
        if state.startswith(UNSTORABLE):
            return Unstorable(f"{self.address} refuses a value: {words}")
        if state.startswith(AWAY):
            return self._absence.noted(words)
        return StoreError(f"{self.address} cannot do it: {words}")


@contextmanager
def _hung_up(session: Session, limit_s: float) -> Iterator[None]:
    """Ends the session when its time is up, and with it all that waits for it: `TimeoutError`.

    To be cancelled would not do: the driver then asks the server to stop, and waits for its answer.
    """
    ended = False

    def end() -> None:
        nonlocal ended
        ended = True
        session.terminate()

    timer = asyncio.get_running_loop().call_later(limit_s, end)
    try:
        yield
    except (asyncpg.PostgresError, *LOST):
        if ended:
            raise TimeoutError from None
        raise
    finally:
        timer.cancel()


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()


def _words(error: BaseException) -> str:
    return str(error) or (
        "no answer in time" if isinstance(error, TimeoutError) else type(error).__name__
    )
