"""How is long arithmetic done in this very process, while the event loop goes on?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from pointsman.engine.ports import Clock
from pointsman.engine.steps import in_steps

R = TypeVar("R")
P = TypeVar("P")


class ThreadAside:
    """Rows on the loop, a little at a time; the answer in a thread.

    Python runs one thread at a time, so the loop is slower meanwhile. It is what every system has.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def run(
        self, rows: Iterator[R], answer: Callable[[Sequence[R]], Iterable[P]]
    ) -> Sequence[P]:
        found = [row async for row in in_steps(rows, self._clock.monotonic)]
        return await asyncio.to_thread(lambda: list(answer(found)))
