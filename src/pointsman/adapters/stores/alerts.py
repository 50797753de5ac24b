"""How are alerts kept in a database?

What a look came to is one transaction: alerts, their history, and what is to be told of them. So
nothing is told that did not happen, and whatever happened is told, whenever the process dies.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from pointsman.adapters.stores.alert_rows import (
    ALERT_COLUMNS,
    ENTRY_COLUMNS,
    RULE_COLUMNS,
    SILENCE_COLUMNS,
    ack_columns,
    alert_row,
    entry_row,
    rule_row,
    silence_row,
    stored_alert,
    stored_entry,
    stored_rule,
    stored_silence,
)
from pointsman.adapters.stores.outbox_rows import put_in_outbox
from pointsman.adapters.stores.rows import microseconds, storable
from pointsman.adapters.stores.schema import (
    ALERT_EVENTS,
    ALERT_RULES,
    ALERT_SILENCES,
    ALERTS,
    marks,
)
from pointsman.adapters.stores.transactions import Database, Transactions
from pointsman.core.alert_log import State
from pointsman.core.alert_memory import Entry, Kept
from pointsman.core.alert_silences import Silence
from pointsman.engine.alert_ports import EntryQuery, Happened, StoredRule

ACK_COLUMNS = ("ACKED_AT", "ACKED_BY", "ACKED_UNTIL", "ACK_NOTE")


def _insert(table: str, columns: Sequence[str], conflict: str) -> str:
    names = ", ".join(columns)
    return f"INSERT INTO {table} ({names}) VALUES ({marks(columns)}) ON CONFLICT {conflict}"  # noqa: S608


def _replacing(
    table: str, columns: Sequence[str], keys: Sequence[str], stays: Sequence[str] = ()
) -> str:
    changed = [name for name in columns if name not in keys and name not in stays]
    replaced = ", ".join(f"{name} = excluded.{name}" for name in changed)
    return _insert(table, columns, f"({', '.join(keys)}) DO UPDATE SET {replaced}")


# Who has taken an alert is for people to say: a look leaves it as it is, but for a new episode.
_STAYS = ", ".join(
    f"{name} = CASE WHEN {ALERTS}.ALERT_ID = excluded.ALERT_ID"
    f" THEN {ALERTS}.{name} ELSE excluded.{name} END"
    for name in ACK_COLUMNS
)
_KEEP_ALERT = f"{_replacing(ALERTS, ALERT_COLUMNS, ('RULE_ID', 'SCOPE'), ACK_COLUMNS)}, {_STAYS}"
_KEEP_IF_NEWER = f"""
{_KEEP_ALERT} WHERE excluded.CHANGED_AT > {ALERTS}.CHANGED_AT
AND (excluded.ALERT_ID = {ALERTS}.ALERT_ID OR {ALERTS}.STATE = '{State.RESOLVED.value}')
"""
_TAKE = f"UPDATE {ALERTS} SET {', '.join(f'{name} = ?' for name in ACK_COLUMNS)} WHERE ALERT_ID = ?"  # noqa: S608
_KEEP_ENTRY = _insert(ALERT_EVENTS, ENTRY_COLUMNS, "(EVENT_ID) DO NOTHING")
_KEEP_SILENCE = _replacing(ALERT_SILENCES, SILENCE_COLUMNS, ("SILENCE_ID",), ("CREATED_AT",))
_KEEP_NEWER_SILENCE = f"{_KEEP_SILENCE} WHERE excluded.UPDATED_AT > {ALERT_SILENCES}.UPDATED_AT"
_KEEP_RULE = _replacing(ALERT_RULES, RULE_COLUMNS, ("RULE_ID",), ("CREATED_AT", "CREATED_BY"))
_KEEP_NEWER_RULE = f"{_KEEP_RULE} WHERE excluded.RULE_VERSION > {ALERT_RULES}.RULE_VERSION"
_REMOVE_RULE = f"DELETE FROM {ALERT_RULES} WHERE RULE_ID = ?"  # noqa: S608
_ALERTS = f"SELECT {', '.join(ALERT_COLUMNS)} FROM {ALERTS}"  # noqa: S608
_ENTRIES = f"SELECT {', '.join(ENTRY_COLUMNS)} FROM {ALERT_EVENTS}"  # noqa: S608
_SILENCES = f"SELECT {', '.join(SILENCE_COLUMNS)} FROM {ALERT_SILENCES}"  # noqa: S608
_RULES = f"SELECT {', '.join(RULE_COLUMNS)} FROM {ALERT_RULES} ORDER BY RULE_ID"  # noqa: S608
_RESOLVED = State.RESOLVED.value


class StoredAlerts:
    """Alerts in a database. All is written also when the disk is full: that may be what it says."""

    def __init__(self, database: Transactions) -> None:
        self._database = database

    def keep(self, happened: Happened, now: datetime) -> None:
        self._database.vitally(partial(keep, happened, now))

    def take(self, kept: Kept, line: Entry) -> None:
        self._database.vitally(lambda db: take(kept, line, db=db))

    def alerts(self, resolved_since: datetime) -> Sequence[Kept]:
        statement = f"{_ALERTS} WHERE STATE <> ? OR CHANGED_AT >= ?"
        values = (_RESOLVED, microseconds(resolved_since))
        return self._database.read(
            lambda db: [stored_alert(row) for row in db.execute(statement, values)]
        )

    def alert(self, alert_id: str) -> Kept | None:
        named = (storable(alert_id),)

        def find(db: Database) -> Kept | None:
            found = db.execute(f"{_ALERTS} WHERE ALERT_ID = ?", named).fetchone()
            return None if found is None else stored_alert(found)

        return self._database.read(find)

    def entries(self, query: EntryQuery) -> Sequence[Entry]:
        tests = _tests(query)
        where = " AND ".join(["1 = 1", *tests])
        statement = f"{_ENTRIES} WHERE {where} ORDER BY EVENT_ID DESC LIMIT ?"
        values = [*tests.values(), query.limit]
        return self._database.read(
            lambda db: [stored_entry(row) for row in db.execute(statement, values)]
        )

    def silences(self, ended_since: datetime) -> Sequence[Silence]:
        statement = f"{_SILENCES} WHERE ENDS_AT >= ? ORDER BY STARTS_AT, SILENCE_ID"
        since = (microseconds(ended_since),)
        return self._database.read(
            lambda db: [stored_silence(row) for row in db.execute(statement, since)]
        )

    def keep_silence(self, silence: Silence, now: datetime) -> None:
        self._database.vitally(partial(write_silence, silence, now))

    def rules(self) -> Sequence[StoredRule]:
        return self._database.read(lambda db: [stored_rule(row) for row in db.execute(_RULES)])

    def keep_rule(self, rule: StoredRule) -> None:
        self._database.vitally(partial(write_rule, rule))

    def remove_rule(self, name: str) -> bool:
        named = (storable(name),)
        return self._database.vitally(lambda db: db.execute(_REMOVE_RULE, named).rowcount) > 0

    def clear(self) -> None:
        """Forget everything: it is kept elsewhere."""

        def clear(db: Database) -> None:
            for table in (ALERTS, ALERT_EVENTS, ALERT_SILENCES, ALERT_RULES):
                db.execute(f"DELETE FROM {table}")  # noqa: S608

        self._database.vitally(clear)

    def forget_before(self, instant: datetime) -> int:
        before_us = microseconds(instant)

        def forget(db: Database) -> int:
            db.execute(f"DELETE FROM {ALERT_SILENCES} WHERE ENDS_AT < ?", (before_us,))  # noqa: S608
            db.execute(
                f"DELETE FROM {ALERTS} WHERE STATE = ? AND CHANGED_AT < ?",  # noqa: S608
                (_RESOLVED, before_us),
            )
            return db.execute(
                f"DELETE FROM {ALERT_EVENTS} WHERE EVENT_AT < ?",  # noqa: S608
                (before_us,),
            ).rowcount

        return self._database.vitally(forget)


def keep(happened: Happened, now: datetime, db: Database) -> None:
    """Keep what happened."""
    db.executemany(_KEEP_ALERT, [alert_row(each) for each in happened.alerts])
    db.executemany(_KEEP_ENTRY, [entry_row(each) for each in happened.entries])
    put_in_outbox(db, happened.notifications, now)


def keep_unknown(happened: Happened, now: datetime, db: Database) -> None:
    """Keep of what happened what the database does not know, and what is to be told of that.

    An episode that goes on there is not taken for over because another gateway did not see it, and
    whoever judges it tells of it. What is kept counts as told, so it has to be.
    """
    news = {
        each.alert.id
        for each in happened.alerts
        if db.execute(_KEEP_IF_NEWER, alert_row(each)).rowcount > 0
    }
    db.executemany(_KEEP_ENTRY, [entry_row(each) for each in happened.entries])
    told = (
        each
        for each in happened.notifications
        if any(notice.alert_id in news for notice in each.alerts)
    )
    put_in_outbox(db, told, now)


def take(kept: Kept, line: Entry | None = None, *, db: Database) -> None:
    """Keep who has taken an alert, which may not be kept itself yet, and the line that says so."""
    db.execute(_KEEP_IF_NEWER, alert_row(kept))
    db.execute(_TAKE, (*ack_columns(kept.ack), kept.alert.id))
    if line is not None:
        db.execute(_KEEP_ENTRY, entry_row(line))


def write_silence(
    silence: Silence, now: datetime, db: Database, *, newer_only: bool = False
) -> None:
    """Keep a silence; `newer_only`: unless the database has a later word on it."""
    statement = _KEEP_NEWER_SILENCE if newer_only else _KEEP_SILENCE
    db.execute(statement, silence_row(silence, now))


def write_rule(
    rule: StoredRule, db: Database, *, newer_only: bool = False, removed: bool = False
) -> None:
    """Keep a rule, or that it was `removed`; `newer_only`: unless there is a higher version."""
    if removed:
        db.execute(_REMOVE_RULE, (storable(rule.name),))
    else:
        db.execute(_KEEP_NEWER_RULE if newer_only else _KEEP_RULE, rule_row(rule))


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
