"""What became of the answers for which chance drew the model, which is all that a trial counts?

Of the first attempts on the model that was selected, of requests that named none and were spent on
no learning: where several could have been, and one was drawn (a propensity below 1). So an answer
that came because another model had failed says nothing, nor does one of a conversation that stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pointsman.adapters.stores.rows import storable
from pointsman.adapters.stores.schema import DECISIONS, OUTCOMES
from pointsman.adapters.stores.usage import NOT_THE_MODELS
from pointsman.core.aggregate import first_id
from pointsman.core.assignment.trial import Results
from pointsman.core.errors import FailureKind
from pointsman.engine.ports import DrawnQuery

_NOT_COUNTED = ", ".join(f"'{kind.code}'" for kind in FailureKind if kind.blames in NOT_THE_MODELS)

DRAWN = f"""
SELECT o.MODEL_ID, COUNT(*), SUM(CASE
    WHEN o.FAILURE_KIND IS NOT NULL THEN 0.0
    WHEN d.RATED_MODEL_ID IS NULL OR d.RATED_MODEL_ID <> o.MODEL_ID THEN 1.0
    WHEN d.USER_RATING IS NOT NULL THEN (d.USER_RATING - 1) / 4.0
    ELSE 1.0 * COALESCE(d.USER_SUCCESS, 0) END)
FROM {DECISIONS} d INNER JOIN {OUTCOMES} o ON o.DECISION_ID = d.DECISION_ID
WHERE d.SELECTED_AGENT_ID = ? AND d.DECISION_ID >= ? AND d.STRATEGY = ?
    AND d.SELECTED_MODEL_ID IN (?, ?) AND o.MODEL_ID = d.SELECTED_MODEL_ID AND o.ATTEMPT = 1
    AND d.PROPENSITY < 1 AND d.BAND IS NOT NULL AND d.PANIC = 0 AND d.EXPLORED = 0
    AND (o.FAILURE_KIND IS NULL OR o.FAILURE_KIND NOT IN ({_NOT_COUNTED}))
GROUP BY o.MODEL_ID
"""  # noqa: S608


def drawn_values(query: DrawnQuery) -> tuple[str, ...]:
    """What the marks of `DRAWN` stand for."""
    first, second = query.model_ids
    values = (
        query.agent_id,
        first_id(int(query.since.timestamp())),
        query.strategy.value,
        first,
        second,
    )
    return tuple(storable(value) for value in values)


def drawn_results(rows: Iterable[tuple[str, int, float]]) -> Mapping[str, Results]:
    """The rows of `DRAWN`, by model."""
    return {model_id: Results(float(count), float(worth)) for model_id, count, worth in rows}
