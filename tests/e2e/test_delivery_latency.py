"""How soon after a breach, and after it was committed, is a notification with its receiver?"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from random import Random

import pytest
from gateway_process import Serve, wait_until
from rows_of_failures import LOOK_S, config, fails, upstream

from notices import notification
from pointsman.adapters.notifiers.posting import Poster
from pointsman.adapters.notifiers.webhook import Webhook
from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.app.clock import SystemClock
from pointsman.engine.notify import Deliverer
from pointsman.engine.sending import Channel, ChannelPolicy
from receiver import receiving

COUNT = 300
WITHIN_S = 1.0
BREACHES = 100


@pytest.mark.prove
async def test_ninety_nine_of_a_hundred_arrive_within_a_second_of_being_committed(
    tmp_path: Path,
) -> None:
    clock, random = SystemClock(), Random(3)
    store = SqliteStore(tmp_path / "pointsman.db")
    took: list[float] = []
    with receiving() as receiver:
        poster = Poster(receiver.url, clock.now, allow_private=True)
        channel = Channel(Webhook(poster, clock.now), ChannelPolicy(per_minute=6_000, burst=100))
        deliverer = Deliverer(store.outbox, clock, random, {"pager": channel})
        deliverer.start()
        for number in range(COUNT):
            told = notification(id=f"n{number}", group_key=f"g{number}")
            begun = time.monotonic()
            await asyncio.to_thread(store.outbox.put, [told], clock.now())
            deliverer.wake()
            await asyncio.to_thread(receiver.wait_for, number + 1)
            took.append(time.monotonic() - begun)
            await asyncio.sleep(random.uniform(0.0, 0.02))
        await deliverer.close(1.0)
    store.close()
    took.sort()
    print(
        f"committed to received: p50 {took[COUNT // 2]:.4f} s, p99 {took[COUNT * 99 // 100]:.4f} s"
    )
    assert took[COUNT * 99 // 100] <= WITHIN_S


@pytest.mark.prove
def test_ninety_nine_of_a_hundred_breaches_are_told_within_a_look_and_a_second(
    serve: Serve,
) -> None:
    """From the last failure, as its caller has it, to the receiver; through a real gateway."""
    random = Random(4)
    took: list[float] = []
    with receiving() as receiver, upstream() as port:
        gateway = serve(config(port, receiver, BREACHES))
        wait_until(lambda: gateway.control("/alerts")["success"])
        for number in range(BREACHES):
            time.sleep(random.uniform(0.0, LOOK_S))  # at any moment between two looks
            fails(gateway, f"m{number}")
            begun = time.monotonic()
            receiver.wait_for(number + 1)
            took.append(time.monotonic() - begun)
    took.sort()
    p50, p99 = took[BREACHES // 2], took[BREACHES * 99 // 100]
    print(f"breach to receiver, a look every {LOOK_S} s: p50 {p50:.3f} s, p99 {p99:.3f} s")
    assert p99 <= LOOK_S + WITHIN_S
