"""What stands in for a store and for time where the ledger is tested?"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from pointsman.core.decision import Candidate, Decision, Feedback, Outcome, Strategy, Task
from pointsman.engine.ports import DecisionQuery, StoredDecision

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class ListStore:
    """A store that keeps records in a list. `trouble` is raised by every append while it is set."""

    def __init__(self) -> None:
        self.records: list[Decision | Outcome] = []
        self.feedback: list[Feedback] = []
        self.batches: list[int] = []
        self.attempts = 0
        self.crowded_out = 0
        self.trouble: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()

    def append(self, records: Sequence[Decision | Outcome]) -> None:
        self.attempts += 1
        assert self.gate.wait(10)
        if self.trouble is not None:
            raise self.trouble
        self.records += records
        self.batches.append(len(records))

    def decisions(self, query: DecisionQuery) -> Sequence[StoredDecision]:
        found = [StoredDecision(r, ()) for r in self.records if isinstance(r, Decision)]
        return found[: query.limit]

    def decision(self, decision_id: str) -> StoredDecision | None:
        found = self.decisions(DecisionQuery(limit=len(self.records)))
        return next((stored for stored in found if stored.decision.id == decision_id), None)

    def judge(self, feedback: Feedback) -> bool:
        if self.trouble is not None:
            raise self.trouble
        self.feedback.append(feedback)
        return self.decision(feedback.decision_id) is not None

    def recent_outcomes(self, since: datetime, limit: int) -> Iterator[tuple[Outcome, str | None]]:
        found = (r for r in self.records if isinstance(r, Outcome) and r.at >= since)
        return ((outcome, None) for outcome in [*found][-limit:])

    def recent_feedback(self, since: datetime, limit: int) -> Iterator[Feedback]:
        return iter([each for each in self.feedback if each.at >= since][-limit:])

    def forget_before(self, instant: datetime) -> int:
        count = len(self.records)
        self.records = [record for record in self.records if record.at >= instant]
        return count - len(self.records)

    def forget_agent(self, agent_id: str) -> int:
        count = len(self.records)
        self.records = [record for record in self.records if record.agent_id != agent_id]
        return count - len(self.records)

    def close(self) -> None: ...


class HandClock:
    """Time moves only when it is told to, and then at once."""

    def __init__(self) -> None:
        self.t = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return NOON

    def monotonic(self) -> float:
        return self.t

    async def sleep(self, seconds: float) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.t + seconds, done))
        await done

    async def advance(self, seconds: float) -> None:
        self.t += seconds
        for until, done in self._sleepers:
            if until <= self.t and not done.done():
                done.set_result(None)
        self._sleepers = [(u, d) for u, d in self._sleepers if not d.done()]
        await settle()

    def shortest_sleep_s(self) -> float:
        pending = [until for until, done in self._sleepers if not done.done()]
        return round(min(pending) - self.t, 6)


async def settle() -> None:
    """Let tasks run until nothing moves, the writer's thread included."""
    for _ in range(20):
        await asyncio.sleep(0)
    for _ in range(3):
        await asyncio.sleep(0.002)


async def until(fact: object) -> None:
    assert callable(fact)
    deadline = time.monotonic() + 5
    while not fact():
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.001)


def a_decision(n: int) -> Decision:
    chosen = (Candidate("p/m", 0.5, ()),)
    return Decision(
        f"dec_{n}", f"r{n}", NOON, "a", Task(), Strategy.BALANCED, chosen, (), 1.0, "cfg"
    )


def an_outcome(n: int) -> Outcome:
    return Outcome(f"dec_{n}", 1, "p/m", "a", NOON, None, False, 1.0)
