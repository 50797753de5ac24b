"""What does it cost to write down and count what happened?

`python -m bench.records` prints CPU microseconds per record, best of several runs, and bytes on
disk per decision with its outcome.
"""

from __future__ import annotations

import asyncio
import io
import logging
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.app.logs import QUEUE_RECORDS, configure
from pointsman.core.decision import Candidate, Decision, Feedback, Outcome, Strategy, Task, Term
from pointsman.core.fleet import Usage
from pointsman.engine.ledger import WriteBehindLedger
from pointsman.engine.ports import DecisionQuery, StoredDecision
from pointsman.engine.tally import Tally

NOW = datetime.now(UTC)
BATCHES = 20
CALLS = 100_000
SECRETS = ("a-secret-key-1", "another-key-2")


def candidates(agent: int) -> tuple[Candidate, ...]:
    terms = (Term("capability", 0.6, "coding 0.90, reasoning 0.80"), Term("success", 0.2, "98 %"))
    return tuple(Candidate(f"provider-{agent}/model-{n}", 0.8, terms * 2) for n in range(20))


CANDIDATES = [candidates(agent) for agent in range(8)]


def batch(number: int) -> list[Decision | Outcome]:
    """500 decisions of 20 candidates each, and their outcomes."""
    records: list[Decision | Outcome] = []
    for n in range(500):
        decision = Decision(
            id=f"dec_{number:011x}{n:016x}",
            request_id=f"req_{hash((number, n)) & (2**96 - 1):024x}",
            at=NOW,
            agent_id=f"agent-{n % 20}",
            task=Task("coding", 1_234, None, frozenset({"coding", "reasoning"})),
            strategy=Strategy.BALANCED,
            candidates=CANDIDATES[n % 8],
            rejections=(),
            propensity=0.5,
            config_version="cfg_1",
            session=f"session-{n % 50}",
        )
        records += [decision, an_outcome(decision)]
    return records


def an_outcome(decision: Decision) -> Outcome:
    return Outcome(
        decision_id=decision.id,
        attempt=1,
        model_id=decision.candidates[0].model_id,
        agent_id=decision.agent_id,
        at=NOW,
        failure=None,
        streamed=True,
        total_s=1.234,
        first_token_s=0.3,
        usage=Usage(1_234, 321, 100),
        cost_usd=Decimal("0.0012"),
    )


def cpu_us(work: Callable[[], object], count: int) -> float:
    began = time.process_time()
    work()
    return (time.process_time() - began) / count * 1e6


class StoreCost(NamedTuple):
    """CPU per record of each batch, and bytes per decision with its outcome."""

    us: list[float]
    bytes: float


def store_cost() -> StoreCost:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.db"
        store = SqliteStore(path)
        batches = [batch(number) for number in range(BATCHES)]
        costs = [cpu_us(lambda b=one: store.append(b), len(one)) for one in batches]  # type: ignore[misc]
        store.close()  # which copies the log into the file
        decisions = sum(isinstance(record, Decision) for one in batches for record in one)
        return StoreCost(costs, path.stat().st_size / decisions)


class NoStore:
    def append(self, records: Sequence[Decision | Outcome]) -> None: ...

    def decisions(self, _query: DecisionQuery) -> Sequence[StoredDecision]:
        return []

    def decision(self, _decision_id: str) -> StoredDecision | None:
        return None

    def judge(self, _feedback: Feedback) -> bool:
        return False

    def recent_outcomes(
        self, _since: datetime, _limit: int
    ) -> Iterator[tuple[Outcome, str | None]]:
        return iter(())

    def recent_feedback(self, _since: datetime, _limit: int) -> Iterator[Feedback]:
        return iter(())

    def forget_before(self, _instant: datetime) -> int:
        return 0

    def close(self) -> None: ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def repeated(call: Callable[[], object]) -> float:
    def work() -> None:
        for _ in range(CALLS):
            call()

    return min(cpu_us(work, CALLS) for _ in range(5))


async def ledger_us(outcome: Outcome) -> float:
    ledger = WriteBehindLedger(NoStore(), SystemClock(), capacity=CALLS)
    ledger.start()
    cost = repeated(lambda: ledger.ended(outcome))
    await ledger.close(5)
    return cost


def log_us() -> float:
    """What whoever logs pays, while the queue has room."""
    logs = configure("info", "json", secrets=lambda: SECRETS, stream=io.StringIO())
    log = logging.getLogger("bench")
    count = QUEUE_RECORDS // 2

    def work() -> None:
        for _ in range(count):
            log.info("chose %s", "p/m", extra={"request_id": "req_1", "n": 1})

    began = time.thread_time()
    work()
    cost = (time.thread_time() - began) / count * 1e6
    logs.stop()
    return cost


def main() -> None:
    decision, outcome = batch(0)[:2]
    assert isinstance(decision, Decision)
    assert isinstance(outcome, Outcome)
    tally = Tally()
    store = store_cost()
    mean_us = sum(store.us) / len(store.us)
    print(f"store: best {min(store.us):.1f}, mean {mean_us:.1f} us per record")
    print(f"store: {store.bytes:.0f} bytes per decision of 20 candidates with its outcome")
    print(f"ledger: {asyncio.run(ledger_us(outcome)):.2f} us per record appended")
    print(f"tally: {repeated(lambda: tally.learn(outcome)):.2f} us per outcome")
    print(f"tally: {repeated(lambda: tally.decided(decision)):.2f} us per decision")
    print(f"log: {log_us():.2f} us per line for whoever logs")


if __name__ == "__main__":
    main()
