"""What does it cost to write down and count what happened?

`python -m bench.records` prints CPU microseconds and bytes on disk per decision with its outcome:
with candidates that never change, that change ten times a second at 4,000 requests a second, and
that change with every decision, as those of a scorer that learns do at low traffic.
"""

from __future__ import annotations

import asyncio
import gc
import io
import logging
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import Random
from typing import NamedTuple

from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.app.clock import SystemClock
from pointsman.app.logs import QUEUE_RECORDS, configure
from pointsman.core.decision import (
    Candidate,
    Decision,
    Estimate,
    Feedback,
    Outcome,
    Strategy,
    Task,
    Term,
)
from pointsman.core.fleet import Usage
from pointsman.engine.ledger import WriteBehindLedger
from pointsman.engine.ports import DecisionQuery, StoredDecision
from pointsman.engine.tally import Tally

NOW = datetime.now(UTC)
BATCHES = 20
DECISIONS_PER_BATCH = 800
"""What comes within one interval of the ledger at 4,000 requests a second."""
CALLS = 100_000
SECRETS = ("a-secret-key-1", "another-key-2")


def candidate(number: int, version: int) -> Candidate:
    """A candidate as a scorer that learns makes it; another for each `version`."""
    part = 1 / (3 + version)
    terms = tuple(
        Term(name, weight * (1 - part), f"{100 - 100 * part:.1f} % of {version} outcomes")
        for name, weight in (("success", 0.6), ("speed", 0.3), ("cheapness", 0.1))
    )
    estimate = Estimate(1 - part, 1 - part / 2, 1 - part / 3, part * 7, part / 1e6, version * 0.97)
    return Candidate(f"provider/model-{number}", 1 - part, terms, estimate)


class Changing:
    """Twenty candidates of which `count` change with every `every`-th decision."""

    def __init__(self, every: int, count: int) -> None:
        self._every = every
        self._count = count
        self._asked = 0
        self._now = [candidate(number, number) for number in range(20)]
        self._set = tuple(self._now)

    def __call__(self) -> tuple[Candidate, ...]:
        self._asked += 1
        if self._asked % self._every == 0:
            for number in range(self._count):
                self._now[number] = candidate(number, self._asked + number)
            self._set = tuple(self._now)
        return self._set


NEVER = 10**9


def batch(number: int, candidates: Callable[[], tuple[Candidate, ...]]) -> list[Decision | Outcome]:
    """Decisions of 20 candidates each, and their outcomes. Ids begin with the time, as they do."""
    records: list[Decision | Outcome] = []
    chance = Random(number)
    for n in range(DECISIONS_PER_BATCH):
        ms = 1_790_000_000_000 + 200 * number + n // 4
        decision = Decision(
            id=f"dec_{ms:011x}{chance.getrandbits(64):016x}",
            request_id=f"req_{ms:011x}{chance.getrandbits(52):013x}",
            at=NOW,
            agent_id=f"agent-{n % 20}",
            task=Task("coding", 1_234, None, frozenset({"coding", "reasoning"})),
            strategy=Strategy.BALANCED,
            candidates=candidates(),
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
    """CPU and bytes per decision with its outcome; how fast outcomes are read back."""

    best_us: float
    mean_us: float
    bytes: float
    read_per_s: float


def store_cost(changing: Changing) -> StoreCost:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.db"
        store = SqliteStore(path)
        batches = [batch(number, changing) for number in range(BATCHES)]
        gc.collect()
        gc.freeze()  # as the gateway does
        costs = [cpu_us(partial(store.append, one), DECISIONS_PER_BATCH) for one in batches]
        began = time.perf_counter()
        count = sum(1 for _ in store.recent_outcomes(NOW, 1_000_000))
        read_per_s = count / (time.perf_counter() - began)
        store.close()  # which copies the log into the file
        gc.unfreeze()
        size = path.stat().st_size / (BATCHES * DECISIONS_PER_BATCH)
        return StoreCost(min(costs), sum(costs) / BATCHES, size, read_per_s)


class NoStore:
    crowded_out = 0

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

    def forget_agent(self, _agent_id: str) -> int:
        return 0

    def close(self) -> None: ...


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
    decision, outcome = batch(0, Changing(NEVER, 0))[:2]
    assert isinstance(decision, Decision)
    assert isinstance(outcome, Outcome)
    tally = Tally()
    for words, changing in {
        "never change": Changing(NEVER, 0),
        "change ten times a second": Changing(400, 20),
        "change by three with every decision": Changing(1, 3),
        "change all with every decision": Changing(1, 20),
    }.items():
        cost = store_cost(changing)
        print(
            f"store, candidates {words}: best {cost.best_us:.1f}, mean {cost.mean_us:.1f} us and"
            f" {cost.bytes:.0f} bytes per decision of 20 with its outcome"
        )
    print(f"store: {cost.read_per_s:.0f} recent outcomes read per second")
    print(f"ledger: {asyncio.run(ledger_us(outcome)):.2f} us per record appended")
    print(f"tally: {repeated(lambda: tally.learn(outcome)):.2f} us per outcome")
    print(f"tally: {repeated(lambda: tally.decided(decision)):.2f} us per decision")
    print(f"log: {log_us():.2f} us per line for whoever logs")


if __name__ == "__main__":
    main()
