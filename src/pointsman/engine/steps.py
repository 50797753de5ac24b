"""How is long work done on the event loop without anybody having to wait for its end?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import TypeVar

STEP_S = 0.001
"""How long such work goes on before others get their turn."""

T = TypeVar("T")


async def in_steps(items: Iterable[T], monotonic: Callable[[], float]) -> AsyncIterator[T]:
    """One item after the other, with pauses in which others are served.

    The time that an item takes counts, whether it is spent on making it or on what is done with it.
    """
    begun = monotonic()
    for item in items:
        yield item
        if monotonic() - begun > STEP_S:
            await asyncio.sleep(0)
            begun = monotonic()
