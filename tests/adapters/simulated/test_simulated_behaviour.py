"""Are the pace and the faults of a persona what it declares, and the same again for a seed?"""

from __future__ import annotations

from collections import Counter
from random import Random
from statistics import median

import pytest

from pointsman.adapters.providers.simulated.asking import Asked
from pointsman.adapters.providers.simulated.behaviour import (
    Plan,
    due_times,
    plan,
    request_chance,
)
from pointsman.adapters.providers.simulated.faults import Fault, Order, Orders
from pointsman.adapters.providers.simulated.personas import Episode, Pace, Persona
from pointsman.adapters.providers.simulated.prompt_cache import PromptCache

STEADY = Persona(
    "steady",
    pace=Pace(first_token_s=0.5, first_token_sigma=0.3, tokens_per_s=50),
    failures={Fault.SERVER_ERROR: 0.04, Fault.CUT: 0.02},
    drift=(Episode(100, 200, latency_factor=3, failure_factor=2),),
)


def plans(persona: Persona, count: int, *, elapsed_s: float = 0.0, seed: int = 1) -> list[Plan]:
    return [plan(persona, request_chance(seed, "p", n), elapsed_s) for n in range(count)]


def test_the_same_seed_behaves_the_same_and_another_one_does_not() -> None:
    assert plans(STEADY, 50) == plans(STEADY, 50)
    assert plans(STEADY, 50) != plans(STEADY, 50, seed=2)


def test_the_median_times_are_the_declared_ones() -> None:
    drawn = plans(STEADY, 4000)
    assert median(p.first_token_s for p in drawn) == pytest.approx(0.5, rel=0.05)
    assert median(p.between_s for p in drawn) == pytest.approx(0.02, rel=0.05)


def test_faults_come_as_often_as_declared() -> None:
    seen = Counter(p.fault for p in plans(STEADY, 8000))
    assert seen[Fault.SERVER_ERROR] / 8000 == pytest.approx(0.04, abs=0.008)
    assert seen[Fault.CUT] / 8000 == pytest.approx(0.02, abs=0.006)


def test_an_episode_slows_down_and_fails_more_only_while_it_lasts() -> None:
    def figures(elapsed_s: float) -> tuple[float, float]:
        drawn = plans(STEADY, 3000, elapsed_s=elapsed_s)
        return median(p.first_token_s for p in drawn), sum(p.fault is not None for p in drawn)

    before, during, after = figures(99.9), figures(100), figures(200)
    assert during[0] == pytest.approx(3 * before[0])
    assert during[1] / before[1] == pytest.approx(2, rel=0.3)
    assert after == before


def test_no_bad_time_makes_failure_certain() -> None:
    doomed = Persona(
        "doomed", failures={Fault.CUT: 0.5}, drift=(Episode(0, 10, failure_factor=100),)
    )
    assert any(p.fault is None for p in plans(doomed, 400))


def test_a_long_prompt_takes_time_to_read_and_a_slow_answer_five_times_as_long() -> None:
    calm = plan(STEADY, Random(1), 0.0)
    long = plan(STEADY, Random(1), 0.0, uncached_tokens=25_000)
    slow = plan(STEADY, Random(1), 0.0, order=Order(Fault.SLOW))
    assert long.first_token_s == pytest.approx(calm.first_token_s + 1.0)
    assert slow.first_token_s == pytest.approx(5 * calm.first_token_s)
    assert slow.between_s == pytest.approx(5 * calm.between_s)


def test_tokens_are_due_one_after_the_other_from_the_first() -> None:
    planned = plan(STEADY, Random(1), 0.0)
    due = due_times(planned, 200, Random(2))
    assert due[0] == planned.first_token_s
    assert due == sorted(due)
    assert (due[-1] - due[0]) / 199 == pytest.approx(planned.between_s, rel=0.1)
    assert due_times(planned, 0, Random(2)) == []


def test_an_ordered_fault_is_shown_as_often_as_ordered() -> None:
    orders = Orders()
    orders.place("a", Order(Fault.CUT), 2)
    orders.place("b", Order(Fault.EMPTY))
    taken = [orders.take("a") for _ in range(3)]
    assert [order.fault if order else None for order in taken] == [Fault.CUT, Fault.CUT, None]
    assert all(orders.take("b") for _ in range(5))
    orders.revoke("b")
    assert orders.take("b") is None
    orders.place("a", Order(Fault.CUT))
    orders.revoke()
    assert orders.take("a") is None
    with pytest.raises(ValueError, match="count"):
        orders.place("a", Order(Fault.CUT), 0)


def test_a_prompt_that_begins_like_an_earlier_one_is_partly_cached() -> None:
    cache = PromptCache()
    first = Asked(prompt_chars=4000, prefixes=((11, 4000),))
    longer = Asked(prompt_chars=4400, prefixes=((11, 4000), (12, 4400)))
    assert cache.cached_tokens("a", first, 0.0) == 0
    assert cache.cached_tokens("a", longer, 1.0) == 992
    assert cache.cached_tokens("b", longer, 1.0) == 0
    assert cache.cached_tokens("a", longer, 400.0) == 0


def test_a_short_prompt_is_never_cached_and_memory_is_bounded() -> None:
    cache = PromptCache(size=2)
    short = Asked(prompt_chars=40, prefixes=((1, 40),))
    assert [cache.cached_tokens("a", short, 0.0) for _ in range(2)] == [0, 0]
    long = Asked(prompt_chars=4000, prefixes=((2, 4000),))
    cache.cached_tokens("a", long, 0.0)
    for checksum in range(10, 13):
        cache.cached_tokens("a", Asked(prompt_chars=8, prefixes=((checksum, 8),)), 0.0)
    assert cache.cached_tokens("a", long, 0.0) == 0
