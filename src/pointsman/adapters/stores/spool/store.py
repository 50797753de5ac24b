"""How does a database keep decisions without any of its troubles reaching a request?

What is appended is durable in the spool, and the forwarder brings it to the database. So is what
people did, or nobody could take an alert while the database is what fails. Questions go to the
database, and fail while it is away: they are asked by people, who can be told.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from pointsman.adapters.stores.incoming import incoming
from pointsman.adapters.stores.rows import json_text
from pointsman.adapters.stores.sets import CandidateSets
from pointsman.adapters.stores.spool.file import Count, SpoolFile
from pointsman.adapters.stores.spool.forwarding import Forwarder, Target
from pointsman.core.audit import Act, KeyOnRecord
from pointsman.core.correction import Lesson
from pointsman.core.decision import Decision, Feedback, Outcome
from pointsman.core.errors import StoreError
from pointsman.engine.history_ports import AggregateStore, AuditQuery, AuditStore
from pointsman.engine.ports import AssignmentStore, DecisionQuery, Store, StoredDecision

SETTLE_S = 0.5
"""How long a question waits for what was appended just before it."""
RECALLING_S = 10.0
"""How long who reads all of the record waits for what came last, in a thread of its own."""
CLOSING_S = 2.0
USUAL_S = 2.0
"""A record that waits no longer is on its way, not behind."""


class Distant(Store, Target, Protocol):
    """A store whose rows can also be written without the records they stand for."""

    @property
    def assignments(self) -> AssignmentStore: ...

    @property
    def aggregates(self) -> AggregateStore: ...

    @property
    def audit(self) -> AuditStore: ...


class Backlog(NamedTuple):
    """How far the database is behind, what ever happened to records, and why, if it fails."""

    records: int
    behind_s: float
    bytes: int
    reason: str | None
    lost: Count

    def in_public(self) -> Mapping[str, object]:
        """What everybody may know: where the database is, and why it fails, is for the log."""
        state = "failing" if self.reason is not None else "behind" if self.is_behind else "ok"
        return {
            "state": state,
            "behind_records": self.records,
            "behind_s": round(self.behind_s, 3),
            "lost_records": self.lost.total,
        }

    @property
    def is_behind(self) -> bool:
        return self.behind_s > USUAL_S


class SpooledAudit:
    """The audit log `behind`, with the spool before it."""

    def __init__(self, spool: SpoolFile, forwarder: Forwarder, behind: AuditStore) -> None:
        self._spool = spool
        self._forwarder = forwarder
        self._behind = behind

    def record(self, act: Act) -> None:
        self._spool.keep_act(act)
        self._forwarder.wake()

    def acts(self, query: AuditQuery) -> Sequence[Act]:
        self._forwarder.settled(SETTLE_S)
        return self._behind.acts(query)

    def keep_keys(self, keys: Sequence[KeyOnRecord], source: str, at: datetime, seed: int) -> None:
        self._behind.keep_keys(keys, source, at, seed)

    def keep_lessons(self, lessons: Sequence[Lesson]) -> None:
        self._behind.keep_lessons(lessons)

    def forget_acts(self, before: datetime) -> int:
        return self._behind.forget_acts(before)


class SpooledStore:
    """The store `behind`, with a spool of at most `max_bytes` in the file at `path` before it."""

    def __init__(self, path: Path, behind: Distant, *, max_bytes: int) -> None:
        self._spool = SpoolFile(path, max_bytes)
        self._behind = self.behind = behind
        self._sets = CandidateSets(json_text)
        self._forwarder = Forwarder(self._spool, behind)
        self.assignments: AssignmentStore = behind.assignments
        self.aggregates: AggregateStore = behind.aggregates
        self.audit: AuditStore = SpooledAudit(self._spool, self._forwarder, behind.audit)

    def append(self, records: Sequence[Decision | Outcome]) -> None:
        if records:
            self._spool.append(incoming(records, self._sets), time.time_ns() // 1_000)
            self._forwarder.wake()

    def judge(self, feedback: Feedback) -> bool:
        settled = self._settled()
        known = self._behind.judge(feedback)
        if not known and not settled:
            raise StoreError(
                f"{feedback.decision_id} is not in the database; it may be among what waits in"
                " the spool: try again later"
            )
        return known

    def decisions(self, query: DecisionQuery) -> Sequence[StoredDecision]:
        self._settled()
        return self._behind.decisions(query)

    def decision(self, decision_id: str) -> StoredDecision | None:
        self._settled()
        return self._behind.decision(decision_id)

    def recent_outcomes(self, since: datetime, limit: int) -> Iterator[tuple[Outcome, str | None]]:
        self._forwarder.settled(RECALLING_S)
        return self._behind.recent_outcomes(since, limit)

    def recent_feedback(self, since: datetime, limit: int) -> Iterator[Feedback]:
        return self._behind.recent_feedback(since, limit)

    def forget_before(self, instant: datetime) -> int:
        self._settled()
        return self._behind.forget_before(instant)

    def forget_agent(self, agent_id: str) -> int:
        if not self._settled():
            raise StoreError("what waits in the spool may be of that agent: try again later")
        return self._behind.forget_agent(agent_id)

    @property
    def crowded_out(self) -> int:
        """Decisions that the spool or the database had no place for."""
        return self._spool.lost.decisions

    def backlog(self) -> Backlog:
        """What waits, and since when. Asks neither the disk nor the database."""
        waiting, failure = self._spool.waiting, self._forwarder.failure
        oldest_us = waiting.oldest_us
        behind_s = 0.0 if oldest_us is None else max(0.0, time.time() - oldest_us / 1e6)
        reason = None if failure is None else failure.reason
        return Backlog(waiting.records.total, behind_s, waiting.bytes, reason, self._spool.lost)

    def tally(self) -> Mapping[str, Count]:
        """How many records were ever `taken`, `passed on` and `lost`."""
        return self._spool.tally()

    def close(self) -> None:
        self._forwarder.close(CLOSING_S)
        self._behind.close()
        self._spool.close()

    def _settled(self) -> bool:
        return self._forwarder.settled(SETTLE_S)
