"""How do the engine's tests deliver: an outbox, receivers, a clock that waits for them?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from itertools import count
from random import Random

from scripted import FakeClock

from memory_outbox import MemoryOutbox
from notices import notification
from pointsman.core.errors import NotifyError
from pointsman.core.notification import Notification
from pointsman.core.outbox import RowState
from pointsman.engine.notify import Deliverer
from pointsman.engine.sending import Channel, ChannelPolicy

GENEROUS = ChannelPolicy(per_minute=6_000, burst=100)
Answer = Callable[[Notification], str]


class Receiver:
    """A channel with somebody at the other end. `answers` decides what becomes of each message."""

    def __init__(self, *, one_by_one: bool = False) -> None:
        self.one_by_one = one_by_one
        self.seen: list[Notification] = []
        self.tried: list[str] = []
        self.earlier: list[str] = []
        self.hangs = False
        self.answers: Answer = lambda told: f"receipt of {told.id}"

    async def notify(self, notification: Notification, earlier: str = "") -> str:
        self.tried.append(notification.id)
        if self.hangs:
            await asyncio.get_running_loop().create_future()
        receipt = self.answers(notification)
        self.seen.append(notification)
        self.earlier.append(earlier)
        return receipt

    def preview(self, notification: Notification) -> str:
        return notification.id

    @property
    def ids(self) -> list[str]:
        return [each.id for each in self.seen]


async def becomes(done: Callable[[], bool]) -> None:
    """Let everything go on until it is so."""
    async with asyncio.timeout(60):
        for _ in count():
            if done():
                return
            await asyncio.sleep(0)


class PatientClock(FakeClock):
    """No time goes by while `busy` says that somebody works in a thread."""

    def __init__(self) -> None:
        super().__init__()
        self.busy: Callable[[], bool] = lambda: False

    async def passes(self, seconds: float) -> None:
        await becomes(lambda: not self.busy())
        await super().passes(seconds)


def refuse(_told: Notification) -> str:
    raise NotifyError("the receiver answered 500")


class Post:
    """A deliverer over an outbox in memory, with receivers by name."""

    def __init__(self, policy: ChannelPolicy = GENEROUS, **receivers: Receiver) -> None:
        self.clock = PatientClock()
        self.clock.busy = lambda: bool(self.deliverer._turns)
        self.outbox = MemoryOutbox()
        self.receivers: Mapping[str, Receiver] = receivers
        self.channels = {name: Channel(each, policy) for name, each in receivers.items()}
        self.deliverer = Deliverer(self.outbox, self.clock, Random(7), self.channels)

    def put(self, *names: str, channel: str = "pager", group: str | None = None) -> None:
        told = [notification(id=n, channel=channel, group_key=group or f"of {n}") for n in names]
        self.outbox.put(told, self.clock.now())
        self.deliverer.wake()

    @asynccontextmanager
    async def delivering(self) -> AsyncIterator[None]:
        self.deliverer.start()
        try:
            yield
        finally:
            await self.deliverer.close(1.0)

    async def until(self, done: Callable[[], bool]) -> None:
        async with self.delivering():
            await becomes(done)

    def state(self, name: str) -> RowState:
        return self.outbox.kept[name].row.state

    def is_idle(self) -> bool:
        return not any(kept.pending for kept in list(self.outbox.kept.values()))
