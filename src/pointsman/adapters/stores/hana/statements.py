"""What is said to HANA, word for word?

Each statement stands here, so that all can be read, and compared with the manual, in one place.
Parameters are question marks. `TRUE` is no condition there, rows are not compared as a whole, and a
`SELECT` without a table needs `DUMMY`.
"""

from __future__ import annotations

from collections.abc import Sequence

from pointsman.adapters.stores.assignment_rows import (
    ASSIGNMENT_COLUMNS,
    MATCH_COLUMNS,
    RUN_COLUMNS,
    USAGE_COLUMNS,
)
from pointsman.adapters.stores.auditing import AUDIT_COLUMNS
from pointsman.adapters.stores.rows import (
    DECISION_COLUMNS,
    FEEDBACK_COLUMNS,
    OUTCOME_COLUMNS,
    SET_COLUMNS,
)
from pointsman.adapters.stores.schema import (
    AGGREGATES,
    ASSIGNMENTS,
    AUDIT,
    DECISIONS,
    OUTCOMES,
    RUN_INPUTS,
    RUNS,
    SETS,
    VERSION_TABLE,
    marks,
)

ROWS = {SETS: SET_COLUMNS, DECISIONS: DECISION_COLUMNS, OUTCOMES: OUTCOME_COLUMNS}
KEYS = {SETS: ("SET_ID",), DECISIONS: ("DECISION_ID",), OUTCOMES: ("DECISION_ID", "ATTEMPT")}


def staging(table: str) -> str:
    """The table of a session in which a batch waits to be sorted out."""
    return f"INCOMING_{table}"


def _stage(table: str) -> str:
    columns = ROWS[table]
    return f"INSERT INTO {staging(table)} ({', '.join(columns)}) VALUES ({marks(columns)})"  # noqa: S608


def _keep(table: str) -> str:
    columns = ", ".join(ROWS[table])
    same = " AND ".join(f"t.{name} = s.{name}" for name in KEYS[table])
    return (
        f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {staging(table)} s"  # noqa: S608
        f" WHERE NOT EXISTS (SELECT 1 FROM {table} t WHERE {same})"
    )


def upsert(table: str, columns: Sequence[str]) -> str:
    """What is there is replaced in these columns, and keeps its others."""
    return f"UPSERT {table} ({', '.join(columns)}) VALUES ({marks(columns)}) WITH PRIMARY KEY"


def _staged_new_outcomes() -> str:
    """Those of the batch that are not there yet; asked before they are kept."""
    same = " AND ".join(f"t.{name} = s.{name}" for name in KEYS[OUTCOMES])
    return (
        f"SELECT AGENT_ID, MODEL_ID, FAILURE_KIND, TOTAL_S, TIMESTAMP FROM {staging(OUTCOMES)} s"  # noqa: S608
        f" WHERE NOT EXISTS (SELECT 1 FROM {OUTCOMES} t WHERE {same})"
    )


VERSION = f"SELECT MAX(VERSION_NUM) FROM {VERSION_TABLE}"  # noqa: S608
HAS_VERSION = "SELECT COUNT(*) FROM TABLES WHERE SCHEMA_NAME = CURRENT_SCHEMA AND TABLE_NAME = ?"
OF_ONE_MOMENT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
"""All that the transaction reads is of the moment at which it begins."""
SHARE_SETS = f"LOCK TABLE {SETS} IN INTENTIONAL EXCLUSIVE MODE"
HOLD_SETS = f"LOCK TABLE {SETS} IN EXCLUSIVE MODE"

CLEAR = {table: f"DELETE FROM {staging(table)}" for table in ROWS}  # noqa: S608
STAGE = {table: _stage(table) for table in ROWS}
KEEP = {table: _keep(table) for table in ROWS}
NEW_OUTCOMES = _staged_new_outcomes()
COUNT_USAGE = f"""
UPDATE {ASSIGNMENTS}
SET TOTAL_REQUESTS = TOTAL_REQUESTS + ?,
    AVG_LATENCY_MS = CASE WHEN SUCCESSFUL_REQUESTS + ? = 0 THEN AVG_LATENCY_MS ELSE
        (COALESCE(AVG_LATENCY_MS, 0) * SUCCESSFUL_REQUESTS + ?) / (SUCCESSFUL_REQUESTS + ?) END,
    SUCCESSFUL_REQUESTS = SUCCESSFUL_REQUESTS + ?,
    FAILED_REQUESTS = FAILED_REQUESTS + ?,
    TOTAL_WORTH = TOTAL_WORTH + ?,
    LAST_USED_AT = CASE WHEN COALESCE(LAST_USED_AT, 0) < ? THEN ? ELSE LAST_USED_AT END
WHERE AGENT_ID = ? AND MODEL_ID = ?
"""  # noqa: S608

JUDGE = f"""
UPDATE {DECISIONS}
SET RATED_MODEL_ID = ?, RATED_AT = ?, USER_RATING = ?, USER_SUCCESS = ?, USER_FEEDBACK = ?
WHERE DECISION_ID = ?
"""  # noqa: S608
BEFORE = f"""
SELECT TIMESTAMP, SELECTED_AGENT_ID, RATED_MODEL_ID, USER_RATING, USER_SUCCESS
FROM {DECISIONS} WHERE DECISION_ID = ?
"""  # noqa: S608
REVALUE = f"""
UPDATE {ASSIGNMENTS}
SET TOTAL_WORTH = CASE WHEN TOTAL_WORTH + ? < 0 THEN 0
    WHEN TOTAL_WORTH + ? > SUCCESSFUL_REQUESTS THEN SUCCESSFUL_REQUESTS ELSE TOTAL_WORTH + ? END
WHERE AGENT_ID = ? AND MODEL_ID = ? AND ASSIGNED_AT <= ?
"""  # noqa: S608

_SET_TEXTS = ("c.CANDIDATES_JSON", "c.REJECTIONS_JSON", "b.CANDIDATES_JSON")
DECISION_WITH_SET = len(DECISION_COLUMNS) + len(_SET_TEXTS)
_STORED = ", ".join(
    [
        *(f"d.{name}" for name in DECISION_COLUMNS),
        *_SET_TEXTS,
        *(f"d.{name}" for name in FEEDBACK_COLUMNS),
    ]
)
_SUCCEEDED = (
    f"EXISTS (SELECT 1 FROM {OUTCOMES} s WHERE s.DECISION_ID = d.DECISION_ID"  # noqa: S608
    " AND s.FAILURE_KIND IS NULL)"
)
_ENDED = (
    f"(d.SELECTED_MODEL_ID IS NULL OR EXISTS (SELECT 1 FROM {OUTCOMES} t"  # noqa: S608
    " WHERE t.DECISION_ID = d.DECISION_ID))"
)
BY_RESULT = {True: _SUCCEEDED, False: f"{_ENDED} AND NOT {_SUCCEEDED}"}
CHOSEN = f"{DECISIONS} d"
TRIED = f"{OUTCOMES} o INNER JOIN {DECISIONS} d ON d.DECISION_ID = o.DECISION_ID"


def ids_of(source: str, conditions: Sequence[str]) -> str:
    """The ids of a page, newest first; the last parameter is how many."""
    key, once = ("o.DECISION_ID", "DISTINCT ") if source is TRIED else ("d.DECISION_ID", "")
    where = " AND ".join(["1 = 1", *conditions])
    return f"SELECT {once}{key} FROM {source} WHERE {where} ORDER BY {key} DESC LIMIT ?"  # noqa: S608


def decisions_of(count: int) -> str:
    """So many decisions by their ids."""
    return (
        f"SELECT {_STORED} FROM {DECISIONS} d"  # noqa: S608
        f" LEFT OUTER JOIN {SETS} c ON c.SET_ID = d.CANDIDATE_SET_ID"
        f" LEFT OUTER JOIN {SETS} b ON b.SET_ID = c.BASE_SET_ID"
        f" WHERE d.DECISION_ID IN ({marks(range(count))}) ORDER BY d.DECISION_ID DESC"
    )


def outcomes_of(count: int) -> str:
    """The outcomes of so many decisions."""
    return (
        f"SELECT {', '.join(OUTCOME_COLUMNS)} FROM {OUTCOMES}"  # noqa: S608
        f" WHERE DECISION_ID IN ({marks(range(count))}) ORDER BY DECISION_ID, ATTEMPT"
    )


OLDER = f"SELECT DECISION_ID FROM {OUTCOMES} ORDER BY DECISION_ID DESC LIMIT 1 OFFSET ?"  # noqa: S608
OUTCOMES_SINCE = (
    f"SELECT {', '.join(f'o.{name}' for name in OUTCOME_COLUMNS)}, d.TASK_TYPE FROM {OUTCOMES} o"  # noqa: S608
    f" LEFT OUTER JOIN {DECISIONS} d ON d.DECISION_ID = o.DECISION_ID"
    " WHERE (o.DECISION_ID > ? OR (o.DECISION_ID = ? AND o.ATTEMPT > ?)) AND o.TIMESTAMP >= ?"
    " ORDER BY o.DECISION_ID, o.ATTEMPT LIMIT ?"
)
NEWEST_FEEDBACK = (
    f"SELECT RATED_AT FROM {DECISIONS} WHERE RATED_AT >= ?"  # noqa: S608
    " ORDER BY RATED_AT DESC LIMIT 1 OFFSET ?"
)
FEEDBACK_SINCE = (
    f"SELECT {', '.join(FEEDBACK_COLUMNS)} FROM {DECISIONS} WHERE RATED_AT >= ?"  # noqa: S608
    " AND RATED_AT > ? AND (RATED_AT > ? OR (RATED_AT = ? AND DECISION_ID > ?))"
    " ORDER BY RATED_AT, DECISION_ID LIMIT ?"
)

OLDEST = {
    table: f"SELECT DECISION_ID, TIMESTAMP FROM {table} ORDER BY DECISION_ID LIMIT ?"  # noqa: S608
    for table in (DECISIONS, OUTCOMES)
}
ITS_DECISIONS = (
    f"SELECT DECISION_ID FROM {DECISIONS} WHERE SELECTED_AGENT_ID = ?"  # noqa: S608
    " ORDER BY DECISION_ID LIMIT ?"
)
ITS_OUTCOMES = f"DELETE FROM {OUTCOMES} WHERE AGENT_ID = ?"  # noqa: S608
ITS_FIGURES = f"DELETE FROM {AGGREGATES} WHERE DIMENSION = 'agent' AND DIMENSION_VALUE = ?"  # noqa: S608
FIRST = f"SELECT MIN(DECISION_ID) FROM {DECISIONS}"  # noqa: S608
COUNT_BETWEEN = f"SELECT COUNT(*) FROM {DECISIONS} WHERE DECISION_ID >= ? AND DECISION_ID < ?"  # noqa: S608
SOME_SETS = f"SELECT SET_ID FROM {SETS} WHERE SET_ID > ? ORDER BY SET_ID LIMIT ?"  # noqa: S608


def delete_of(table: str, count: int) -> str:
    """So many decisions, or the outcomes of so many."""
    return f"DELETE FROM {table} WHERE DECISION_ID IN ({marks(range(count))})"  # noqa: S608


def unused_sets_of(count: int) -> str:
    """Those among so many sets to which nobody refers."""
    return (
        f"DELETE FROM {SETS} WHERE SET_ID IN ({marks(range(count))})"  # noqa: S608
        f" AND SET_ID NOT IN (SELECT CANDIDATE_SET_ID FROM {DECISIONS})"
        f" AND SET_ID NOT IN (SELECT BASE_SET_ID FROM {SETS} WHERE BASE_SET_ID IS NOT NULL)"
    )


PARTITIONS = (
    "SELECT LEVEL_1_RANGE_MIN_VALUE FROM TABLE_PARTITIONS"
    " WHERE SCHEMA_NAME = CURRENT_SCHEMA AND TABLE_NAME = ?"
)


def partition(act: str, table: str, first: str, after: str) -> str:
    """ADD or DROP the partition of the ids from `first` on and before `after`."""
    return f"ALTER TABLE {table} {act} PARTITION '{first}' <= VALUES < '{after}'"


KEEP_ASSIGNMENT = upsert(ASSIGNMENTS, ASSIGNMENT_COLUMNS)
KEEP_RUN = upsert(RUNS, RUN_COLUMNS)
RECORD = f"INSERT INTO {AUDIT} ({', '.join(AUDIT_COLUMNS)}) VALUES ({marks(AUDIT_COLUMNS)})"  # noqa: S608
RECORDED = f"SELECT COUNT(*) FROM {AUDIT} WHERE AUDIT_ID = ?"  # noqa: S608
KEEP_INPUTS = upsert(RUN_INPUTS, ("RUN_ID", "PROBLEM"))
REMATCH = (
    f"UPDATE {ASSIGNMENTS} SET {', '.join(f'{name} = ?' for name in MATCH_COLUMNS)}"  # noqa: S608
    " WHERE ASSIGNMENT_ID = ?"
)
UNUSED = (
    f"DELETE FROM {ASSIGNMENTS} WHERE STATUS = ? AND ASSIGNMENT_RANK IS NULL"  # noqa: S608
    " AND LAST_UPDATED < ? AND COALESCE(LAST_USED_AT, 0) < ?"
)
SETTLE = f"UPDATE {RUNS} SET STATE = ?, SETTLED_AT = ? WHERE RUN_ID = ?"  # noqa: S608
OUTDATE = f"UPDATE {RUNS} SET STATE = ?, SETTLED_AT = ? WHERE STATE = ? AND RUN_ID <> ?"  # noqa: S608
REMOVE = f"DELETE FROM {ASSIGNMENTS} WHERE ASSIGNMENT_ID = ?"  # noqa: S608
TOO_OLD = {
    table: f"SELECT RUN_ID FROM {table} ORDER BY RUN_ID DESC LIMIT 1 OFFSET ?"  # noqa: S608
    for table in (RUNS, RUN_INPUTS)
}
FORGET_RUNS = {table: f"DELETE FROM {table} WHERE RUN_ID <= ?" for table in (RUNS, RUN_INPUTS)}  # noqa: S608
SELECT_ASSIGNMENTS = f"SELECT {', '.join((*ASSIGNMENT_COLUMNS, *USAGE_COLUMNS))} FROM {ASSIGNMENTS}"  # noqa: S608
COUNT_ASSIGNMENTS = f"SELECT COUNT(*) FROM {ASSIGNMENTS}"  # noqa: S608
IN_ORDER = " ORDER BY AGENT_ID, ASSIGNMENT_RANK ASC NULLS LAST, MODEL_ID LIMIT ? OFFSET ?"
SELECT_RUNS = f"SELECT {', '.join(RUN_COLUMNS)} FROM {RUNS}"  # noqa: S608
SELECT_PROBLEM = f"SELECT PROBLEM FROM {RUN_INPUTS} WHERE RUN_ID = ?"  # noqa: S608
