"""Does the ledger lose nothing it need not, and keep nobody waiting?"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator

import pytest
from list_store import NOON, HandClock, ListStore, a_decision, an_outcome, settle, until

from pointsman.core.decision import Feedback
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


async def test_records_are_written_in_order_after_the_interval(
    ledger: WriteBehindLedger, store: ListStore, clock: HandClock
) -> None:
    ledger.decided(a_decision(1))
    ledger.ended(an_outcome(1))
    await settle()
    assert (store.records, ledger.queued) == ([], 2)
    await clock.advance(0.05)
    await until(lambda: ledger.queued == 0)
    assert store.records == [a_decision(1), an_outcome(1)]
    assert (ledger.written, ledger.dropped) == (2, {"decision": 0, "outcome": 0})


async def test_much_is_written_within_50_ms_like_little(clock: HandClock, store: ListStore) -> None:
    ledger = WriteBehindLedger(store, clock)
    ledger.start()
    for n in range(500):
        ledger.ended(an_outcome(n))
    await settle()
    await clock.advance(0.05)
    await until(lambda: ledger.queued == 0)
    assert store.batches == [500]
    await ledger.close(5)


async def test_feedback_on_a_decision_that_is_still_queued_is_not_lost(
    ledger: WriteBehindLedger, store: ListStore
) -> None:
    ledger.decided(a_decision(1))
    said = Feedback("dec_1", "a", "p/m", None, NOON, rating=5)
    assert await ledger.judge(said)
    assert (store.records, store.feedback) == ([a_decision(1)], [said])
    assert not await ledger.judge(said._replace(decision_id="dec_2"))


async def test_feedback_that_cannot_be_kept_is_not_said_to_be(
    ledger: WriteBehindLedger, store: ListStore
) -> None:
    store.trouble = StoreError("the disk is full")
    ledger.decided(a_decision(1))
    with pytest.raises(StoreError, match="disk is full"):
        await ledger.judge(Feedback("dec_1", "a", "p/m", None, NOON, success=True))


async def test_a_full_batch_does_not_wait_for_the_interval(
    ledger: WriteBehindLedger, store: ListStore
) -> None:
    for n in range(9):
        ledger.decided(a_decision(n))
    await until(lambda: ledger.written == 8)
    await settle()
    assert store.batches == [4, 4]
    assert await ledger.flush()
    assert store.batches == [4, 4, 1]


async def test_a_flush_waits_for_what_was_appended_before_it(
    ledger: WriteBehindLedger, store: ListStore
) -> None:
    store.gate.clear()
    ledger.decided(a_decision(1))
    first = asyncio.create_task(ledger.flush())
    await until(lambda: store.attempts == 1)
    ledger.decided(a_decision(2))
    second = asyncio.create_task(ledger.flush())
    await settle()
    assert not first.done()
    store.gate.set()
    assert await first
    assert await second
    assert store.records == [a_decision(1), a_decision(2)]


async def test_a_flush_of_nothing_returns_at_once(ledger: WriteBehindLedger) -> None:
    assert await ledger.flush()


async def test_a_flush_that_is_given_up_harms_nobody(
    ledger: WriteBehindLedger, store: ListStore
) -> None:
    store.gate.clear()
    ledger.decided(a_decision(1))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await ledger.flush()
    store.gate.set()
    assert await ledger.flush()


async def test_a_failing_store_is_retried_ever_more_slowly_and_logged_once(
    ledger: WriteBehindLedger,
    store: ListStore,
    clock: HandClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    store.trouble = StoreError("disk on fire")
    ledger.decided(a_decision(1))
    assert not await ledger.flush(), "a flush does not wait for a store that fails"
    await settle()
    pauses = []
    for attempt in range(2, 10):
        pauses.append(clock.shortest_sleep_s())
        await clock.advance(pauses[-1])
        await until(lambda attempt=attempt: store.attempts == attempt)
        await settle()
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    since = ledger.failing_since
    assert since == 0.0
    assert not await ledger.flush()
    store.trouble = None
    await clock.advance(5)
    await until(lambda: ledger.written == 1)
    assert ledger.failing_since is None
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]
    assert "disk on fire" in caplog.text
    assert store.records == [a_decision(1)]


async def test_when_the_queue_is_full_the_oldest_go_and_are_counted_by_class(
    ledger: WriteBehindLedger, store: ListStore, clock: HandClock
) -> None:
    store.trouble = StoreError("gone")
    ledger.decided(a_decision(0))
    assert not await ledger.flush()
    for n in range(1, 8):
        ledger.decided(a_decision(n))
        ledger.ended(an_outcome(n))
    await settle()
    assert ledger.queued == 10 + 1, "ten wait, one is being retried"
    assert ledger.dropped == {"decision": 2, "outcome": 2}
    store.trouble = None
    await clock.advance(0.1)
    assert await ledger.flush()
    kept = [a_decision(0)]
    kept_pairs = [record for n in range(3, 8) for record in (a_decision(n), an_outcome(n))]
    assert store.records == [*kept, *kept_pairs]


async def test_a_batch_that_can_never_be_written_does_not_hold_up_the_next(
    ledger: WriteBehindLedger, store: ListStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.trouble = TypeError("a mistake of ours")
    ledger.decided(a_decision(1))
    ledger.ended(an_outcome(1))
    assert not await ledger.flush()
    assert ledger.dropped == {"decision": 1, "outcome": 1}
    assert "cannot be written" in caplog.text
    store.trouble = None
    ledger.decided(a_decision(2))
    assert await ledger.flush()
    assert store.records == [a_decision(2)]


async def test_closing_writes_what_waits(store: ListStore, clock: HandClock) -> None:
    ledger = WriteBehindLedger(store, clock, capacity=10, batch=4)
    ledger.start()
    for n in range(6):
        ledger.ended(an_outcome(n))
    assert await ledger.close(5)
    assert await ledger.close(5), "closing twice is closing once"
    assert len(store.records) == 6


async def test_closing_an_idle_ledger_is_quick(store: ListStore, clock: HandClock) -> None:
    ledger = WriteBehindLedger(store, clock)
    assert await ledger.close(5), "it was never started"
    ledger.start()
    await settle()
    assert await ledger.close(5)


async def test_closing_gives_up_at_the_deadline_and_counts_what_is_lost(
    store: ListStore, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = WriteBehindLedger(store, clock, capacity=10, batch=4)
    ledger.start()
    store.gate.clear()
    for n in range(3):
        ledger.decided(a_decision(n))
        ledger.ended(an_outcome(n))
    waiting = asyncio.create_task(ledger.flush())
    await until(lambda: store.attempts == 1)
    assert not await ledger.close(0.02)
    assert not await waiting
    assert ledger.dropped == {"decision": 3, "outcome": 3}
    assert ledger.queued == 0
    assert "lost" in caplog.text
    store.gate.set()
    await settle()


async def test_closing_tries_a_failing_store_again_until_the_deadline(
    store: ListStore, clock: HandClock
) -> None:
    ledger = WriteBehindLedger(store, clock, capacity=10, batch=4)
    ledger.start()
    store.trouble = StoreError("gone")
    ledger.decided(a_decision(1))
    assert not await ledger.flush()
    await settle()
    closing = asyncio.create_task(ledger.close(5))
    await until(lambda: store.attempts == 2)
    await settle()
    assert clock.shortest_sleep_s() == 0.1
    store.trouble = None
    await clock.advance(0.1)
    assert await closing
    assert store.records == [a_decision(1)]


async def test_a_flush_before_the_start_does_not_wait(store: ListStore, clock: HandClock) -> None:
    ledger = WriteBehindLedger(store, clock)
    ledger.decided(a_decision(1))
    assert not await ledger.flush()


def test_a_store_that_answers_after_the_loop_has_ended_is_let_go(store: ListStore) -> None:
    async def leave() -> None:
        ledger = WriteBehindLedger(store, HandClock(), capacity=10, batch=1)
        ledger.start()
        store.gate.clear()
        ledger.decided(a_decision(1))
        await until(lambda: store.attempts == 1)
        await ledger.close(0.01)

    asyncio.run(leave())
    store.gate.set()
    for thread in threading.enumerate():
        if thread.name == "ledger-writer":
            thread.join(5)
            assert not thread.is_alive()


def test_figures_that_make_no_sense_are_refused(store: ListStore, clock: HandClock) -> None:
    with pytest.raises(ValueError, match="batch"):
        WriteBehindLedger(store, clock, capacity=1, batch=2)
