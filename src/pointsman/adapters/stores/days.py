"""On which day (UTC) was a decision made, by its id?

An id begins with the time at which it was made, in milliseconds. So the ids of a day are one range.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

DAY_MS = 86_400_000
DIGITS = 11
AHEAD_DAYS = 3
"""Partitions are made before they are needed, so that midnight is like any other moment."""
EARLIEST, LATEST = 18_262, 84_006
"""2020 to 2199, in days since 1970: what lies beyond is no time of ours."""
MOST_MADE = 40
"""Partitions made at once at most: clocks that jump must not fill the catalogue."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIMED = re.compile(r"dec_([0-9a-f]{11})")


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
    return (at - EPOCH).days


def first_id(day: int) -> str:
    """The least id that may be made on a day."""
    return f"dec_{day * DAY_MS:0{DIGITS}x}"
