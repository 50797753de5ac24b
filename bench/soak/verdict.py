"""Did the gateway hold out, by which figures and against which limits?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from bench.soak.callers import LEFT, Seen
from bench.soak.plan import TENTH, Plan
from bench.soak.samples import Sample, Slope, slope

MOST_RSS_MB_PER_H = 4.0
WHILE_IT_FILLS_MB_PER_H = 16.0
"""In the first hour, at whose end the statistics of an hour are full."""

HOUR_S = 3600.0
MOST_THREADS_PER_H = 3.0

MOST_LEFT_OVER = 3
"""So many more descriptors, threads and tasks may be there when all callers have gone than before
they came: of a leak in one of thousands of requests there would be more.
"""

MOST_TIMES_SLOWER = 1.5
MOST_TIMES_DEARER = 1.2
CAUGHT_UP_WITHIN_S = 60.0


class Line(NamedTuple):
    """One figure of the report. `kept` None: it is told, and not judged."""

    what: str
    found: str
    limit: str = ""
    kept: bool | None = None
    value: float | None = None


class AtRest(NamedTuple):
    """What a gateway holds while nobody asks."""

    descriptors: int
    threads: int
    tasks: int


def of_memory(plan: Plan, samples: Sequence[Sample]) -> Iterator[Line]:
    """Does anything grow? Resident memory is judged in the last third: until then what is kept for
    an hour fills, and the spool while the database is away.
    """
    last = [each for each in samples if each.at_s >= plan.duration_s * 2 / 3]
    if samples:
        first_mb, last_mb = samples[0].rss_mb, samples[-1].rss_mb
        yield Line("resident memory", f"{first_mb:.1f} MB at first, {last_mb:.1f} MB at last")
    whole = slope([(each.at_s, each.rss_mb) for each in samples])
    yield _rising(plan, "resident memory, MB/h", whole, None)
    late = slope([(each.at_s, each.rss_mb) for each in last])
    fills = plan.duration_s * 2 / 3 < HOUR_S
    most = WHILE_IT_FILLS_MB_PER_H if fills else MOST_RSS_MB_PER_H
    yield _rising(plan, "resident memory in the last third, MB/h", late, most)
    heap = slope([(each.at_s, each.heap_mb) for each in last])
    yield _rising(plan, "given out by C's allocator in the last third, MB/h", heap, None)
    blocks = slope([(each.at_s, each.blocks / 1_000) for each in last])
    yield _rising(plan, "by Python's, thousands of blocks per hour", blocks, None)
    threads = [(each.at_s, float(each.threads)) for each in samples]
    yield _rising(plan, "threads per hour", slope(threads), MOST_THREADS_PER_H)
    # These follow how much is under way, which is more where the machine is slower: what is not
    # given back is seen at rest.
    for name in ("descriptors", "tasks"):
        values = sorted(getattr(each, name) for each in samples)
        if values:
            middle = values[len(values) // 2]
            yield Line(f"{name} under load", f"{values[0]} to {values[-1]}, median {middle}")


def _rising(plan: Plan, what: str, found: Slope | None, most: float | None) -> Line:
    """Broken when it rises faster than it may with a confidence of 97.5 %."""
    if found is None:
        return Line(what, "too short to tell")
    words = f"{found.per_h:+.2f} ({found.least:+.2f} to {found.most:+.2f})"
    judged = most is not None and plan.judges_slopes
    limit = "" if most is None else f"≤ {most:g}"
    kept = (found.least <= most) if judged and most is not None else None
    return Line(what, words, limit, kept, found.per_h)


def of_rest(before: AtRest, after: AtRest) -> Iterator[Line]:
    """Is everything given back once all callers have gone?"""
    for name, had, has in zip(AtRest._fields, before, after, strict=True):
        most = had + MOST_LEFT_OVER
        yield Line(f"{name} at rest", f"{had} before, {has} after", f"≤ {most}", has <= most, has)


def of_latency(plan: Plan, seen: Sequence[Seen]) -> Iterator[Line]:
    """What right answers took in the first and in the last tenth, which nothing disturbed."""
    tenth = TENTH * plan.duration_s
    first = sorted(each.felt_s for each in seen if not each.fault and each.due_s < tenth)
    last_from = plan.duration_s - tenth
    last = sorted(each.felt_s for each in seen if not each.fault and each.due_s >= last_from)
    for name, q in (("p50", 0.5), ("p99", 0.99)):
        yield _slower(plan, f"felt by callers, {name} ms", _at(first, q), _at(last, q))


def of_overhead(plan: Plan, samples: Sequence[Sample], due: Sequence[float]) -> Iterator[Line]:
    """The gateway's own part: time, and processor time per request."""
    tenth = TENTH * plan.duration_s
    first = [each for each in samples if each.at_s <= tenth]
    last = [each for each in samples if each.at_s >= plan.duration_s - tenth]
    for name, quantile in (("p50", "overhead_p50_s"), ("p99", "overhead_p99_s")):
        had, has = (_median([getattr(each, quantile) for each in some]) for some in (first, last))
        yield _slower(plan, f"in the gateway itself, {name} ms", had, has)
    had, has = (_cpu_each(some, due) for some in (first, last))
    words = f"{1e6 * had:.0f} in the first tenth, {1e6 * has:.0f} in the last"
    kept = has <= MOST_TIMES_DEARER * had if plan.judges_slopes else None
    yield Line(
        "processor time per request, µs", words, f"≤ {MOST_TIMES_DEARER:g} ×", kept, has / had
    )


def _cpu_each(samples: Sequence[Sample], due: Sequence[float]) -> float:
    """Processor seconds per request that was due between the first of these and the last."""
    if len(samples) < 2:
        return math.nan
    began, ended = samples[0], samples[-1]
    asked = sum(began.at_s <= each < ended.at_s for each in due)
    return (ended.cpu_s - began.cpu_s) / asked if asked else math.nan


def _slower(plan: Plan, what: str, had_s: float, has_s: float) -> Line:
    words = f"{1000 * had_s:.2f} in the first tenth, {1000 * has_s:.2f} in the last"
    kept = has_s <= MOST_TIMES_SLOWER * had_s if plan.judges_slopes else None
    value = has_s / had_s if had_s else None
    return Line(what, words, f"≤ {MOST_TIMES_SLOWER:g} ×", kept, value)


def _at(ordered: Sequence[float], q: float) -> float:
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))] if ordered else math.nan


def _median(values: Sequence[float]) -> float:
    return _at(sorted(each for each in values if not math.isnan(each)), 0.5)


def of_answers(seen: Mapping[str, Seen], faults: Mapping[str, int]) -> Iterator[Line]:
    """What callers were given; the upstream fails on purpose, so not everything is an answer."""
    right = sum(not each.fault for each in seen.values())
    streamed = sum(each.streamed for each in seen.values())
    yield Line("requests", f"{len(seen)}, {streamed} of them streamed", value=len(seen))
    yield Line("right answers", f"{right} ({100 * right / max(1, len(seen)):.2f} %)", value=right)
    for fault, count in sorted(faults.items(), key=lambda each: -each[1]):
        judged = fault != LEFT and fault.startswith(("timeout", "no JSON"))
        yield Line(f"  {fault}", str(count), "0" if judged else "", False if judged else None)


def most_at_once(samples: Sequence[Sample]) -> Line:
    """How far the database fell behind while it was away."""
    most = max((each.behind for each in samples), default=0)
    return Line("rows that waited for the database", str(most), value=most)


def gaps(samples: Sequence[Sample]) -> float:
    """The longest time between two samples, in seconds: a gateway that stalls gives none."""
    return max((b.at_s - a.at_s for a, b in pairwise(samples)), default=0.0)
