"""Where do alerts stand, what became of them, and who is still to be told?

A transition, its event and the messages about it are written in one transaction: what is in force
is in the history, and what is to be told is on its way.
"""

from __future__ import annotations

import sqlalchemy as sa

from pointsman.adapters.stores.schema import (
    ALERT_EVENTS,
    ALERT_OUTBOX,
    ALERT_REPORTS,
    ALERT_RULES,
    ALERT_SILENCES,
    ALERT_WATCH,
    ALERTS,
)
from pointsman.adapters.stores.schema.columns import (
    COUNT,
    DOCUMENT,
    FLAG,
    INSTANT,
    LINE,
    NAME,
    NUMBER,
    REAL,
    WORD,
    column,
    index,
    key,
    table,
)

NONE_YET = sa.text("0")

# One row per rule and scope, the latest episode of each. `ALERT_ID` is that of the episode.
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
    # What else the machine of states goes on with after a restart.
    column("MEMORY_JSON", DOCUMENT, null=True),
    index("IX_ALERTS_ID", "ALERT_ID", unique=True),
    index("IX_ALERTS_STATE", "STATE", "CHANGED_AT"),
)

# Append only; ids rise with time.
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
)

# The id is the idempotency key of every attempt to deliver it.
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
    # In which order they were put; clocks of several gateways do not tell.
    column("PLACE", COUNT, server_default=NONE_YET),
    index("IX_ALERT_OUTBOX_NEXT", "STATE", "NEXT_AT"),
    index("IX_ALERT_OUTBOX_CHANNEL", "CHANNEL", "STATE"),
    index("IX_ALERT_OUTBOX_GROUP", "CHANNEL", "GROUP_KEY", "CREATED_AT"),
    index("IX_ALERT_OUTBOX_PLACE", "PLACE"),
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
)

# One row: which of the gateways that share alerts judges for all, and until when unless it says so
# again, by the clock of the database.
alert_watch = table(
    ALERT_WATCH,
    key("WATCH_ID"),
    column("HOLDER", NAME),
    column("LEASED_UNTIL", INSTANT),
)

# What the others have counted and read since they last said so; kept for two minutes.
alert_reports = table(
    ALERT_REPORTS,
    key("GATEWAY_ID"),
    key("REPORT_ID"),
    column("REPORTED_AT", INSTANT),
    column("PAYLOAD_JSON", DOCUMENT),
    index("IX_ALERT_REPORTS_TIME", "REPORTED_AT"),
)
