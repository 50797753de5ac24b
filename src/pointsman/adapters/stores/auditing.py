"""Where is it kept who changed what?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zlib import crc32

import msgspec

from pointsman.adapters.stores.knowing import write_keys, write_lessons
from pointsman.adapters.stores.rows import Row, instant, json_text, microseconds, storable
from pointsman.adapters.stores.schema import AUDIT, marks
from pointsman.adapters.stores.transactions import Database, Transactions
from pointsman.core.assignment.records import Run
from pointsman.core.audit import Act, KeyOnRecord, act_id
from pointsman.core.correction import Lesson
from pointsman.engine.history_ports import AuditQuery

AUDIT_COLUMNS = (
    "AUDIT_ID",
    "RECORDED_AT",
    "ACTOR",
    "ACTION",
    "SUBJECT_KIND",
    "SUBJECT_ID",
    "BEFORE_JSON",
    "AFTER_JSON",
    "REASON",
)
AT_A_TIME = 500

_NAMES = ", ".join(AUDIT_COLUMNS)
# An act that was written down is never written over, not even by itself.
RECORD = f"""
INSERT INTO {AUDIT} ({_NAMES}) VALUES ({marks(AUDIT_COLUMNS)}) ON CONFLICT DO NOTHING
"""  # noqa: S608
_FORGET = f"""
DELETE FROM {AUDIT} WHERE AUDIT_ID IN (
    SELECT AUDIT_ID FROM {AUDIT} WHERE RECORDED_AT < ? ORDER BY RECORDED_AT LIMIT {AT_A_TIME})
"""  # noqa: S608

_fields = msgspec.json.Decoder(dict[str, Any])


class AuditLog:
    """The acts that a database keeps."""

    def __init__(self, database: Transactions) -> None:
        self._database = database

    def record(self, act: Act) -> None:
        self._database.vitally(lambda db: write_act(db, act))

    def acts(self, query: AuditQuery) -> Sequence[Act]:
        tests = {
            "AUDIT_ID < ?": query.before,
            "ACTOR = ?": query.actor,
            "ACTION = ?": query.action,
            "SUBJECT_KIND = ?": query.kind,
            "SUBJECT_ID = ?": query.subject,
        }
        asked = {test: storable(value) for test, value in tests.items() if value is not None}
        where = " AND ".join(["1 = 1", *asked])
        statement = f"SELECT {_NAMES} FROM {AUDIT} WHERE {where} ORDER BY AUDIT_ID DESC LIMIT ?"  # noqa: S608
        values = [*asked.values(), query.limit]
        return self._database.read(
            lambda db: [stored_act(row) for row in db.execute(statement, values)]
        )

    def keep_keys(self, keys: Sequence[KeyOnRecord], source: str, at: datetime, seed: int) -> None:
        def keep(db: Database) -> None:
            for act in write_keys(db, keys, source, at, seed):
                write_act(db, act)

        self._database.vitally(keep)

    def keep_lessons(self, lessons: Sequence[Lesson]) -> None:
        self._database.write(lambda db: write_lessons(db, lessons))

    def forget_acts(self, before: datetime) -> int:
        count, before_us = 0, microseconds(before)
        while gone := self._database.vitally(lambda db: db.execute(_FORGET, (before_us,)).rowcount):
            count += gone
        return count


def write_act(db: Database, act: Act) -> None:
    """In the transaction of what was done, where that is one."""
    db.execute(RECORD, act_row(act))


def act_row(act: Act) -> Row:
    """The columns of `AUDIT_COLUMNS`, in order."""
    values = (
        act.id,
        microseconds(act.at),
        act.actor,
        act.action,
        act.kind,
        act.subject,
        None if act.before is None else json_text(act.before),
        None if act.after is None else json_text(act.after),
        act.reason,
    )
    return tuple(storable(value) if isinstance(value, str) else value for value in values)


def stored_act(row: Sequence[Any]) -> Act:
    """The columns are `AUDIT_COLUMNS`."""
    before, after = row[6], row[7]
    return Act(
        id=row[0],
        at=instant(row[1]),
        actor=row[2],
        action=row[3],
        subject=row[5],
        before=None if before is None else _fields.decode(before),
        after=None if after is None else _fields.decode(after),
        reason=row[8] or "",
    )


def act_of_run(run: Run) -> Act:
    """What a decision about the fleet says in the audit log; of each of its states once."""
    seed = crc32(run.id.encode()) << 32 | crc32(run.state.value.encode())
    return Act(
        id=act_id(run.settled_at, seed),
        at=run.settled_at,
        actor=run.by,
        action=f"assignment.{run.kind.value}",
        subject=run.id,
        before={"models": {change.agent_id: change.source for change in run.changes}},
        after={
            "models": {change.agent_id: change.target for change in run.changes},
            "state": run.state.value,
        },
        reason=run.reason,
    )
