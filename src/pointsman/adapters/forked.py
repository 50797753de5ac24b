"""How is long arithmetic done in another process, on what this one knows at one moment?

A child made by fork knows all that its parent knows, without anything being sent to it. What it
takes and spoils (memory, caches) goes with it, and it gives way to its parent. Between fork and end
it only reckons: it opens nothing, waits for nobody, and takes no lock that another thread of the
parent may have held. Should one hang all the same, it ends when its time is up.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import pickle
import signal
import struct
import warnings
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import IO, Any, NamedTuple, NoReturn, TypeVar

from pointsman.engine.ports import Aside
from pointsman.engine.steps import STEP_S

WITHIN_S = 180.0
"""How long an answer may take."""

AT_ONCE = 2
"""How many children reckon at the same time; others wait for their turn."""

NICENESS = 10
"""How far a child gives way: on a busy core it gets a tenth of what its parent gets."""

PART, ERROR, END = b"p", b"e", b"."
_HEAD = struct.Struct("!cQ")
_HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)

R = TypeVar("R")
P = TypeVar("P")

log = logging.getLogger(__name__)


class _Child(NamedTuple):
    pid: int
    said: IO[bytes]


class ForkedAside:
    """A child per question, on systems that can fork; where that fails, `otherwise` is asked.

    For processes whose threads are known: another's program may hold locks that a child waits for.
    """

    def __init__(self, otherwise: Aside, *, within_s: float = WITHIN_S) -> None:
        self._otherwise = otherwise
        self._within_s = within_s
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def run(
        self, rows: Iterator[R], answer: Callable[[Sequence[R]], Iterable[P]]
    ) -> Sequence[P]:
        """The parts of the answer. Raises `TimeoutError`, and `ChildProcessError` without one."""
        async with self._turns:
            try:
                child = _forked(lambda: answer(list(rows)), self._within_s)
            except OSError as error:
                log.warning("no process can be made, so a thread does its work: %s", error)
                return await self._otherwise.run(rows, answer)
            try:
                async with asyncio.timeout(self._within_s):
                    return [part async for part in _parts(child.said)]
            finally:
                # Whoever has answered ends at once; whoever has not is not waited for any more.
                os.kill(child.pid, signal.SIGKILL)
                await asyncio.shield(asyncio.to_thread(os.waitpid, child.pid, 0))


def _forked(work: Callable[[], Iterable[object]], within_s: float) -> _Child:
    read, write = os.pipe()
    # Until the child has put its handlers away, a signal would be handled as its parent's.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # threads: see the file's head
            pid = os.fork()
        if pid == 0:
            _live(work, write, within_s)
    except BaseException:
        os.close(read)
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(write)
    return _Child(pid, os.fdopen(read, "rb", buffering=0))


def _live(work: Callable[[], Iterable[object]], write: int, within_s: float) -> NoReturn:
    """All that the child does."""
    try:
        signal.set_wakeup_fd(-1)  # it is the parent's loop that would wake up
        for number in _HANDLED:
            signal.signal(number, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, within_s)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
        # A socket that the parent closes must be closed, and its port free when it is gone.
        os.closerange(3, write)
        os.closerange(write + 1, os.sysconf("SC_OPEN_MAX"))
        with suppress(OSError):  # a sandbox may forbid what is only a courtesy
            os.nice(NICENESS)
        gc.disable()  # to look for garbage would copy all that is shared
        with os.fdopen(write, "wb") as out:
            say(work, out)
    finally:
        os._exit(0)


def say(work: Callable[[], Iterable[object]], out: IO[bytes]) -> None:
    """Write the parts of what `work` comes to, or the error that it ends with."""
    try:
        for part in work():
            _write(out, PART, part)
        _write(out, END, None)
    except Exception as error:  # noqa: BLE001 - here a process begins; its parent raises this
        _write(out, ERROR, error)


def _write(out: IO[bytes], kind: bytes, value: object) -> None:
    text = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    out.write(_HEAD.pack(kind, len(text)) + text)


async def _parts(said: IO[bytes]) -> AsyncIterator[Any]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), said)
    begun = loop.time()
    try:
        while True:
            kind, size = _HEAD.unpack(await reader.readexactly(_HEAD.size))
            # Ours to trust: the other end of this pipe is a copy of this very process.
            value = pickle.loads(await reader.readexactly(size))  # noqa: S301
            if kind == END:
                return
            if kind == ERROR:
                raise value
            yield value
            if loop.time() - begun > STEP_S:
                await asyncio.sleep(0)
                begun = loop.time()
    except asyncio.IncompleteReadError:
        raise ChildProcessError("the process that reckoned has ended without an answer") from None
    finally:
        transport.close()
