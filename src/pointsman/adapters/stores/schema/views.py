"""What do people see who look into the database with tools of their own?

Four views, the same on every database: shares as percentages, latencies in milliseconds, costs in
US dollars. "Now" is the database's clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pointsman.adapters.stores.schema import ASSIGNMENTS, DECISIONS, OUTCOMES

DAY_S = 86_400


class Words(NamedTuple):
    """How a database says what the others say differently.

    `recent` is a condition that rows of the last 24 hours meet, with room for the name of their
    table. Where it can be said, it compares keys, which begin with their milliseconds since 1970.
    """

    real: str
    recent: str


WORDS: Mapping[str, Words] = {
    "sqlite": Words(
        "REAL",
        "{}.DECISION_ID >="
        f" printf('dec_%011x', (CAST(strftime('%s', 'now') AS INTEGER) - {DAY_S}) * 1000)",
    ),
    "postgresql": Words(
        "DOUBLE PRECISION",
        "{}.DECISION_ID >="
        f" 'dec_' || lpad(to_hex((CAST(extract(epoch FROM now()) AS BIGINT) - {DAY_S}) * 1000),"
        " 11, '0')",
    ),
    "hana": Words(
        "DOUBLE",
        "{}.TIMESTAMP >="
        f" (SECONDS_BETWEEN(TO_TIMESTAMP('1970-01-01'), CURRENT_UTCTIMESTAMP) - {DAY_S}) * 1000000",
    ),
}

SUMMARY = "V_AGENT_ASSIGNMENTS_SUMMARY"
PERFORMANCE = "V_MODEL_ASSIGNMENT_PERFORMANCE"
ANALYTICS = "V_ROUTING_ANALYTICS_24H"
PAIRS = "V_TOP_AGENT_MODEL_PAIRS"
VIEWS = (SUMMARY, PERFORMANCE, ANALYTICS, PAIRS)

_USED = """
    SUM(TOTAL_REQUESTS) AS TOTAL_REQUESTS,
    100.0 * SUM(SUCCESSFUL_REQUESTS) / NULLIF(SUM(TOTAL_REQUESTS), 0) AS SUCCESS_PERCENT,
    SUM(AVG_LATENCY_MS * SUCCESSFUL_REQUESTS)
        / NULLIF(SUM(CASE WHEN AVG_LATENCY_MS IS NULL THEN 0 ELSE SUCCESSFUL_REQUESTS END), 0)
        AS AVG_LATENCY_MS,
    MAX(LAST_USED_AT) AS LAST_USED_AT"""

_SUMMARY = f"""CREATE VIEW {SUMMARY} AS
SELECT
    AGENT_ID,
    MAX(AGENT_NAME) AS AGENT_NAME,
    COUNT(*) AS MODELS,
    SUM(CASE WHEN STATUS = 'ACTIVE' THEN 1 ELSE 0 END) AS ACTIVE_MODELS,
    AVG(MATCH_SCORE) AS AVG_MATCH_SCORE,{_USED}
FROM {ASSIGNMENTS}
GROUP BY AGENT_ID"""  # noqa: S608

_PERFORMANCE = f"""CREATE VIEW {PERFORMANCE} AS
SELECT
    MODEL_ID,
    MAX(MODEL_NAME) AS MODEL_NAME,
    COUNT(*) AS AGENTS,
    AVG(MATCH_SCORE) AS AVG_MATCH_SCORE,{_USED}
FROM {ASSIGNMENTS}
WHERE STATUS = 'ACTIVE'
GROUP BY MODEL_ID"""  # noqa: S608


def _analytics(words: Words) -> str:
    # A first attempt is on the selected model, so two models mean that it fell back.
    return f"""CREATE VIEW {ANALYTICS} AS
SELECT
    d.TASK_TYPE AS TASK_TYPE,
    d.STRATEGY AS STRATEGY,
    COUNT(*) AS DECISIONS,
    AVG(CASE WHEN d.SELECTED_MODEL_ID IS NULL THEN 0.0 ELSE 100.0 * e.SUCCEEDED END)
        AS SUCCESS_PERCENT,
    AVG(100.0 * e.FELL_BACK) AS FALLBACK_PERCENT,
    AVG(1000.0 * e.TOTAL_S) AS AVG_LATENCY_MS,
    AVG(100.0 * d.COMPOSITE_SCORE) AS AVG_SCORE,
    SUM(e.COST) AS TOTAL_COST
FROM {DECISIONS} d LEFT JOIN (
    SELECT
        o.DECISION_ID AS DECISION_ID,
        MAX(CASE WHEN o.FAILURE_KIND IS NULL THEN 1 ELSE 0 END) AS SUCCEEDED,
        CASE WHEN MIN(o.MODEL_ID) <> MAX(o.MODEL_ID) THEN 1 ELSE 0 END AS FELL_BACK,
        SUM(o.TOTAL_S) AS TOTAL_S,
        SUM(CAST(o.ACTUAL_COST AS {words.real})) AS COST
    FROM {OUTCOMES} o
    WHERE {words.recent.format("o")}
    GROUP BY o.DECISION_ID
) e ON e.DECISION_ID = d.DECISION_ID
WHERE {words.recent.format("d")}
GROUP BY d.TASK_TYPE, d.STRATEGY"""  # noqa: S608


def _pairs(words: Words) -> str:
    return f"""CREATE VIEW {PAIRS} AS
SELECT
    AGENT_ID,
    MODEL_ID,
    COUNT(*) AS USES,
    AVG(CASE WHEN FAILURE_KIND IS NULL THEN 100.0 ELSE 0.0 END) AS SUCCESS_PERCENT,
    AVG(CASE WHEN FAILURE_KIND IS NULL THEN 1000.0 * TOTAL_S END) AS AVG_LATENCY_MS,
    SUM(CAST(ACTUAL_COST AS {words.real})) AS TOTAL_COST
FROM {OUTCOMES} o
WHERE {words.recent.format("o")}
GROUP BY AGENT_ID, MODEL_ID"""  # noqa: S608


def view_statements(dialect: str) -> tuple[str, ...]:
    """What makes the views on a database: `sqlite`, `postgresql` or `hana`."""
    words = WORDS[dialect]
    return (_SUMMARY, _PERFORMANCE, _analytics(words), _pairs(words))
