"""Which keys were there from when to when, and what have answers taught about models?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import Any

import msgspec

from pointsman.adapters.stores.rows import json_text, microseconds, storable
from pointsman.adapters.stores.schema import CORRECTIONS, KEYS, marks
from pointsman.adapters.stores.transactions import Database
from pointsman.core.audit import ITSELF, Act, KeyOnRecord, act_id
from pointsman.core.correction import Lesson

KEY_COLUMNS = ("KEY_ID", "NAME", "SHA256", "ROLE", "AGENTS_JSON", "CREATED_AT", "CREATED_BY")
CORRECTION_COLUMNS = (
    "MODEL_ID",
    "PROPERTY",
    "VALUE_JSON",
    "FORMER_JSON",
    "REASON",
    "CORRECTED_AT",
    "VALID_UNTIL",
)

_ADD = f"INSERT INTO {KEYS} ({', '.join(KEY_COLUMNS)}) VALUES ({marks(KEY_COLUMNS)})"  # noqa: S608
_CHANGE = f"""
UPDATE {KEYS} SET NAME = ?, ROLE = ?, AGENTS_JSON = ?, CREATED_BY = ?, REVOKED_AT = NULL,
    REVOKED_BY = NULL WHERE KEY_ID = ?
"""  # noqa: S608
_REVOKE = f"UPDATE {KEYS} SET REVOKED_AT = ?, REVOKED_BY = ? WHERE KEY_ID = ?"  # noqa: S608
_KNOWN = f"SELECT KEY_ID, NAME, ROLE, AGENTS_JSON, CREATED_BY, REVOKED_AT FROM {KEYS}"  # noqa: S608
_UNLEARN = f"DELETE FROM {CORRECTIONS} WHERE MODEL_ID = ? AND PROPERTY = ?"  # noqa: S608
_LEARN = (
    f"INSERT INTO {CORRECTIONS} ({', '.join(CORRECTION_COLUMNS)})"  # noqa: S608
    f" VALUES ({marks(CORRECTION_COLUMNS)})"
)
_agents = msgspec.json.Decoder(list[str])


def write_keys(
    db: Database, keys: Sequence[KeyOnRecord], source: str, at: datetime, seed: int
) -> Sequence[Act]:
    """Note the keys that `source` declares now and those it no longer does; the acts that it is."""
    known = {row[0]: row[1:] for row in db.execute(_KNOWN).fetchall()}
    numbers = count(seed)
    origin = storable(source)
    acts: list[Act] = []

    def act(done: str, name: str, before: Mapping[str, Any] | None, after: Any) -> None:
        id_ = act_id(at, next(numbers) % 2**64)
        acts.append(Act(id_, at, ITSELF, f"key.{done}", name, before, after))

    declared = set()
    for key in keys:
        key_id = _key_id(key)
        declared.add(key_id)
        facts = {"name": key.name, "role": key.role, "agents": list(key.agents)}
        row = (storable(key.name), key.role, json_text(list(key.agents)))
        if key_id not in known:
            db.execute(_ADD, (key_id, row[0], key.sha256, *row[1:], microseconds(at), origin))
            act("add", key.name, None, facts)
        elif known[key_id] != (*row, origin, None):
            db.execute(_CHANGE, (*row, origin, key_id))
            act("change", key.name, _facts(known[key_id]), facts)
    for key_id, was in known.items():
        if key_id not in declared and was[3:] == (origin, None):
            db.execute(_REVOKE, (microseconds(at), origin, key_id))
            act("revoke", was[0], _facts(was), None)
    return acts


def _key_id(key: KeyOnRecord) -> str:
    return f"key_{key.sha256[:24]}"


def _facts(row: Sequence[Any]) -> Mapping[str, Any] | None:
    """What was known of a key; None of one that was revoked."""
    name, role, agents, _, revoked_at = row
    if revoked_at is not None:
        return None
    return {"name": name, "role": role, "agents": _agents.decode(agents)}


def write_lessons(db: Database, lessons: Sequence[Lesson]) -> None:
    """The last that was learned of each property takes the place of what was before."""
    for each in lessons:
        name = (storable(each.model_id), storable(each.property))
        db.execute(_UNLEARN, name)
        former = None if each.former is None else json_text(each.former)
        times = (microseconds(each.at), microseconds(each.until))
        db.execute(_LEARN, (*name, json_text(each.value), former, each.reason, *times))
