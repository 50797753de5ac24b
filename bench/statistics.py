"""What do statistics cost: to record, to ask, to learn from, to scrape, to keep?

`python -m bench.statistics` prints figures of one process, each beside what it may be at most or
beside a baseline of the same minute: what prometheus_client's own histograms and counters cost for
the same attempt, what its encoder costs for as many samples, and sorting for as many values.
`make bench` prints them too.
"""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import NamedTuple

import uvloop
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from bench.report import Row, judged
from bench.servers import ROOT
from bench.traffic import FLEET, LARGE, ONE_PAIR, SEED, SLOW, SMALL, START, Shape, outcomes
from pointsman.adapters.metrics import Metrics
from pointsman.core.adaptive import AdaptiveScorer
from pointsman.core.decision import Decision, Outcome, Strategy, Task
from pointsman.core.quantiles import Sketch
from pointsman.core.stats import Statistics
from pointsman.core.windows import Window
from pointsman.engine.statistics import Asked, LiveStatistics
from pointsman.engine.tally import Tally

QUANTILES = (0.5, 0.95, 0.99)
SWITCH_INTERVAL_S = 0.0005
ROUNDS = 3


def cpu_us(work: Callable[[], object], count: int) -> float:
    """CPU microseconds of one of `count`, the best of some rounds."""
    costs = []
    for _ in range(ROUNDS):
        gc.collect()
        began = time.thread_time()
        work()
        costs.append((time.thread_time() - began) / count * 1e6)
    return min(costs)


# Recording and learning ----------------------------------------------------------------------


def record_all(told: Sequence[Outcome]) -> Statistics:
    """All of it counted, whatever is still waiting at the end included."""
    statistics = Statistics()
    for outcome in told:
        statistics.record(outcome)
    statistics.fold(told[-1].at.timestamp())
    return statistics


def learn_all(told: Sequence[Outcome]) -> None:
    """As the engine does it: one tick for each decision, one outcome for each attempt."""
    scorer = AdaptiveScorer()
    for outcome in told:
        scorer.tick(outcome.at.timestamp())
        scorer.learn(outcome)


def observe_all(told: Sequence[Outcome]) -> None:
    """The same facts by prometheus_client's own means, which know no windows."""
    registry = CollectorRegistry()
    labels = ("model", "agent")
    total = Histogram("total", "", labels, registry=registry)
    first = Histogram("first", "", labels, registry=registry)
    attempts = Counter("attempts", "", (*labels, "result"), registry=registry)
    prompt, completion, cost = (
        Counter(name, "", labels, registry=registry) for name in ("prompt", "completion", "cost")
    )
    for each in told:
        names = each.model_id, each.agent_id
        result = each.failure.code if each.failure else "ok"
        attempts.labels(*names, result).inc()
        total.labels(*names).observe(each.total_s)
        if each.streamed and each.first_token_s is not None:
            first.labels(*names).observe(each.first_token_s)
        if each.usage is not None:
            prompt.labels(*names).inc(each.usage.prompt_tokens)
            completion.labels(*names).inc(each.usage.completion_tokens)
        cost.labels(*names).inc(float(each.cost_usd or 0))


def recording() -> Iterator[Row]:
    """Of one pair in microseconds; of many in what prometheus_client takes, with more scatter."""
    for shape, most in ((ONE_PAIR, 0.2), (SMALL, 0.3), (FLEET, 0.8), (SLOW, 2.5)):
        told = outcomes(shape)
        ours_us = cpu_us(partial(record_all, told), len(told))
        theirs_us = cpu_us(partial(observe_all, told), len(told))
        if shape is ONE_PAIR:
            yield Row("record an attempt", ours_us, "µs", 1.5, shape.words)
        note = f"{ours_us:.1f} of {theirs_us:.1f} µs: {shape.words}"
        yield Row("record, against prometheus_client", ours_us / theirs_us, "×", most, note)
    learned_us = cpu_us(partial(learn_all, told := outcomes(FLEET)), len(told))
    yield Row("learn from an attempt", learned_us, "µs", 5.0, FLEET.words)


# Asking --------------------------------------------------------------------------------------


def asking() -> Iterator[Row]:
    random = Random(SEED)
    values = [random.lognormvariate(0.0, 1.0) for _ in range(100_000)]
    sketch = Sketch()
    sketch.add_all(values)
    ours_us = cpu_us(lambda: [sketch.quantiles(QUANTILES) for _ in range(500)], 500)
    sorting_us = cpu_us(lambda: sorted(values), 1)
    note = f"1/{sorting_us / ours_us:.0f} of sorting them"
    yield Row("three quantiles of 100,000 values", ours_us, "µs", 100, note)
    statistics, now_s = record_all(told := outcomes(FLEET)), told[-1].at.timestamp()
    for window, most_us in ((Window.MINUTE, 400), (Window.HOUR, 1_500)):
        ask = partial(statistics.period, window, now_s, model_id="provider/model-1")
        found_us = cpu_us(lambda ask=ask: [ask() for _ in range(100)], 100)  # type: ignore[misc]
        yield Row(f"all of a model's last {window.label}", found_us, "µs", most_us)


# Scraping ------------------------------------------------------------------------------------


class Figures:
    written = 0
    queued = 0
    not_durable = 0
    failing_since: float | None = None

    def __init__(self) -> None:
        self.dropped = {"decision": 0, "outcome": 0}


class Engine:
    def __init__(self, models: int) -> None:
        self._models = [f"provider/model-{number}" for number in range(models)]

    def in_flight(self) -> Mapping[str, int]:
        return dict.fromkeys(self._models, 1)

    def circuits(self) -> Mapping[str, str]:
        return dict.fromkeys(self._models, "closed")

    def config_version(self) -> str:
        return "cfg_1"

    def backlog(self) -> Mapping[str, float] | None:
        return None

    def telemetry_dropped(self) -> int:
        return 6

    def crowded_out(self) -> int:
        return 0

    def log_records_dropped(self) -> int:
        return 0


class LoopClock:
    """Time goes on from the end of the traffic."""

    def __init__(self, at: datetime) -> None:
        self._at = at
        self._began = time.monotonic()

    def now(self) -> datetime:
        return self._at + timedelta(seconds=time.monotonic() - self._began)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Stalls:
    """How long everybody else on the loop had to wait for a turn.

    The thread's own time is measured, so that what other processes take does not count; whatever
    another thread of ours takes by holding the interpreter's lock is in `wall_s`, which also holds
    what the machine does meanwhile.
    """

    def __init__(self) -> None:
        self.cpu_s = self.wall_s = 0.0
        self._task = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while True:
            cpu_s, wall_s = time.thread_time(), time.perf_counter()
            await asyncio.sleep(0)
            self.cpu_s = max(self.cpu_s, time.thread_time() - cpu_s)
            self.wall_s = max(self.wall_s, time.perf_counter() - wall_s)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


class Reading(NamedTuple):
    """One answer: its CPU time, the time until it was there, and the loop's longest stalls."""

    cpu_s: float
    wall_s: float
    stall_cpu_s: float
    stall_wall_s: float
    body: bytes


async def reading(answer: Callable[[], object]) -> Reading:
    """An answer while nobody else asks for anything but turns, then one alone for its CPU time."""
    stalls = Stalls()
    await asyncio.sleep(0.01)
    body = await answer()  # type: ignore[misc]
    await stalls.stop()
    began_cpu, began = time.process_time(), time.perf_counter()
    await answer()  # type: ignore[misc]
    took = time.process_time() - began_cpu, time.perf_counter() - began
    return Reading(*took, stalls.cpu_s, stalls.wall_s, body if isinstance(body, bytes) else b"")


class Scraped(NamedTuple):
    """What a router that has seen a shape's traffic answers a scraper and an operator with."""

    metrics: Metrics
    live: LiveStatistics


def scraped(shape: Shape) -> Scraped:
    tally, told = Tally(), outcomes(shape)
    live = LiveStatistics(LoopClock(told[-1].at), Statistics())
    for outcome in told:
        tally.decided(_decision(outcome))
        tally.learn(outcome)
        live.ended(outcome)
    return Scraped(Metrics(tally, live, Figures(), Engine(shape.models), version="bench"), live)


def _decision(outcome: Outcome) -> Decision:
    return Decision(
        outcome.decision_id, "r", START, outcome.agent_id, Task(), Strategy.COST, (), (), 1.0, "c"
    )


def best(readings: Sequence[Reading]) -> Reading:
    """The least of each figure: the rest is what the machine did."""
    cpu_s, wall_s, stall_cpu_s, stall_wall_s = map(
        min, zip(*(r[:4] for r in readings), strict=True)
    )
    return Reading(cpu_s, wall_s, stall_cpu_s, stall_wall_s, b"")


async def read_often(answer: Callable[[], object]) -> tuple[Reading, bytes]:
    found = [await reading(answer) for _ in range(5)]
    return best(found), found[-1].body


def baseline_s(samples: int) -> float:
    """What it costs prometheus_client to write so many samples that stand ready."""
    registry = CollectorRegistry()
    gauge = Gauge("baseline", "So many samples.", ("model", "window"), registry=registry)
    for number in range(samples):
        gauge.labels(f"provider/model-{number}", "1m").set(number / 7)
    return cpu_us(lambda: generate_latest(registry), 1) / 1e6


async def idle_stall_s(seconds: float) -> float:
    """The longest stall on the wall clock while nothing happens: what the machine does."""
    stalls = Stalls()
    await asyncio.sleep(seconds)
    await stalls.stop()
    return stalls.wall_s


async def scrape_rows(shape: Shape) -> list[Row]:
    built = scraped(shape)

    async def page() -> bytes:
        return (await built.metrics.render(""))[0]

    async def report() -> bytes:
        await built.live.report(Asked(Window.HOUR, limit=200))
        return b""

    scrape, body = await read_often(page)
    asked, _ = await read_often(report)
    series = sum(1 for line in body.splitlines() if not line.startswith(b"#"))
    least_s = baseline_s(series)
    per_thousand_ms = scrape.cpu_s * 1e3 / series * 1e3
    note = f"{series:,} series, {scrape.cpu_s / least_s:.1f} × the encoder alone: {shape.words}"
    idle_ms = min([await idle_stall_s(scrape.wall_s) for _ in range(5)]) * 1e3
    stall = f"on the wall clock {scrape.stall_wall_s * 1e3:.1f} ms, without a scrape {idle_ms:.1f}"
    return [
        Row("scrape, for each 1,000 series", per_thousand_ms, "ms", 50.0, note),
        Row("scrape, the loop's longest stall", scrape.stall_cpu_s * 1e3, "ms", 5.0, stall),
        Row("GET /metrics?window=1h, longest stall", asked.stall_cpu_s * 1e3, "ms", 5.0),
    ]


def scraping() -> list[Row]:
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL_S)  # as the server does
    try:
        rows: list[Row] = []
        for shape in (SMALL, FLEET, LARGE):
            gc.collect()
            gc.freeze()
            rows += uvloop.run(scrape_rows(shape))
            gc.unfreeze()
        return rows
    finally:
        sys.setswitchinterval(before_s)


# Keeping -------------------------------------------------------------------------------------


def rss_mb() -> float:
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def keeping() -> Iterator[Row]:
    """In a process that has done nothing else, or freed memory would be used again unseen."""
    told = outcomes(Shape("10,000 pairs, 30 attempts each in an hour", 100, 100, 300_000, 3_600))
    gc.collect()
    before_mb = rss_mb()
    statistics = record_all(told)
    gc.collect()
    note = f"{statistics.pair_count:,} agents on models, 30 attempts each in an hour"
    yield Row("memory of statistics", rss_mb() - before_mb, "MB", 64, note)
    made_up = [
        each._replace(agent_id=f"made-up-{number}") for number, each in enumerate(told[:100_000])
    ]
    full_mb = rss_mb()
    for each in made_up:
        statistics.record(each)
    statistics.fold(told[-1].at.timestamp())
    gc.collect()
    grown_mb = rss_mb() - full_mb
    yield Row("memory of 100,000 made-up agents on top", grown_mb, "MB", 16)


def measured() -> list[Row]:
    """Everything, measured in a new process, so that memory can be told."""
    command = [sys.executable, "-m", "bench.statistics", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [Row(**each) for each in json.loads(done.stdout)]


def main() -> None:
    rows = [*keeping(), *recording(), *asking(), *scraping()]
    as_json = "--json" in sys.argv[1:]
    print(json.dumps([asdict(row) for row in rows]) if as_json else judged(rows))


if __name__ == "__main__":
    main()
