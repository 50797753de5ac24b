"""Are changes noticed soon, and are there none where nothing has changed?"""

from __future__ import annotations

from math import log
from random import Random

import pytest

from pointsman.core.drift import Change, LevelTest, LevelWatch, RateTest, RateWatch
from pointsman.core.posterior import Level, fading

RATE = RateTest(odds=6.0, threshold=6.5)
LEVEL = LevelTest(slack=0.75, threshold=6.0)
FADE = fading(600.0, 100.0)


def noticed(rate: float, expected: float, seed: int, *, within: int) -> tuple[int, Change] | None:
    """After how many observations of a probability of `rate` the change is noticed."""
    random, watch = Random(seed), RateWatch()
    for number in range(1, within + 1):
        change = watch.add(float(random.random() < rate), expected, RATE)
        if change is not None:
            return number, change
    return None


@pytest.mark.parametrize(("odds", "threshold"), [(1.0, 5.0), (0.5, 5.0), (2.0, 0.0)])
def test_a_test_of_rates_that_finds_nothing_or_everything_is_refused(
    odds: float, threshold: float
) -> None:
    with pytest.raises(ValueError, match="odds must be above 1"):
        RateTest(odds, threshold)


@pytest.mark.parametrize(("slack", "threshold"), [(0.0, 5.0), (1.0, 0.0)])
def test_a_test_of_levels_that_finds_nothing_or_everything_is_refused(
    slack: float, threshold: float
) -> None:
    with pytest.raises(ValueError, match="slack and threshold must be positive"):
        LevelTest(slack, threshold)


@pytest.mark.parametrize("seed", range(20))
def test_two_failures_in_five_are_noticed_within_25_requests(seed: int) -> None:
    found = noticed(0.6, 0.99, seed, within=25)
    assert found is not None
    assert not found[1].better


@pytest.mark.parametrize("seed", range(20))
def test_recovery_is_noticed_as_such(seed: int) -> None:
    found = noticed(0.99, 0.5, seed, within=25)
    assert found is not None
    assert found[1].better


def test_false_alarms_are_as_rare_as_the_threshold_promises() -> None:
    random, watch, alarms = Random(7), RateWatch(), 0
    for _ in range(20_000):
        alarms += watch.add(float(random.random() < 0.95), 0.95, RATE) is not None
    # Two arms, each with e ** threshold observations at least between alarms.
    assert alarms <= 2 * 20_000 / 2.718**RATE.threshold


def test_what_was_seen_since_the_change_is_kept() -> None:
    watch, change = RateWatch(), None
    for _ in range(50):
        assert watch.add(1.0, 0.99, RATE) is None
    while change is None:
        change = watch.add(0.0, 0.99, RATE)
    assert (change.good, change.better) == (0.0, False)
    assert 3 <= change.total <= 5


def test_one_surprise_decides_nothing() -> None:
    watch = RateWatch()
    assert watch.add(0.0, 1.0, RATE) is None
    assert RateWatch().add(1.0, 0.0, RATE) is None


def test_cleared_sums_begin_anew() -> None:
    watch = RateWatch()
    for _ in range(3):
        watch.add(0.0, 0.99, RATE)
    watch.clear()
    assert watch.add(0.0, 0.99, RATE) is None


def settled(seconds: float = 0.4, seed: int = 1) -> tuple[Random, Level]:
    """A level that has seen many times around `seconds`, a third apart."""
    random, level = Random(seed), Level()
    for _ in range(200):
        level.add(log(seconds) + random.gauss(0.0, 0.35), 0.0, FADE)
    return random, level


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("factor", "better"), [(5.0, False), (0.2, True)])
def test_five_times_the_time_is_noticed_within_5_requests(
    seed: int, factor: float, better: bool
) -> None:
    random, level = settled(seed=seed)
    watch = LevelWatch()
    found = [watch.add(log(0.4 * factor) + random.gauss(0.0, 0.35), level, LEVEL) for _ in range(5)]
    changes = [change for change in found if change]
    assert changes
    assert changes[0].better is better
    assert changes[0].good / changes[0].total == pytest.approx(log(0.4 * factor), abs=0.7)


def test_one_hiccup_is_no_change() -> None:
    _, level = settled()
    assert LevelWatch().add(log(60.0), level, LEVEL) is None


def test_nothing_can_differ_from_a_level_hardly_seen() -> None:
    level, watch = Level(), LevelWatch()
    for value in (0.0, 9.0, 0.0, 9.0):
        level.add(value, 0.0, FADE)
        assert watch.add(99.0, level, LEVEL) is None


def test_times_that_never_differ_are_allowed_a_little() -> None:
    level, watch = Level(), LevelWatch()
    for _ in range(500):
        level.add(log(0.4), 0.0, FADE)
    assert all(watch.add(log(0.42), level, LEVEL) is None for _ in range(200))
