"""How are alerts kept in the file of decisions?

What a look came to is one transaction: alerts, their history, and what is to be told of them. So
nothing is told that did not happen, and whatever happened is told, whenever the process dies.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pointsman.adapters.stores.alert_rows import (
    ALERT_COLUMNS,
    ENTRY_COLUMNS,
    RULE_COLUMNS,
    SILENCE_COLUMNS,
    alert_row,
    entry_row,
    rule_row,
    silence_row,
    stored_alert,
    stored_entry,
    stored_rule,
    stored_silence,
)
from pointsman.adapters.stores.file import DatabaseFile
from pointsman.adapters.stores.outbox_rows import put_in_outbox
from pointsman.adapters.stores.rows import microseconds, storable
from pointsman.adapters.stores.schema import (
    ALERT_EVENTS,
    ALERT_RULES,
    ALERT_SILENCES,
    ALERTS,
    marks,
)
from pointsman.core.alert_log import State
from pointsman.core.alert_memory import Entry, Kept
from pointsman.core.alert_silences import Silence
from pointsman.engine.alert_ports import EntryQuery, Happened, StoredRule


def _insert(table: str, columns: Sequence[str], conflict: str) -> str:
    names = ", ".join(columns)
    return f"INSERT INTO {table} ({names}) VALUES ({marks(columns)}) ON CONFLICT {conflict}"  # noqa: S608


def _replacing(
    table: str, columns: Sequence[str], keys: Sequence[str], stays: Sequence[str] = ()
) -> str:
    changed = [name for name in columns if name not in keys and name not in stays]
    replaced = ", ".join(f"{name} = excluded.{name}" for name in changed)
    return _insert(table, columns, f"({', '.join(keys)}) DO UPDATE SET {replaced}")


_KEEP_ALERT = _replacing(ALERTS, ALERT_COLUMNS, ("RULE_ID", "SCOPE"))
_KEEP_ENTRY = _insert(ALERT_EVENTS, ENTRY_COLUMNS, "(EVENT_ID) DO NOTHING")
_KEEP_SILENCE = _replacing(ALERT_SILENCES, SILENCE_COLUMNS, ("SILENCE_ID",), ("CREATED_AT",))
_KEEP_RULE = _replacing(ALERT_RULES, RULE_COLUMNS, ("RULE_ID",), ("CREATED_AT", "CREATED_BY"))
_ALERTS = f"SELECT {', '.join(ALERT_COLUMNS)} FROM {ALERTS}"  # noqa: S608
_ENTRIES = f"SELECT {', '.join(ENTRY_COLUMNS)} FROM {ALERT_EVENTS}"  # noqa: S608
_SILENCES = f"SELECT {', '.join(SILENCE_COLUMNS)} FROM {ALERT_SILENCES}"  # noqa: S608
_RULES = f"SELECT {', '.join(RULE_COLUMNS)} FROM {ALERT_RULES} ORDER BY RULE_ID"  # noqa: S608
_RESOLVED = State.RESOLVED.value


class SqliteAlerts:
    """Alerts in `file`, which belongs to a `SqliteStore`."""

    def __init__(self, file: DatabaseFile) -> None:
        self._file = file

    def keep(self, happened: Happened, now: datetime) -> None:
        alerts = [alert_row(each) for each in happened.alerts]
        entries = [entry_row(each) for each in happened.entries]

        def keep(db: sqlite3.Connection) -> None:
            db.executemany(_KEEP_ALERT, alerts)
            db.executemany(_KEEP_ENTRY, entries)
            put_in_outbox(db, happened.notifications, now)

        # Also when the disk is full: that is what it may be about.
        self._file.vitally(keep)

    def alerts(self, resolved_since: datetime) -> Sequence[Kept]:
        where = "WHERE STATE <> ? OR CHANGED_AT >= ?"
        with self._file.reading() as db:
            rows = db.execute(f"{_ALERTS} {where}", (_RESOLVED, microseconds(resolved_since)))
            return [stored_alert(row) for row in rows]

    def alert(self, alert_id: str) -> Kept | None:
        with self._file.reading() as db:
            found = db.execute(f"{_ALERTS} WHERE ALERT_ID = ?", (storable(alert_id),)).fetchone()
            return None if found is None else stored_alert(found)

    def entries(self, query: EntryQuery) -> Sequence[Entry]:
        tests = _tests(query)
        where = " AND ".join(["TRUE", *tests])
        with self._file.reading() as db:
            rows = db.execute(
                f"{_ENTRIES} WHERE {where} ORDER BY EVENT_ID DESC LIMIT ?",
                [*tests.values(), query.limit],
            )
            return [stored_entry(row) for row in rows]

    def silences(self, ended_since: datetime) -> Sequence[Silence]:
        where = "WHERE ENDS_AT >= ? ORDER BY STARTS_AT, SILENCE_ID"
        with self._file.reading() as db:
            rows = db.execute(f"{_SILENCES} {where}", (microseconds(ended_since),))
            return [stored_silence(row) for row in rows]

    def keep_silence(self, silence: Silence, now: datetime) -> None:
        row = silence_row(silence, now)
        self._file.vitally(lambda db: db.execute(_KEEP_SILENCE, row))

    def rules(self) -> Sequence[StoredRule]:
        with self._file.reading() as db:
            return [stored_rule(row) for row in db.execute(_RULES)]

    def keep_rule(self, rule: StoredRule) -> None:
        row = rule_row(rule)
        self._file.vitally(lambda db: db.execute(_KEEP_RULE, row))

    def remove_rule(self, name: str) -> bool:
        delete = f"DELETE FROM {ALERT_RULES} WHERE RULE_ID = ?"  # noqa: S608
        named = (storable(name),)
        return self._file.vitally(lambda db: db.execute(delete, named).rowcount) > 0

    def forget_before(self, instant: datetime) -> int:
        before_us = microseconds(instant)

        def forget(db: sqlite3.Connection) -> int:
            db.execute(f"DELETE FROM {ALERT_SILENCES} WHERE ENDS_AT < ?", (before_us,))  # noqa: S608
            db.execute(
                f"DELETE FROM {ALERTS} WHERE STATE = ? AND CHANGED_AT < ?",  # noqa: S608
                (_RESOLVED, before_us),
            )
            return db.execute(
                f"DELETE FROM {ALERT_EVENTS} WHERE EVENT_AT < ?",  # noqa: S608
                (before_us,),
            ).rowcount

        return self._file.vitally(forget)


def _tests(query: EntryQuery) -> dict[str, Any]:
    """What rows have to fulfil, and the values for it."""
    asked = {
        "EVENT_ID < ?": query.before,
        "ALERT_ID = ?": query.alert_id,
        "RULE_ID = ?": query.rule,
        "ALERT_TYPE = ?": query.type,
        "SEVERITY = ?": None if query.severity is None else query.severity.name,
        "MODEL_ID = ?": query.model_id,
        "AGENT_ID = ?": query.agent_id,
    }
    tests: dict[str, Any] = {test: storable(v) for test, v in asked.items() if v is not None}
    if query.since is not None:
        tests["EVENT_AT >= ?"] = microseconds(query.since)
    if query.until is not None:
        tests["EVENT_AT < ?"] = microseconds(query.until)
    return tests
