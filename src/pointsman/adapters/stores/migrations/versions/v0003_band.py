"""Within which band of the best models did a decision share its traffic?"""

from __future__ import annotations

import sqlalchemy as sa

from pointsman.adapters.stores.migrations.making import narrow, widen
from pointsman.adapters.stores.schema import DECISIONS
from pointsman.adapters.stores.schema.columns import REAL, column

revision = "0003"
down_revision = "0002"

band = column("BAND", REAL, null=True, server_default=sa.text("0"))


def upgrade() -> None:
    widen(DECISIONS, band)


def downgrade() -> None:
    narrow(DECISIONS, band)
