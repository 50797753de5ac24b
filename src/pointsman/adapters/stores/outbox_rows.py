"""How does a notification become a row of the outbox, and a row the same notification again?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from pointsman.adapters.stores.rows import instant, json_text, microseconds, storable
from pointsman.adapters.stores.schema import ALERT_OUTBOX, marks
from pointsman.adapters.stores.transactions import Database
from pointsman.core.notification import Notification
from pointsman.core.outbox import OutboxRow, RowState

OUTBOX_COLUMNS = (
    "OUTBOX_ID",
    "CHANNEL",
    "GROUP_KEY",
    "SEVERITY",
    "PAYLOAD_JSON",
    "STATE",
    "ATTEMPTS",
    "CREATED_AT",
    "NEXT_AT",
)
OUTBOX_READ = (
    "PAYLOAD_JSON",
    "STATE",
    "ATTEMPTS",
    "CREATED_AT",
    "NEXT_AT",
    "LEASED_UNTIL",
    "SETTLED_AT",
    "LAST_ERROR",
    "RECEIPT",
    "MERGED_INTO",
)
"""What `stored_row` reads, in this order."""

_PUT = f"""
INSERT INTO {ALERT_OUTBOX} ({", ".join(OUTBOX_COLUMNS)}, PLACE)
VALUES ({marks(OUTBOX_COLUMNS)}, (SELECT COALESCE(MAX(PLACE), 0) + 1 FROM {ALERT_OUTBOX}))
ON CONFLICT (OUTBOX_ID) DO NOTHING
"""  # noqa: S608
_payload = msgspec.json.Decoder(Notification)


def put_in_outbox(db: Database, notifications: Iterable[Notification], now: datetime) -> int:
    """Put them in, due at once; those whose id is known are left alone. How many are new."""
    return sum(db.execute(_PUT, outbox_row(each, now)).rowcount for each in notifications)


def outbox_row(notification: Notification, now: datetime) -> tuple[Any, ...]:
    """What `OUTBOX_COLUMNS` hold of one that is put in."""
    at_us = microseconds(now)
    return (
        notification.id,
        storable(notification.channel),
        storable(notification.group_key),
        notification.severity.name,
        json_text(notification),
        RowState.PENDING.value,
        0,
        at_us,
        at_us,
    )


def stored_row(values: Sequence[Any]) -> OutboxRow:
    """The row whose `OUTBOX_READ` these are."""
    payload, state, attempts, created, due, held, ended, error, receipt, merged = values
    return OutboxRow(
        stored_notification(payload),
        RowState(state),
        attempts,
        instant(created),
        instant(due),
        leased_until=None if held is None else instant(held),
        ended_at=None if ended is None else instant(ended),
        error=error or "",
        receipt=receipt or "",
        merged_into=merged or "",
    )


def stored_notification(payload: str) -> Notification:
    """The notification whose `PAYLOAD_JSON` this is."""
    return _payload.decode(payload)
