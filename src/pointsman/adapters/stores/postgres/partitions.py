"""Into which part of a table does a decision's day go, and when is a part dropped?

The ids of a day (UTC) are one range, a partition holds them, and old days go at once, however many
rows they have. Ids of another form lie in the default partition and are deleted one by one.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from pointsman.adapters.stores.days import EPOCH, MOST_MADE, day_at, first_id
from pointsman.adapters.stores.postgres.link import Session
from pointsman.adapters.stores.schema import DECISIONS, OUTCOMES

PARTED = (DECISIONS, OUTCOMES)
DEFAULT = "DEFAULT"
LOCK = 0x706F_696E_7061_7274
"""Advisory lock of those who make and drop partitions."""

_NAMED = re.compile(r"routing_decisions_(\d{8})")


def name_of(table: str, day: int) -> str:
    """What the partition of a day is called, such as `ROUTING_DECISIONS_20260301`."""
    return f"{table}_{EPOCH + timedelta(days=day):%Y%m%d}"


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
