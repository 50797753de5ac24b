"""Is what is unusual found, what is usual left alone, and nothing said of what is not known?"""

from __future__ import annotations

from math import sin, tau
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.outlook import (
    DAY_S,
    LEAST_POINTS,
    LEAST_SEASONS,
    WEEK_S,
    Course,
    Range,
    Values,
    outlook,
    season,
)

HOUR_S = 3_600
MONDAY_S = 4 * DAY_S
"""1970-01-05."""


def hourly(days: int, *, noise: float = 0.0, slope_a_day: float = 0.0) -> list[float]:
    """Twice as much by day as by night, more every day."""
    random = Random(1)
    return [
        100 + 50 * sin(tau * hour / 24) + slope_a_day * hour / 24 + random.gauss(0, noise)
        for hour in range(24 * days)
    ]


def course(values: Values, step_s: int = HOUR_S) -> Course:
    return Course(values, MONDAY_S, step_s)


def test_what_is_usual_is_that_of_the_time_of_day_and_one_that_is_not_is_found() -> None:
    values: list[float | None] = [*hourly(7, noise=2.0)]
    night = 24 * 5 + 18  # where some 50 are usual; 100 are by day
    values[night] = 100.0
    values[30] = None
    found = outlook(course(values), 0)
    assert found.season_s == DAY_S
    assert found.unusual == (night,)
    told = found.usual[night]
    assert told is not None
    assert told.expected == pytest.approx(50, abs=4)
    assert told.low < 50 < told.high < 80
    assert found.usual[30] is not None, "what is usual is known where the value is not"


def test_one_of_normal_errors_is_hardly_ever_taken_for_unusual() -> None:
    assert len(outlook(course(hourly(28, noise=5.0)), 0).unusual) <= 2


def test_with_weeks_enough_a_sunday_is_judged_by_sundays() -> None:
    daily: list[float | None] = [*([10.0, 10.0, 10.0, 10.0, 10.0, 2.0, 1.0] * 4)]
    assert season(course(daily, DAY_S)) == WEEK_S
    assert outlook(course(daily, DAY_S), 0).unusual == ()
    daily[13] = 10.0
    assert outlook(course(daily, DAY_S), 0).unusual == (13,)


def test_what_never_strays_may_stray_a_little() -> None:
    flat: list[float | None] = [*([100.0] * 144)]
    flat[50], flat[51] = 119.0, 121.0
    assert outlook(course(flat), 0).unusual == (51,)
    nothing: list[float | None] = [*([0.0] * 144)]
    nothing[3] = 1.0
    assert outlook(course(nothing), 0).unusual == (3,)


def test_of_too_few_days_nothing_is_usual() -> None:
    short = course(hourly(LEAST_SEASONS - 1))
    assert season(short) is None
    found = outlook(short, 2)
    assert (found.season_s, set(found.usual), found.unusual) == (None, {None}, ())
    assert len(found.ahead) == 2, "a line can be laid all the same"
    assert season(course([None, None])) is None
    gap: list[float | None] = [*hourly(4)]
    for day in range(2):
        gap[24 * day + 5] = None
    sparse = outlook(course(gap), 0)
    assert sparse.usual[5] is None, "two other days are too few"


def test_through_too_few_values_no_line_is_laid() -> None:
    found = outlook(course([1.0] * (LEAST_POINTS - 1)), 5)
    assert (found.trend, found.ahead) == (None, ())


def test_a_rise_is_told_a_day_and_whether_it_is_sure() -> None:
    rising = outlook(course(hourly(14, noise=5.0, slope_a_day=3.0)), 24)
    assert rising.trend is not None
    assert rising.trend.low < 3.0 < rising.trend.high
    assert rising.trend.is_sure
    level = outlook(course(hourly(14, noise=5.0)), 24).trend
    assert level is not None
    assert not level.is_sure
    falling = outlook(course(hourly(14, noise=1.0, slope_a_day=-3.0)), 0).trend
    assert falling is not None
    assert falling.is_sure


def test_what_is_ahead_follows_the_day_and_the_line_and_holds_what_comes() -> None:
    whole = hourly(15, noise=4.0, slope_a_day=2.0)
    known, coming = whole[: 24 * 14], whole[24 * 14 :]
    ahead = outlook(course(known), 24).ahead
    inside = [told.low <= value <= told.high for told, value in zip(ahead, coming, strict=True)]
    assert sum(inside) >= 21
    assert max(ahead).expected - min(ahead).expected > 60, "days have nights"


def test_nothing_is_expected_that_cannot_be() -> None:
    shares = Course([0.99, 1.0] * 72, 0, HOUR_S, 0.0, 1.0)
    found = outlook(shares, 5)
    assert all(told.high <= 1.0 for told in found.ahead)
    assert all(told is None or told.high <= 1.0 for told in found.usual)
    falling = outlook(course([float(20 - n) for n in range(20)]), 10)
    assert falling.ahead[-1] == Range(0.0, 0.0, 0.0)


@given(
    st.lists(st.none() | st.floats(0, 1e9), max_size=200),
    st.sampled_from([600, HOUR_S, 21_600, DAY_S]),
    st.integers(0, 10),
)
def test_whatever_comes_ranges_are_in_order(values: Values, step_s: int, steps: int) -> None:
    found = outlook(course(values, step_s), steps)
    assert len(found.usual) == len(values)
    assert len(found.ahead) in (0, steps)
    for told in (*found.usual, *found.ahead):
        assert told is None or 0.0 <= told.low <= told.expected <= told.high
