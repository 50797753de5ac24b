"""What does delivering need from the world outside?

Each protocol has one contract suite in `tests/contracts/` that every implementation passes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from pointsman.core.notification import Notification
from pointsman.core.outbox import OutboxQuery, OutboxRow, RowState, Settled


class Notifier(Protocol):
    """One channel."""

    @property
    def one_by_one(self) -> bool:
        """Whether every group needs a message of its own, because the receiver keeps track of it.

        Where not, several groups may be told in one message.
        """

    async def notify(self, notification: Notification, earlier: str = "") -> str:
        """Send it; returns a receipt, empty where the receiver gives none.

        `earlier` is the receipt of the last message on the same group. The same notification may
        be sent again, after a failure or a crash. Raises `NotifyError` and nothing else,
        cancellation aside.
        """

    def preview(self, notification: Notification) -> str:
        """What would be sent, without secrets, for people to read."""


class Outbox(Protocol):
    """Keeps notifications until they are delivered. Called from worker threads; may block.

    Several processes may work the same one. All instants are in UTC and given by the caller; one
    that lies more than LONGEST_ASKED_S ahead was written by a clock that has been set back since,
    and counts as past. All methods raise `StoreError` and nothing else.
    """

    def put(self, notifications: Sequence[Notification], now: datetime) -> int:
        """Keep them, due at once; those whose id is known are left alone. Returns how many are new.

        Judging does not call this: it puts its own in the transaction of what they tell of.
        """

    def due(self, now: datetime) -> Mapping[str, datetime]:
        """When the first pending row of each channel is due, or no longer held by anyone."""

    def lease(
        self, channel: str, *, now: datetime, until: datetime, limit: int
    ) -> Sequence[OutboxRow]:
        """Hold the rows of a channel that are due until then; none while anybody holds any of it.

        So at most one works a channel at a time. Of each group on it only the oldest pending row
        may be held, or that and those that follow it without a gap. Those with fewer attempts come
        first, then the older ones: what can never be delivered keeps nobody else waiting. A hold
        that ended without being settled or released counts as an attempt.
        """

    def settle(self, row: OutboxRow, outcome: Settled) -> bool:
        """Write down how an attempt ended, and let go of the row. False when it was not ours.

        That is so when another took it over after the lease had ended, or it was resent.
        """

    def release(self, rows: Sequence[OutboxRow]) -> None:
        """Let go of rows that were not tried."""

    def merge(self, rows: Sequence[OutboxRow], into: Notification, now: datetime) -> OutboxRow:
        """Put one notification in the place of held rows; it is held as long as they were.

        It is as old as the oldest. All of this happens or none. Raises `StoreError` also when one
        of the rows is no longer ours.
        """

    def rows(self, query: OutboxQuery) -> Sequence[OutboxRow]: ...

    def row(self, notification_id: str) -> OutboxRow | None: ...

    def oldest(self, channel: str) -> OutboxRow | None:
        """The pending row of the channel that came first, held or not."""

    def resend(self, notification_id: str, now: datetime) -> bool:
        """Make a row pending and due again under the same id; False when there is none to resend.

        A merged row is not: what it told was told by another.
        """

    def receipt(self, channel: str, group_key: str) -> str:
        """That of the last message on this group, empty without.

        Empty too when the last was told together with others: nothing follows on such a message.
        """

    def counts(self) -> Mapping[tuple[str, RowState], int]:
        """How many rows there are per channel and state."""

    def forget_before(self, instant: datetime) -> int:
        """Delete rows that ended before then; returns how many. Pending ones are never deleted."""
