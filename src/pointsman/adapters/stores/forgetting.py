"""What is deleted when decisions grow old, a little at a time?"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from pointsman.adapters.stores.schema import AGGREGATES, DECISIONS, OUTCOMES, SETS, marks

AT_A_TIME = 200
"""Records deleted in one transaction: some milliseconds, in which nothing can be appended."""

MANY_AT_A_TIME = 2_000
"""Old decisions deleted in one transaction while there is room. Each costs a third of what it does
in smaller ones, because whole pages of the tables and indexes go at once; larger ones would hold up
appending for longer and save little."""

Delete = Callable[[sqlite3.Connection, int], int]
"""Deletes some of what is older than an instant in microseconds; returns of how many decisions."""

_OLDEST = f"""
SELECT DECISION_ID, CANDIDATE_SET_ID, TIMESTAMP FROM {DECISIONS} ORDER BY DECISION_ID LIMIT ?
"""  # noqa: S608
_OLDEST_BY_SET = f"""
SELECT CANDIDATE_SET_ID, min(DECISION_ID), max(DECISION_ID), max(TIMESTAMP), count(*)
FROM ({_OLDEST}) GROUP BY CANDIDATE_SET_ID
"""  # noqa: S608


def bytes_in_use(db: sqlite3.Connection) -> int:
    """How much of the file holds something; what was deleted is free for what comes."""
    pages, free, size = (
        int(db.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def delete_oldest(db: sqlite3.Connection, before_us: int, at_most: int = AT_A_TIME) -> int:
    """Old decisions, their outcomes, and the candidate sets that nobody refers to any more.

    Ids rise with time, so the oldest are found without an index on the time.
    """
    oldest = db.execute(_OLDEST_BY_SET, (at_most,)).fetchall()
    if not oldest or any(at_us >= before_us for _, _, _, at_us, _ in oldest):
        return _delete_old_among(db, before_us, at_most)
    # They stand side by side, and nobody has to name them.
    ends = (min(first for _, first, _, _, _ in oldest), max(last for _, _, last, _, _ in oldest))
    for table in (DECISIONS, OUTCOMES):
        db.execute(f"DELETE FROM {table} WHERE DECISION_ID BETWEEN ? AND ?", ends)  # noqa: S608
    _delete_unused_sets(db, [set_id for set_id, _, _, _, _ in oldest])
    return sum(count for _, _, _, _, count in oldest)


def _delete_old_among(db: sqlite3.Connection, before_us: int, oldest: int) -> int:
    """Those among so many of the oldest ids that are old: a clock that jumps mixes them up."""
    found = db.execute(_OLDEST, (oldest,)).fetchall()
    old = [(decision_id, set_id) for decision_id, set_id, at_us in found if at_us < before_us]
    ids = [decision_id for decision_id, _ in old]
    _delete(db, DECISIONS, ids)
    _delete(db, OUTCOMES, ids)
    _delete_unused_sets(db, list({set_id for _, set_id in old}))
    return len(ids)


def delete_of_agent(db: sqlite3.Connection, agent_id: str) -> int:
    """Some of an agent's decisions with their outcomes; returns how many decisions."""
    rows = db.execute(
        f"SELECT DECISION_ID, CANDIDATE_SET_ID FROM {DECISIONS}"  # noqa: S608
        " WHERE SELECTED_AGENT_ID = ? ORDER BY DECISION_ID LIMIT ?",
        (agent_id, AT_A_TIME),
    ).fetchall()
    ids = [decision_id for decision_id, _ in rows]
    _delete(db, DECISIONS, ids)
    _delete(db, OUTCOMES, ids)
    _delete_unused_sets(db, list({set_id for _, set_id in rows}))
    return len(ids)


def delete_traces_of_agent(db: sqlite3.Connection, agent_id: str) -> None:
    """What else names an agent, its assignments and what people decided about it aside.

    Outcomes whose decision was lost are looked for in the whole table: there is no index for it.
    """
    db.execute(f"DELETE FROM {OUTCOMES} WHERE AGENT_ID = ?", (agent_id,))  # noqa: S608
    db.execute(
        f"DELETE FROM {AGGREGATES} WHERE DIMENSION = 'agent' AND DIMENSION_VALUE = ?",  # noqa: S608
        (agent_id,),
    )


def _delete_unused_sets(db: sqlite3.Connection, sets: list[int]) -> None:
    bases = db.execute(
        f"SELECT DISTINCT BASE_SET_ID FROM {SETS}"  # noqa: S608
        f" WHERE SET_ID IN ({marks(sets)}) AND BASE_SET_ID IS NOT NULL",
        sets,
    ).fetchall()
    # Twice: a base may go only after those that refer to it.
    for some in (sets, [*sets, *(base_id for (base_id,) in bases)]):
        db.execute(
            f"DELETE FROM {SETS} WHERE SET_ID IN ({marks(some)})"  # noqa: S608
            f" AND NOT EXISTS (SELECT 1 FROM {DECISIONS} d WHERE d.CANDIDATE_SET_ID = SET_ID)"
            f" AND NOT EXISTS (SELECT 1 FROM {SETS} s WHERE s.BASE_SET_ID = {SETS}.SET_ID)",
            some,
        )


def delete_strays(db: sqlite3.Connection, before_us: int) -> int:
    """Old outcomes whose decision was never kept: what is older than the oldest belongs to none."""
    first = db.execute(f"SELECT min(DECISION_ID) FROM {DECISIONS}").fetchone()[0]  # noqa: S608
    strays = db.execute(
        f"SELECT DECISION_ID, TIMESTAMP FROM {OUTCOMES} ORDER BY DECISION_ID LIMIT ?",  # noqa: S608
        (AT_A_TIME,),
    ).fetchall()
    old = {
        decision_id
        for decision_id, at_us in strays
        if at_us < before_us and (first is None or decision_id < first)
    }
    _delete(db, OUTCOMES, list(old))
    return len(old)


def _delete(db: sqlite3.Connection, table: str, ids: list[str]) -> None:
    db.execute(f"DELETE FROM {table} WHERE DECISION_ID IN ({marks(ids)})", ids)  # noqa: S608
