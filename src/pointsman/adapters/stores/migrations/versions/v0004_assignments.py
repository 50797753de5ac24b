"""What is kept of which agent stands on which model, and of how that came to be?"""

from __future__ import annotations

import sqlalchemy as sa

from pointsman.adapters.stores.migrations.making import drop, make, narrow, widen
from pointsman.adapters.stores.schema import ASSIGNMENTS, DECISIONS, RUN_INPUTS, RUNS
from pointsman.adapters.stores.schema.columns import (
    COUNT,
    DOCUMENT,
    INSTANT,
    NAME,
    NUMBER,
    PACKED,
    REAL,
    WORD,
    between,
    column,
    index,
    key,
    plain,
    table,
)

revision = "0004"
down_revision = "0003"

THEN = sa.MetaData()
NONE_YET = sa.text("0")

assigned = column("ASSIGNMENT_ID", NAME, null=True)

assignments = table(
    ASSIGNMENTS,
    key("ASSIGNMENT_ID"),
    column("AGENT_ID", NAME),
    column("AGENT_NAME", NAME),
    column("AGENT_TYPE", WORD),
    column("AGENT_CAPABILITIES_JSON", DOCUMENT),
    column("MODEL_ID", NAME),
    column("MODEL_NAME", NAME),
    column("MODEL_CAPABILITIES_JSON", DOCUMENT),
    column("MATCH_SCORE", REAL),
    column("CAPABILITY_OVERLAP_JSON", DOCUMENT),
    column("STATUS", WORD),
    column("ASSIGNMENT_METHOD", WORD),
    column("ASSIGNMENT_RANK", NUMBER, null=True),
    column("CAPABILITY_SCORE", REAL, null=True),
    column("PERFORMANCE_SCORE", REAL, null=True),
    column("PERFORMANCE_WEIGHT", REAL),
    column("CAPABILITY_WEIGHT", REAL),
    column("EVIDENCE", REAL),
    column("ASSIGNED_BY", NAME),
    column("ASSIGNED_AT", INSTANT),
    column("LAST_UPDATED", INSTANT),
    column("NOTES", DOCUMENT),
    column("RUN_ID", NAME),
    column("VALID_UNTIL", INSTANT, null=True),
    column("TRIAL_JSON", DOCUMENT, null=True),
    column("TOTAL_REQUESTS", COUNT, server_default=NONE_YET),
    column("SUCCESSFUL_REQUESTS", COUNT, server_default=NONE_YET),
    column("FAILED_REQUESTS", COUNT, server_default=NONE_YET),
    column("AVG_LATENCY_MS", REAL, null=True),
    column("TOTAL_WORTH", REAL, server_default=NONE_YET),
    column("LAST_USED_AT", INSTANT, null=True),
    sa.UniqueConstraint(plain("AGENT_ID"), plain("MODEL_ID")),
    between("MATCH_SCORE", 0, 100),
    between("PERFORMANCE_WEIGHT", 0, 1),
    between("CAPABILITY_WEIGHT", 0, 1),
    index("IX_ASSIGNMENTS_MODEL", "MODEL_ID", "AGENT_ID"),
    index("IX_ASSIGNMENTS_STATUS", "STATUS", "AGENT_ID"),
    index("IX_ASSIGNMENTS_SCORE", "MATCH_SCORE"),
    index("IX_ASSIGNMENTS_METHOD", "ASSIGNMENT_METHOD"),
    index("IX_ASSIGNMENTS_TIME", "ASSIGNED_AT"),
    metadata=THEN,
)

runs = table(
    RUNS,
    key("RUN_ID"),
    column("RUN_AT", INSTANT),
    column("KIND", WORD),
    column("STATE", WORD),
    column("SETTLED_AT", INSTANT),
    column("DECIDED_BY", NAME),
    column("REASON", DOCUMENT),
    column("STRATEGY", WORD, null=True),
    column("CONFIG_VERSION", WORD),
    column("MOVES", NUMBER),
    column("UNDOES", NAME, null=True),
    column("CHANGES_JSON", DOCUMENT),
    column("FIGURES_JSON", DOCUMENT, null=True),
    column("POINT_JSON", DOCUMENT, null=True),
    index("IX_RUNS_STATE", "STATE", "RUN_ID"),
    metadata=THEN,
)

run_inputs = table(RUN_INPUTS, key("RUN_ID"), column("PROBLEM", PACKED), metadata=THEN)


def upgrade() -> None:
    widen(DECISIONS, assigned)
    make(assignments, runs, run_inputs)


def downgrade() -> None:
    drop(assignments, runs, run_inputs)
    narrow(DECISIONS, assigned)
