"""What is kept of what people say of an answer, and of what was tried to learn?"""

from __future__ import annotations

import sqlalchemy as sa

from pointsman.adapters.stores.migrations.making import (
    drop_indexes,
    index_on,
    make_indexes,
    narrow,
    widen,
)
from pointsman.adapters.stores.schema import DECISIONS, OUTCOMES, SETS
from pointsman.adapters.stores.schema.columns import DOCUMENT, FLAG, HASH, INSTANT, NAME, column

revision = "0002"
down_revision = "0001"

judged = (
    column("EXPLORED", FLAG, server_default=sa.text("0")),
    column("USER_RATING", FLAG, null=True),
    column("USER_SUCCESS", FLAG, null=True),
    column("USER_FEEDBACK", DOCUMENT, null=True),
    column("RATED_MODEL_ID", NAME, null=True),
    column("RATED_AT", INSTANT, null=True),
)
based = column("BASE_SET_ID", HASH, null=True)
indexes = (
    index_on(OUTCOMES, "IX_OUTCOMES_LATER_MODEL", "MODEL_ID", "DECISION_ID", where="ATTEMPT > 1"),
    index_on(DECISIONS, "IX_DECISIONS_RATED", "RATED_AT", where="RATED_AT IS NOT NULL"),
    index_on(SETS, "IX_CANDIDATE_SETS_BASE", "BASE_SET_ID", where="BASE_SET_ID IS NOT NULL"),
)
former = index_on(OUTCOMES, "IX_OUTCOMES_MODEL", "MODEL_ID", "DECISION_ID")


def upgrade() -> None:
    drop_indexes(former)
    widen(DECISIONS, *judged)
    widen(SETS, based)
    make_indexes(*indexes)


def downgrade() -> None:
    drop_indexes(*indexes)
    narrow(SETS, based)
    narrow(DECISIONS, *judged)
    make_indexes(former)
