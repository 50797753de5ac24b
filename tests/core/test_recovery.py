"""Is it noticed soon that a model is back, and not believed untried?"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.recovery import HEALED, HEALS_S, UNTRIED, Recovery

RATES = st.floats(0.0, 1.0)


def test_a_model_that_was_down_is_back_after_three_answers() -> None:
    recovery = Recovery(0.99, 0.15, 0.0)
    assert [recovery.add(1.0, 20.0 + number) for number in range(3)] == [False, False, True]


def test_one_that_fails_now_and_then_takes_more_answers_to_be_believed() -> None:
    recovery = Recovery(0.99, 0.6, 0.0)
    needed = next(n for n in range(1, 50) if recovery.add(1.0, 20.0 + n))
    assert 5 < needed < 12


def test_time_alone_makes_it_likelier_but_never_more_than_even() -> None:
    recovery = Recovery(0.99, 0.15, 0.0)
    assert recovery.at_instant(0.0) == 0.0
    assert 0.0 < recovery.at_instant(HEALS_S) < recovery.at_instant(3 * HEALS_S) < UNTRIED
    assert recovery.at_instant(1e9) == UNTRIED
    assert recovery.at_instant(-5.0) == 0.0, "a clock that is set back heals nobody"


def test_what_has_lasted_long_is_taken_to_last_as_long_again() -> None:
    short, long = Recovery(0.99, 0.15, 0.0), Recovery(0.99, 0.15, 0.0)
    short.add(0.0, 1.0)
    long.add(0.0, 600.0)
    assert short.at_instant(11.0) > 5 * long.at_instant(610.0)


def test_a_failure_shows_that_it_is_not_back() -> None:
    recovery = Recovery(0.99, 0.15, 0.0)
    assert not recovery.add(1.0, 60.0)
    risen = recovery.mean(60.0)
    assert not recovery.add(0.0, 61.0)
    assert recovery.mean(61.0) < 0.3 < risen


def test_while_it_is_one_or_the_other_it_is_uncertain() -> None:
    recovery = Recovery(0.99, 0.15, 0.0)
    assert recovery.variance(0.0) == 0.0
    assert recovery.variance(60.0) > 0.1
    while not recovery.add(1.0, 61.0):
        pass
    assert recovery.healed >= HEALED
    assert recovery.at_instant(90.0) == recovery.healed
    assert recovery.variance(61.0) < 0.02


@given(RATES, RATES, st.lists(st.tuples(RATES, st.floats(0.0, 1e4)), max_size=40))
def test_whatever_is_seen_the_rate_stays_between_the_two(
    before: float, since: float, seen: list[tuple[float, float]]
) -> None:
    recovery, now = Recovery(before, since, 0.0), 0.0
    for good, later_s in seen:
        now += later_s
        recovery.add(good, now)
        assert 0.0 <= recovery.healed <= 1.0
        assert recovery.since - 1e-9 <= recovery.mean(now) <= recovery.before + 1e-9
        assert recovery.variance(now) >= 0.0
    assert recovery.at_instant(now + 1e9) == max(recovery.healed, UNTRIED)
