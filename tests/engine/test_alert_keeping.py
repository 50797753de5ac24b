"""What of alerts is not kept yet, and what is done while the store fails?"""

from __future__ import annotations

import pytest

from alerts_made import at
from memory_alerts import MemoryAlerts
from notices import notification
from pointsman.core.errors import StoreError
from pointsman.core.notification import Notification
from pointsman.engine import alert_keeping
from pointsman.engine.alert_keeping import Keeping


async def test_nothing_is_kept_where_nothing_waits() -> None:
    store = MemoryAlerts()
    store.broken = True
    assert await Keeping(store).keep(at(0))


async def test_too_much_is_lost_from_the_oldest_on_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alert_keeping, "MOST_NOTIFICATIONS", 2)
    store = MemoryAlerts()
    keeping = Keeping(store)
    keeping.add(notifications=[notification(id=f"n{number}") for number in range(5)])
    await keeping.keep(at(0))
    assert list(store.outbox) == ["n3", "n4"]
    assert keeping.lost == 3


async def test_what_cannot_be_sent_past_the_store_waits_for_it() -> None:
    async def refuse(_: Notification) -> None:
        raise ConnectionError("nobody answers")

    store = MemoryAlerts()
    keeping = Keeping(store, tell_past=refuse)
    store.broken = True
    keeping.add(notifications=[notification()])
    assert not await keeping.keep(at(0))
    assert not await keeping.keep(at(60))
    store.broken = False
    assert await keeping.keep(at(70))
    assert list(store.outbox) == [notification().id]
    assert keeping.failed == 2


async def test_a_store_without_a_way_past_it_is_waited_for() -> None:
    store = MemoryAlerts()
    keeping = Keeping(store)
    store.broken = True
    keeping.add(notifications=[notification()])
    assert not await keeping.keep(at(0))
    assert not await keeping.keep(at(60))
    assert keeping.waiting == 1


def test_the_fake_fails_as_a_store_does() -> None:
    store = MemoryAlerts()
    store.broken = True
    with pytest.raises(StoreError):
        store.rules()
