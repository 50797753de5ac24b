"""How fast is the embedded store, also when it holds ten million rows?

`python -m bench.persistence [--rows 10000000] [--folder DIR] [--only PART]` prints rows per second
at batches of 1,000 with every commit on the disk, what readers wait for meanwhile, how long charts,
pages and retention take on a large file of thirty days, and what persistence adds to a request.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.records import NEVER, Changing, NoStore, an_outcome, batch
from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.app.clock import SystemClock
from pointsman.app.storing import Memory
from pointsman.core.aggregate import Dimension
from pointsman.core.decision import Decision, Outcome
from pointsman.engine.history_ports import SeriesQuery
from pointsman.engine.ledger import WriteBehindLedger
from pointsman.engine.ports import DecisionQuery, Store

BATCH = 1_000
BATCHES = 40
DAYS = 30
DAY_MS = 86_400_000
WORK_S = 0.000_3
"""What a request does besides, in the measurement of what persistence adds."""
REQUESTS = 4_000
TOGETHER = 40
"""Records that a ledger appends at once, 40 ms after it has last done so."""
APPENDING_S = 3.0
PARTS = ("writing", "adding", "reading")

_FILL_DECISIONS = """
WITH RECURSIVE N(I) AS (SELECT 0 UNION ALL SELECT I + 1 FROM N WHERE I + 1 < :count),
MADE(I, AT_MS) AS (SELECT I, CAST(:begin + I * :step AS INTEGER) FROM N)
INSERT INTO ROUTING_DECISIONS (DECISION_ID, REQUEST_ID, TIMESTAMP, TASK_TYPE, CONTEXT_LENGTH,
    TASK_JSON, SELECTED_AGENT_ID, SELECTED_MODEL_ID, COMPOSITE_SCORE, STRATEGY, CANDIDATE_SET_ID,
    PROPENSITY, CONFIG_VERSION, ASKED_MODEL, PANIC)
SELECT printf('dec_%011x%016x', AT_MS, I), printf('req_%011x%013x', AT_MS, I), AT_MS * 1000,
    'coding', 1234, '["coding",1234,null,["coding"],[],0,[]]', 'agent-' || (I % 20),
    'provider/model-' || (I % 12), 0.5, 'balanced', 7, 0.5, 'cfg_1', 'auto', 0
FROM MADE
"""
_FILL_OUTCOMES = """
INSERT INTO ROUTING_OUTCOMES (DECISION_ID, ATTEMPT, MODEL_ID, AGENT_ID, TIMESTAMP, STREAMED,
    TOTAL_S, FIRST_TOKEN_S, PROMPT_TOKENS, TOKENS_GENERATED, CACHED_TOKENS, CACHE_WRITE_TOKENS,
    AUDIO_TOKENS, USAGE_ESTIMATED, ACTUAL_COST, HTTP_STATUS, ERROR_MESSAGE)
SELECT DECISION_ID, 1, SELECTED_MODEL_ID, SELECTED_AGENT_ID, TIMESTAMP, 1,
    0.5 + (abs(random()) % 1000) / 500.0, 0.3, 1234, 321, 100, 0, 0, 0, '0.0012', 200, ''
FROM ROUTING_DECISIONS
"""
_FILL_SET = """
INSERT INTO ROUTING_CANDIDATE_SETS VALUES (7, '[["provider/model-1",0.5,[]]]', '[]', NULL)
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.persistence", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, help="where the files go, on the disk to measure")
    parser.add_argument("--only", choices=PARTS, help="left out: all of it")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        if args.only in (None, "writing"):
            writing(Path(folder))
        if args.only in (None, "adding"):
            adding(Path(folder))
        if args.only in (None, "reading"):
            reading(Path(folder), args.rows)


def told(what: str, value: str) -> None:
    print(f"{what:<58} {value:>20}", flush=True)


def writing(folder: Path) -> None:
    """Rows per second, and what readers wait for meanwhile."""
    candidates = Changing(NEVER, 0)
    pairs = [batch(number, candidates) for number in range(BATCHES * BATCH // 800 + 1)]
    decisions = [each for records in pairs for each in records if isinstance(each, Decision)]
    both = [each for records in pairs for each in records]
    for name, records in (("decisions", decisions), ("decisions and outcomes", both)):
        with stored(folder / f"{name.split()[-1]}.db") as store:
            rate = rows_per_s(store, records)
            told(f"{name}: rows/s at batches of {BATCH:,}", f"{rate:,.0f}")
    with stored(folder / "outcomes.db") as store, reader(store) as waits:
        rate = rows_per_s(store, [again(each, 10**6) for each in both])
    waits.sort()
    told("the same with a reader of pages beside it: rows/s", f"{rate:,.0f}")
    told("  its page of 50: p50, p99", f"{ms(quantile(waits, 0.5))}, {ms(quantile(waits, 0.99))}")


def again(record: Decision | Outcome, later_ms: int) -> Decision | Outcome:
    """The record with an id that is later."""
    name = record[0]
    moved = f"dec_{int(name[4:15], 16) + later_ms:011x}{name[15:]}"
    if isinstance(record, Decision):
        return record._replace(id=moved)
    return record._replace(decision_id=moved)


def rows_per_s(store: SqliteStore, records: Sequence[Decision | Outcome]) -> float:
    began = time.perf_counter()
    for start in range(0, len(records), BATCH):
        store.append(records[start : start + BATCH])
    return len(records) / (time.perf_counter() - began)


@contextmanager
def reader(store: SqliteStore) -> Iterator[list[float]]:
    """Somebody who reads pages all the time; how long each took, in seconds."""
    waits: list[float] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            waits.append(timed(lambda: store.decisions(DecisionQuery(limit=50))))
            time.sleep(0.005)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield waits
    finally:
        stop.set()
        thread.join()


def adding(folder: Path) -> None:
    """What persistence adds to a request in one process on one loop, beside a store of nothing."""
    records = batch(0, Changing(NEVER, 0))
    decisions = [each for each in records if isinstance(each, Decision)]
    with stored(folder / "adding.db") as store:
        took: dict[str, list[float]] = {"nothing": [], "sqlite": []}
        for _ in range(5):
            took["nothing"] += asyncio.run(requests(NoStore(), decisions))
            took["sqlite"] += asyncio.run(requests(store, decisions))
    for q in (0.5, 0.99):
        found = {name: quantile(sorted(values), q) for name, values in took.items()}
        added_us = 1e6 * (found["sqlite"] - found["nothing"])
        told(f"added to a request of {1e6 * WORK_S:.0f} µs, p{100 * q:.0f}", f"{added_us:.1f} µs")


async def requests(store: Store, decisions: Sequence[Decision]) -> list[float]:
    ledger = WriteBehindLedger(store, SystemClock())
    ledger.start()
    took = []
    for number in range(REQUESTS):
        began = time.perf_counter()
        made = again(decisions[number % len(decisions)], time.perf_counter_ns() // 10**6)
        assert isinstance(made, Decision)
        outcome = an_outcome(made)
        ledger.decided(made)
        spin(WORK_S)
        ledger.ended(outcome)
        took.append(time.perf_counter() - began)
        await asyncio.sleep(0.000_2)
    await ledger.close(10)
    return took


def spin(seconds: float) -> None:
    """Work in Python for so long, by the work done rather than by the clock."""
    for _ in range(int(seconds * 20_000_000)):
        pass


def reading(folder: Path, rows: int) -> None:
    """Charts, pages and retention on a file of so many rows, over thirty days."""
    path = folder / "large.db"
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    SqliteStore(path).close()
    fill(path, rows // 2, now)
    told("the file holds", f"{rows:,} rows, {path.stat().st_size / 1e9:.2f} GB")
    with stored(path) as store:
        counting_up(store, rows // 2, now)
        answering(store, now)
        forgetting(store, now - timedelta(days=DAYS))


def forgetting(store: SqliteStore, oldest: datetime) -> None:
    """What it takes to let go of a day, and what it does to those who append meanwhile."""
    with appender(store) as waits:
        time.sleep(APPENDING_S)
    told(f"append of {TOGETHER} beside nothing: p50, p99, worst", percentiles(waits))
    for name, beside in (("alone", nullcontext([])), ("beside appends", appender(store))):
        oldest += timedelta(days=1)
        before_bytes = resident_bytes()
        with beside as waits:
            began, worked = time.perf_counter(), time.thread_time()
            count = store.forget_before(oldest)
            took, cpu = time.perf_counter() - began, time.thread_time() - worked
        told(f"retention of a day, {name}: {count:,} decisions", f"{took:.2f} s, CPU {cpu:.2f} s")
        grown = (resident_bytes() - before_bytes) / 1e6
        told("  memory after it, more than before", f"{grown:.1f} MB")
        if waits:
            told(f"  append of {TOGETHER} meanwhile: p50, p99, worst", percentiles(waits))


@contextmanager
def appender(store: SqliteStore) -> Iterator[list[float]]:
    """Somebody who appends as the ledger does; how long each took, in seconds."""
    records = batch(0, Changing(NEVER, 0))[:TOGETHER]
    waits: list[float] = []
    stop = threading.Event()

    def append() -> None:
        while not stop.is_set():
            now_ms = time.time_ns() // 10**6
            made = [again(each, now_ms - int(each[0][4:15], 16)) for each in records]
            waits.append(timed(lambda made=made: store.append(made)))  # type: ignore[misc]
            time.sleep(0.04)

    thread = threading.Thread(target=append)
    thread.start()
    try:
        yield waits
    finally:
        stop.set()
        thread.join()


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def percentiles(waits: Sequence[float]) -> str:
    found = sorted(waits)
    return ", ".join(ms(quantile(found, q)) for q in (0.5, 0.99, 1.0))


def counting_up(store: Memory, requests: int, now: datetime) -> None:
    began, periods = time.perf_counter(), 0
    while turn := store.aggregates.roll(now + timedelta(minutes=2)):
        periods += turn
    took = time.perf_counter() - began
    told("all of it counted up into minutes, hours, days", f"{took:.0f} s, {periods:,} periods")
    told("  that is, per request", f"{1e6 * took / requests:.1f} µs")


def answering(store: Memory, now: datetime) -> None:
    """What a database that holds so many days before now takes for what is asked of it."""
    for name, ask in questions(store, now):
        found = sorted(timed(ask) for _ in range(20))
        told(name, f"{ms(found[10])}, worst {ms(found[-1])}")


def questions(store: Memory, now: datetime) -> list[tuple[str, Callable[[], Any]]]:
    def chart(hours: int, step_s: int, **more: Any) -> Callable[[], Any]:
        query = SeriesQuery(now - timedelta(hours=hours), now, step_s, **more)
        return lambda: store.aggregates.series(query)

    by_model: dict[str, Any] = {"dimension": Dimension.MODEL}
    return [
        ("chart of 1 h, 1 min steps", chart(1, 60)),
        ("chart of 24 h, 10 min steps", chart(24, 600)),
        ("chart of 24 h, latency quantiles", chart(24, 600, latencies=True)),
        ("chart of 24 h, 12 models", chart(24, 600, **by_model)),
        ("chart of 24 h, 12 models, latency quantiles", chart(24, 600, latencies=True, **by_model)),
        ("chart of 30 d, 6 h steps", chart(720, 21_600)),
        ("chart of 30 d, latency quantiles", chart(720, 21_600, latencies=True)),
        ("page of 50 decisions", lambda: store.decisions(DecisionQuery())),
        ("page of 50 of an agent", lambda: store.decisions(DecisionQuery(agent_id="agent-7"))),
        (
            "page of 50 on a model",
            lambda: store.decisions(DecisionQuery(model_id="provider/model-3")),
        ),
    ]


def fill(path: Path, count: int, now: datetime) -> None:
    """So many decisions and as many outcomes, spread over the days before now."""
    begin = int(now.timestamp() * 1000) - DAYS * DAY_MS
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA synchronous = OFF")
        db.execute("PRAGMA cache_size = -400000")
        db.execute(_FILL_SET)
        db.execute(_FILL_DECISIONS, {"count": count, "begin": begin, "step": DAYS * DAY_MS / count})
        db.execute(_FILL_OUTCOMES)
        db.commit()


@contextmanager
def stored(path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(path)
    try:
        yield store
    finally:
        store.close()


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def quantile(values: Sequence[float], q: float) -> float:
    """Of sorted values."""
    return values[min(len(values) - 1, int(q * len(values)))] if values else math.nan


def ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"


if __name__ == "__main__":
    main()
