"""Where does it stand what people have done, with which keys, and what answers have taught?"""

from __future__ import annotations

import sqlalchemy as sa

from pointsman.adapters.stores.schema import AUDIT, CORRECTIONS, KEYS
from pointsman.adapters.stores.schema.columns import (
    DOCUMENT,
    INSTANT,
    NAME,
    WORD,
    column,
    index,
    key,
    plain,
    table,
)

# Append only; ids rise with time.
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
)

# Never the key itself, only what it is recognised by.
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
)
