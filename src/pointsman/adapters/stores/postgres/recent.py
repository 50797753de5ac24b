"""What of late stands in PostgreSQL, for those who rebuild from it what they knew before?"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from pointsman.adapters.stores.postgres.link import Link, Session
from pointsman.adapters.stores.recent import by_time
from pointsman.adapters.stores.rows import (
    FEEDBACK_COLUMNS,
    OUTCOME_COLUMNS,
    stored_feedback,
    stored_outcome,
)
from pointsman.adapters.stores.schema import DECISIONS, OUTCOMES
from pointsman.core.decision import Feedback, Outcome

AT_A_TIME = 2_000
"""Rows fetched by one question: few are in memory, and no transaction stays open meanwhile."""

_OUTCOMES = ", ".join(f"o.{name}" for name in OUTCOME_COLUMNS)
_OLDER = f"SELECT DECISION_ID FROM {OUTCOMES} ORDER BY DECISION_ID DESC LIMIT 1 OFFSET $1"  # noqa: S608
_OUTCOMES_SINCE = f"""
SELECT {_OUTCOMES}, d.TASK_TYPE FROM {OUTCOMES} o
LEFT JOIN {DECISIONS} d ON d.DECISION_ID = o.DECISION_ID
WHERE (o.DECISION_ID, o.ATTEMPT) > ($1, $2) AND o.TIMESTAMP >= $3
ORDER BY o.DECISION_ID, o.ATTEMPT LIMIT $4
"""  # noqa: S608
_NEWEST_FEEDBACK = f"""
SELECT RATED_AT FROM {DECISIONS} WHERE RATED_AT >= $1 ORDER BY RATED_AT DESC LIMIT 1 OFFSET $2
"""  # noqa: S608
_FEEDBACK_SINCE = f"""
SELECT {", ".join(FEEDBACK_COLUMNS)} FROM {DECISIONS}
WHERE RATED_AT >= $1 AND RATED_AT > $2 AND (RATED_AT, DECISION_ID) > ($3, $4)
ORDER BY RATED_AT, DECISION_ID LIMIT $5
"""  # noqa: S608


def outcomes_since(link: Link, since_us: int, limit: int) -> Iterator[tuple[Outcome, str | None]]:
    """At most the `limit` newest outcomes since then with their task types, oldest first."""
    for row in by_time(_outcome_rows(link, since_us, limit), OUTCOME_COLUMNS.index("TIMESTAMP")):
        yield stored_outcome(row), row[len(OUTCOME_COLUMNS)]


def _outcome_rows(link: Link, since_us: int, limit: int) -> Iterator[Any]:
    async def older(session: Session) -> str | None:
        found: str | None = await session.fetchval(_OLDER, limit)
        return found

    async def some(session: Session, after: tuple[str, int]) -> list[Any]:
        rows: list[Any] = await session.fetch(_OUTCOMES_SINCE, *after, since_us, AT_A_TIME)
        return rows

    # All of the decision at the limit is too much: its id stands before the first one read.
    after = (link.run(older, read=True) or "", 2**31 - 1)
    while rows := link.run(partial(some, after=after), read=True):
        yield from rows
        after = (rows[-1][0], rows[-1][1])


def feedback_since(link: Link, since_us: int, limit: int) -> Iterator[Feedback]:
    """At most the `limit` newest words of feedback since then, oldest first."""

    async def newest(session: Session) -> int | None:
        found: int | None = await session.fetchval(_NEWEST_FEEDBACK, since_us, limit)
        return found

    async def some(session: Session, after: tuple[int, str]) -> list[Any]:
        rows: list[Any] = await session.fetch(_FEEDBACK_SINCE, since_us, too_old, *after, AT_A_TIME)
        return rows

    found = link.run(newest, read=True)
    too_old = -1 if found is None else found
    after = (-1, "")
    while rows := link.run(partial(some, after=after), read=True):
        yield from filter(None, map(stored_feedback, rows))
        after = (rows[-1][FEEDBACK_COLUMNS.index("RATED_AT")], rows[-1][0])
