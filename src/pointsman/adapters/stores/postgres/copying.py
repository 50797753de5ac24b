"""How do many rows get into PostgreSQL at once, and only once?

COPY into tables of the session, then one INSERT per table that leaves what is there as it is. So a
batch of which nobody knows whether it arrived is simply sent again.
"""

from __future__ import annotations

from collections.abc import Sequence

from pointsman.adapters.stores.incoming import Incoming
from pointsman.adapters.stores.postgres.link import Session
from pointsman.adapters.stores.rows import DECISION_COLUMNS, OUTCOME_COLUMNS, SET_COLUMNS, Row
from pointsman.adapters.stores.schema import ASSIGNMENTS, DECISIONS, OUTCOMES, SETS
from pointsman.core.errors import Blame, FailureKind

SETS_LOCK = 0x706F_696E_7365_7473
"""Advisory lock: shared by those who write decisions, for one who forgets unused sets alone."""

MONEY = frozenset({"ACTUAL_COST", "REPORTED_COST"})
"""Decimal text, which PostgreSQL reads faster than Python would make numbers of it."""

_NOT_THE_MODELS = ", ".join(
    f"'{kind.code}'" for kind in FailureKind if kind.blames in {Blame.CALLER, Blame.GATEWAY}
)


def _staging(table: str) -> str:
    return f"INCOMING_{table}"


def _prepare(table: str, columns: Sequence[str]) -> str:
    """A table of the session with these columns, emptied by every commit."""
    texts = "".join(
        f"; ALTER TABLE {_staging(table)} ALTER {name} TYPE TEXT"
        for name in columns
        if name in MONEY
    )
    return (
        f"CREATE TEMP TABLE {_staging(table)} ON COMMIT DELETE ROWS"  # noqa: S608
        f" AS SELECT {', '.join(columns)} FROM {table} WITH NO DATA{texts}"
    )


def _insert(table: str, columns: Sequence[str]) -> str:
    given = ", ".join(f"{name}::numeric" if name in MONEY else name for name in columns)
    return (
        f"INSERT INTO {table} ({', '.join(columns)})"  # noqa: S608
        f" SELECT {given} FROM {_staging(table)} ON CONFLICT DO NOTHING"
    )


_COUNT_USAGE = f"""
WITH KEPT AS (
    {_insert(OUTCOMES, OUTCOME_COLUMNS)}
    RETURNING AGENT_ID, MODEL_ID, FAILURE_KIND, TOTAL_S, TIMESTAMP
), USED AS (
    SELECT AGENT_ID, MODEL_ID, count(*) AS REQUESTS,
        count(*) FILTER (WHERE FAILURE_KIND IS NULL) AS SUCCESSES,
        coalesce(sum(1000 * TOTAL_S) FILTER (WHERE FAILURE_KIND IS NULL), 0) AS LATENCY_MS,
        max(TIMESTAMP) AS LAST_US
    FROM KEPT WHERE FAILURE_KIND IS NULL OR FAILURE_KIND NOT IN ({_NOT_THE_MODELS})
    GROUP BY AGENT_ID, MODEL_ID
)
UPDATE {ASSIGNMENTS} a
SET TOTAL_REQUESTS = a.TOTAL_REQUESTS + u.REQUESTS,
    SUCCESSFUL_REQUESTS = a.SUCCESSFUL_REQUESTS + u.SUCCESSES,
    FAILED_REQUESTS = a.FAILED_REQUESTS + u.REQUESTS - u.SUCCESSES,
    TOTAL_WORTH = a.TOTAL_WORTH + u.SUCCESSES,
    AVG_LATENCY_MS = CASE WHEN u.SUCCESSES = 0 THEN a.AVG_LATENCY_MS ELSE
        (coalesce(a.AVG_LATENCY_MS, 0) * a.SUCCESSFUL_REQUESTS + u.LATENCY_MS)
        / (a.SUCCESSFUL_REQUESTS + u.SUCCESSES) END,
    LAST_USED_AT = greatest(coalesce(a.LAST_USED_AT, 0), u.LAST_US)
FROM USED u WHERE a.AGENT_ID = u.AGENT_ID AND a.MODEL_ID = u.MODEL_ID
"""  # noqa: S608
"""Only outcomes that were not there before are counted, however often they are sent."""

_TABLES = ((SETS, SET_COLUMNS), (DECISIONS, DECISION_COLUMNS), (OUTCOMES, OUTCOME_COLUMNS))
_PREPARE = "; ".join(_prepare(table, columns) for table, columns in _TABLES)
_INSERTS = {
    SETS: _insert(SETS, SET_COLUMNS),
    DECISIONS: _insert(DECISIONS, DECISION_COLUMNS),
    OUTCOMES: _COUNT_USAGE,
}
_BEGIN = "SELECT pg_advisory_xact_lock_shared($1), to_regclass($2) IS NOT NULL"
_LAST_STAGING = f"pg_temp.{_staging(OUTCOMES)}"


async def write(session: Session, rows: Incoming) -> None:
    """Write all rows that are not there yet, within the transaction of the session."""
    begun = await session.fetchrow(_BEGIN, SETS_LOCK, _LAST_STAGING)
    if not begun[1]:
        await session.execute(_PREPARE)
    batches: tuple[Sequence[Row], ...] = rows
    for (table, columns), batch in zip(_TABLES, batches, strict=True):
        if batch:
            await session.copy_records_to_table(
                _staging(table).lower(),
                records=batch,
                columns=[name.lower() for name in columns],
            )
            await session.execute(_INSERTS[table])
