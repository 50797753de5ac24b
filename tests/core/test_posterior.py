"""Do counts, levels and averages fade as they promise, and does time never run back?"""

from __future__ import annotations

from math import log, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.posterior import (
    SPREAD,
    SPREAD_COUNT,
    Average,
    Counts,
    Elapsed,
    Level,
    deviation,
    fading,
    shrunk,
)

HOUR = fading(3600.0, 50.0)
OBSERVATIONS = st.lists(
    st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 10_000.0)), min_size=1, max_size=80
)


@pytest.mark.parametrize(("half_life_s", "most"), [(0.0, 10.0), (-1.0, 10.0), (60.0, 1.0)])
def test_evidence_that_would_never_count_is_refused(half_life_s: float, most: float) -> None:
    with pytest.raises(ValueError, match="half-life must be positive"):
        fading(half_life_s, most)


def test_counts_halve_with_the_half_life() -> None:
    counts = Counts()
    counts.add(1.0, 0.0, HOUR)
    assert counts.kept(3600.0, HOUR) == pytest.approx(0.5)
    counts.add(0.0, 3600.0, HOUR)
    assert counts.good == pytest.approx(0.5)
    assert counts.total == pytest.approx(1.5)


def test_counts_do_not_grow_back_when_instants_come_out_of_order() -> None:
    counts = Counts()
    counts.add(1.0, 100.0, HOUR)
    counts.add(1.0, 50.0, HOUR)
    assert (counts.total, counts.at) == (2.0, 100.0)


@given(OBSERVATIONS)
def test_never_more_counts_than_may_count_and_never_more_good_than_all(
    observations: list[tuple[float, float]],
) -> None:
    counts = Counts()
    for good, at in observations:
        counts.add(good, at, HOUR)
        assert 0.0 <= counts.good <= counts.total + 1e-9
        assert counts.total <= HOUR.most


def test_many_observations_are_a_moving_mean_over_the_most_that_count() -> None:
    counts = Counts()
    for _ in range(1000):
        counts.add(1.0, 0.0, HOUR)
    counts.add(0.0, 0.0, HOUR)
    assert counts.good / counts.total == pytest.approx(1.0 - 1.0 / HOUR.most)


def test_counts_that_restart_know_only_what_they_are_told() -> None:
    counts = Counts()
    counts.add(1.0, 0.0, HOUR)
    counts.restart(2.0, 5.0, 10.0)
    assert (counts.good, counts.total, counts.at) == (2.0, 5.0, 10.0)


@given(st.floats(0.0, 1.0), st.floats(0.0, 1000.0), st.floats(0.0, 1.0), st.floats(0.1, 100.0))
def test_a_shrunk_mean_lies_between_what_was_seen_and_what_was_believed(
    seen: float, total: float, prior: float, weight: float
) -> None:
    mean = shrunk(seen * total, total, prior, weight)
    assert min(seen, prior) - 1e-9 <= mean <= max(seen, prior) + 1e-9


def test_nothing_seen_leaves_the_prior_and_much_seen_overrules_it() -> None:
    assert shrunk(0.0, 0.0, 0.7, 4.0) == pytest.approx(0.7)
    assert shrunk(0.0, 1e9, 0.7, 4.0) == pytest.approx(0.0, abs=1e-6)


def test_the_deviation_is_that_of_a_beta_distribution() -> None:
    good, bad = 3.0, 7.0
    total = good + bad
    variance = good * bad / (total**2 * (total + 1.0))
    assert deviation(good / total, total) == pytest.approx(sqrt(variance))


def test_a_level_is_the_mean_of_few_and_moves_with_each_of_many() -> None:
    level = Level()
    for value in (1.0, 2.0, 3.0):
        level.add(value, 0.0, HOUR)
    assert level.mean == pytest.approx(2.0)
    assert level.count == 3.0
    for _ in range(500):
        level.add(2.0, 0.0, HOUR)
    level.add(2.0 + HOUR.most, 0.0, HOUR)
    assert level.mean == pytest.approx(3.0)


def test_the_first_time_says_nothing_of_a_spread() -> None:
    level = Level()
    level.add(log(30.0), 0.0, HOUR)
    assert level.variance == SPREAD
    level.add(log(30.0), 0.0, HOUR)
    assert level.variance == pytest.approx(SPREAD - SPREAD / (2.0 + SPREAD_COUNT))


def test_a_level_counts_less_after_a_while_and_restarts_where_it_is_told() -> None:
    level = Level()
    level.add(1.0, 0.0, HOUR)
    assert level.kept(3600.0, HOUR) == pytest.approx(0.5)
    assert level.kept(-1.0, HOUR) == 1.0
    spread = level.variance
    level.restart(4.0, 3.0, 7.0)
    assert (level.mean, level.count, level.at, level.variance) == (4.0, 3.0, 7.0, spread)


def test_an_average_follows_the_last_so_many() -> None:
    average = Average()
    for value in (10.0, 20.0):
        average.add(value, 4.0)
    assert average.mean == pytest.approx(15.0)
    for _ in range(100):
        average.add(100.0, 4.0)
    average.add(0.0, 4.0)
    assert average.mean == pytest.approx(75.0)


def test_time_passes_as_the_clock_says() -> None:
    elapsed = Elapsed()
    assert elapsed.until(1_000.0) == 0.0
    assert elapsed.until(1_005.0) == 5.0
    assert elapsed.until(1_004.0) == 5.0, "a matter of order"
    assert elapsed.until(1_006.0) == 6.0


def test_a_clock_that_is_set_back_only_stands_still() -> None:
    elapsed = Elapsed()
    elapsed.until(10_000.0)
    assert elapsed.until(10_000.0 - 2 * Elapsed.SET_BACK_S) == 0.0
    assert elapsed.until(10_001.0 - 2 * Elapsed.SET_BACK_S) == 1.0


@given(st.lists(st.floats(0.0, 1e6), min_size=1))
def test_time_never_runs_back(walls: list[float]) -> None:
    elapsed = Elapsed()
    seen = [elapsed.until(wall_s) for wall_s in walls]
    assert seen == sorted(seen)


def test_what_happens_may_count_as_time() -> None:
    elapsed = Elapsed()
    elapsed.until(100.0)
    elapsed.total_s += 0.25
    assert elapsed.until(101.0) == 1.25
