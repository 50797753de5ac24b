"""What is kept of decisions and of the outcomes of their attempts?"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from pointsman.adapters.stores.migrations.making import drop, make
from pointsman.adapters.stores.schema import DECISIONS, OUTCOMES, SETS
from pointsman.adapters.stores.schema.columns import (
    COUNT,
    DOCUMENT,
    FLAG,
    HASH,
    INSTANT,
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

revision = "0001"
down_revision = None

BY_DAY: Any = {"postgresql_partition_by": "RANGE (DECISION_ID)"}
THEN = sa.MetaData()

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
    index("IX_DECISIONS_AGENT", "SELECTED_AGENT_ID", "DECISION_ID"),
    index("IX_DECISIONS_MODEL", "SELECTED_MODEL_ID", "DECISION_ID"),
    index("IX_DECISIONS_REQUEST", "REQUEST_ID"),
    index("IX_DECISIONS_SESSION", "SESSION_ID", "DECISION_ID", where="SESSION_ID IS NOT NULL"),
    index("IX_DECISIONS_SET", "CANDIDATE_SET_ID"),
    metadata=THEN,
    **BY_DAY,
)

candidate_sets = table(
    SETS,
    key("SET_ID", HASH),
    column("CANDIDATES_JSON", DOCUMENT),
    column("REJECTIONS_JSON", DOCUMENT),
    metadata=THEN,
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
    index("IX_OUTCOMES_MODEL", "MODEL_ID", "DECISION_ID"),
    sqlite_with_rowid=False,
    metadata=THEN,
    **BY_DAY,
)


def upgrade() -> None:
    make(decisions, candidate_sets, outcomes)


def downgrade() -> None:
    drop(decisions, candidate_sets, outcomes)
