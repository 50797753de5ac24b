"""Does a receiver that forgets hear of what fires again, and no longer when it is over?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from random import Random

from scripted import NOON, FakeClock

from memory_outbox import MemoryOutbox
from notices import notice, notification
from pointsman.core.alert_log import Now
from pointsman.core.channel_trouble import RULE
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
        self.over: list[str] = []
        self.under_way = self.at_once = 0
        self.fault: Callable[[], None] = lambda: None

    async def notify(self, notification: Notification, earlier: str = "") -> str:
        await self.refresh(notification.alerts)
        return earlier

    async def refresh(self, alerts: Sequence[AlertNotice]) -> None:
        self.fault()
        self.heard.append([alert.alert_id for alert in alerts])
        self.over += [each.alert_id for each in alerts if each.state is NoticeState.RESOLVED]
        self.under_way += 1
        self.at_once = max(self.at_once, self.under_way)
        for _ in range(20):
            await asyncio.sleep(0)
        self.under_way -= 1

    def preview(self, notification: Notification) -> str:
        return notification.id


def delivered(outbox: MemoryOutbox, *told: Notification) -> None:
    outbox.put(told, NOON)
    for row in outbox.lease("am", now=NOON, until=NOON + timedelta(seconds=9), limit=99):
        outbox.settle(row, Settled(RowState.DELIVERED, NOON))


def told(name: str, *alerts: AlertNotice) -> Notification:
    return notification(id=name, channel="am", group_key=name, alerts=alerts)


class Fires:
    """What fires now, whatever was told of it."""

    def __init__(self, *alerts: AlertNotice) -> None:
        self.alerts = list(alerts)
        self.asked: list[str] = []

    def __call__(self, channel: str, now: Now) -> Iterator[AlertNotice | None]:
        del now
        self.asked.append(channel)
        yield None
        yield from self.alerts


def trouble(state: NoticeState = NoticeState.FIRING) -> AlertNotice:
    return notice(7, rule=RULE, state=state)


async def test_what_fires_is_said_again_whatever_the_messages_told_of_it() -> None:
    outbox, manager, fires = MemoryOutbox(), Manager(), Fires(notice(1), notice(2))
    delivered(outbox, told("a", notice(5), notice(6)))
    refresher = Refresher("am", outbox, FakeClock())
    await refresher.refresh(Channel(manager), fires)
    assert (manager.heard, fires.asked) == ([["al-000001", "al-000002"]], ["am"])


async def test_what_is_over_and_was_only_counted_is_said_to_be_over_once() -> None:
    refresher, manager = Refresher("am", MemoryOutbox(), FakeClock()), Manager()
    fires = Fires(*map(notice, range(150)))
    assert refresher.note(notification(100, channel="am", left_out=50))
    await refresher.refresh(Channel(manager), fires)
    fires.alerts.clear()
    over = [notice(n, state=NoticeState.RESOLVED) for n in range(100)]
    assert refresher.note(notification(channel="am", alerts=tuple(over), left_out=50))
    await refresher.refresh(Channel(manager), fires)
    assert len(manager.over) == len(set(manager.over)) == 50
    await refresher.refresh(Channel(manager), fires)
    assert len(manager.heard) == 2, "nothing fires, and nothing is said"
    assert not refresher.note(notification(1, channel="am"))


async def test_a_failure_is_left_to_the_next_time_and_loses_no_end() -> None:
    refresher, manager = Refresher("am", MemoryOutbox(), FakeClock()), Manager()
    fires = Fires(notice(1), notice(2))
    await refresher.refresh(Channel(manager), fires)
    fires.alerts.pop()

    def fault() -> None:
        raise NotifyError("no connection")

    manager.fault = fault
    await refresher.refresh(Channel(manager), fires)
    manager.fault = lambda: None
    await refresher.refresh(Channel(manager), fires)
    assert (manager.heard[-1], manager.over) == (["al-000001", "al-000002"], ["al-000002"])


async def test_trouble_of_other_channels_which_no_rule_judges_is_said_again_until_it_is_over() -> (
    None
):
    outbox, manager = MemoryOutbox(), Manager()
    delivered(outbox, told("a", trouble(), notice(1)))
    refresher = Refresher("am", outbox, FakeClock())
    await refresher.refresh(Channel(manager), Fires())
    assert manager.heard == [["al-000007"]]
    refresher.note(told("b", trouble(NoticeState.RESOLVED)))
    await refresher.refresh(Channel(manager), Fires())
    refresher.note(told("c", trouble()))
    await refresher.refresh(Channel(manager), Fires())
    assert manager.heard == [["al-000007"]] * 2


async def test_who_keeps_what_it_heard_is_told_nothing_again() -> None:
    class Keeps:
        one_by_one = True

        async def notify(self, notification: Notification, earlier: str = "") -> str:
            raise AssertionError(notification, earlier)

        def preview(self, notification: Notification) -> str:
            return notification.id

    fires = Fires(notice(1))
    await Refresher("hook", MemoryOutbox(), FakeClock()).refresh(Channel(Keeps()), fires)
    assert not fires.asked


async def settled(until: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        for _ in range(1_000_000):
            if until():
                return
            await asyncio.sleep(0)


async def test_a_message_that_leaves_alerts_out_is_followed_by_all_of_them() -> None:
    outbox, manager, clock = MemoryOutbox(), Manager(), FakeClock()
    deliverer = Deliverer(outbox, clock, Random(1), {"am": Channel(manager, ChannelPolicy())})
    deliverer.firing = Fires(*map(notice, range(150)))
    outbox.put([notification(3, id="n", channel="am", left_out=147)], clock.now())
    deliverer.start()
    await settled(lambda: {len(each) for each in manager.heard} == {3, 150})
    await deliverer.close(1.0)


async def test_a_refresh_and_a_message_wait_for_each_other() -> None:
    outbox, manager, clock = MemoryOutbox(), Manager(), FakeClock()
    deliverer = Deliverer(outbox, clock, Random(1), {"am": Channel(manager, ChannelPolicy())})
    deliverer.firing = Fires(notice(1))
    outbox.put([told("n", notice(1))], clock.now())
    deliverer.start()
    await settled(lambda: len(manager.heard) > 6)
    await deliverer.close(1.0)
    assert manager.at_once == 1


async def test_a_running_deliverer_refreshes_every_minute_whatever_fails() -> None:
    outbox, manager, clock = MemoryOutbox(), Manager(), FakeClock()
    faults = iter([RuntimeError("a mistake of ours")])

    def fault() -> None:
        for each in faults:
            raise each

    manager.fault = fault
    deliverer = Deliverer(outbox, clock, Random(1), {})
    deliverer.firing = Fires(notice(1))
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
