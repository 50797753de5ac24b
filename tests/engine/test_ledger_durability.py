"""Does strict durability keep its word, and hold up nobody when the store does not?"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from list_store import HandClock, ListStore, a_decision, until

from pointsman.core.errors import StoreError
from pointsman.engine.ledger import WriteBehindLedger


@pytest.fixture
def store() -> ListStore:
    return ListStore()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def ledger(store: ListStore, clock: HandClock) -> AsyncIterator[WriteBehindLedger]:
    ledger = WriteBehindLedger(store, clock, capacity=10, batch=4, interval_s=0.05)
    ledger.start()
    yield ledger
    store.gate.set()
    store.trouble = None
    await ledger.close(5)


async def test_what_must_be_durable_is_waited_for_and_written_at_once(
    ledger: WriteBehindLedger, store: ListStore
) -> None:
    ledger.decided(a_decision(1))
    await ledger.settled()
    assert (store.records, ledger.not_durable) == ([a_decision(1)], 0)


async def test_a_store_that_fails_holds_up_no_answer_and_each_is_counted(
    ledger: WriteBehindLedger, store: ListStore, clock: HandClock
) -> None:
    store.trouble = StoreError("the disk is full")
    for n in range(3):
        ledger.decided(a_decision(n))
        await ledger.settled()
    assert ledger.not_durable == 3
    store.trouble = None
    for _ in range(10):  # pauses grow while it fails, and each is as long as it is
        await clock.advance(10)
    await until(lambda: ledger.queued == 0)
    assert len(store.records) == 3


async def test_a_disk_that_never_answers_holds_up_an_answer_for_so_long_only(
    ledger: WriteBehindLedger, store: ListStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pointsman.engine.ledger.PATIENCE_S", 0.01)
    store.gate.clear()
    ledger.decided(a_decision(1))
    await ledger.settled()
    assert ledger.not_durable == 1
