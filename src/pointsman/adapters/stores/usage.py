"""What has each assignment been used for?

Counted in the transaction that writes the outcomes, in one statement per pair of agent and model:
to read, add and write back would lose what others count meanwhile.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence

from pointsman.adapters.stores.rows import microseconds, storable
from pointsman.adapters.stores.schema import ASSIGNMENTS, DECISIONS, OUTCOMES, marks
from pointsman.core.decision import Decision, Feedback, Outcome
from pointsman.core.errors import Blame

NOT_THE_MODELS = frozenset({Blame.CALLER, Blame.GATEWAY})
"""Whose failures say nothing about a model."""

Pair = tuple[str, str]

_COUNT = f"""
UPDATE {ASSIGNMENTS}
SET TOTAL_REQUESTS = TOTAL_REQUESTS + :requests,
    SUCCESSFUL_REQUESTS = SUCCESSFUL_REQUESTS + :successes,
    FAILED_REQUESTS = FAILED_REQUESTS + :requests - :successes,
    TOTAL_WORTH = TOTAL_WORTH + :successes,
    AVG_LATENCY_MS = CASE WHEN :successes = 0 THEN AVG_LATENCY_MS ELSE
        (COALESCE(AVG_LATENCY_MS, 0) * SUCCESSFUL_REQUESTS + :latency_ms)
        / (SUCCESSFUL_REQUESTS + :successes) END,
    LAST_USED_AT = MAX(COALESCE(LAST_USED_AT, 0), :last_us)
WHERE AGENT_ID = :agent_id AND MODEL_ID = :model_id
"""  # noqa: S608

_KEPT = f"SELECT DECISION_ID, ATTEMPT FROM {OUTCOMES} WHERE DECISION_ID IN ({{}})"  # noqa: S608

_BEFORE = f"""
SELECT TIMESTAMP, SELECTED_AGENT_ID, RATED_MODEL_ID, USER_RATING, USER_SUCCESS
FROM {DECISIONS} WHERE DECISION_ID = ?
"""  # noqa: S608

_REVALUE = f"""
UPDATE {ASSIGNMENTS}
SET TOTAL_WORTH = MAX(0, MIN(SUCCESSFUL_REQUESTS, TOTAL_WORTH + ?))
WHERE AGENT_ID = ? AND MODEL_ID = ? AND ASSIGNED_AT <= ?
"""  # noqa: S608


class _Sum:
    """Of one pair, within one batch."""

    __slots__ = ("last_us", "latency_ms", "requests", "successes")

    def __init__(self) -> None:
        self.requests = self.successes = self.last_us = 0
        self.latency_ms = 0.0


class UsageCount:
    """Sums up the outcomes of one batch. Pairs that are not in `assigned` cost next to nothing."""

    def __init__(self, assigned: Collection[Pair]) -> None:
        self._assigned = assigned
        self._sums: dict[Pair, _Sum] = {}

    def add(self, db: sqlite3.Connection, records: Sequence[Decision | Outcome]) -> None:
        """Count those of the outcomes that are not kept yet; called before they are."""
        if not self._assigned:
            return
        counting = [
            record for record in records if isinstance(record, Outcome) and self._counts(record)
        ]
        if not counting:
            return
        ids = [storable(each.decision_id) for each in counting]
        kept = set(db.execute(_KEPT.format(marks(ids)), ids))
        for each in counting:
            key = (each.decision_id, each.attempt)
            if key not in kept:
                kept.add(key)
                pair = (each.agent_id, each.model_id)
                self._count(self._sums.setdefault(pair, _Sum()), each)

    def _counts(self, outcome: Outcome) -> bool:
        if (outcome.agent_id, outcome.model_id) not in self._assigned:
            return False
        failure = outcome.failure
        return failure is None or failure.blames not in NOT_THE_MODELS

    def _count(self, total: _Sum, outcome: Outcome) -> None:
        total.requests += 1
        total.last_us = max(total.last_us, microseconds(outcome.at))
        if outcome.failure is None:
            total.successes += 1
            total.latency_ms += 1000.0 * outcome.total_s

    def write(self, db: sqlite3.Connection) -> None:
        for (agent_id, model_id), total in self._sums.items():
            values = {
                "requests": total.requests,
                "successes": total.successes,
                "latency_ms": total.latency_ms,
                "last_us": total.last_us,
                "agent_id": agent_id,
                "model_id": model_id,
            }
            db.execute(_COUNT, values)


def revalue(db: sqlite3.Connection, feedback: Feedback) -> None:
    """An answer was counted as worth 1, or what was said of it before; now it is worth this.

    Called before the feedback takes the place of what was said.
    """
    found = db.execute(_BEFORE, (storable(feedback.decision_id),)).fetchone()
    if found is None:
        return
    at_us, agent_id, model_id, rating, success = found
    before = 1.0
    if model_id is not None:
        before = quality(rating, success=success)
    if model_id in {None, feedback.model_id}:
        change = feedback.quality - before
        db.execute(_REVALUE, (change, agent_id, storable(feedback.model_id), at_us))


def quality(rating: int | None, *, success: int | None) -> float:
    """What an answer is worth by what was said of it, 0 to 1."""
    return (rating - 1) / 4 if rating is not None else float(bool(success))
