"""How are notifications kept in the file of decisions until they are delivered?

Every step is one transaction that is on the disk before it returns. Rows are in the order in which
they were put; who holds some of them is known by until when, which no two holders share.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pointsman.adapters.stores.file import DatabaseFile
from pointsman.adapters.stores.outbox_rows import OUTBOX_READ, put_in_outbox, stored_row
from pointsman.adapters.stores.rows import instant, microseconds, storable
from pointsman.adapters.stores.schema import ALERT_OUTBOX, marks
from pointsman.core.delivery import LONGEST_ASKED_S
from pointsman.core.errors import StoreError
from pointsman.core.notification import Notification
from pointsman.core.outbox import OutboxQuery, OutboxRow, RowState, Settled

_LONGEST_US = int(LONGEST_ASKED_S * 1_000_000)
_PENDING, _DELIVERED = RowState.PENDING.value, RowState.DELIVERED.value
_SELECT = f"SELECT {', '.join(OUTBOX_READ)} FROM {ALERT_OUTBOX}"  # noqa: S608

# What lies further ahead than anything is ever put off was written by a clock set back since.
_DUE_AT = "CASE WHEN NEXT_AT > :far THEN :now ELSE NEXT_AT END"
_HELD_UNTIL = "CASE WHEN LEASED_UNTIL > :far THEN 0 ELSE COALESCE(LEASED_UNTIL, 0) END"
_DUE = f"""
SELECT CHANNEL, MIN(MAX({_DUE_AT}, {_HELD_UNTIL})) FROM {ALERT_OUTBOX}
WHERE STATE = '{_PENDING}' GROUP BY CHANNEL
"""  # noqa: S608
_HELD = f"""
SELECT 1 FROM {ALERT_OUTBOX}
WHERE CHANNEL = :channel AND STATE = '{_PENDING}' AND {_HELD_UNTIL} > :now LIMIT 1
"""  # noqa: S608
_READY = f"""
WITH HEADS AS (
    SELECT MIN(ROWID) AS FIRST FROM {ALERT_OUTBOX}
    WHERE CHANNEL = :channel AND STATE = '{_PENDING}' GROUP BY GROUP_KEY
)
SELECT EACH.OUTBOX_ID FROM HEADS
JOIN {ALERT_OUTBOX} AS HEAD ON HEAD.ROWID = HEADS.FIRST
JOIN {ALERT_OUTBOX} AS EACH ON EACH.CHANNEL = :channel AND EACH.GROUP_KEY = HEAD.GROUP_KEY
WHERE EACH.STATE = '{_PENDING}' AND (HEAD.NEXT_AT <= :now OR HEAD.NEXT_AT > :far)
ORDER BY HEAD.ATTEMPTS, HEAD.ROWID, EACH.ROWID LIMIT :limit
"""  # noqa: S608
# A hold that nobody let go of was ended by death, perhaps after the row was sent.
_HOLD = f"""
UPDATE {ALERT_OUTBOX} SET ATTEMPTS = ATTEMPTS + (LEASED_UNTIL IS NOT NULL), LEASED_UNTIL = ?
WHERE OUTBOX_ID = ?
"""  # noqa: S608
_OURS = f"OUTBOX_ID = ? AND STATE = '{_PENDING}' AND LEASED_UNTIL IS ?"
_SETTLE = f"""
UPDATE {ALERT_OUTBOX} SET STATE = ?, ATTEMPTS = ATTEMPTS + 1, NEXT_AT = COALESCE(?, NEXT_AT),
LEASED_UNTIL = NULL, SETTLED_AT = ?, LAST_ERROR = ?, RECEIPT = ? WHERE {_OURS}
"""  # noqa: S608
_RELEASE = f"UPDATE {ALERT_OUTBOX} SET LEASED_UNTIL = NULL WHERE {_OURS}"  # noqa: S608
_MERGE = f"""
UPDATE {ALERT_OUTBOX} SET STATE = '{RowState.MERGED.value}', LEASED_UNTIL = NULL, SETTLED_AT = ?,
MERGED_INTO = ? WHERE {_OURS}
"""  # noqa: S608
_INHERIT = f"UPDATE {ALERT_OUTBOX} SET CREATED_AT = ?, LEASED_UNTIL = ? WHERE OUTBOX_ID = ?"  # noqa: S608
_RESEND = f"""
UPDATE {ALERT_OUTBOX} SET STATE = '{_PENDING}', ATTEMPTS = 0, NEXT_AT = ?, LEASED_UNTIL = NULL,
SETTLED_AT = NULL WHERE OUTBOX_ID = ? AND STATE <> '{RowState.MERGED.value}'
"""  # noqa: S608
_RECEIPT = f"""
SELECT RECEIPT FROM {ALERT_OUTBOX}
WHERE CHANNEL = ? AND GROUP_KEY = ? AND STATE IN ('{_DELIVERED}', '{RowState.MERGED.value}')
ORDER BY SETTLED_AT DESC, ROWID DESC LIMIT 1
"""  # noqa: S608
_COUNTS = f"SELECT CHANNEL, STATE, COUNT(*) FROM {ALERT_OUTBOX} GROUP BY CHANNEL, STATE"  # noqa: S608
_FORGET = f"DELETE FROM {ALERT_OUTBOX} WHERE SETTLED_AT < ? AND STATE <> '{_PENDING}'"  # noqa: S608
_PLACE = f"(SELECT ROWID FROM {ALERT_OUTBOX} WHERE OUTBOX_ID = ?)"  # noqa: S608


class SqliteOutbox:
    """The outbox in `file`, which belongs to a `SqliteStore`.

    It is worked also when the disk is full: that it is must be told.
    """

    def __init__(self, file: DatabaseFile) -> None:
        self._file = file

    def put(self, notifications: Sequence[Notification], now: datetime) -> int:
        return self._file.vitally(lambda db: put_in_outbox(db, notifications, now))

    def due(self, now: datetime) -> Mapping[str, datetime]:
        with self._file.reading() as db:
            return {channel: instant(us) for channel, us in db.execute(_DUE, _times(now))}

    def lease(
        self, channel: str, *, now: datetime, until: datetime, limit: int
    ) -> Sequence[OutboxRow]:
        asked = {**_times(now), "channel": storable(channel), "limit": limit}

        def hold(db: sqlite3.Connection) -> Sequence[OutboxRow]:
            if db.execute(_HELD, asked).fetchone() is not None:
                return ()
            ids = [row[0] for row in db.execute(_READY, asked)]
            until_us = microseconds(until)
            db.executemany(_HOLD, [(until_us, each) for each in ids])
            return _rows(db, ids)

        return self._file.vitally(hold)

    def settle(self, row: OutboxRow, outcome: Settled) -> bool:
        pending = outcome.state is RowState.PENDING
        values = (
            outcome.state.value,
            _us(outcome.next_at),
            None if pending else microseconds(outcome.at),
            storable(outcome.error),
            storable(outcome.receipt),
            *_held(row),
        )
        return self._file.vitally(lambda db: db.execute(_SETTLE, values).rowcount > 0)

    def release(self, rows: Sequence[OutboxRow]) -> None:
        held = [_held(row) for row in rows]
        self._file.vitally(lambda db: db.executemany(_RELEASE, held))

    def merge(self, rows: Sequence[OutboxRow], into: Notification, now: datetime) -> OutboxRow:
        now_us = microseconds(now)

        def together(db: sqlite3.Connection) -> OutboxRow:
            taken = db.executemany(_MERGE, [(now_us, into.id, *_held(row)) for row in rows])
            if taken.rowcount != len(rows):
                raise StoreError("another worker has taken over what was to be told together")
            put_in_outbox(db, [into], now)
            oldest = min(row.created_at for row in rows)
            db.execute(_INHERIT, (microseconds(oldest), _us(rows[0].leased_until), into.id))
            return _rows(db, [into.id])[0]

        return self._file.vitally(together)

    def rows(self, query: OutboxQuery) -> Sequence[OutboxRow]:
        tests: dict[str, Any] = {}
        if query.before is not None:
            tests[f"ROWID < {_PLACE}"] = storable(query.before)
        if query.channel is not None:
            tests["CHANNEL = ?"] = storable(query.channel)
        if query.state is not None:
            tests["STATE = ?"] = query.state.value
        where = " AND ".join(["TRUE", *tests])
        with self._file.reading() as db:
            found = db.execute(
                f"{_SELECT} WHERE {where} ORDER BY ROWID DESC LIMIT ?",
                [*tests.values(), query.limit],
            )
            return [stored_row(row) for row in found]

    def row(self, notification_id: str) -> OutboxRow | None:
        with self._file.reading() as db:
            return next(iter(_rows(db, [storable(notification_id)])), None)

    def oldest(self, channel: str) -> OutboxRow | None:
        where = f"WHERE CHANNEL = ? AND STATE = '{_PENDING}' ORDER BY ROWID LIMIT 1"
        with self._file.reading() as db:
            found = db.execute(f"{_SELECT} {where}", (storable(channel),)).fetchone()
            return None if found is None else stored_row(found)

    def resend(self, notification_id: str, now: datetime) -> bool:
        values = (microseconds(now), storable(notification_id))
        return self._file.vitally(lambda db: db.execute(_RESEND, values).rowcount > 0)

    def receipt(self, channel: str, group_key: str) -> str:
        with self._file.reading() as db:
            found = db.execute(_RECEIPT, (storable(channel), storable(group_key))).fetchone()
            return (found and found[0]) or ""

    def counts(self) -> Mapping[tuple[str, RowState], int]:
        with self._file.reading() as db:
            return {(name, RowState(state)): count for name, state, count in db.execute(_COUNTS)}

    def forget_before(self, instant: datetime) -> int:
        return self._file.vitally(lambda db: db.execute(_FORGET, (microseconds(instant),)).rowcount)


def _times(now: datetime) -> dict[str, Any]:
    now_us = microseconds(now)
    return {"now": now_us, "far": now_us + _LONGEST_US}


def _us(at: datetime | None) -> int | None:
    return None if at is None else microseconds(at)


def _held(row: OutboxRow) -> tuple[str, int | None]:
    """What finds the row as long as nobody else has taken it."""
    return row.id, _us(row.leased_until)


def _rows(db: sqlite3.Connection, ids: Sequence[str]) -> list[OutboxRow]:
    """The rows with these ids, in this order."""
    where = f"WHERE OUTBOX_ID IN ({marks(ids)})"
    found = [stored_row(row) for row in db.execute(f"{_SELECT} {where}", ids)]
    place = {each: number for number, each in enumerate(ids)}
    return sorted(found, key=lambda row: place[row.id])
