"""Does a receiver that forgets hear of what fires again, and no longer when it is over?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random

from scripted import NOON, FakeClock

from memory_outbox import MemoryOutbox
from notices import notice, notification
from pointsman.core.errors import NotifyError
from pointsman.core.notification import AlertNotice, NoticeState, Notification
from pointsman.core.outbox import RowState, Settled
from pointsman.engine.notify import Deliverer
from pointsman.engine.refreshing import Refresher
from pointsman.engine.sending import Channel, ChannelPolicy


class Manager:
    """Remembers what it hears."""

    one_by_one = True

    def __init__(self) -> None:
        self.heard: list[list[str]] = []
        self.fault: Callable[[], None] = lambda: None

    async def notify(self, notification: Notification, earlier: str = "") -> str:
        await self.refresh(notification.alerts)
        return earlier

    async def refresh(self, alerts: Sequence[AlertNotice]) -> None:
        self.fault()
        self.heard.append([alert.alert_id for alert in alerts])

    def preview(self, notification: Notification) -> str:
        return notification.id


def delivered(outbox: MemoryOutbox, *told: Notification) -> None:
    outbox.put(told, NOON)
    for row in outbox.lease("am", now=NOON, until=NOON + timedelta(seconds=9), limit=99):
        outbox.settle(row, Settled(RowState.DELIVERED, NOON))


def told(name: str, *alerts: AlertNotice) -> Notification:
    return notification(id=name, channel="am", group_key=name, alerts=alerts)


async def test_what_fired_before_a_start_is_said_again_and_what_was_over_is_not() -> None:
    outbox, manager = MemoryOutbox(), Manager()
    delivered(outbox, told("a", notice(1), notice(2)))
    delivered(outbox, told("b", notice(1, state=NoticeState.RESOLVED)))
    refresher = Refresher("am", outbox)
    refresher.note(told("c", notice(9)))
    await refresher.refresh(Channel(manager))
    assert manager.heard == [["al-000002"]]


async def test_what_is_delivered_later_counts_and_a_failure_is_left_to_the_next_time() -> None:
    refresher, manager = Refresher("am", MemoryOutbox()), Manager()
    await refresher.refresh(Channel(manager))
    refresher.note(told("a", notice(1), notice(2)))
    refresher.note(told("b", notice(2, state=NoticeState.RESOLVED)))

    def fault() -> None:
        raise NotifyError("no connection")

    manager.fault = fault
    await refresher.refresh(Channel(manager))
    manager.fault = lambda: None
    await refresher.refresh(Channel(manager))
    assert manager.heard == [["al-000001"]]


async def test_a_running_deliverer_refreshes_every_minute_whatever_fails() -> None:
    outbox, manager, clock = MemoryOutbox(), Manager(), FakeClock()
    faults = iter([RuntimeError("a mistake of ours")])

    def fault() -> None:
        for each in faults:
            raise each

    delivered(outbox, told("a", notice(1)))
    manager.fault = fault
    deliverer = Deliverer(outbox, clock, Random(1), {})
    outbox.failing = True
    deliverer.start()
    deliverer.reconfigure({"am": Channel(manager, ChannelPolicy())})
    async with asyncio.timeout(20):
        for turn in range(1_000_000):
            outbox.failing = turn < 50
            await asyncio.sleep(0)
            if len(manager.heard) > 2:
                break
    await deliverer.close(1.0)
    assert manager.heard[:3] == [["al-000001"]] * 3
