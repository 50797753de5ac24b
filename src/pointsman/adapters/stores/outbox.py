"""How are notifications kept in a database until they are delivered?

Every step is one transaction that is on the disk before it returns. Rows are in the order in which
they were put; who holds some of them is known by until when, which no two holders share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pointsman.adapters.stores.outbox_rows import OUTBOX_READ, put_in_outbox, stored_row
from pointsman.adapters.stores.rows import instant, microseconds, storable
from pointsman.adapters.stores.schema import ALERT_OUTBOX, marks
from pointsman.adapters.stores.transactions import Database, Transactions
from pointsman.core.delivery import LONGEST_ASKED_S
from pointsman.core.errors import StoreError
from pointsman.core.notification import Notification
from pointsman.core.outbox import OutboxQuery, OutboxRow, RowState, Settled

_LONGEST_US = int(LONGEST_ASKED_S * 1_000_000)
_PENDING, _DELIVERED = RowState.PENDING.value, RowState.DELIVERED.value
_SELECT = f"SELECT {', '.join(OUTBOX_READ)} FROM {ALERT_OUTBOX}"  # noqa: S608

# What lies further ahead than anything is ever put off was written by a clock set back since.
# Each takes the instant from which on that is so; the first takes the present before it.
_DUE_AT = "CASE WHEN NEXT_AT > ? THEN ? ELSE NEXT_AT END"
_HELD_UNTIL = "CASE WHEN LEASED_UNTIL > ? THEN 0 ELSE COALESCE(LEASED_UNTIL, 0) END"
_DUE = f"""
SELECT CHANNEL, MIN(CASE WHEN DUE_AT > HELD_UNTIL THEN DUE_AT ELSE HELD_UNTIL END) FROM (
    SELECT CHANNEL, {_DUE_AT} AS DUE_AT, {_HELD_UNTIL} AS HELD_UNTIL FROM {ALERT_OUTBOX}
    WHERE STATE = '{_PENDING}'
) w GROUP BY CHANNEL
"""  # noqa: S608
_HELD = f"""
SELECT 1 FROM {ALERT_OUTBOX}
WHERE CHANNEL = ? AND STATE = '{_PENDING}' AND {_HELD_UNTIL} > ? LIMIT 1
"""  # noqa: S608
_READY = f"""
WITH HEADS AS (
    SELECT GROUP_KEY, MIN(PLACE) AS FIRST_PLACE FROM {ALERT_OUTBOX}
    WHERE CHANNEL = ? AND STATE = '{_PENDING}' GROUP BY GROUP_KEY
)
SELECT f.OUTBOX_ID, f.LEASED_UNTIL FROM HEADS
JOIN {ALERT_OUTBOX} h
    ON h.PLACE = HEADS.FIRST_PLACE AND h.CHANNEL = ? AND h.GROUP_KEY = HEADS.GROUP_KEY
JOIN {ALERT_OUTBOX} f ON f.CHANNEL = ? AND f.GROUP_KEY = h.GROUP_KEY
WHERE f.STATE = '{_PENDING}' AND h.STATE = '{_PENDING}' AND (h.NEXT_AT <= ? OR h.NEXT_AT > ?)
ORDER BY h.ATTEMPTS, h.PLACE, f.PLACE LIMIT ?
"""  # noqa: S608
_OURS = f"OUTBOX_ID = ? AND STATE = '{_PENDING}' AND LEASED_UNTIL = ?"
_OF_NOBODY = f"OUTBOX_ID = ? AND STATE = '{_PENDING}' AND LEASED_UNTIL IS NULL"
_HOLD = f"UPDATE {ALERT_OUTBOX} SET LEASED_UNTIL = ? WHERE {_OF_NOBODY}"  # noqa: S608
# A hold that nobody let go of was ended by death, perhaps after the row was sent.
_HOLD_ANEW = f"""
UPDATE {ALERT_OUTBOX} SET ATTEMPTS = ATTEMPTS + 1, LEASED_UNTIL = ? WHERE {_OURS}
"""  # noqa: S608
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
ORDER BY SETTLED_AT DESC, PLACE DESC LIMIT 1
"""  # noqa: S608
_COUNTS = f"SELECT CHANNEL, STATE, COUNT(*) FROM {ALERT_OUTBOX} GROUP BY CHANNEL, STATE"  # noqa: S608
_FORGET = f"DELETE FROM {ALERT_OUTBOX} WHERE SETTLED_AT < ? AND STATE <> '{_PENDING}'"  # noqa: S608
_PLACE = f"(SELECT PLACE FROM {ALERT_OUTBOX} WHERE OUTBOX_ID = ?)"  # noqa: S608
_TAKEN = "another worker has taken over what was to be told"


class StoredOutbox:
    """The outbox in a database, which several may share.

    It is worked also when the disk is full: that it is must be told.
    """

    def __init__(self, database: Transactions) -> None:
        self._database = database

    def put(self, notifications: Sequence[Notification], now: datetime) -> int:
        return self._database.vitally(lambda db: put_in_outbox(db, notifications, now))

    def due(self, now: datetime) -> Mapping[str, datetime]:
        now_us = microseconds(now)
        values = (now_us + _LONGEST_US, now_us, now_us + _LONGEST_US)
        found = self._database.read(lambda db: db.execute(_DUE, values).fetchall())
        return {channel: instant(us) for channel, us in found}

    def lease(
        self, channel: str, *, now: datetime, until: datetime, limit: int
    ) -> Sequence[OutboxRow]:
        now_us, until_us, name = microseconds(now), microseconds(until), storable(channel)
        far_us = now_us + _LONGEST_US

        def hold(db: Database) -> Sequence[OutboxRow]:
            if db.execute(_HELD, (name, far_us, now_us)).fetchone() is not None:
                return ()
            found = db.execute(_READY, (name, name, name, now_us, far_us, limit)).fetchall()
            ready: dict[str, int | None] = dict(map(tuple, found))
            for row_id, before_us in ready.items():
                if before_us is not None and now_us < before_us <= far_us:
                    raise _TakenOver(_TAKEN)  # between the two questions
                _hold(db, row_id, before_us, until_us)
            return _rows(db, list(ready))

        try:
            return self._database.vitally(hold)
        except _TakenOver:
            return ()

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
        return self._database.vitally(lambda db: db.execute(_SETTLE, values).rowcount > 0)

    def release(self, rows: Sequence[OutboxRow]) -> None:
        held = [_held(row) for row in rows]
        self._database.vitally(lambda db: db.executemany(_RELEASE, held))

    def merge(self, rows: Sequence[OutboxRow], into: Notification, now: datetime) -> OutboxRow:
        now_us = microseconds(now)

        def together(db: Database) -> OutboxRow:
            for row in rows:
                if not db.execute(_MERGE, (now_us, into.id, *_held(row))).rowcount:
                    raise _TakenOver(_TAKEN)
            put_in_outbox(db, [into], now)
            oldest = min(row.created_at for row in rows)
            db.execute(_INHERIT, (microseconds(oldest), _us(rows[0].leased_until), into.id))
            return _rows(db, [into.id])[0]

        return self._database.vitally(together)

    def rows(self, query: OutboxQuery) -> Sequence[OutboxRow]:
        tests: dict[str, Any] = {}
        if query.before is not None:
            tests[f"PLACE < {_PLACE}"] = storable(query.before)
        if query.channel is not None:
            tests["CHANNEL = ?"] = storable(query.channel)
        if query.state is not None:
            tests["STATE = ?"] = query.state.value
        where = " AND ".join(["1 = 1", *tests])
        statement = f"{_SELECT} WHERE {where} ORDER BY PLACE DESC, OUTBOX_ID DESC LIMIT ?"
        values = [*tests.values(), query.limit]
        return self._database.read(
            lambda db: [stored_row(row) for row in db.execute(statement, values)]
        )

    def row(self, notification_id: str) -> OutboxRow | None:
        ids = [storable(notification_id)]
        return self._database.read(lambda db: next(iter(_rows(db, ids)), None))

    def oldest(self, channel: str) -> OutboxRow | None:
        where = f"WHERE CHANNEL = ? AND STATE = '{_PENDING}' ORDER BY PLACE, OUTBOX_ID LIMIT 1"
        named = (storable(channel),)

        def first(db: Database) -> OutboxRow | None:
            found = db.execute(f"{_SELECT} {where}", named).fetchone()
            return None if found is None else stored_row(found)

        return self._database.read(first)

    def resend(self, notification_id: str, now: datetime) -> bool:
        values = (microseconds(now), storable(notification_id))
        return self._database.vitally(lambda db: db.execute(_RESEND, values).rowcount > 0)

    def receipt(self, channel: str, group_key: str) -> str:
        values = (storable(channel), storable(group_key))
        found = self._database.read(lambda db: db.execute(_RECEIPT, values).fetchone())
        return (found and found[0]) or ""

    def counts(self) -> Mapping[tuple[str, RowState], int]:
        found = self._database.read(lambda db: db.execute(_COUNTS).fetchall())
        return {(name, RowState(state)): count for name, state, count in found}

    def clear(self) -> None:
        """Forget everything: what waits is kept elsewhere."""
        self._database.vitally(lambda db: db.execute(f"DELETE FROM {ALERT_OUTBOX}"))  # noqa: S608

    def forget_before(self, instant: datetime) -> int:
        before = (microseconds(instant),)
        return self._database.vitally(lambda db: db.execute(_FORGET, before).rowcount)


class _TakenOver(StoreError):
    """Somebody else was quicker; nothing of the transaction is done."""


def _hold(db: Database, row_id: str, before_us: int | None, until_us: int) -> None:
    """Hold a row that is as it was just read."""
    if before_us is None:
        held = db.execute(_HOLD, (until_us, row_id))
    else:
        held = db.execute(_HOLD_ANEW, (until_us, row_id, before_us))
    if not held.rowcount:
        raise _TakenOver(_TAKEN)


def _us(at: datetime | None) -> int | None:
    return None if at is None else microseconds(at)


def _held(row: OutboxRow) -> tuple[str, int | None]:
    """What finds the row as long as nobody else has taken it."""
    return row.id, _us(row.leased_until)


def _rows(db: Database, ids: Sequence[str]) -> list[OutboxRow]:
    """The rows with these ids, in this order."""
    if not ids:
        return []
    where = f"WHERE OUTBOX_ID IN ({marks(ids)})"
    found = [stored_row(row) for row in db.execute(f"{_SELECT} {where}", ids)]
    place = {each: number for number, each in enumerate(ids)}
    return sorted(found, key=lambda row: place[row.id])
