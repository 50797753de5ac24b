"""What is deleted from PostgreSQL when decisions grow old?

Whole days are dropped with their partitions, so up to a day more is kept than was asked for. What
lies in the default partitions goes a little at a time, and so do candidate sets to which nobody
refers any more: while one looks for these, nobody writes decisions, for some milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from pointsman.adapters.stores.days import day_at
from pointsman.adapters.stores.postgres.copying import SETS_LOCK
from pointsman.adapters.stores.postgres.link import Link, Session
from pointsman.adapters.stores.postgres.partitions import DEFAULT, drop, existing
from pointsman.adapters.stores.rows import microseconds
from pointsman.adapters.stores.schema import AGGREGATES, DECISIONS, OUTCOMES, SETS

AT_A_TIME = 500
DROP_S = 60.0

_LEFT_DECISIONS, _LEFT_OUTCOMES = f"{DECISIONS}_{DEFAULT}", f"{OUTCOMES}_{DEFAULT}"

_OLDEST = f"""
SELECT DECISION_ID, TIMESTAMP FROM {_LEFT_DECISIONS} ORDER BY DECISION_ID LIMIT $1
"""  # noqa: S608
_OLDEST_OUTCOMES = f"""
SELECT DECISION_ID, TIMESTAMP FROM {_LEFT_OUTCOMES} ORDER BY DECISION_ID LIMIT $1
"""  # noqa: S608
_ITS_DECISIONS = f"""
SELECT DECISION_ID FROM {DECISIONS} WHERE SELECTED_AGENT_ID = $1 ORDER BY DECISION_ID LIMIT $2
"""  # noqa: S608
_ITS_TRACES = (
    f"DELETE FROM {OUTCOMES} WHERE AGENT_ID = $1",  # noqa: S608
    f"DELETE FROM {AGGREGATES} WHERE DIMENSION = 'agent' AND DIMENSION_VALUE = $1",  # noqa: S608
)
_FIRST = f"SELECT min(DECISION_ID) FROM {_LEFT_DECISIONS}"  # noqa: S608
_UNUSED_SETS = f"""
DELETE FROM {SETS} s WHERE SET_ID = ANY($1)
AND NOT EXISTS (SELECT 1 FROM {DECISIONS} d WHERE d.CANDIDATE_SET_ID = s.SET_ID)
AND NOT EXISTS (SELECT 1 FROM {SETS} o WHERE o.BASE_SET_ID = s.SET_ID)
"""  # noqa: S608
_SOME_SETS = f"SELECT SET_ID FROM {SETS} WHERE SET_ID > $1 ORDER BY SET_ID LIMIT $2"  # noqa: S608


def forget_before(link: Link, instant: datetime) -> int:
    """Delete what is older, as far as this module says; of how many decisions."""
    count = _drop_days(link, day_at(instant))
    while deleted := link.run(partial(_delete_oldest, before_us=microseconds(instant))):
        count += deleted
    while link.run(partial(_delete_strays, before_us=microseconds(instant))):
        pass
    if count:
        # Twice: a base may go only after those that refer to it.
        for _ in range(2):
            _forget_sets(link)
    return count


def forget_agent(link: Link, agent_id: str) -> int:
    """Delete an agent's decisions, outcomes and figures; of how many decisions."""
    count = 0
    while deleted := link.run(partial(_delete_some_of, agent_id=agent_id)):
        count += deleted
    link.run(partial(_delete_traces_of, agent_id=agent_id), within_s=DROP_S)
    if count:
        for _ in range(2):
            _forget_sets(link)
    return count


async def _delete_some_of(session: Session, agent_id: str) -> int:
    ids = [row[0] for row in await session.fetch(_ITS_DECISIONS, agent_id, AT_A_TIME)]
    await _delete(session, DECISIONS, ids)
    await _delete(session, OUTCOMES, ids)
    return len(ids)


async def _delete_traces_of(session: Session, agent_id: str) -> None:
    for statement in _ITS_TRACES:
        await session.execute(statement, agent_id)


def _drop_days(link: Link, before_day: int) -> int:
    days = sorted(link.run(existing, read=True))
    return sum(
        link.run(partial(drop, day=day), within_s=DROP_S) for day in days if day < before_day
    )


async def _delete_oldest(session: Session, before_us: int) -> int:
    oldest = await session.fetch(_OLDEST, AT_A_TIME)
    ids = [row[0] for row in oldest if row[1] < before_us]
    await _delete(session, _LEFT_DECISIONS, ids)
    await _delete(session, _LEFT_OUTCOMES, ids)
    return len(ids)


async def _delete_strays(session: Session, before_us: int) -> int:
    """Old outcomes whose decision was never kept: what is older than the oldest belongs to none."""
    first = await session.fetchval(_FIRST)
    strays = await session.fetch(_OLDEST_OUTCOMES, AT_A_TIME)
    old = [row[0] for row in strays if row[1] < before_us and (first is None or row[0] < first)]
    await _delete(session, _LEFT_OUTCOMES, old)
    return len(old)


async def _delete(session: Session, table: str, ids: Sequence[str]) -> None:
    await session.execute(f"DELETE FROM {table} WHERE DECISION_ID = ANY($1)", ids)  # noqa: S608


def _forget_sets(link: Link) -> None:
    after: int | None = -1
    while after is not None:
        after = link.run(partial(_forget_some_sets, after=after))


async def _forget_some_sets(session: Session, after: int) -> int | None:
    """Forget the unused among some sets; where to go on, None at the end."""
    ids = [row[0] for row in await session.fetch(_SOME_SETS, after, AT_A_TIME)]
    if not ids:
        return None
    # Else a decision could come in that refers to a set which is just being deleted.
    await session.execute("SELECT pg_advisory_xact_lock($1)", SETS_LOCK)
    await session.execute(_UNUSED_SETS, ids)
    return int(ids[-1])
