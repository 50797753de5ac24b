"""How does HANA have the statements that mean the same on the other two databases?

Most it takes as they are. It has no `ON CONFLICT`, no recursion, no place in a list to group by, no
`%`, and its division of whole numbers leaves a fraction.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeVar

from pointsman.adapters.stores.aggregate_rows import AGGREGATE_COLUMNS, PUT
from pointsman.adapters.stores.aggregating import BEHIND, KEPT, MADE
from pointsman.adapters.stores.auditing import RECORD
from pointsman.adapters.stores.hana import statements as say
from pointsman.adapters.stores.hana.session import HanaSession, fetched, first
from pointsman.adapters.stores.rows import storable
from pointsman.adapters.stores.schema import AGGREGATES, DECISIONS, OUTCOMES
from pointsman.adapters.stores.series import MEMBERS
from pointsman.adapters.stores.transactions import Database, Found, ServerTransactions

T = TypeVar("T")


class Said(NamedTuple):
    """A statement for HANA; `places` are those of the given values that it takes, None for all."""

    statement: str
    places: tuple[int, ...] | None = None


_MADE = f"""
SELECT d.SELECTED_AGENT_ID, d.SELECTED_MODEL_ID, d.TASK_TYPE, d.STRATEGY, COUNT(*),
    SUM(d.EXPLORED), SUM(d.PANIC), SUM(CASE WHEN f.DECISION_ID IS NULL THEN 0 ELSE 1 END),
    COUNT(d.COMPOSITE_SCORE), SUM(d.COMPOSITE_SCORE)
FROM {DECISIONS} d LEFT OUTER JOIN (
    SELECT DISTINCT e.DECISION_ID
    FROM {DECISIONS} e INNER JOIN {OUTCOMES} o ON o.DECISION_ID = e.DECISION_ID
    WHERE e.DECISION_ID >= ? AND e.DECISION_ID < ? AND o.MODEL_ID <> e.SELECTED_MODEL_ID
) f ON f.DECISION_ID = d.DECISION_ID
WHERE d.DECISION_ID >= ? AND d.DECISION_ID < ?
GROUP BY d.SELECTED_AGENT_ID, d.SELECTED_MODEL_ID, d.TASK_TYPE, d.STRATEGY
"""  # noqa: S608
_BEHIND = f"""
SELECT p.STARTS FROM (
    SELECT s.STARTS, SUM(s.COUNTED) AS COUNTED FROM (
        SELECT TO_BIGINT(STARTS_AT - MOD(STARTS_AT, TO_BIGINT(?))) AS STARTS,
            DECISIONS + ATTEMPTS AS COUNTED
        FROM {AGGREGATES} WHERE PERIOD_S = ? AND DIMENSION = 'all' AND STARTS_AT >= ?
    ) s GROUP BY s.STARTS
) p LEFT OUTER JOIN {AGGREGATES} w ON w.PERIOD_S = ? AND w.DIMENSION = 'all'
    AND w.DIMENSION_VALUE = '' AND w.STARTS_AT = p.STARTS
WHERE w.STARTS_AT IS NULL OR w.DECISIONS + w.ATTEMPTS < p.COUNTED
"""  # noqa: S608
_MEMBERS = (
    f"SELECT DISTINCT DIMENSION_VALUE FROM {AGGREGATES}"  # noqa: S608
    " WHERE PERIOD_S = ? AND DIMENSION = ?"
)

WORDS: Mapping[str, Said] = {
    PUT: Said(say.upsert(AGGREGATES, AGGREGATE_COLUMNS)),
    KEPT: Said(f"{KEPT.rstrip()} FROM DUMMY"),
    MADE: Said(_MADE, (0, 1, 0, 1)),
    BEHIND: Said(_BEHIND),
    MEMBERS: Said(_MEMBERS, (0, 1)),
}
"""What HANA says so differently that it stands here whole."""
_STEPS = re.compile(r"\bSTARTS_AT / \d+")


def record(cursor: Any, act: Sequence[Any]) -> int:
    """Write down an act, unless it is; how many were."""
    if first(cursor, say.RECORDED, act[:1]):
        return 0
    cursor.execute(say.RECORD, act)
    return 1


class _Transaction:
    """A cursor, as work sees it that speaks of no database."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> Found:
        words, places = said(statement)
        given = tuple(map(_sent, values))
        if places is not None:
            given = tuple(given[place] for place in places)
        if statement == RECORD:
            return Found((), record(self._cursor, given))
        if words.lstrip().startswith("SELECT"):
            return Found(fetched(self._cursor, words, given))
        self._cursor.execute(words, given)
        return Found((), self._cursor.rowcount)

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> None:
        given = [tuple(map(_sent, row)) for row in rows]
        if given:
            self._cursor.executemany(said(statement).statement, given)


def transactions(session: HanaSession) -> ServerTransactions:
    """Transactions of the database of `session`."""

    def run(work: Callable[[Database], T], *, read: bool) -> T:
        def within(cursor: Any) -> T:
            if read:
                cursor.execute(say.OF_ONE_MOMENT)
            return work(_Transaction(cursor))

        done: T = session.again(within)
        return done

    return ServerTransactions(run)


@cache
def said(statement: str) -> Said:
    """What HANA is told, for a statement that the other databases understand."""
    whole = WORDS.get(statement)
    if whole is not None:
        return whole
    return Said(_STEPS.sub(lambda found: f"TO_BIGINT(FLOOR({found[0]}))", statement))


def _sent(value: object) -> object:
    return storable(value) if isinstance(value, str) else value
