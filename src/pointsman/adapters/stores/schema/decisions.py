"""Where do decisions stand, and the outcomes of their attempts?

The candidates of a decision and the rejections that stand for all requests of its kind are kept
once for all of them, in `ROUTING_CANDIDATE_SETS` (see `sets.py`).

A decision's id begins with its time, so the tables grow at their end, a page of decisions is a walk
along the primary key, and on PostgreSQL a day is a partition.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from pointsman.adapters.stores.schema import DECISIONS, OUTCOMES, SETS
from pointsman.adapters.stores.schema.columns import (
    COUNT,
    DOCUMENT,
    FLAG,
    HASH,
    INSTANT,
    LINE,
    MONEY,
    NAME,
    NUMBER,
    REAL,
    WORD,
    column,
    index,
    key,
    table,
)

BY_DAY: Any = {"postgresql_partition_by": "RANGE (DECISION_ID)"}

decisions = table(
    DECISIONS,
    key("DECISION_ID"),
    column("REQUEST_ID", NAME),
    column("TIMESTAMP", INSTANT),
    column("TASK_TYPE", WORD, null=True),
    column("CONTEXT_LENGTH", COUNT),
    column("TASK_JSON", DOCUMENT),
    column("SELECTED_AGENT_ID", NAME),
    column("SELECTED_MODEL_ID", NAME, null=True),
    column("COMPOSITE_SCORE", REAL, null=True),
    column("STRATEGY", WORD),
    column("CANDIDATE_SET_ID", HASH),
    column("CANDIDATE_ORDER", DOCUMENT, null=True),
    column("REJECTIONS_JSON", DOCUMENT, null=True),
    column("PROPENSITY", REAL),
    column("CONFIG_VERSION", WORD),
    column("SESSION_ID", NAME, null=True),
    column("ASKED_MODEL", NAME),
    column("PANIC", FLAG),
    column("EXPLORED", FLAG, server_default=sa.text("0")),
    # What somebody says of the answer, which may be another model's than the selected one's.
    column("USER_RATING", FLAG, null=True),
    column("USER_SUCCESS", FLAG, null=True),
    column("USER_FEEDBACK", DOCUMENT, null=True),
    column("RATED_MODEL_ID", NAME, null=True),
    column("RATED_AT", INSTANT, null=True),
    # Decisions before revision 3 did not say within which band the best shared their traffic.
    column("BAND", REAL, null=True, server_default=sa.text("0")),
    column("ASSIGNMENT_ID", NAME, null=True),
    column("TASK_DESCRIPTION", LINE, null=True),
    column("PROMPT_PREVIEW", DOCUMENT, null=True),
    index("IX_DECISIONS_AGENT", "SELECTED_AGENT_ID", "DECISION_ID"),
    index("IX_DECISIONS_MODEL", "SELECTED_MODEL_ID", "DECISION_ID"),
    index("IX_DECISIONS_REQUEST", "REQUEST_ID"),
    index("IX_DECISIONS_SESSION", "SESSION_ID", "DECISION_ID", where="SESSION_ID IS NOT NULL"),
    index("IX_DECISIONS_SET", "CANDIDATE_SET_ID"),
    index("IX_DECISIONS_RATED", "RATED_AT", where="RATED_AT IS NOT NULL"),
    **BY_DAY,
)

candidate_sets = table(
    SETS,
    key("SET_ID", HASH),
    column("CANDIDATES_JSON", DOCUMENT),
    column("REJECTIONS_JSON", DOCUMENT),
    column("BASE_SET_ID", HASH, null=True),
    index("IX_CANDIDATE_SETS_BASE", "BASE_SET_ID", where="BASE_SET_ID IS NOT NULL"),
)

outcomes = table(
    OUTCOMES,
    key("DECISION_ID"),
    key("ATTEMPT", NUMBER),
    column("MODEL_ID", NAME),
    column("AGENT_ID", NAME),
    column("TIMESTAMP", INSTANT),
    column("FAILURE_KIND", WORD, null=True),
    column("STREAMED", FLAG),
    column("TOTAL_S", REAL),
    column("FIRST_TOKEN_S", REAL, null=True),
    column("PROMPT_TOKENS", COUNT, null=True),
    column("TOKENS_GENERATED", COUNT, null=True),
    column("CACHED_TOKENS", COUNT, null=True),
    column("CACHE_WRITE_TOKENS", COUNT, null=True),
    column("AUDIO_TOKENS", COUNT, null=True),
    column("REPORTED_COST", MONEY, null=True),
    column("USAGE_ESTIMATED", FLAG, null=True),
    column("ACTUAL_COST", MONEY, null=True),
    column("UPSTREAM_MODEL", NAME, null=True),
    column("HTTP_STATUS", NUMBER, null=True),
    column("ERROR_MESSAGE", DOCUMENT),
    # A first attempt is always on the model that was selected, and that is indexed.
    index("IX_OUTCOMES_LATER_MODEL", "MODEL_ID", "DECISION_ID", where="ATTEMPT > 1"),
    sqlite_with_rowid=False,
    **BY_DAY,
)
