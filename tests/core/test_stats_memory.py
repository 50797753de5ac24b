"""Does the memory of statistics stay within bounds, however long and however much is counted?"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from itertools import count
from random import Random

import pytest

from pointsman.core.decision import Outcome
from pointsman.core.fleet import Usage
from pointsman.core.stats import Statistics
from pointsman.core.windows import Window

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR_S = 3_600.0
KIB = 1_024


def deep_bytes(*roots: object) -> int:
    """What these objects and all that they hold take, each counted once, without fragmentation."""
    total, seen, waiting = 0, set[int](), list(roots)
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, (type, Enum)):
            continue
        seen.add(id(one))
        total += sys.getsizeof(one)
        waiting += parts(one)
    return total


def parts(one: object) -> Iterator[object]:
    if isinstance(one, dict):
        yield from one.keys()
        yield from one.values()
    elif isinstance(one, (list, tuple, set, frozenset)):
        yield from one
    else:
        slots = (name for each in type(one).__mro__ for name in getattr(each, "__slots__", ()))
        yield from (getattr(one, name) for name in slots if hasattr(one, name))
        yield from vars(one).values() if hasattr(one, "__dict__") else ()


def traffic(
    attempts: int, span_s: float, *, models: int = 20, agents: int = 50
) -> Iterator[Outcome]:
    """Attempts spread evenly over agents, models and `span_s`, with lognormal times."""
    random = Random(11)
    for number in range(attempts):
        total_s = random.lognormvariate(0.0, 1.0)
        yield Outcome(
            "dec_1",
            1,
            f"p/{number // agents % models}",
            f"agent_{number % agents}",
            START + timedelta(seconds=number * span_s / attempts),
            None,
            number % 3 > 0,
            total_s,
            total_s / 5,
            Usage(1_000 + number % 500, 200),
            Decimal("0.00123"),
        )


def counted(outcomes: Iterator[Outcome], stats: Statistics | None = None) -> Statistics:
    stats = stats or Statistics()
    at = START
    for outcome in outcomes:
        stats.record(outcome)
        at = outcome.at
    stats.fold(at.timestamp())
    return stats


def of_pairs(stats: Statistics) -> int:
    return deep_bytes(stats._known._pairs)


@pytest.mark.parametrize(("per_minute", "most_kib"), [(100, 20), (1_000, 32)])
def test_a_busy_pair_takes_at_most_some_kilobytes(per_minute: int, most_kib: int) -> None:
    """Of which up to 14 are attempts that wait to be counted, fewer where there are many pairs."""
    stats = counted(traffic(60 * per_minute, HOUR_S, models=1, agents=1))
    assert of_pairs(stats) < most_kib * KIB


def test_a_pair_that_is_rarely_used_takes_at_most_one_kilobyte() -> None:
    stats = counted(traffic(9 * 500, HOUR_S, models=10, agents=50))
    assert stats.pair_count == 500
    assert of_pairs(stats) < 500 * KIB


def test_a_thousand_pairs_take_at_most_a_tenth_of_what_ten_thousand_may() -> None:
    stats = counted(traffic(40_000, HOUR_S))
    assert stats.pair_count == 1_000
    assert deep_bytes(stats) < 6_400 * KIB


@pytest.mark.prove
@pytest.mark.timeout(1_800)
def test_ten_thousand_pairs_take_at_most_64_megabytes() -> None:
    stats = counted(traffic(600_000, HOUR_S, models=100, agents=100))
    assert stats.pair_count == 10_000
    assert deep_bytes(stats) < 64 * KIB * KIB


def test_ten_thousand_made_up_agents_cost_no_more_than_the_cap() -> None:
    """A hundred known agents in the midst of them are told apart all the same."""
    stats = Statistics(max_pairs=500, max_agents=200)
    counted(traffic(5_000, 60.0, models=2, agents=100), stats)
    counted(traffic(2_000, 60.0, models=2, agents=1_000), stats)
    full = deep_bytes(stats)
    made_up = count()
    for outcome in traffic(10_000, 60.0, models=2):
        stats.record(outcome._replace(agent_id=f"made_up_{next(made_up)}"))
    stats.fold(START.timestamp() + 60)
    assert len(stats.agent_ids()) == 201
    assert stats.pair_count <= 502
    assert deep_bytes(stats) < 1.2 * full
    known = stats.period(Window.HOUR, START.timestamp() + 60, agent_id="agent_7")
    assert known.counts.attempts == 52


def grown(attempts: int, hours: int, parts_of_it: int) -> list[int]:
    """The memory after each part of so much steady traffic."""
    stats, sizes = Statistics(), []
    outcomes = traffic(attempts, hours * HOUR_S)
    for _ in range(parts_of_it):
        at = START
        for outcome, _ in zip(outcomes, range(attempts // parts_of_it), strict=False):
            stats.record(outcome)
            at = outcome.at
        for _ in stats.folding(at.timestamp()):
            pass
        sizes.append(deep_bytes(stats))
    return sizes


def test_memory_is_flat_once_an_hour_has_passed() -> None:
    sizes = grown(attempts=120_000, hours=6, parts_of_it=6)
    assert max(sizes[2:]) < 1.1 * sizes[1]


@pytest.mark.prove
@pytest.mark.timeout(1_800)
def test_ten_million_attempts_take_no_more_memory_than_two() -> None:
    sizes = grown(attempts=10_000_000, hours=10, parts_of_it=10)
    assert max(sizes[2:]) < 1.1 * sizes[1]
    assert sizes[-1] < 64 * KIB * KIB
