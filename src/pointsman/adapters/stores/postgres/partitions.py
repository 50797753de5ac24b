"""Into which part of a table does a decision's day go, and when is a part dropped?

An id begins with the time at which it was made, in milliseconds. So the ids of a day (UTC) are one
range, a partition holds them, and old days go at once, however many rows they have. Ids of another
form lie in the default partition and are deleted one by one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta

from pointsman.adapters.stores.postgres.link import Session
from pointsman.adapters.stores.schema import DECISIONS, OUTCOMES

DAY_MS = 86_400_000
DIGITS = 11
AHEAD_DAYS = 3
"""Partitions are made before they are needed, so that midnight is like any other moment."""
EARLIEST, LATEST = 18_262, 84_006
"""2020 to 2199, in days since 1970: what lies beyond is no time of ours."""
MOST_MADE = 40
"""Partitions made at once at most: clocks that jump must not fill the catalogue."""

PARTED = (DECISIONS, OUTCOMES)
DEFAULT = "DEFAULT"
LOCK = 0x706F_696E_7061_7274
"""Advisory lock of those who make and drop partitions."""

_TIMED = re.compile(r"dec_([0-9a-f]{11})")
_NAMED = re.compile(r"routing_decisions_(\d{8})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def day_of(decision_id: str) -> int | None:
    """The day, since 1970, on which an id was made; None for one that does not say."""
    found = _TIMED.match(decision_id)
    if found is None:
        return None
    day = int(found[1], 16) // DAY_MS
    return day if EARLIEST <= day <= LATEST else None


def days_of(ids: Iterable[str]) -> set[int]:
    """The days of all ids that say one."""
    return {day for day in map(day_of, ids) if day is not None}


def day_at(at: datetime) -> int:
    """The day of an instant, since 1970."""
    return (at - _EPOCH).days


def first_id(day: int) -> str:
    """The least id that may be made on a day."""
    return f"dec_{day * DAY_MS:0{DIGITS}x}"


def name_of(table: str, day: int) -> str:
    """What the partition of a day is called, such as `ROUTING_DECISIONS_20260301`."""
    return f"{table}_{_EPOCH + timedelta(days=day):%Y%m%d}"


async def make(session: Session, days: Collection[int]) -> None:
    """Make the partitions of these days that are not there yet, the rest of `MOST_MADE` later."""
    await session.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
    missing = sorted(set(days) - await existing(session))
    for day in missing[:MOST_MADE]:
        bounds = f"FROM ('{first_id(day)}') TO ('{first_id(day + 1)}')"
        for table in PARTED:
            name = name_of(table, day)
            # Made beside and attached: so those who write to other days do not wait.
            await session.execute(
                f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
            )
            # What came while the day had no partition is in the default one, which would object.
            await session.execute(
                f"WITH STRAY AS (DELETE FROM {table}_{DEFAULT}"  # noqa: S608
                f" WHERE DECISION_ID >= '{first_id(day)}' AND DECISION_ID < '{first_id(day + 1)}'"
                f" RETURNING *) INSERT INTO {name} SELECT * FROM STRAY"
            )
            await session.execute(
                f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES {bounds}"
            )


async def existing(session: Session) -> set[int]:
    """The days that have a partition."""
    rows = await session.fetch(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " WHERE i.inhparent = $1::regclass",
        DECISIONS.lower(),
    )
    named = (_NAMED.fullmatch(row[0]) for row in rows)
    return {day_at(_read_day(found[1])) for found in named if found is not None}


def _read_day(digits: str) -> datetime:
    return datetime.strptime(digits, "%Y%m%d").replace(tzinfo=UTC)


async def drop(session: Session, day: int) -> int:
    """Drop the partitions of a day; of how many decisions, in thousands where they are many."""
    await session.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
    name = name_of(DECISIONS, day)
    # To count ten million rows would take longer than to drop them.
    guess = await session.fetchval(
        "SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass($1)", name
    )
    if guess is None:
        return 0
    count = guess if guess > 1_000_000 else await session.fetchval(f"SELECT count(*) FROM {name}")  # noqa: S608
    for table in PARTED:
        await session.execute(f"DROP TABLE IF EXISTS {name_of(table, day)}")
    return int(count)
