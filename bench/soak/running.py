"""How does one soak go, from the first caller to the last book?"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bench.soak import books
from bench.soak.callers import Ledger
from bench.soak.happening import Happening, behind, reloads
from bench.soak.lookers import Looker, Worker, lookers
from bench.soak.plan import Plan
from bench.soak.rates import put_on
from bench.soak.samples import Sampler, sample
from bench.soak.verdict import (
    CAUGHT_UP_WITHIN_S,
    AtRest,
    Line,
    gaps,
    most_at_once,
    of_answers,
    of_latency,
    of_memory,
    of_overhead,
    of_rest,
)
from bench.soak.world import World, world
from pointsman.adapters.http.control import PREFIX

WARM_UP_S = 3.0
AT_REST_WITHIN_S = 100.0
STORED_WITHIN_S = 120.0
TOLD_WITHIN_S = 180.0
"""A minute is told when it is over, and a while after."""

MOST_TOLD = 20
MOST_TYPES_TOLD = 12
PROGRESS_EVERY_S = 60.0


@dataclass
class Report:
    """What came of a soak. `words` are what the table has no room for."""

    plan: Plan
    lines: list[Line] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    samples: list[dict[str, float]] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        return all(line.kept is not False for line in self.lines)

    def document(self) -> dict[str, Any]:
        return {
            "plan": self.plan._asdict(),
            "kept": self.kept,
            "lines": [line._asdict() for line in self.lines],
            "words": self.words,
            "samples": self.samples,
        }


@dataclass
class Soak:
    """One soak under way."""

    world: World
    ledger: Ledger
    sampler: Sampler
    happening: Happening
    looking: Sequence[Looker]


def soak(plan: Plan) -> Report:
    """One soak at the plan's rate."""
    report = Report(plan)
    with world(plan) as place:
        ledger = Ledger()
        put_on(place, min(10.0, plan.rate_per_s or 10.0), WARM_UP_S, ledger, "warm-up")
        before, types = _at_rest(place), _types(place)
        warming = set(ledger.seen)
        gateway = place.gateway
        looking = lookers(gateway.host, gateway.port, browser=plan.browser)
        run = Soak(place, ledger, Sampler(place), Happening(place), looking)
        _under_load(run)
        report.samples = [each._asdict() for each in run.sampler.samples]
        report.lines += _figures(run, warming)
        report.lines += _happened(run)
        report.lines += _accounts(run, report.words)
        report.lines += of_rest(before, _settled(place, before))
        report.words += _grown(types, _types(place))
        report.words += run.happening.done
    return report


def _under_load(run: Soak) -> None:
    plan = run.world.plan
    others: list[Worker] = [*run.looking, run.sampler, run.happening]
    for each in others:
        each.start()
    run.ledger.began = time.monotonic()
    over = threading.Event()
    threading.Thread(target=_tell, args=(run, over), daemon=True).start()
    put_on(run.world, plan.rate_per_s or 0.0, plan.duration_s, run.ledger, "soak")
    over.set()
    for each in reversed(others):
        each.stop()


def _tell(run: Soak, over: threading.Event) -> None:
    """How far it has come, once a minute."""
    while not over.wait(PROGRESS_EVERY_S):
        seen, samples = run.ledger.seen, run.sampler.samples
        if samples:
            last = samples[-1]
            print(
                f"  {last.at_s / 60:5.1f} min: {len(seen)} requests, {last.rss_mb:.1f} MB, "
                f"{last.descriptors} descriptors, {last.tasks} tasks, {last.behind} rows wait",
                file=sys.stderr,
                flush=True,
            )


def _figures(run: Soak, warming: set[str]) -> Iterator[Line]:
    plan = run.world.plan
    samples = [each for each in run.sampler.samples if each.at_s <= plan.duration_s]
    seen = {each: what for each, what in run.ledger.seen.items() if each not in warming}
    yield from of_answers(seen, Counter(each.fault for each in seen.values() if each.fault))
    yield from of_memory(plan, samples)
    yield from of_latency(plan, list(seen.values()))
    yield from of_overhead(plan, samples, [each.due_s for each in seen.values()])


def _happened(run: Soak) -> Iterator[Line]:
    """Whether all went as planned, and nobody who looked was let down."""
    happening, plan = run.happening, run.world.plan
    wanted = len(reloads(plan))
    yield Line("reloads", str(happening.reloads), f"{wanted}", happening.reloads == wanted)
    yield most_at_once(run.sampler.samples)
    took = happening.caught_up_s
    words = "never" if took is None else f"{took:.1f} s"
    kept = took is not None and took <= CAUGHT_UP_WITHIN_S
    yield Line("all rows were there after", words, f"≤ {CAUGHT_UP_WITHIN_S:g} s", kept, took)
    yield Line("longest time between two looks", f"{gaps(run.sampler.samples):.1f} s")
    for number, looker in enumerate(run.looking, 1):
        yield Line(f"dashboard {number}", looker.told(), "no faults", not looker.faults)
    for fault in (
        *happening.mishaps,
        *run.sampler.faults,
        *(fault for each in run.looking for fault in each.faults),
    ):
        yield Line("went wrong", fault, "nothing", False)


def _accounts(run: Soak, words: list[str]) -> Iterator[Line]:
    """All books held against each other; what differs is told in `words`."""
    _await_stored(run.world)
    gateway = run.world.gateway
    rows = books.rows_of(run.world.database.url())
    apart = list(books.one_by_one(run.ledger.seen, rows))
    yield _judged("answers that differ from their rows", apart, words)
    kept = books.of_rows(rows)
    page = gateway.get("/metrics").body.decode()
    apart = list(books.differences("metrics", kept, books.of_metrics(page), kinds=True))
    yield _judged("differences between rows and metrics", apart, words)
    stats = gateway.shown(f"{PREFIX}/stats")
    yield _judged("differences between rows and /stats", list(books.of_totals(kept, stats)), words)
    if run.world.plan.judges_slopes:
        charts = _charts(run.world)
        found = books.of_analytics(charts)
        apart = list(books.differences("analytics", kept, found, kinds=False))
        yield _judged("differences between rows and analytics", apart, words)
    lost = sum(stats["ledger"]["dropped"].values()) + gateway.readiness["database"]["lost_records"]
    yield Line("records lost", str(lost), "0", lost == 0, lost)
    answered = books.total(books.of_callers(run.ledger.seen.values()))
    everything = books.total(kept)
    yield Line("cost of right answers, by their callers", f"{answered.cost:.4f} US dollars")
    yield Line("cost of all attempts, by the database", f"{everything.cost:.4f} US dollars")
    yield Line("attempts", ", ".join(f"{k} {n}" for k, n in everything.results.most_common()))


def _judged(what: str, apart: Sequence[str], words: list[str]) -> Line:
    words += apart[:MOST_TOLD]
    if len(apart) > MOST_TOLD:
        words.append(f"… and {len(apart) - MOST_TOLD} more: {what}")
    return Line(what, str(len(apart)), "0", not apart, len(apart))


def _await_stored(place: World) -> None:
    """Until nothing waits: neither in the queue nor in the spool."""
    until = time.monotonic() + STORED_WITHIN_S
    while time.monotonic() < until:
        queued = place.gateway.shown(f"{PREFIX}/stats")["ledger"]["queued"]
        if not queued and not behind(place):
            return
        time.sleep(0.1)


def _charts(place: World) -> Mapping[str, Any]:
    """The charts that the analytics are made of, once all that happened is told."""
    ended, until = datetime.now(UTC), time.monotonic() + TOLD_WITHIN_S
    names = (*books.ANALYTICS, "cost_usd")
    asked = "dimension=model&range=3h&step=1m&limit=100"
    while True:
        charts = {
            name: place.gateway.shown(f"{PREFIX}/timeseries?metric={name}&{asked}")
            for name in names
        }
        told = min(datetime.fromisoformat(chart["complete_until"]) for chart in charts.values())
        if told >= ended or time.monotonic() > until:
            return charts
        time.sleep(1.0)


def _at_rest(place: World) -> AtRest:
    found = sample(place, 0.0)
    return AtRest(found.descriptors, found.threads, found.tasks)


def _settled(place: World, before: AtRest) -> AtRest:
    """What is held when all have gone; connections that are kept for a while are waited for."""
    until = time.monotonic() + (AT_REST_WITHIN_S if place.plan.judges_slopes else 5.0)
    while True:
        now = _at_rest(place)
        if time.monotonic() > until or all(
            has <= had for had, has in zip(before, now, strict=True)
        ):
            return now
        time.sleep(0.5)


def _types(place: World) -> Mapping[str, int]:
    found: Mapping[str, int] = place.gateway.observed(with_types=True)["types"]
    return found


def _grown(before: Mapping[str, int], after: Mapping[str, int]) -> Iterator[str]:
    """Of which types there are most more objects than before: where a leak would be seen."""
    grown = {name: count - before.get(name, 0) for name, count in after.items()}
    most = sorted(grown.items(), key=lambda each: -each[1])[:MOST_TYPES_TOLD]
    yield "objects more than before the load: " + ", ".join(f"{n} {name}" for name, n in most)
