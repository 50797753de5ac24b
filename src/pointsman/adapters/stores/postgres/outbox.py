"""How are notifications kept in PostgreSQL until they are delivered?

Gateways that share a database share its outbox. Who looks for something to send first takes a lock
on the channel until that transaction ends, so no two ever hold rows of one channel. Rows are in the
order of their `CREATED_AT`, then of their ids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pointsman.adapters.stores.outbox_rows import (
    OUTBOX_COLUMNS,
    OUTBOX_READ,
    outbox_row,
    stored_row,
)
from pointsman.adapters.stores.postgres.finding import readable
from pointsman.adapters.stores.postgres.link import Answer, Link, Session, Work
from pointsman.adapters.stores.rows import instant, microseconds
from pointsman.adapters.stores.schema import ALERT_OUTBOX
from pointsman.core.delivery import LONGEST_ASKED_S
from pointsman.core.errors import StoreError
from pointsman.core.notification import Notification
from pointsman.core.outbox import OutboxQuery, OutboxRow, RowState, Settled

_LONGEST_US = int(LONGEST_ASKED_S * 1_000_000)
_PENDING, _MERGED = RowState.PENDING.value, RowState.MERGED.value
_MARKS = ", ".join(f"${place}" for place in range(1, len(OUTBOX_COLUMNS) + 1))

_PUT = (
    f"INSERT INTO {ALERT_OUTBOX} ({', '.join(OUTBOX_COLUMNS)}) VALUES ({_MARKS})"  # noqa: S608
    " ON CONFLICT (OUTBOX_ID) DO NOTHING"
)
_SELECT = f"SELECT {', '.join(OUTBOX_READ)} FROM {ALERT_OUTBOX}"  # noqa: S608
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended($1, 7))"
# $1 is now, $2 is farther ahead than anything is ever put off.
_DUE_AT = "CASE WHEN NEXT_AT > $2 THEN $1 ELSE NEXT_AT END"
_HELD_UNTIL = "CASE WHEN LEASED_UNTIL > $2 THEN 0 ELSE COALESCE(LEASED_UNTIL, 0) END"
_DUE = f"""
SELECT CHANNEL, MIN(GREATEST({_DUE_AT}, {_HELD_UNTIL})) FROM {ALERT_OUTBOX}
WHERE STATE = '{_PENDING}' GROUP BY CHANNEL
"""  # noqa: S608
_HELD = f"""
SELECT 1 FROM {ALERT_OUTBOX}
WHERE CHANNEL = $3 AND STATE = '{_PENDING}' AND {_HELD_UNTIL} > $1 LIMIT 1
"""  # noqa: S608
_READY = f"""
WITH WAITING AS (
    SELECT OUTBOX_ID, CREATED_AT,
        FIRST_VALUE(ATTEMPTS) OVER ONE AS TRIED, FIRST_VALUE(NEXT_AT) OVER ONE AS DUE_AT,
        FIRST_VALUE(CREATED_AT) OVER ONE AS BEGAN, FIRST_VALUE(OUTBOX_ID) OVER ONE AS HEAD
    FROM {ALERT_OUTBOX} WHERE CHANNEL = $3 AND STATE = '{_PENDING}'
    WINDOW ONE AS (PARTITION BY GROUP_KEY ORDER BY CREATED_AT, OUTBOX_ID)
)
SELECT OUTBOX_ID FROM WAITING WHERE DUE_AT <= $1 OR DUE_AT > $2
ORDER BY TRIED, BEGAN, HEAD, CREATED_AT, OUTBOX_ID LIMIT $4
"""  # noqa: S608
# A hold that nobody let go of was ended by death, perhaps after the row was sent.
_HOLD = f"""
UPDATE {ALERT_OUTBOX} SET ATTEMPTS = ATTEMPTS + (LEASED_UNTIL IS NOT NULL)::INT, LEASED_UNTIL = $1
WHERE OUTBOX_ID = ANY($2)
"""  # noqa: S608
_OURS = f"OUTBOX_ID = $1 AND STATE = '{_PENDING}' AND LEASED_UNTIL IS NOT DISTINCT FROM $2"
_SETTLE = f"""
UPDATE {ALERT_OUTBOX} SET STATE = $3, ATTEMPTS = ATTEMPTS + 1, NEXT_AT = COALESCE($4, NEXT_AT),
LEASED_UNTIL = NULL, SETTLED_AT = $5, LAST_ERROR = $6, RECEIPT = $7 WHERE {_OURS}
"""  # noqa: S608
_RELEASE = f"UPDATE {ALERT_OUTBOX} SET LEASED_UNTIL = NULL WHERE {_OURS}"  # noqa: S608
_MERGE = f"""
UPDATE {ALERT_OUTBOX} SET STATE = '{_MERGED}', LEASED_UNTIL = NULL, SETTLED_AT = $3,
MERGED_INTO = $4 WHERE {_OURS}
"""  # noqa: S608
_INHERIT = f"UPDATE {ALERT_OUTBOX} SET CREATED_AT = $2, LEASED_UNTIL = $3 WHERE OUTBOX_ID = $1"  # noqa: S608
_RESEND = f"""
UPDATE {ALERT_OUTBOX} SET STATE = '{_PENDING}', ATTEMPTS = 0, NEXT_AT = $2, LEASED_UNTIL = NULL,
SETTLED_AT = NULL WHERE OUTBOX_ID = $1 AND STATE <> '{_MERGED}'
"""  # noqa: S608
_RECEIPT = f"""
SELECT RECEIPT FROM {ALERT_OUTBOX}
WHERE CHANNEL = $1 AND GROUP_KEY = $2 AND STATE IN ('{RowState.DELIVERED.value}', '{_MERGED}')
ORDER BY SETTLED_AT DESC, CREATED_AT DESC, OUTBOX_ID DESC LIMIT 1
"""  # noqa: S608
_COUNTS = f"SELECT CHANNEL, STATE, COUNT(*) FROM {ALERT_OUTBOX} GROUP BY CHANNEL, STATE"  # noqa: S608
_FORGET = f"DELETE FROM {ALERT_OUTBOX} WHERE SETTLED_AT < $1 AND STATE <> '{_PENDING}'"  # noqa: S608
_PLACE = f"(SELECT CREATED_AT, OUTBOX_ID FROM {ALERT_OUTBOX} WHERE OUTBOX_ID = ${{}})"  # noqa: S608


class PostgresOutbox:
    """The outbox in the database of `link`, which belongs to a `PostgresStore`."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def put(self, notifications: Sequence[Notification], now: datetime) -> int:
        async def work(session: Session) -> int:
            return await put_in_outbox(session, notifications, now)

        return self._link.run(work)

    def due(self, now: datetime) -> Mapping[str, datetime]:
        async def work(session: Session) -> dict[str, datetime]:
            rows = await session.fetch(_DUE, *_times(now))
            return {channel: instant(us) for channel, us in rows}

        return self._read(work)

    def lease(
        self, channel: str, *, now: datetime, until: datetime, limit: int
    ) -> Sequence[OutboxRow]:
        name, until_us = readable(channel), microseconds(until)

        async def work(session: Session) -> Sequence[OutboxRow]:
            await session.execute(_LOCK, name)
            if await session.fetchval(_HELD, *_times(now), name) is not None:
                return ()
            ids = [row[0] for row in await session.fetch(_READY, *_times(now), name, limit)]
            await session.execute(_HOLD, until_us, ids)
            return await _rows(session, ids)

        return self._link.run(work)

    def settle(self, row: OutboxRow, outcome: Settled) -> bool:
        pending = outcome.state is RowState.PENDING
        values = (
            *_held(row),
            outcome.state.value,
            _us(outcome.next_at),
            None if pending else microseconds(outcome.at),
            readable(outcome.error),
            readable(outcome.receipt),
        )

        async def work(session: Session) -> bool:
            return await _changed(session, _SETTLE, *values)

        return self._link.run(work)

    def release(self, rows: Sequence[OutboxRow]) -> None:
        async def work(session: Session) -> None:
            await session.executemany(_RELEASE, [_held(row) for row in rows])

        self._link.run(work)

    def merge(self, rows: Sequence[OutboxRow], into: Notification, now: datetime) -> OutboxRow:
        now_us, oldest = microseconds(now), min(row.created_at for row in rows)

        async def work(session: Session) -> OutboxRow:
            for row in rows:
                if not await _changed(session, _MERGE, *_held(row), now_us, into.id):
                    raise StoreError("another worker has taken over what was to be told together")
            await put_in_outbox(session, [into], now)
            held_us = _us(rows[0].leased_until)
            await session.execute(_INHERIT, into.id, microseconds(oldest), held_us)
            return (await _rows(session, [into.id]))[0]

        return self._link.run(work)

    def rows(self, query: OutboxQuery) -> Sequence[OutboxRow]:
        tests: dict[str, Any] = {}
        if query.before is not None:
            tests["(CREATED_AT, OUTBOX_ID) < " + _PLACE] = readable(query.before)
        if query.channel is not None:
            tests["CHANNEL = ${}"] = readable(query.channel)
        if query.state is not None:
            tests["STATE = ${}"] = query.state.value
        conditions = ["TRUE", *(test.format(place) for place, test in enumerate(tests, 2))]
        page = (
            f"{_SELECT} WHERE {' AND '.join(conditions)}"
            " ORDER BY CREATED_AT DESC, OUTBOX_ID DESC LIMIT $1"
        )

        async def work(session: Session) -> list[OutboxRow]:
            return [
                stored_row(row) for row in await session.fetch(page, query.limit, *tests.values())
            ]

        return self._read(work)

    def row(self, notification_id: str) -> OutboxRow | None:
        async def work(session: Session) -> OutboxRow | None:
            return next(iter(await _rows(session, [readable(notification_id)])), None)

        return self._read(work)

    def oldest(self, channel: str) -> OutboxRow | None:
        where = f"WHERE CHANNEL = $1 AND STATE = '{_PENDING}' ORDER BY CREATED_AT, OUTBOX_ID"

        async def work(session: Session) -> OutboxRow | None:
            found = await session.fetchrow(f"{_SELECT} {where} LIMIT 1", readable(channel))
            return None if found is None else stored_row(found)

        return self._read(work)

    def resend(self, notification_id: str, now: datetime) -> bool:
        async def work(session: Session) -> bool:
            return await _changed(session, _RESEND, readable(notification_id), microseconds(now))

        return self._link.run(work)

    def receipt(self, channel: str, group_key: str) -> str:
        async def work(session: Session) -> str:
            found = await session.fetchval(_RECEIPT, readable(channel), readable(group_key))
            return found or ""

        return self._read(work)

    def counts(self) -> Mapping[tuple[str, RowState], int]:
        async def work(session: Session) -> dict[tuple[str, RowState], int]:
            rows = await session.fetch(_COUNTS)
            return {(name, RowState(state)): count for name, state, count in rows}

        return self._read(work)

    def forget_before(self, instant: datetime) -> int:
        async def work(session: Session) -> int:
            done: str = await session.execute(_FORGET, microseconds(instant))
            return int(done.rpartition(" ")[2])

        return self._link.run(work)

    def _read(self, work: Work[Answer]) -> Answer:
        return self._link.run(work, read=True)


async def put_in_outbox(
    session: Session, notifications: Sequence[Notification], now: datetime
) -> int:
    """Put them in, due at once; those whose id is known are left alone. How many are new."""
    new = 0
    for each in notifications:
        values = (readable(v) if isinstance(v, str) else v for v in outbox_row(each, now))
        new += await _changed(session, _PUT, *values)
    return new


async def _changed(session: Session, statement: str, *values: object) -> bool:
    done: str = await session.execute(statement, *values)
    return not done.endswith(" 0")


async def _rows(session: Session, ids: Sequence[str]) -> list[OutboxRow]:
    """The rows with these ids, in this order."""
    found = await session.fetch(f"{_SELECT} WHERE OUTBOX_ID = ANY($1)", ids)
    place = {each: number for number, each in enumerate(ids)}
    return sorted(map(stored_row, found), key=lambda row: place[row.id])


def _times(now: datetime) -> tuple[int, int]:
    now_us = microseconds(now)
    return now_us, now_us + _LONGEST_US


def _us(at: datetime | None) -> int | None:
    return None if at is None else microseconds(at)


def _held(row: OutboxRow) -> tuple[str, int | None]:
    """What finds the row as long as nobody else has taken it."""
    return row.id, _us(row.leased_until)
