"""Which of the gateways that share a PostgreSQL has the watch, and what do the others tell it?

Instants are those of the server: the gateways' own clocks may differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

import msgspec

from pointsman.adapters.stores.rows import json_text
from pointsman.adapters.stores.schema import ALERT_REPORTS, ALERT_WATCH
from pointsman.adapters.stores.transactions import Database, Transactions
from pointsman.core.alert_report import Report
from pointsman.engine.alert_ports import LEASE_S, Hold

WATCH = "alerts"
KEPT_S = 120.0
"""So long a report waits for whoever has the watch."""

_NOW = "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint"
_LEASED = f"{_NOW} + {int(LEASE_S * 1e6)}"
_STAY = f"UPDATE {ALERT_WATCH} SET LEASED_UNTIL = {_LEASED} WHERE WATCH_ID = ? AND HOLDER = ?"  # noqa: S608
_TAKE_OVER = f"""
INSERT INTO {ALERT_WATCH} (WATCH_ID, HOLDER, LEASED_UNTIL) VALUES (?, ?, {_LEASED})
ON CONFLICT (WATCH_ID) DO UPDATE SET HOLDER = excluded.HOLDER, LEASED_UNTIL = excluded.LEASED_UNTIL
WHERE {ALERT_WATCH}.LEASED_UNTIL < {_NOW}
"""  # noqa: S608
_LEAVE = f"UPDATE {ALERT_WATCH} SET LEASED_UNTIL = 0 WHERE WATCH_ID = ? AND HOLDER = ?"  # noqa: S608
# It stays so until the transaction is over: whoever would take the watch waits for that.
_HAS_IT = f"""
SELECT 1 FROM {ALERT_WATCH} WHERE WATCH_ID = ? AND HOLDER = ? AND LEASED_UNTIL > 0 FOR SHARE
"""  # noqa: S608
_TELL = f"""
INSERT INTO {ALERT_REPORTS} (GATEWAY_ID, REPORT_ID, REPORTED_AT, PAYLOAD_JSON)
VALUES (?, ?, {_NOW}, ?) ON CONFLICT DO NOTHING
"""  # noqa: S608
_FORGET = f"DELETE FROM {ALERT_REPORTS} WHERE REPORTED_AT < {_NOW} - {int(KEPT_S * 1e6)}"  # noqa: S608
_WAITING = f"""
SELECT GATEWAY_ID, REPORT_ID FROM {ALERT_REPORTS} WHERE GATEWAY_ID <> ? ORDER BY REPORT_ID
"""  # noqa: S608
_REPORT = f"SELECT PAYLOAD_JSON FROM {ALERT_REPORTS} WHERE GATEWAY_ID = ? AND REPORT_ID = ?"  # noqa: S608

_report = msgspec.json.Decoder(Report)


class PostgresRota:
    """The watch of those who share `database`."""

    def __init__(self, database: Transactions) -> None:
        self._database = database
        self._name = uuid4().hex
        self._count = 0
        self._read: set[tuple[str, str]] = set()

    @property
    def name(self) -> str:
        return self._name

    def take(self, *, over: bool) -> Hold:
        mine = (WATCH, self._name)

        def take(db: Database) -> Hold:
            if db.execute(_STAY, mine).rowcount:
                return Hold.KEPT
            taken = over and db.execute(_TAKE_OVER, mine).rowcount
            return Hold.TAKEN if taken else Hold.NONE

        return self._database.vitally(take)

    def leave(self) -> None:
        self._database.vitally(lambda db: db.execute(_LEAVE, (WATCH, self._name)))

    def has_it(self, db: Database) -> bool:
        """Whether this gateway has the watch, and will until the transaction is over."""
        return db.execute(_HAS_IT, (WATCH, self._name)).fetchone() is not None

    def tell(self, report: Report) -> None:
        self._count += 1
        values = (self._name, f"{self._count:016x}", json_text(report))

        def tell(db: Database) -> None:
            db.execute(_FORGET)
            db.execute(_TELL, values)

        self._database.vitally(tell)

    def told(self) -> Sequence[Report]:
        def read(db: Database) -> list[tuple[tuple[str, str], str]]:
            waiting = [tuple(row) for row in db.execute(_WAITING, (self._name,))]
            self._read &= set(waiting)
            new = [each for each in waiting if each not in self._read]
            return [(each, db.execute(_REPORT, each).fetchone()[0]) for each in new]

        found = self._database.read(read)
        self._read |= {name for name, _ in found}
        return [_report.decode(payload) for _, payload in found]
