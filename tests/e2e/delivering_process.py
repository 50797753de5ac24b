"""What commits notifications and delivers them, to be killed at any moment?

`python delivering_process.py DATABASE RECEIVER SEED` puts notifications into the outbox, each with
an alert of its own, and prints the alert's id once that is on the disk; meanwhile it delivers. With
`drain` for a seed it puts nothing and ends when everything is delivered.
"""

from __future__ import annotations

import asyncio
import os
import sys
from itertools import count
from pathlib import Path
from random import Random

from notices import notice, notification
from pointsman.adapters.notifiers.posting import Poster
from pointsman.adapters.notifiers.webhook import Webhook
from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.app.clock import SystemClock
from pointsman.core.notification import Notification
from pointsman.core.outbox import RowState
from pointsman.engine.notify import Deliverer
from pointsman.engine.sending import Channel, ChannelPolicy

CHANNELS = 4
FAST = ChannelPolicy(per_minute=6_000, burst=500, timeout_s=1.0)
SLOW = ChannelPolicy(per_minute=240, burst=2, timeout_s=1.0)
PAUSE_S = 0.05


def channels(receiver: str, clock: SystemClock) -> dict[str, Channel]:
    """Half of them are slow, so that what they are to tell is merged."""
    return {
        f"c{number}": Channel(
            Webhook(Poster(f"{receiver}/c{number}", clock.now, allow_private=True), clock.now),
            SLOW if number % 2 else FAST,
        )
        for number in range(CHANNELS)
    }


def made(random: Random, number: int, clock: SystemClock) -> list[Notification]:
    """What one look would have to tell: an alert on every channel, a few groups for all."""
    alert = notice(alert_id=f"al-{os.getpid()}-{number}", fingerprint=f"f-{os.getpid()}-{number}")
    group = f"group {random.randrange(3)}"
    return [
        notification(
            id=f"{alert.alert_id}-{channel}",
            channel=f"c{channel}",
            group_key=group,
            alerts=(alert,),
            made_at=clock.now(),
        )
        for channel in range(CHANNELS)
    ]


async def run(database: Path, receiver: str, seed: str) -> None:
    clock, store = SystemClock(), SqliteStore(database)
    deliverer = Deliverer(store.outbox, clock, Random(1), channels(receiver, clock))
    deliverer.start()
    if seed == "drain":
        for _ in count():
            if not any(state is RowState.PENDING for _, state in await deliverer.counts()):
                break
            await asyncio.sleep(PAUSE_S)
        await deliverer.close(5.0)
        store.close()
        return
    random, number = Random(seed), 0
    while True:
        told = made(random, number, clock)
        await asyncio.to_thread(store.outbox.put, told, clock.now())
        print(told[0].alerts[0].alert_id, flush=True)
        deliverer.wake()
        number += 1
        await asyncio.sleep(random.expovariate(1 / PAUSE_S))


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
