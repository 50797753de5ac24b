"""Is a limit per minute never passed in any minute, and is it known when there is room again?"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.quota import WINDOW_S, LastMinute

STEPS = st.lists(st.tuples(st.floats(0.0, 90.0), st.integers(0, 50)), max_size=60)


@given(STEPS, st.integers(1, 100))
def test_no_sixty_seconds_ever_hold_more_than_the_limit(
    steps: list[tuple[float, int]], limit: int
) -> None:
    minute, now, spent = LastMinute(), 0.0, list[tuple[float, int]]()
    for later_s, asked in steps:
        now += later_s
        amount = min(asked, limit)
        if minute.wait_s(amount, limit, now) == 0.0:
            minute.spend(amount, now)
            spent.append((now, amount))
        recent = sum(amount for at, amount in spent if now - at < WINDOW_S)
        assert recent <= limit
        assert minute.spent(now) >= recent


@given(STEPS, st.integers(1, 50), st.integers(1, 100))
def test_after_the_wait_there_is_room_and_a_second_before_there_is_none(
    steps: list[tuple[float, int]], amount: int, limit: int
) -> None:
    minute, now = LastMinute(), 0.0
    for later_s, spent in steps:
        now += later_s
        minute.spend(spent, now)
    wait_s = minute.wait_s(amount, limit, now)
    assert 0.0 <= wait_s <= WINDOW_S + 1
    if wait_s > 1.0:
        assert minute.wait_s(amount, limit, now + wait_s - 1.0) > 0.0
    assert minute.wait_s(amount, limit, now + wait_s + 1e-6) == 0.0


def test_more_than_the_whole_limit_waits_for_an_empty_minute() -> None:
    minute = LastMinute()
    assert minute.wait_s(500, 100, 0.0) == 0.0
    minute.spend(500, 0.0)
    assert minute.wait_s(1, 100, 30.5) == 30.5
    assert minute.wait_s(1, 100, 61.0) == 0.0


def test_what_was_spent_is_corrected_while_it_counts() -> None:
    minute = LastMinute()
    second = minute.spend(50, 10.9)
    assert second == 10
    minute.correct(second, -20)
    assert minute.spent(20.0) == 30
    assert minute.spent(71.0) == 0
    minute.correct(second, -30)
    assert minute.spent(71.0) == 0, "it had passed already"


@given(st.lists(st.tuples(st.integers(0, 50), st.floats(0.0, 200.0))), st.integers(1, 100))
def test_what_certainly_fits_need_not_be_waited_for(
    spendings: list[tuple[int, float]], limit: int
) -> None:
    minute, now_s = LastMinute(), 0.0
    for amount, later_s in spendings:
        now_s += later_s
        if minute.certainly_takes(amount, limit):
            assert minute.wait_s(amount, limit, now_s) == 0.0
        minute.spend(amount, now_s)
