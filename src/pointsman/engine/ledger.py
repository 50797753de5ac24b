"""How is what happened written down without a request ever waiting for it?

Requests append to a bounded queue; one task takes batches off it and has one thread write them.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from queue import SimpleQueue

from pointsman.core.decision import Decision, Feedback, Outcome
from pointsman.core.errors import StoreError
from pointsman.engine.ports import Clock, Store

Record = Decision | Outcome

_FIRST_RETRY_S = 0.1
_LONGEST_RETRY_S = 5.0

PATIENCE_S = 5.0
"""How long an answer may wait for the disk; one that takes longer is as good as broken."""

log = logging.getLogger(__name__)


class WriteBehindLedger:
    """A ledger that writes to `store` behind the requests' backs.

    It writes `interval_s` after something was queued, because what is written together costs less
    each, and at once when `batch` records are: so much a sudden death takes along at most, and what
    is being written. The default leaves a disk ten of the 50 ms that are promised of
    `store.durability`; a batch costs half a millisecond of CPU however small it is. While the store
    fails it holds on to the batch, tries again with growing pauses, and loses nothing until
    `capacity` records wait. Then the *oldest* go first: a decision and its outcomes stand close
    together in the queue, so what is left is whole requests rather than halves, and it is the
    recent ones that somebody who repairs the store wants to see. Totals of tokens and cost do not
    suffer, they are counted elsewhere. What was lost is counted in `dropped` by class.

    Belongs to one event loop, from `start` to `close`. The counters are plain numbers to be read at
    any time; `not_durable` counts the answers that `settled` let go before they were stored;
    `failing_since` is the clock's monotonic reading at the first failure of the present
    episode, None while the store takes what it is given.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        capacity: int = 20_000,
        batch: int = 2_000,
        interval_s: float = 0.04,
    ) -> None:
        if not 0 < batch <= capacity:
            raise ValueError("0 < batch <= capacity must hold")
        self._store = store
        self._clock = clock
        self._capacity = capacity
        self._batch = batch
        self._interval_s = interval_s
        self._queue: deque[Record] = deque()
        self._writer = _Writer(store)
        self._idle = True
        self._closing = False
        self._some = asyncio.Event()
        self._hurry = asyncio.Event()
        self._flushing: list[tuple[int, asyncio.Future[bool]]] = []
        self._task: asyncio.Task[None] | None = None
        self._in_flight = 0
        self._appended = 0
        self.written = 0
        self.dropped = {"decision": 0, "outcome": 0}
        self.not_durable = 0
        self.failing_since: float | None = None

    @property
    def queued(self) -> int:
        """How many records are not yet stored."""
        return len(self._queue) + self._in_flight

    def start(self) -> None:
        self._writer.start()
        self._task = asyncio.create_task(self._write_all(), name="ledger")

    def decided(self, decision: Decision) -> None:
        self._append(decision)

    def ended(self, outcome: Outcome) -> None:
        self._append(outcome)

    def _append(self, record: Record) -> None:
        queue = self._queue
        if len(queue) >= self._capacity:
            self._count_dropped(queue.popleft())
        queue.append(record)
        self._appended += 1
        if self._idle:
            self._idle = False
            self._some.set()
        if len(queue) == self._batch and self.failing_since is None:
            self._hurry.set()

    def _count_dropped(self, record: Record) -> None:
        self.dropped["decision" if isinstance(record, Decision) else "outcome"] += 1

    async def flush(self) -> bool:
        """Wait until all that was appended so far is stored.

        False, at once, when the store is failing. True also when nothing waits. How long it may
        take depends on the store alone, so a caller who cannot wait sets a deadline.
        """
        if not self.queued:
            return True
        if self.failing_since is not None or self._task is None:
            return False
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._flushing.append((self._appended, done))
        self._hurry.set()
        return await done

    async def settled(self) -> None:
        """Return once all that was appended so far is stored: what strict durability waits for.

        A disk that takes nothing does not stop the answers: then it returns at once, or after
        `PATIENCE_S`, and counts.
        """
        kept = False
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                kept = await self.flush()
        if not kept:
            self.not_durable += 1

    async def judge(self, feedback: Feedback) -> bool:
        """Keep what is said of a decision, durably; False when there is no such decision.

        The decision may still wait to be written, so all that does is written first. Raises
        `StoreError` when the store fails.
        """
        await self.flush()
        return await asyncio.to_thread(self._store.judge, feedback)

    async def close(self, deadline_s: float) -> bool:
        """Write what waits, for at most `deadline_s` seconds, and stop. Idempotent.

        Returns whether everything was written; what was not is counted as dropped.
        """
        if self._task is None:
            return True
        self._closing = True
        task, self._task = self._task, None
        self._some.set()
        self._hurry.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(deadline_s):
                await task
        self._writer.stop()
        for record in self._queue:
            self._count_dropped(record)
        self._queue.clear()
        self._settle_flushes(stored=False)
        if task.cancelled():
            log.error("the last records are lost", extra={"dropped": dict(self.dropped)})
        return not task.cancelled()

    async def _write_all(self) -> None:
        while not self._closing or self._queue:
            await self._some.wait()
            await self._pause(self._interval_s)
            if self._queue:
                await self._write_batch()
            while self._is_urgent():
                await self._write_batch()
            if not self._queue:
                self._idle = True
                self._some.clear()
                self._hurry.clear()

    def _is_urgent(self) -> bool:
        """What came in during a write is worth a pause of its own, unless it is much or awaited."""
        awaited = self._closing or bool(self._flushing)
        return len(self._queue) >= self._batch or (awaited and bool(self._queue))

    async def _write_batch(self) -> None:
        batch = tuple(islice(self._queue, self._batch))
        for _ in batch:
            self._queue.popleft()
        self._in_flight = len(batch)
        try:
            kept = await self._write(batch)
        except asyncio.CancelledError:
            for record in batch:
                self._count_dropped(record)
            raise
        finally:
            self._in_flight = 0
        if kept:
            self.written += len(batch)
        self._settle_flushes(stored=kept)

    async def _write(self, batch: Sequence[Record]) -> bool:
        """Write one batch however long it takes; False when it can never be written."""
        pause_s = _FIRST_RETRY_S
        while (error := await self._writer.append(batch)) is not None:
            if not isinstance(error, StoreError):
                # A store promises StoreError alone: this is a mistake of ours, the batch would
                # fail for ever and hold up all others.
                log.error("a batch of records cannot be written", exc_info=error)
                for record in batch:
                    self._count_dropped(record)
                return False
            self._note_failure(error)
            await self._pause(_FIRST_RETRY_S if self._closing else pause_s)
            pause_s = min(2 * pause_s, _LONGEST_RETRY_S)
        self._note_success()
        return True

    def _note_failure(self, error: StoreError) -> None:
        if self.failing_since is None:
            self.failing_since = self._clock.monotonic()
            log.error(
                "the store takes no records, keeping them in memory meanwhile: %s",
                error,
                extra={"capacity": self._capacity},
            )
        self._settle_flushes(stored=False)
        self._hurry.clear()

    def _note_success(self) -> None:
        if self.failing_since is None:
            return
        failed_s = self._clock.monotonic() - self.failing_since
        self.failing_since = None
        log.warning(
            "the store takes records again",
            extra={"failed_s": round(failed_s, 3), "dropped": dict(self.dropped)},
        )

    def _settle_flushes(self, *, stored: bool) -> None:
        """Answer those who wait: all when the store failed, else those whose records have left.

        Records leave in the order in which they came, so the number of those gone says which.
        """
        gone = self._appended - self.queued
        waiting = []
        for target, done in self._flushing:
            if stored and target > gone:
                waiting.append((target, done))
            elif not done.done():
                done.set_result(stored)
        self._flushing = waiting

    async def _pause(self, seconds: float) -> None:
        """Sleep, cut short by a full batch, a flush or the end."""
        waits = {
            asyncio.ensure_future(self._clock.sleep(seconds)),
            asyncio.ensure_future(self._hurry.wait()),
        }
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        self._hurry.clear()


class _Writer:
    """One thread that appends batches to the store.

    A daemon, unlike an executor's thread: a disk that never answers must not keep the process from
    ending. A transaction that is cut short is rolled back when the file is next opened.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._jobs: SimpleQueue[tuple[Sequence[Record], asyncio.Future[Exception | None]] | None]
        self._jobs = SimpleQueue()

    def start(self) -> None:
        threading.Thread(target=self._run, name="ledger-writer", daemon=True).start()

    def stop(self) -> None:
        self._jobs.put(None)

    async def append(self, batch: Sequence[Record]) -> Exception | None:
        """What went wrong, or None."""
        done: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        self._jobs.put((batch, done))
        return await done

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            batch, done = job
            error = self._attempt(batch)
            try:
                done.get_loop().call_soon_threadsafe(_resolve, done, error)
            except RuntimeError:  # the loop was closed while the disk kept us waiting
                return

    def _attempt(self, batch: Sequence[Record]) -> Exception | None:
        try:
            self._store.append(batch)
        except Exception as error:  # noqa: BLE001 - here a thread begins; the ledger logs and counts it
            return error
        return None


def _resolve(done: asyncio.Future[Exception | None], error: Exception | None) -> None:
    if not done.done():
        done.set_result(error)
