"""How does what is to be told get to whom it may concern, once, whatever happens meanwhile?

Judging puts notifications into the outbox. Here they are sent from there: again and again under
the same id until the receiver has them, by one process at a time, at the pace of each channel. A
channel that fails is told of through another. Nothing of this is ever waited for by a request.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from random import Random

from pointsman.core.channel_trouble import TOLD_AFTER, TOLD_AGAIN_S, recovery, trouble, trouble_id
from pointsman.core.errors import NotifyError, StoreError
from pointsman.core.notification import Notification
from pointsman.core.outbox import OutboxQuery, OutboxRow, RowState, Settled
from pointsman.engine.delivery_ports import Outbox
from pointsman.engine.ports import Clock
from pointsman.engine.refreshing import (
    REFRESH_AT_SOONEST_S,
    REFRESH_S,
    Firing,
    Forgetful,
    Refresher,
    nothing_fires,
)
from pointsman.engine.sending import Attempted, Channel, Sender

LOOK_S = 1.0
"""The longest between two looks at the outbox; `wake` makes the next one come at once."""

IDLE_LOOK_S = 30.0
"""The same where there is no channel to send through."""

COUNTED_EVERY_S = 15.0
STORE_PAUSE_S = 5.0
BURIED_AT_ONCE = 200
KEEP_ENDED = timedelta(days=30)

log = logging.getLogger(__name__)


class Deliverer:
    """Delivers what is in `outbox` through `channels`, from `start` to `close`.

    Belongs to one event loop. Memory does not grow with what waits: that is in the outbox.
    """

    def __init__(
        self, outbox: Outbox, clock: Clock, random: Random, channels: Mapping[str, Channel]
    ) -> None:
        self._outbox = outbox
        self._clock = clock
        self._random = random
        self._some = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._refreshing: asyncio.Task[None] | None = None
        self._refreshers: dict[str, Refresher] = {}
        self._refreshed: set[str] = set()
        self._stale = asyncio.Event()
        """Some receiver was told that there is more than it was told."""
        self._turns: dict[str, asyncio.Task[None]] = {}
        self._trouble: dict[str, tuple[str, str, datetime]] = {}
        self._looked_for_trouble: set[str] = set()
        self._troubled_s: dict[str, float] = {}
        self.senders: dict[str, Sender] = {}
        self.depths: Mapping[tuple[str, RowState], int] = {}
        """How many notifications there are per channel and state, as of a moment ago."""
        self._counted_s = float("-inf")
        self.is_ours: Callable[[], bool] = lambda: True
        """Whether the outbox is for this process to work off now, where several share it."""
        self.firing: Firing = nothing_fires
        """What a receiver that forgets is to hear again and again."""
        self.reconfigure(channels)

    def reconfigure(self, channels: Mapping[str, Channel]) -> None:
        """Send through these from now on. A channel that is the same object is kept as it is."""
        before = self.senders
        self.senders = {
            name: before[name]
            if name in before and before[name].channel is channel
            else Sender(
                name,
                channel,
                self._outbox,
                clock=self._clock,
                random=self._random,
                attempted=self._note,
            )
            for name, channel in channels.items()
        }
        self._refreshers = {
            name: self._refreshers.get(name) or Refresher(name, self._outbox, self._clock)
            for name, channel in channels.items()
            if isinstance(channel.notifier, Forgetful)
        }
        if self._task is not None:
            self._begin_refreshing()
        self.wake()

    def start(self) -> None:
        self._task = asyncio.create_task(self._deliver_all(), name="notify")
        self._begin_refreshing()

    def _begin_refreshing(self) -> None:
        if self._refreshers and self._refreshing is None:
            self._refreshing = asyncio.create_task(self._refresh_all(), name="refresh")

    def wake(self) -> None:
        """There is something new in the outbox."""
        self._some.set()

    async def close(self, deadline_s: float) -> None:
        """Let what is being sent arrive, for at most so long, and stop. Idempotent.

        What waits stays in the outbox for the next start.
        """
        if self._task is None:
            return
        task, self._task = self._task, None
        for each in (task, self._refreshing):
            if each is not None:
                each.cancel()
                with suppress(asyncio.CancelledError):
                    await each
        turns = [each for each in self._turns.values() if not each.done()]
        if turns:
            await asyncio.wait(turns, timeout=deadline_s)
        for each in turns:
            each.cancel()
        await asyncio.gather(*turns, return_exceptions=True)

    async def test(self, notification: Notification) -> str:
        """Send this now, past the outbox, and return the receipt. Raises `NotifyError`."""
        return await self.senders[notification.channel].now(notification)

    async def counts(self) -> Mapping[tuple[str, RowState], int]:
        """How many notifications there are per channel and state. Raises `StoreError`."""
        return await asyncio.to_thread(self._outbox.counts)

    async def rows(self, query: OutboxQuery) -> Sequence[OutboxRow]:
        """What is or was in the outbox. Raises `StoreError`."""
        return await asyncio.to_thread(self._outbox.rows, query)

    async def resend(self, notification_id: str) -> bool:
        """Send one again under the same id; False when there is none. Raises `StoreError`."""
        found = await asyncio.to_thread(self._outbox.resend, notification_id, self._clock.now())
        self.wake()
        return found

    async def forget_old(self) -> None:
        """Delete what ended long ago. Raises `StoreError`."""
        oldest = self._clock.now() - KEEP_ENDED
        count = await asyncio.to_thread(self._outbox.forget_before, oldest)
        if count:
            log.info("old notifications forgotten", extra={"count": count})

    async def _deliver_all(self) -> None:
        while True:
            self._some.clear()
            try:
                wait_s = await self._look()
            except StoreError as error:
                log.warning("the outbox cannot be read, trying again: %s", error)
                wait_s = STORE_PAUSE_S
            except Exception:  # here a task begins: one bad look must not be its last
                log.exception("a look at the outbox failed")
                wait_s = STORE_PAUSE_S
            await self._pause(wait_s, self._some)

    async def _refresh_all(self) -> None:
        while True:
            self._stale.clear()
            for name, refresher in list(self._refreshers.items()) if self.is_ours() else ():
                try:
                    await self._refresh(name, refresher)
                except StoreError as error:
                    log.warning("what fires cannot be read: %s", error)
                except Exception:  # here a task begins: one bad refresh must not be its last
                    log.exception("a refresh failed", extra={"channel": name})
            await self._clock.sleep(REFRESH_AT_SOONEST_S)
            await self._pause(REFRESH_S - REFRESH_AT_SOONEST_S, self._stale)

    async def _refresh(self, name: str, refresher: Refresher) -> None:
        """Not while the channel is told something: what was true before must not arrive after."""
        channel = self.senders[name].channel
        if name in self._turns:
            # No longer than a send may take: what is not said again in time is taken for over.
            await asyncio.wait({self._turns[name]}, timeout=channel.policy.timeout_s)
        self._refreshed.add(name)
        try:
            await refresher.refresh(channel, self.firing)
        finally:
            self._refreshed.discard(name)

    async def _look(self) -> float:
        """Let every channel that may and has to send do so; returns when to look again."""
        await self._count()
        if not self.is_ours():
            return LOOK_S
        now = self._clock.now()
        wait_s = LOOK_S if self.senders else IDLE_LOOK_S
        for name, due in (await asyncio.to_thread(self._outbox.due, now)).items():
            sender = self.senders.get(name)
            until_s = (due - now).total_seconds()
            if sender is None:
                await asyncio.to_thread(self._bury, name)
                continue
            if name in self._turns or name in self._refreshed:
                continue
            until_s = max(until_s, sender.wait_s())
            if until_s <= 0:
                self._begin(sender)
            else:
                wait_s = min(wait_s, until_s)
        return wait_s

    async def _count(self) -> None:
        now_s = self._clock.monotonic()
        if now_s - self._counted_s >= COUNTED_EVERY_S:
            self._counted_s = now_s
            self.depths = await self.counts()

    def _begin(self, sender: Sender) -> None:
        task = asyncio.create_task(self._take_turn(sender), name=f"notify {sender.name}")
        self._turns[sender.name] = task

    async def _take_turn(self, sender: Sender) -> None:
        more = False
        try:
            if sender.name not in self._looked_for_trouble:
                await self._recall_trouble(sender.name)
            more = await sender.turn()
        except StoreError as error:
            log.warning("the outbox cannot be worked, trying again: %s", error)
        except Exception:  # here a task begins: the row is held, and tried again when that ends
            log.exception("a turn of a channel failed", extra={"channel": sender.name})
        finally:
            del self._turns[sender.name]
        if more:
            self.wake()

    def _bury(self, name: str) -> None:
        """A channel that is configured no longer: what waits for it is shown, and can be resent."""
        now = self._clock.now()
        held = self._outbox.lease(
            name, now=now, until=now + timedelta(seconds=STORE_PAUSE_S), limit=BURIED_AT_ONCE
        )
        words = f"no channel is called {name!r} any more"
        for row in held:
            self._outbox.settle(row, Settled(RowState.DEAD, now, error=words))
        if held:
            log.error("notifications given up: %s", words, extra={"count": len(held)})

    async def _note(self, attempt: Attempted) -> None:
        """Tell through another channel that this one fails, once, and when it is over."""
        known = self._trouble.get(attempt.channel)
        if attempt.error is None:
            refresher = self._refreshers.get(attempt.channel)
            if refresher is not None and refresher.note(attempt.row.notification):
                self._stale.set()
            if known is not None:
                await self._tell_recovery(attempt.channel, *known)
            return
        grave = attempt.error.misconfigured or not attempt.error.retryable
        now_s = self._clock.monotonic()
        told_s = self._troubled_s.get(attempt.channel, float("-inf"))
        if known is not None or now_s - told_s < TOLD_AGAIN_S:
            return
        if grave or attempt.failures >= TOLD_AFTER:
            self._troubled_s[attempt.channel] = now_s
            await self._tell_trouble(attempt, attempt.error)

    async def _tell_trouble(self, attempt: Attempted, error: NotifyError) -> None:
        through = self._other(attempt.channel)
        if through is None:
            return
        oldest = await asyncio.to_thread(self._outbox.oldest, attempt.channel) or attempt.row
        episode = trouble_id(attempt.channel, oldest.id)
        now = self._clock.now()
        told = trouble(
            episode,
            attempt.channel,
            through,
            since=now,
            failures=attempt.failures,
            error=error.message,
        )
        await asyncio.to_thread(self._outbox.put, [told], now)
        self._trouble[attempt.channel] = (episode, through, now)

    async def _tell_recovery(
        self, channel: str, episode: str, through: str, since: datetime
    ) -> None:
        now = self._clock.now()
        told = recovery(episode, channel, through, since, now)
        await asyncio.to_thread(self._outbox.put, [told], now)
        del self._trouble[channel]

    async def _recall_trouble(self, channel: str) -> None:
        """Whether trouble of this channel was told before this start, and is not over."""
        oldest = await asyncio.to_thread(self._outbox.oldest, channel)
        self._looked_for_trouble.add(channel)
        if oldest is None:
            return
        episode = trouble_id(channel, oldest.id)
        told = await asyncio.to_thread(self._outbox.row, episode)
        if told is not None:
            since = told.notification.alerts[0].starts_at
            self._trouble[channel] = (episode, told.notification.channel, since)

    def _other(self, name: str) -> str | None:
        """The channel through which the trouble of this one is told."""
        chosen = self.senders[name].channel.policy.fallback if name in self.senders else None
        if chosen in self.senders:
            return chosen
        well = [s for s in self.senders.values() if s.name != name]
        return min(well, key=lambda s: s.failures).name if well else None

    async def _pause(self, seconds: float, some: asyncio.Event) -> None:
        """Sleep, cut short by something new."""
        waits = {
            asyncio.ensure_future(self._clock.sleep(seconds)),
            asyncio.ensure_future(some.wait()),
        }
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
