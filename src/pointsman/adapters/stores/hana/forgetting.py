"""What is deleted from HANA when decisions grow old, and which days have a partition?

Whole days are dropped with their partitions. What lies in the rest partition goes a little at a
time, and so do candidate sets to which nobody refers any more.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import partial
from typing import Any

from pointsman.adapters.stores.days import MOST_MADE, day_at, day_of, first_id
from pointsman.adapters.stores.hana import statements as say
from pointsman.adapters.stores.hana.session import HanaSession, fetched, first
from pointsman.adapters.stores.rows import microseconds
from pointsman.adapters.stores.schema import DECISIONS, OUTCOMES

AT_A_TIME = 500
PARTED = (DECISIONS, OUTCOMES)


def make_days(session: HanaSession, days: Collection[int]) -> None:
    """Make the partitions of these days that are not there yet."""

    def work(cursor: Any) -> None:
        for table in PARTED:
            for day in sorted(set(days) - _existing(cursor, table))[:MOST_MADE]:
                cursor.execute(say.partition("ADD", table, first_id(day), first_id(day + 1)))

    session.again(work)


def _existing(cursor: Any, table: str) -> set[int]:
    """The days that have a partition; the rest partition has no least value."""
    found = (row[0] for row in fetched(cursor, say.PARTITIONS, (table,)))
    return {day for day in map(day_of, filter(None, found)) if day is not None}


def forget_before(session: HanaSession, instant: datetime) -> int:
    """Delete what is older, as far as this module says; of how many decisions."""
    with session.transaction() as cursor:
        days = sorted(_existing(cursor, DECISIONS))
    old = [day for day in days if day < day_at(instant)]
    count = sum(int(session.again(partial(_drop, day=day))) for day in old)
    before_us = microseconds(instant)
    while deleted := session.again(partial(_delete_oldest, before_us=before_us)):
        count += deleted
    while session.again(partial(_delete_strays, before_us=before_us)):
        pass
    if count:
        # Twice: a base may go only after those that refer to it.
        for _ in range(2):
            _forget_sets(session)
    return count


def forget_agent(session: HanaSession, agent_id: str) -> int:
    """Delete an agent's decisions, outcomes and figures; of how many decisions."""
    count = 0
    while deleted := session.again(partial(_delete_some_of, agent_id=agent_id)):
        count += deleted
    session.again(partial(_delete_traces_of, agent_id=agent_id))
    for _ in range(2 if count else 0):
        _forget_sets(session)
    return count


def _delete_some_of(cursor: Any, agent_id: str) -> int:
    ids = [row[0] for row in fetched(cursor, say.ITS_DECISIONS, (agent_id, AT_A_TIME))]
    for table in PARTED if ids else ():
        cursor.execute(say.delete_of(table, len(ids)), tuple(ids))
    return len(ids)


def _delete_traces_of(cursor: Any, agent_id: str) -> None:
    cursor.execute(say.ITS_OUTCOMES, (agent_id,))
    cursor.execute(say.ITS_FIGURES, (agent_id,))


def _drop(cursor: Any, day: int) -> int:
    bounds = (first_id(day), first_id(day + 1))
    count = int(first(cursor, say.COUNT_BETWEEN, bounds))
    for table in PARTED:
        if day in _existing(cursor, table):
            cursor.execute(say.partition("DROP", table, *bounds))
    return count


def _delete_oldest(cursor: Any, before_us: int) -> int:
    """Those at the beginning; what lies in a day's partition waits for the day to be over."""
    rows = fetched(cursor, say.OLDEST[DECISIONS], (AT_A_TIME,))
    ids = [row[0] for row in rows if row[1] < before_us and day_of(row[0]) is None]
    for table in PARTED if ids else ():
        cursor.execute(say.delete_of(table, len(ids)), tuple(ids))
    return len(ids)


def _delete_strays(cursor: Any, before_us: int) -> int:
    """Old outcomes whose decision was never kept: what is older than the oldest belongs to none."""
    oldest = first(cursor, say.FIRST)
    rows = fetched(cursor, say.OLDEST[OUTCOMES], (AT_A_TIME,))
    ids = {row[0] for row in rows if row[1] < before_us and (oldest is None or row[0] < oldest)}
    if ids:
        cursor.execute(say.delete_of(OUTCOMES, len(ids)), tuple(ids))
    return len(ids)


def _forget_sets(session: HanaSession) -> None:
    after: int | None = -1
    while after is not None:
        after = session.again(partial(_forget_some_sets, after=after))


def _forget_some_sets(cursor: Any, after: int) -> int | None:
    """Forget the unused among some sets; where to go on, None at the end."""
    # Else a decision could come in that refers to a set which is just being deleted.
    cursor.execute(say.HOLD_SETS)
    ids = [row[0] for row in fetched(cursor, say.SOME_SETS, (after, AT_A_TIME))]
    if not ids:
        return None
    cursor.execute(say.unused_sets_of(len(ids)), tuple(ids))
    return int(ids[-1])
