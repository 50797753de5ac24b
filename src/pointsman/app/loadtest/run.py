"""How is a load put on a server, and for how long?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, NamedTuple

from pointsman.app.loadtest.arrivals import Arrivals, OpenLoop
from pointsman.app.loadtest.calling import Caller, Went
from pointsman.app.loadtest.measured import Measured
from pointsman.app.loadtest.requests import Request, Traffic


class Bounds(NamedTuple):
    """When a run ends: after so many seconds, and after so many requests if that is not None.

    In an open loop no more than `most_under_way` are under way; what is due beyond is not sent,
    and counted.
    """

    duration_s: float
    requests: int | None = None
    most_under_way: int = 10_000


class LoadTest:
    """One run. `tick` is called about once a second while it lasts, with what was
    measured and the seconds since the start; `each` with every request that ended.
    """

    def __init__(
        self,
        caller: Caller,
        traffic: Traffic,
        arrivals: Arrivals,
        bounds: Bounds,
        *,
        random: Random,
        warm_up_s: float = 0.0,
        tick: Callable[[Measured, float], None] = lambda _, __: None,
        each: Callable[[Request, Went], None] = lambda _, __: None,
    ) -> None:
        self._caller = caller
        self._traffic = traffic
        self._arrivals = arrivals
        self._bounds = bounds
        self._random = random
        self._tick = tick
        self._each = each
        self._warm_up_s = warm_up_s
        self._tasks: set[asyncio.Task[None]] = set()
        self._load: asyncio.Task[None] | None = None

    async def run(self) -> Measured:
        """Put the load on, wait for the last answers, and tell how it went.

        Every request ends, since each has a time limit of its own.
        """
        measured = Measured(time.monotonic(), self._warm_up_s)
        ticking = asyncio.create_task(self._ticking(measured))
        self._load = asyncio.create_task(self._put_on(measured))
        try:
            await asyncio.wait({self._load})
            if not self._load.cancelled():
                self._load.result()
        finally:
            ticking.cancel()
            for task in (self._load, *self._tasks):
                task.cancel()
            await self._caller.close()
        return measured

    def stop(self) -> None:
        """End it early; what is under way is given up and does not count."""
        if self._load is not None:
            self._load.cancel()

    async def _put_on(self, measured: Measured) -> None:
        if isinstance(self._arrivals, OpenLoop):
            await self._open(self._arrivals, measured)
        else:
            for _ in range(self._arrivals.callers):
                self._begin(self._ask_again_and_again(measured))
        while self._tasks:
            done, _ = await asyncio.wait(self._tasks)
            for task in done:
                task.result()

    async def _open(self, arrivals: OpenLoop, measured: Measured) -> None:
        for number, due_s in enumerate(arrivals.moments(self._random)):
            due = measured.began + due_s
            if self._is_over(due_s, number):
                return
            # Also when late, the others have their turn.
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if measured.under_way >= self._bounds.most_under_way:
                measured.missed_one()
            else:
                self._begin(self._one(measured, due))

    async def _ask_again_and_again(self, measured: Measured) -> None:
        while not self._is_over((now := time.monotonic()) - measured.began, measured.sent):
            await self._one(measured, now)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _one(self, measured: Measured, due: float) -> None:
        measured.began_one(time.monotonic())
        request = self._traffic.draw()
        went = await self._caller.call(request, due)
        measured.ended_one(went)
        self._each(request, went)

    def _is_over(self, at_s: float, asked: int) -> bool:
        most = self._bounds.requests
        return at_s >= self._bounds.duration_s or (most is not None and asked >= most)

    async def _ticking(self, measured: Measured) -> None:
        while True:
            await asyncio.sleep(1.0)
            self._tick(measured, time.monotonic() - measured.began)
