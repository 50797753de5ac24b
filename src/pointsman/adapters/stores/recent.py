"""What has happened lately, for those who rebuild from it what they knew before a restart?"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush, heappushpop

from pointsman.adapters.stores.rows import (
    FEEDBACK_COLUMNS,
    OUTCOME_COLUMNS,
    Row,
    stored_feedback,
    stored_outcome,
)
from pointsman.adapters.stores.schema import DECISIONS, OUTCOMES
from pointsman.core.decision import Feedback, Outcome

LOOK_AHEAD = 10_000
"""Rows are kept in the order of the decisions; so many are looked at to find who ended first. A
whole sort would need memory for all, and an index on the time would cost every request."""

_TASK_TYPE = f"(SELECT d.TASK_TYPE FROM {DECISIONS} d WHERE d.DECISION_ID = o.DECISION_ID)"  # noqa: S608


def outcomes_since(
    db: sqlite3.Connection, since_us: int, limit: int
) -> Iterator[tuple[Outcome, str | None]]:
    """At most the `limit` newest outcomes since then with their task types, oldest first."""
    older = db.execute(
        f"SELECT DECISION_ID FROM {OUTCOMES} ORDER BY DECISION_ID DESC LIMIT 1 OFFSET ?",  # noqa: S608
        (limit,),
    ).fetchone()
    rows = db.execute(
        f"SELECT {', '.join(OUTCOME_COLUMNS)}, {_TASK_TYPE} FROM {OUTCOMES} o"  # noqa: S608
        " WHERE DECISION_ID > ? AND TIMESTAMP >= ? ORDER BY DECISION_ID, ATTEMPT",
        (older[0] if older else "", since_us),
    )
    for row in by_time(rows, OUTCOME_COLUMNS.index("TIMESTAMP")):
        yield stored_outcome(row), row[-1]


def feedback_since(db: sqlite3.Connection, since_us: int, limit: int) -> Iterator[Feedback]:
    """At most the `limit` newest words of feedback since then, oldest first."""
    newest = db.execute(
        f"SELECT RATED_AT FROM {DECISIONS} WHERE RATED_AT >= ?"  # noqa: S608
        " ORDER BY RATED_AT DESC LIMIT 1 OFFSET ?",
        (since_us, limit),
    ).fetchone()
    rows = db.execute(
        f"SELECT {', '.join(FEEDBACK_COLUMNS)} FROM {DECISIONS}"  # noqa: S608
        " WHERE RATED_AT >= ? AND RATED_AT > ? ORDER BY RATED_AT, DECISION_ID",
        (since_us, newest[0] if newest else -1),
    )
    yield from filter(None, map(stored_feedback, rows))


def by_time(rows: Iterable[Row], column: int) -> Iterator[Row]:
    """The rows in order of a column, when none is further than `LOOK_AHEAD` from its place.

    One by one on a heap, since to sort thousands at once would hold up every other thread.
    """
    held: list[tuple[int, int, Row]] = []
    for place, row in enumerate(rows):
        entry = (row[column], place, row)
        if len(held) < LOOK_AHEAD:
            heappush(held, entry)
        else:
            yield heappushpop(held, entry)[2]
    while held:
        yield heappop(held)[2]
