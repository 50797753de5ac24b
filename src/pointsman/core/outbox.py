"""What is known of a notification on its way?"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from pointsman.core.notification import Notification


class RowState(StrEnum):
    """Where a notification is. All but `PENDING` are ends; `resend` leads back from each but one.

    `MERGED`: another notification, named in the row, tells what this one told.
    """

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    MERGED = "merged"


class OutboxRow(NamedTuple):
    """A notification in the outbox.

    `attempts` have ended or died. A pending row is due at `next_at`, unless somebody holds it until
    `leased_until`. `ended_at` is when it left `PENDING`. `error` is why the last attempt failed,
    free of secrets; `receipt` what the receiver gave, for later messages on the same group;
    `merged_into` the id of the notification that tells what this one told.
    """

    notification: Notification
    state: RowState
    attempts: int
    created_at: datetime
    next_at: datetime
    leased_until: datetime | None = None
    ended_at: datetime | None = None
    error: str = ""
    receipt: str = ""
    merged_into: str = ""

    @property
    def id(self) -> str:
        """The idempotency key."""
        return self.notification.id


class Settled(NamedTuple):
    """How an attempt ended: with DELIVERED, DEAD, or PENDING and when it is tried again."""

    state: RowState
    at: datetime
    next_at: datetime | None = None
    error: str = ""
    receipt: str = ""


class OutboxQuery(NamedTuple):
    """Which rows to list, newest first. `before` is the id of the last one already seen."""

    limit: int = 50
    before: str | None = None
    channel: str | None = None
    state: RowState | None = None
