"""Does the expected wait follow what is seen: at once upwards, by degrees downwards?"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.wait import GUESS_S, HALF_LIFE_S, IDLE_HALF_LIFE_S, LEAST_S, Latencies

ANSWERS = st.lists(
    st.tuples(st.sampled_from("ab"), st.floats(0.0, 600.0), st.floats(0.0, 100_000.0))
)


def waits(latencies: Latencies, *ids: str, **calls: int) -> Sequence[float]:
    return latencies.waits(ids, [calls.get(each, 0) for each in ids])


def test_a_slower_answer_counts_at_once_and_in_full() -> None:
    latencies = Latencies()
    latencies.answered("a", 1.0, 0.0)
    latencies.answered("a", 9.0, 0.0)
    assert latencies.latency_s("a", 0.0) == pytest.approx(9.0)


def test_a_quicker_answer_counts_half_after_the_half_life() -> None:
    latencies = Latencies()
    latencies.answered("a", 9.0, 0.0)
    latencies.answered("a", 1.0, 0.0)
    assert latencies.latency_s("a", 0.0) == pytest.approx(9.0), "no time has passed"
    faded = 9.0 * 2.0 ** -(HALF_LIFE_S / IDLE_HALF_LIFE_S)
    latencies.answered("a", 1.0, HALF_LIFE_S)
    assert latencies.latency_s("a", HALF_LIFE_S) == pytest.approx((faded + 1.0) / 2)


def test_what_was_seen_long_ago_fades() -> None:
    latencies = Latencies()
    latencies.answered("a", 8.0, 0.0)
    assert latencies.latency_s("a", IDLE_HALF_LIFE_S) == pytest.approx(4.0)
    latencies.answered("b", 8.0, IDLE_HALF_LIFE_S)
    old, new = waits(latencies, "a", "b")
    assert old == pytest.approx(new / 2)


def test_a_wait_grows_with_the_calls_that_are_there() -> None:
    latencies = Latencies()
    latencies.answered("a", 2.0, 0.0)
    assert list(waits(latencies, "a", a=3)) == pytest.approx([8.0])


def test_who_has_never_answered_is_soon_known_and_not_swamped() -> None:
    latencies = Latencies()
    latencies.answered("a", 2.0, 0.0)
    assert latencies.latency_s("b", 0.0) is None
    idle, known = waits(latencies, "b", "a")
    assert idle == 0.0
    assert known == pytest.approx(2.0)
    assert waits(latencies, "b", b=5)[0] == pytest.approx(5 * GUESS_S)


def test_an_answer_that_takes_no_time_is_a_load_all_the_same() -> None:
    latencies = Latencies()
    latencies.answered("a", 0.0, 0.0)
    assert list(waits(latencies, "a", a=1)) == pytest.approx([2 * LEAST_S])


def test_waiting_in_vain_counts_upwards_only() -> None:
    latencies = Latencies()
    latencies.waited("a", GUESS_S / 2, 0.0)
    assert latencies.latency_s("a", 0.0) is None, "a quick refusal is no quick answer"
    latencies.waited("a", 30.0, 0.0)
    latencies.waited("a", 3.0, 0.0)
    assert latencies.latency_s("a", 0.0) == pytest.approx(30.0)


def test_models_that_are_gone_are_forgotten() -> None:
    latencies = Latencies()
    for name in "ab":
        latencies.answered(name, 1.0, 0.0)
    latencies.keep_only(frozenset("b"))
    assert latencies.latency_s("a", 0.0) is None
    assert latencies.latency_s("b", 0.0) is not None


@given(ANSWERS)
def test_a_latency_lies_between_nothing_and_the_slowest_answer_however_long_it_runs(
    answers: list[tuple[str, float, float]],
) -> None:
    latencies, now = Latencies(), 0.0
    slowest: dict[str, float] = {}
    for name, latency_s, later_s in answers:
        now += later_s
        latencies.answered(name, latency_s, now)
        slowest[name] = max(slowest.get(name, LEAST_S), latency_s)
        seen = latencies.latency_s(name, now)
        assert seen is not None
        assert latency_s * (1 - 1e-9) <= seen <= slowest[name] * (1 + 1e-9)
    for name, most in slowest.items():
        later = latencies.latency_s(name, now + 1e6)
        assert later is not None
        assert 0.0 <= later <= most


def test_ratios_survive_the_change_of_the_unit() -> None:
    latencies, long_s = Latencies(), 300 * IDLE_HALF_LIFE_S
    latencies.answered("a", 1.0, 0.0)
    latencies.answered("b", 1.0, long_s)
    latencies.answered("a", 4.0, long_s)
    a, b = waits(latencies, "a", "b")
    assert a / b == pytest.approx(4.0)
