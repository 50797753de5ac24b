"""What is kept of alerts, of periods, of what people did, and of what answers taught?"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pointsman.adapters.stores.migrations.making import dialect, drop, make, narrow, widen
from pointsman.adapters.stores.schema import (
    AGGREGATES,
    ALERT_EVENTS,
    ALERT_OUTBOX,
    ALERT_RULES,
    ALERT_SILENCES,
    ALERTS,
    AUDIT,
    CORRECTIONS,
    DECISIONS,
    KEYS,
)
from pointsman.adapters.stores.schema.columns import (
    COUNT,
    DOCUMENT,
    FLAG,
    INSTANT,
    LINE,
    NAME,
    NUMBER,
    PACKED,
    REAL,
    WORD,
    column,
    index,
    key,
    plain,
    table,
)
from pointsman.adapters.stores.schema.views import VIEWS, view_statements

revision = "0005"
down_revision = "0004"

THEN = sa.MetaData()
NONE_YET = sa.text("0")

described = (
    column("TASK_DESCRIPTION", LINE, null=True),
    column("PROMPT_PREVIEW", DOCUMENT, null=True),
)

alerts = table(
    ALERTS,
    key("RULE_ID"),
    key("SCOPE"),
    column("ALERT_ID", NAME),
    column("ALERT_TYPE", WORD),
    column("STATE", WORD),
    column("SEVERITY", WORD),
    column("MODEL_ID", NAME, null=True),
    column("AGENT_ID", NAME, null=True),
    column("MESSAGE", DOCUMENT),
    column("METRIC_VALUE", REAL, null=True),
    column("THRESHOLD_VALUE", REAL, null=True),
    column("BOUND_VALUE", REAL, null=True),
    column("EVIDENCE_COUNT", COUNT, null=True),
    column("WINDOW_S", REAL, null=True),
    column("PENDING_AT", INSTANT, null=True),
    column("STARTS_AT", INSTANT, null=True),
    column("RECOVERING_AT", INSTANT, null=True),
    column("ENDS_AT", INSTANT, null=True),
    column("CHANGED_AT", INSTANT),
    column("NOTIFIED_AT", INSTANT, null=True),
    column("NOTIFIED_SEVERITY", WORD, null=True),
    column("ACKED_AT", INSTANT, null=True),
    column("ACKED_BY", NAME, null=True),
    column("ACKED_UNTIL", INSTANT, null=True),
    column("ACK_NOTE", DOCUMENT, null=True),
    column("LABELS_JSON", DOCUMENT),
    column("MEMORY_JSON", DOCUMENT, null=True),
    index("IX_ALERTS_ID", "ALERT_ID", unique=True),
    index("IX_ALERTS_STATE", "STATE", "CHANGED_AT"),
    metadata=THEN,
)

alert_events = table(
    ALERT_EVENTS,
    key("EVENT_ID"),
    column("ALERT_ID", NAME),
    column("RULE_ID", NAME),
    column("SCOPE", NAME),
    column("ALERT_TYPE", WORD),
    column("EVENT_AT", INSTANT),
    column("EVENT_KIND", WORD),
    column("FORMER_STATE", WORD, null=True),
    column("STATE", WORD),
    column("SEVERITY", WORD),
    column("MODEL_ID", NAME, null=True),
    column("AGENT_ID", NAME, null=True),
    column("MESSAGE", DOCUMENT),
    column("METRIC_VALUE", REAL, null=True),
    column("THRESHOLD_VALUE", REAL, null=True),
    column("EVIDENCE_COUNT", COUNT, null=True),
    column("WINDOW_S", REAL, null=True),
    column("ACTOR", NAME, null=True),
    column("DETAILS_JSON", DOCUMENT, null=True),
    index("IX_ALERT_EVENTS_ALERT", "ALERT_ID", "EVENT_ID"),
    index("IX_ALERT_EVENTS_TIME", "EVENT_AT"),
    metadata=THEN,
)

alert_outbox = table(
    ALERT_OUTBOX,
    key("OUTBOX_ID"),
    column("CHANNEL", NAME),
    column("GROUP_KEY", NAME, null=True),
    column("SEVERITY", WORD, null=True),
    column("PAYLOAD_JSON", DOCUMENT),
    column("STATE", WORD),
    column("ATTEMPTS", NUMBER, server_default=NONE_YET),
    column("CREATED_AT", INSTANT),
    column("NEXT_AT", INSTANT),
    column("LEASED_BY", NAME, null=True),
    column("LEASED_UNTIL", INSTANT, null=True),
    column("SETTLED_AT", INSTANT, null=True),
    column("LAST_ERROR", DOCUMENT, null=True),
    column("RECEIPT", LINE, null=True),
    column("MERGED_INTO", NAME, null=True),
    index("IX_ALERT_OUTBOX_NEXT", "STATE", "NEXT_AT"),
    index("IX_ALERT_OUTBOX_CHANNEL", "CHANNEL", "STATE"),
    index("IX_ALERT_OUTBOX_GROUP", "CHANNEL", "GROUP_KEY", "CREATED_AT"),
    metadata=THEN,
)

alert_silences = table(
    ALERT_SILENCES,
    key("SILENCE_ID"),
    column("MATCHERS_JSON", DOCUMENT),
    column("STARTS_AT", INSTANT),
    column("ENDS_AT", INSTANT),
    column("CREATED_AT", INSTANT),
    column("CREATED_BY", NAME),
    column("UPDATED_AT", INSTANT),
    column("NOTES", DOCUMENT),
    index("IX_ALERT_SILENCES_END", "ENDS_AT"),
    metadata=THEN,
)

alert_rules = table(
    ALERT_RULES,
    key("RULE_ID"),
    column("ALERT_TYPE", WORD),
    column("ENABLED", FLAG),
    column("RULE_JSON", DOCUMENT),
    column("RULE_VERSION", NUMBER),
    column("CREATED_AT", INSTANT),
    column("CREATED_BY", NAME),
    column("UPDATED_AT", INSTANT),
    column("UPDATED_BY", NAME),
    metadata=THEN,
)

aggregates = table(
    AGGREGATES,
    key("PERIOD_S", NUMBER),
    key("DIMENSION", WORD),
    key("DIMENSION_VALUE"),
    key("STARTS_AT", INSTANT),
    column("DECISIONS", COUNT),
    column("REFUSED", COUNT),
    column("EXPLORED", COUNT),
    column("PANICS", COUNT),
    column("FALLBACKS", COUNT),
    column("SCORED", COUNT),
    column("SCORE_SUM", REAL),
    column("ATTEMPTS", COUNT),
    column("SUCCESSES", COUNT),
    column("FAULTS", COUNT),
    column("UNPRICED", COUNT),
    column("PROMPT_TOKENS", COUNT),
    column("TOKENS_GENERATED", COUNT),
    column("CACHED_TOKENS", COUNT),
    column("COST_PICO_USD", COUNT),
    column("PACKED_PERIOD", PACKED),
    index("IX_AGGREGATES_TIME", "PERIOD_S", "STARTS_AT"),
    sqlite_with_rowid=False,
    metadata=THEN,
)

audit_log = table(
    AUDIT,
    key("AUDIT_ID"),
    column("RECORDED_AT", INSTANT),
    column("ACTOR", NAME),
    column("ACTION", WORD),
    column("SUBJECT_KIND", WORD),
    column("SUBJECT_ID", NAME),
    column("BEFORE_JSON", DOCUMENT, null=True),
    column("AFTER_JSON", DOCUMENT, null=True),
    column("REASON", DOCUMENT, null=True),
    column("REQUEST_ID", NAME, null=True),
    index("IX_AUDIT_SUBJECT", "SUBJECT_KIND", "SUBJECT_ID", "AUDIT_ID"),
    index("IX_AUDIT_ACTOR", "ACTOR", "AUDIT_ID"),
    index("IX_AUDIT_TIME", "RECORDED_AT"),
    metadata=THEN,
)

api_keys = table(
    KEYS,
    key("KEY_ID"),
    column("NAME", NAME),
    column("SHA256", WORD),
    column("ROLE", WORD),
    column("AGENTS_JSON", DOCUMENT),
    column("CREATED_AT", INSTANT),
    column("CREATED_BY", NAME),
    column("EXPIRES_AT", INSTANT, null=True),
    column("REVOKED_AT", INSTANT, null=True),
    column("REVOKED_BY", NAME, null=True),
    sa.UniqueConstraint(plain("SHA256")),
    metadata=THEN,
)

corrections = table(
    CORRECTIONS,
    key("MODEL_ID"),
    key("PROPERTY"),
    column("VALUE_JSON", DOCUMENT),
    column("FORMER_JSON", DOCUMENT, null=True),
    column("REASON", DOCUMENT),
    column("DECISION_ID", NAME, null=True),
    column("CORRECTED_AT", INSTANT),
    column("VALID_UNTIL", INSTANT, null=True),
    index("IX_CORRECTIONS_TIME", "CORRECTED_AT"),
    metadata=THEN,
)

TABLES = (
    alerts,
    alert_events,
    alert_outbox,
    alert_silences,
    alert_rules,
    aggregates,
    audit_log,
    api_keys,
    corrections,
)


def upgrade() -> None:
    widen(DECISIONS, *described)
    make(*TABLES)
    for statement in view_statements(dialect()):
        op.execute(statement)


def downgrade() -> None:
    for view in VIEWS:
        op.execute(f"DROP VIEW {view}")
    drop(*TABLES)
    narrow(DECISIONS, *described)
