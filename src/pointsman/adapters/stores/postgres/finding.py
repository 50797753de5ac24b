"""Which decisions in PostgreSQL answer a question, and how are they read back?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from pointsman.adapters.stores.postgres.link import Session
from pointsman.adapters.stores.rows import (
    DECISION_COLUMNS,
    FEEDBACK_COLUMNS,
    OUTCOME_COLUMNS,
    stored_decision,
    stored_feedback,
    stored_outcome,
)
from pointsman.adapters.stores.schema import DECISIONS, OUTCOMES, SETS
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
_SELECT = f"""
SELECT {_STORED_DECISION} FROM {DECISIONS} d
LEFT JOIN {SETS} c ON c.SET_ID = d.CANDIDATE_SET_ID
LEFT JOIN {SETS} b ON b.SET_ID = c.BASE_SET_ID
WHERE d.DECISION_ID = ANY($1) ORDER BY d.DECISION_ID DESC
"""  # noqa: S608
_SELECT_OUTCOMES = f"""
SELECT {", ".join(OUTCOME_COLUMNS)} FROM {OUTCOMES}
WHERE DECISION_ID = ANY($1) ORDER BY DECISION_ID, ATTEMPT
"""  # noqa: S608
_SUCCEEDED = (
    "EXISTS (SELECT 1 FROM ROUTING_OUTCOMES s WHERE s.DECISION_ID = d.DECISION_ID"
    " AND s.FAILURE_KIND IS NULL)"
)
_ENDED = (
    "(d.SELECTED_MODEL_ID IS NULL OR EXISTS"
    " (SELECT 1 FROM ROUTING_OUTCOMES t WHERE t.DECISION_ID = d.DECISION_ID))"
)
_BY_RESULT = {True: _SUCCEEDED, False: f"{_ENDED} AND NOT {_SUCCEEDED}"}
_CHOSEN = f"{DECISIONS} d"
_TRIED = f"{OUTCOMES} o"
_TRIED_FOR = f"{_TRIED} JOIN {DECISIONS} d ON d.DECISION_ID = o.DECISION_ID"
"""To plan it takes ten times as long, so it is left where nothing is asked of the decision."""


def readable(text: str) -> str:
    """The text as PostgreSQL has it: without halves of surrogate pairs and without zeros."""
    return text.encode("utf-8", "replace").decode().replace("\0", "?")


async def page(session: Session, query: DecisionQuery) -> list[StoredDecision]:
    """The decisions that answer a question, newest first; fewer than asked for where no more do."""
    found: list[StoredDecision] = []
    while True:
        asked = query._replace(limit=query.limit - len(found))
        ids = await matching_ids(session, asked)
        found += await stored(session, ids)
        if len(found) >= query.limit or len(ids) < asked.limit:
            return found
        query = query._replace(before=ids[-1])  # some were outcomes of decisions that were lost


async def matching_ids(session: Session, query: DecisionQuery) -> list[str]:
    """Ids of the page, newest first. A model matches that was chosen, and so tried, or tried later.

    Each of the two is a walk along an index. Of an outcome the decision may not be there.
    """
    if query.model_id is None:
        return await _ids(session, query, _CHOSEN, "")
    found = {
        *await _ids(session, query, _CHOSEN, "d.SELECTED_MODEL_ID = "),
        *await _ids(session, query, _tried(query), "o.ATTEMPT > 1 AND o.MODEL_ID = "),
    }
    return sorted(found, reverse=True)[: query.limit]


def _tried(query: DecisionQuery) -> str:
    of_decision = (query.agent_id, query.session, query.request_id, query.success)
    return _TRIED if all(each is None for each in of_decision) else _TRIED_FOR


async def _ids(session: Session, query: DecisionQuery, source: str, model: str) -> list[str]:
    # Only later attempts may name a decision twice; to look for that reads more than a page.
    key, once = ("d.DECISION_ID", "") if source is _CHOSEN else ("o.DECISION_ID", "DISTINCT ")
    tests = {
        f"{key} < ": query.before,
        f"{key} >= ": query.least_id,
        "d.SELECTED_AGENT_ID = ": query.agent_id,
        "d.SESSION_ID = ": query.session,
        "d.REQUEST_ID = ": query.request_id,
        model: query.model_id if model else None,
    }
    asked = {test: readable(value) for test, value in tests.items() if value is not None}
    conditions = ["TRUE", *(f"{test}${place}" for place, test in enumerate(asked, 2))]
    if query.success is not None:
        conditions.append(_BY_RESULT[query.success])
    rows = await session.fetch(
        f"SELECT {once}{key} FROM {source} WHERE {' AND '.join(conditions)}"  # noqa: S608
        f" ORDER BY {key} DESC LIMIT $1",
        query.limit,
        *asked.values(),
    )
    return [row[0] for row in rows]


async def stored(session: Session, ids: Sequence[str]) -> list[StoredDecision]:
    """Those of the decisions that are there, newest first."""
    if not ids:
        return []
    rows = await session.fetch(_SELECT, ids)
    outcomes = await _outcomes_of(session, ids)
    return [_stored(row, outcomes.get(row[0], ())) for row in rows]


def _stored(row: Sequence[Any], outcomes: tuple[Outcome, ...]) -> StoredDecision:
    return StoredDecision(stored_decision(row), outcomes, stored_feedback(row[_DECISION_WITH_SET:]))


async def _outcomes_of(session: Session, ids: Sequence[str]) -> dict[str, tuple[Outcome, ...]]:
    rows = await session.fetch(_SELECT_OUTCOMES, ids)
    groups = groupby(rows, key=lambda row: row[0])
    return {decision_id: tuple(map(stored_outcome, group)) for decision_id, group in groups}
