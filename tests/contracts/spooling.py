"""What stands behind a spool in tests, and what goes through it?"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

from store_contract import NOON

from pointsman.adapters.stores.incoming import Incoming, incoming
from pointsman.adapters.stores.rows import json_text
from pointsman.adapters.stores.sets import CandidateSets
from pointsman.core.audit import Act, act_id
from pointsman.core.decision import Decision, Outcome
from pointsman.core.errors import StoreError


class Acts:
    """An audit log that takes acts while the database is `up`."""

    def __init__(self, up: threading.Event) -> None:
        self._up = up
        self.kept: list[Act] = []

    def record(self, act: Act) -> None:
        if not self._up.is_set():
            raise StoreError("the table is away")
        self.kept.append(act)


class Table:
    """A database that takes rows while it is `up`, each once."""

    def __init__(self, *, up: bool = True) -> None:
        self.up = threading.Event()
        if up:
            self.up.set()
        self.kept: dict[str, list[object]] = {}
        self.refused: frozenset[str] = frozenset()
        self.unstorable = {"decision": 0, "outcome": 0}
        self.writes = 0
        self.audit = Acts(self.up)

    def write(self, rows: Incoming) -> None:
        if not self.up.is_set():
            raise StoreError("the table is away")
        self.writes += 1
        for row in rows.decisions:
            if row[0] in self.refused:
                self.unstorable["decision"] += 1
            else:
                self.kept.setdefault(row[0], list(row))


def rows(*records: Decision | Outcome) -> Incoming:
    return incoming(records, CandidateSets(json_text))


def until(condition: Callable[[], object]) -> None:
    """Wait for what threads bring about."""
    pause = threading.Event()
    while not condition():
        pause.wait(0.002)


def an_act(number: int) -> Act:
    after = {"rule": "r", "share": 0.5, "names": ["ä", "😀"]}
    at = NOON + timedelta(microseconds=number)
    return Act(act_id(at, number), at, "ops", "alert.ack", f"alr_{number}", None, after, "mine")
