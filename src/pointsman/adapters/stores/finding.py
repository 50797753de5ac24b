"""Which stored decisions answer a question, and how are they read back?"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from pointsman.adapters.stores.rows import (
    DECISION_COLUMNS,
    FEEDBACK_COLUMNS,
    OUTCOME_COLUMNS,
    storable,
    stored_decision,
    stored_feedback,
    stored_outcome,
)
from pointsman.adapters.stores.schema import DECISIONS, OUTCOMES, SETS, marks
from pointsman.core.decision import Outcome
from pointsman.engine.ports import DecisionQuery, StoredDecision

_SET_TEXTS = ("c.CANDIDATES_JSON", "c.REJECTIONS_JSON", "b.CANDIDATES_JSON")
_DECISION_WITH_SET = len(DECISION_COLUMNS) + len(_SET_TEXTS)
_STORED_DECISION = ", ".join(
    [
        *(f"d.{name}" for name in DECISION_COLUMNS),
        *_SET_TEXTS,
        *(f"d.{name}" for name in FEEDBACK_COLUMNS),
    ]
)
_WITH_SETS = (
    f"{DECISIONS} d LEFT JOIN {SETS} c ON c.SET_ID = d.CANDIDATE_SET_ID"
    f" LEFT JOIN {SETS} b ON b.SET_ID = c.BASE_SET_ID"
)
_SUCCEEDED = (
    "EXISTS (SELECT 1 FROM ROUTING_OUTCOMES s WHERE s.DECISION_ID = d.DECISION_ID"
    " AND s.FAILURE_KIND IS NULL)"
)
_ENDED = (
    "(d.SELECTED_MODEL_ID IS NULL OR EXISTS"
    " (SELECT 1 FROM ROUTING_OUTCOMES t WHERE t.DECISION_ID = d.DECISION_ID))"
)
_BY_RESULT = {True: _SUCCEEDED, False: f"{_ENDED} AND NOT {_SUCCEEDED}"}


def matching_ids(db: sqlite3.Connection, query: DecisionQuery) -> list[str]:
    """Ids of the page, newest first.

    A model matches when it was chosen, hence tried first, or when it was tried later. Each of the
    two is a walk along an index; joined by OR they would be a walk through the whole table.
    """
    chosen = f"{DECISIONS} d"
    if query.model_id is None:
        return _ids(db, query, chosen, "")
    tried = f"{OUTCOMES} o CROSS JOIN {DECISIONS} d ON d.DECISION_ID = o.DECISION_ID"
    found = {
        *_ids(db, query, chosen, "d.SELECTED_MODEL_ID = ?"),
        *_ids(db, query, tried, "o.ATTEMPT > 1 AND o.MODEL_ID = ?"),
    }
    return sorted(found, reverse=True)[: query.limit]


def stored(db: sqlite3.Connection, ids: Sequence[str]) -> list[StoredDecision]:
    """Those of the decisions that are there, newest first."""
    rows = db.execute(
        f"SELECT {_STORED_DECISION} FROM {_WITH_SETS}"  # noqa: S608
        f" WHERE d.DECISION_ID IN ({marks(ids)}) ORDER BY d.DECISION_ID DESC",
        ids,
    ).fetchall()
    outcomes = _outcomes_of(db, ids)
    return [
        StoredDecision(
            stored_decision(row),
            outcomes.get(row[0], ()),
            stored_feedback(row[_DECISION_WITH_SET:]),
        )
        for row in rows
    ]


def _conditions(query: DecisionQuery) -> tuple[list[str], list[Any]]:
    """What a decision must meet, the model aside."""
    tests = {
        "d.DECISION_ID < ?": query.before,
        "d.DECISION_ID >= ?": query.least_id,
        "d.SELECTED_AGENT_ID = ?": query.agent_id,
        "d.SESSION_ID = ?": query.session,
        "d.REQUEST_ID = ?": query.request_id,
    }
    asked = {test: storable(value) for test, value in tests.items() if value is not None}
    conditions = list(asked)
    if query.success is not None:
        conditions.append(_BY_RESULT[query.success])
    return conditions, list(asked.values())


def _ids(db: sqlite3.Connection, query: DecisionQuery, source: str, model: str) -> list[str]:
    conditions, values = _conditions(query)
    if model:
        conditions.append(model)
        values.append(storable(query.model_id or ""))
    key = "o.DECISION_ID" if " o " in source else "d.DECISION_ID"
    where = " AND ".join(["TRUE", *conditions])
    rows = db.execute(
        f"SELECT DISTINCT {key} FROM {source} WHERE {where} ORDER BY {key} DESC LIMIT ?",  # noqa: S608
        [*values, query.limit],
    )
    return [row[0] for row in rows]


def _outcomes_of(db: sqlite3.Connection, ids: Sequence[str]) -> dict[str, tuple[Outcome, ...]]:
    rows = db.execute(
        f"SELECT {', '.join(OUTCOME_COLUMNS)} FROM {OUTCOMES}"  # noqa: S608
        f" WHERE DECISION_ID IN ({marks(ids)}) ORDER BY DECISION_ID, ATTEMPT",
        ids,
    )
    groups = groupby(rows, key=lambda row: row[0])
    return {decision_id: tuple(map(stored_outcome, group)) for decision_id, group in groups}
