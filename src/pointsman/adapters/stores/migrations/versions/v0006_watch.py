"""Which of several gateways watches for all, what have the others seen, and what was put first?"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pointsman.adapters.stores.migrations.making import (
    dialect,
    drop,
    drop_indexes,
    index_on,
    make,
    make_indexes,
    narrow,
    widen,
)
from pointsman.adapters.stores.schema import ALERT_OUTBOX, ALERT_REPORTS, ALERT_WATCH
from pointsman.adapters.stores.schema.columns import (
    COUNT,
    DOCUMENT,
    INSTANT,
    NAME,
    SQLITE,
    column,
    index,
    key,
    table,
)

revision = "0006"
down_revision = "0005"

THEN = sa.MetaData()

place = column("PLACE", COUNT, server_default=sa.text("0"))
by_place = index_on(ALERT_OUTBOX, "IX_ALERT_OUTBOX_PLACE", "PLACE")

alert_watch = table(
    ALERT_WATCH,
    key("WATCH_ID"),
    column("HOLDER", NAME),
    column("LEASED_UNTIL", INSTANT),
    metadata=THEN,
)

alert_reports = table(
    ALERT_REPORTS,
    key("GATEWAY_ID"),
    key("REPORT_ID"),
    column("REPORTED_AT", INSTANT),
    column("PAYLOAD_JSON", DOCUMENT),
    index("IX_ALERT_REPORTS_TIME", "REPORTED_AT"),
    metadata=THEN,
)


def upgrade() -> None:
    widen(ALERT_OUTBOX, place)
    if dialect() == SQLITE:
        # So far the outbox was in such a file alone, and rows in the order of their numbers.
        op.execute(f"UPDATE {ALERT_OUTBOX} SET PLACE = ROWID")  # noqa: S608
    make_indexes(by_place)
    make(alert_watch, alert_reports)


def downgrade() -> None:
    drop(alert_watch, alert_reports)
    drop_indexes(by_place)
    narrow(ALERT_OUTBOX, place)
