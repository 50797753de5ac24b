"""How does one channel work off its part of the outbox?"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple, TypeVar

from pointsman.core.delivery import wait_s
from pointsman.core.errors import NotifyError, StoreError
from pointsman.core.merging import merged
from pointsman.core.notification import Notification
from pointsman.core.outbox import OutboxRow, RowState, Settled
from pointsman.core.pace import Pace
from pointsman.engine.delivery_ports import Notifier, Outbox
from pointsman.engine.ports import Clock
from pointsman.engine.tally import Histogram

MOST_HELD = 200
"""So many rows are in memory at a time, and so many at most become one message."""

LEASE_MARGIN_S = 5.0
"""How much longer than a send may take a row is held."""

STORE_RETRY_S = 1.0

TOOK_S = (0.1, 1.0, 10.0, 60.0, 600.0, 3_600.0)
"""Bounds of the times from making a notification to its delivery that are told apart."""

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class ChannelPolicy(NamedTuple):
    """How a channel is treated.

    At most `per_minute` messages, `burst` of them at once; what comes faster is told together. A
    send may take `timeout_s`. What cannot be delivered for `give_up_after_s` is dead: kept, shown,
    and sent again only when somebody says so. `fallback` is told when the channel fails; None:
    whichever other channel there is.
    """

    per_minute: float = 20.0
    burst: int = 5
    timeout_s: float = 10.0
    give_up_after_s: float = 86_400.0
    fallback: str | None = None


class Channel(NamedTuple):
    """Somewhere to send to; `type` says what it is, for people."""

    notifier: Notifier
    policy: ChannelPolicy = ChannelPolicy()
    type: str = ""


class Attempted(NamedTuple):
    """How an attempt on a channel ended. `failures` in a row, this one among them; 0: delivered."""

    channel: str
    row: OutboxRow
    failures: int
    error: NotifyError | None


class Sender:
    """Sends what is due on one channel, one message at a time.

    `attempted` is told how each attempt ended, after that was written down. The counters are plain
    numbers to be read at any time: messages delivered and how long that took, attempts that failed,
    notifications given up, and notifications told in a message made of several.
    """

    def __init__(
        self,
        name: str,
        channel: Channel,
        outbox: Outbox,
        *,
        clock: Clock,
        random: Random,
        attempted: Callable[[Attempted], Awaitable[None]],
    ) -> None:
        self.name = name
        self.channel = channel
        self._outbox = outbox
        self._clock = clock
        self._random = random
        self._attempted = attempted
        policy = channel.policy
        self._pace = Pace(policy.per_minute, policy.burst)
        self._rests_until = 0.0
        self.failures = 0
        self.delivered = self.failed = self.dead = self.merged = 0
        self.took = Histogram(TOOK_S)

    def wait_s(self) -> float:
        """How long this channel is to be left alone; 0 when it may send now."""
        now = self._clock.monotonic()
        return max(self._pace.wait_s(now), self._rests_until - now, 0.0)

    async def now(self, notification: Notification, earlier: str = "") -> str:
        """Send this, past the outbox, and return the receipt. Raises `NotifyError`."""
        timeout_s = self.channel.policy.timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                return await self.channel.notifier.notify(notification, earlier)
        except TimeoutError:
            raise NotifyError(f"no answer within {timeout_s:g} s") from None

    async def turn(self) -> bool:
        """Send one message, if one is due. Returns whether there may be more to do."""
        room = self._pace.room(self._clock.monotonic())
        held = await asyncio.to_thread(self._lease, 1 if room > 1 else MOST_HELD)
        if not held:
            return False
        now, rest = self._now_and_later(held)
        if rest:
            await asyncio.to_thread(self._outbox.release, rest)
        row = now[0] if len(now) == 1 else await self._merge(now)
        self._pace.spend()
        await self._send(row)
        return True

    def _lease(self, limit: int) -> Sequence[OutboxRow]:
        now = self._clock.now()
        until = now + timedelta(seconds=self.channel.policy.timeout_s + LEASE_MARGIN_S)
        return self._outbox.lease(self.name, now=now, until=until, limit=limit)

    def _now_and_later(
        self, held: Sequence[OutboxRow]
    ) -> tuple[Sequence[OutboxRow], Sequence[OutboxRow]]:
        """What goes into the next message: one row, or together all that wait.

        A row that was tried keeps its id, under which the receiver may have it already; and what
        follows on it in its group is told after it.
        """
        if len(held) == 1 or held[0].attempts:
            return held[:1], held[1:]
        tried = {row.notification.group_key for row in held if row.attempts}
        if self.channel.notifier.one_by_one:
            tried |= {row.notification.group_key for row in held}
            tried.remove(held[0].notification.group_key)
        together = [row for row in held if row.notification.group_key not in tried]
        return together, [row for row in held if row.notification.group_key in tried]

    async def _merge(self, rows: Sequence[OutboxRow]) -> OutboxRow:
        in_order = sorted(rows, key=lambda row: row.created_at)
        into = merged([row.notification for row in in_order])
        made = await asyncio.to_thread(self._outbox.merge, rows, into, self._clock.now())
        self.merged += len(rows)
        return made

    async def _send(self, row: OutboxRow) -> None:
        receipt, error, group = "", None, row.notification.group_key
        earlier = await asyncio.to_thread(self._outbox.receipt, self.name, group)
        try:
            receipt = await self._delivered(row.notification, earlier)
        except NotifyError as refused:
            error = refused
        outcome = self._outcome(row, error, receipt)
        await self._insist(lambda: self._outbox.settle(row, outcome))
        self._note(row, outcome, error)
        await self._attempted(Attempted(self.name, row, self.failures, error))

    async def _delivered(self, notification: Notification, earlier: str) -> str:
        """The receipt. Raises `NotifyError`, whatever the notifier does."""
        try:
            return await self.now(notification, earlier)
        except NotifyError:
            raise
        except Exception as error:  # it promises NotifyError alone: this is a mistake of ours
            # Its words are not told, because nobody has looked for secrets in them.
            log.error("a channel failed in a way it must not", extra={"channel": self.name})  # noqa: TRY400
            raise NotifyError(f"{type(error).__name__} in the channel") from error

    def _outcome(self, row: OutboxRow, error: NotifyError | None, receipt: str) -> Settled:
        now = self._clock.now()
        if error is None:
            self.failures = 0
            return Settled(RowState.DELIVERED, now, receipt=receipt)
        self.failures += 1
        waited_s = (now - row.created_at).total_seconds()
        if not error.retryable or waited_s >= self.channel.policy.give_up_after_s:
            # The next one may be to the receiver's liking, so only this one has ended.
            return Settled(RowState.DEAD, now, error=error.message)
        self._rest(error)
        again_s = wait_s(row.attempts + 1, error.retry_after_s, self._random.random())
        return Settled(RowState.PENDING, now, _later(now, again_s), error=error.message)

    def _rest(self, error: NotifyError) -> None:
        """A receiver that does not take one message is not asked with all others at once."""
        pause_s = wait_s(self.failures, error.retry_after_s, self._random.random())
        self._rests_until = self._clock.monotonic() + pause_s

    def _note(self, row: OutboxRow, outcome: Settled, error: NotifyError | None) -> None:
        facts = {"channel": self.name, "notification": row.id, "attempts": row.attempts + 1}
        if error is None:
            self.delivered += 1
            self.took.observe(max(0.0, (outcome.at - row.created_at).total_seconds()))
            log.debug("notification delivered", extra=facts)
            return
        self.failed += 1
        if outcome.state is RowState.DEAD:
            self.dead += 1
            log.error("notification given up: %s", error, extra=facts)
        else:
            log.warning("notification not delivered yet: %s", error, extra=facts)

    async def _insist(self, step: Callable[[], Answer]) -> Answer:
        """Do it however long the store refuses: what was sent must not be sent again."""
        while True:
            try:
                return await asyncio.to_thread(step)
            except StoreError as error:
                log.warning("what became of a notification cannot be kept yet: %s", error)
                await self._clock.sleep(STORE_RETRY_S)


def _later(now: datetime, seconds: float) -> datetime:
    return now + timedelta(seconds=seconds)
