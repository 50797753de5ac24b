"""When is a condition breached? A table of what holds and what does not, for each kind."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts_made import CRITICAL, ERROR, MODEL, WARNING, attempt, attempts, counted
from pointsman.core.alert import Severity
from pointsman.core.alert_conditions import (
    UNKNOWN,
    WELL,
    Finding,
    Look,
    Reading,
    beyond_doubt,
    finding,
    worst,
)
from pointsman.core.alert_counts import Counts
from pointsman.core.alert_metrics import METRICS, Kind, Scope, ScopeKind
from pointsman.core.alert_rules import Condition
from pointsman.core.decision import Outcome
from pointsman.core.errors import FailureKind

SUCCESS = Condition("success_rate", {WARNING: 0.95, ERROR: 0.90, CRITICAL: 0.80})
WAIT = Condition("wait_s", {WARNING: 0.5, ERROR: 1.0, CRITICAL: 2.0})
STREAK = Condition("faults_in_a_row", {WARNING: 3, CRITICAL: 10}, clear=1.0)
REFUSED = Condition("refusals_in_a_row", {CRITICAL: 1}, clear=1.0)
BURST = Condition("fault_burst", {ERROR: 0.10, CRITICAL: 0.50})
ELIGIBLE = Condition("eligible_models", {WARNING: 1, CRITICAL: 0}, clear=1.0)
QUEUE = Condition("unwritten_records", {WARNING: 100, ERROR: 1_000})
SILENCE = Condition("silence_s", {WARNING: 600})

Looks = list[tuple[float, list[Outcome]]]


def look(
    condition: Condition,
    looks: Looks,
    at_s: float,
    *,
    wanted: bool = False,
    gauges: Mapping[str, Reading] | None = None,
) -> Finding:
    counts = counted(looks, lines=(0.5, 1.0, 2.0), factors=(2.0,))
    return found_in(condition, counts, at_s, wanted=wanted, gauges=gauges or {})


def found_in(
    condition: Condition,
    counts: Counts,
    at_s: float,
    *,
    wanted: bool = False,
    gauges: Mapping[str, Reading] | None = None,
) -> Finding:
    series = counts.series(MODEL)
    return finding(condition, Look(at_s, counts, MODEL, series, gauges or {}, wanted))


def slow(count: int, wait_s: float) -> list[Outcome]:
    return [attempt(total_s=wait_s) for _ in range(count)]


# What is breached at which severity ----------------------------------------------------------

RATIOS: list[tuple[str, Looks, Severity | None]] = [
    ("nothing fails", [(0, attempts(100))], None),
    ("a sound service of 97 %", [(0, attempts(97, 3))], None),
    ("beyond doubt too many fail", [(0, attempts(270, 30))], WARNING),
    ("the same share of fewer is not beyond doubt", [(0, attempts(27, 3))], None),
    ("a fifth fails of many", [(0, attempts(800, 200))], ERROR),
    ("half fail", [(0, attempts(50, 50))], CRITICAL),
    ("all of too few fail", [(0, attempts(0, 19))], None),
    ("all of just enough fail", [(0, attempts(0, 20))], CRITICAL),
    ("it has passed: the last minute is well", [(0, attempts(50, 50)), (90, attempts(30))], None),
    ("nothing happened in the last minute", [(0, attempts(50, 50)), (90, [])], None),
    (
        "few in five minutes, enough in fifteen",
        [(0, attempts(0, 15)), (600, attempts(0, 8))],
        CRITICAL,
    ),
    ("enough in thirty minutes", [(0, attempts(0, 15)), (1_500, attempts(0, 8))], CRITICAL),
    ("too few in thirty", [(0, attempts(0, 30)), (2_000, attempts(0, 8))], None),
]


@pytest.mark.parametrize(("looks", "severity"), [r[1:] for r in RATIOS], ids=[r[0] for r in RATIOS])
def test_a_ratio_is_breached_beyond_doubt_and_still(
    looks: Looks, severity: Severity | None
) -> None:
    assert look(SUCCESS, looks, looks[-1][0] or 1.0).severity is severity


QUANTILES: list[tuple[str, Looks, Severity | None]] = [
    ("all are quick", [(0, slow(100, 0.4))], None),
    ("a twentieth is slow", [(0, slow(95, 0.4) + slow(5, 3.0))], None),
    ("a fifth takes half a second", [(0, slow(80, 0.4) + slow(20, 0.5))], WARNING),
    ("just below the line", [(0, slow(80, 0.4) + slow(20, 0.4999))], None),
    ("a fifth takes a second", [(0, slow(80, 0.4) + slow(20, 1.0))], ERROR),
    ("a fifth takes two", [(0, slow(80, 0.4) + slow(20, 2.0))], CRITICAL),
    ("too few", [(0, slow(19, 3.0))], None),
    ("it has passed", [(0, slow(100, 3.0)), (90, slow(30, 0.1))], None),
]


@pytest.mark.parametrize(
    ("looks", "severity"), [r[1:] for r in QUANTILES], ids=[r[0] for r in QUANTILES]
)
def test_a_quantile_is_a_share_that_is_counted(looks: Looks, severity: Severity | None) -> None:
    assert look(WAIT, looks, looks[-1][0] or 1.0).severity is severity


STREAKS: list[tuple[str, Condition, Looks, Severity | None]] = [
    ("two in a row", STREAK, [(0, attempts(5, 2))], None),
    ("three in a row", STREAK, [(0, attempts(5, 3))], WARNING),
    ("ten in a row", STREAK, [(0, attempts(5, 10))], CRITICAL),
    ("ended by an answer", STREAK, [(0, attempts(0, 10) + attempts(1))], None),
    ("a key is refused", REFUSED, [(0, [attempt(FailureKind.KEY_REJECTED)])], CRITICAL),
    ("a model is gone", REFUSED, [(0, [attempt(FailureKind.MODEL_GONE)])], CRITICAL),
    ("a caller's mistake", REFUSED, [(0, [attempt(FailureKind.INVALID_REQUEST)])], None),
    ("refused, then answered", REFUSED, [(0, [attempt(FailureKind.BILLING), attempt()])], None),
]


@pytest.mark.parametrize(
    ("condition", "looks", "severity"), [r[1:] for r in STREAKS], ids=[r[0] for r in STREAKS]
)
def test_a_streak_counts_while_it_lasts(
    condition: Condition, looks: Looks, severity: Severity | None
) -> None:
    assert look(condition, looks, 1.0).severity is severity


BURSTS: list[tuple[str, Looks, Severity | None]] = [
    ("four of four", [(0, attempts(0, 4))], None),
    ("five of five", [(0, attempts(0, 5))], ERROR),
    ("nine of three hundred, a sound minute", [(0, attempts(291, 9))], None),
    ("a third of sixty", [(0, attempts(40, 20))], ERROR),
    ("all of thirty", [(0, attempts(0, 30))], CRITICAL),
    ("over a minute ago", [(0, attempts(0, 30)), (90, attempts(1))], None),
    ("nothing but mistakes of callers", [(0, [attempt(FailureKind.INVALID_REQUEST)])], None),
]


@pytest.mark.parametrize(("looks", "severity"), [r[1:] for r in BURSTS], ids=[r[0] for r in BURSTS])
def test_a_burst_is_many_failures_that_are_a_share_too(
    looks: Looks, severity: Severity | None
) -> None:
    assert look(BURST, looks, looks[-1][0] or 1.0).severity is severity


GAUGES: list[tuple[Condition, float, Severity | None, bool]] = [
    (QUEUE, 99, None, True),
    (QUEUE, 90, None, False),
    (QUEUE, 91, None, True),
    (QUEUE, 100, WARNING, False),
    (QUEUE, 999, WARNING, False),
    (QUEUE, 1_000, ERROR, False),
    (ELIGIBLE, 2, None, False),
    (ELIGIBLE, 1, WARNING, False),
    (ELIGIBLE, 0, CRITICAL, False),
]


@pytest.mark.parametrize(("condition", "value", "severity", "held"), GAUGES)
def test_a_gauge_is_breached_at_its_threshold_and_held_until_it_is_well_back(
    condition: Condition, value: float, severity: Severity | None, held: bool
) -> None:
    found = look(condition, [], 1.0, gauges={condition.metric: Reading(value)})
    assert (found.severity, found.held) == (severity, held)


@pytest.mark.parametrize(
    ("heard", "silent_s", "severity"), [(20, 599, None), (20, 600, WARNING), (19, 600, None)]
)
def test_absence_is_missed_of_those_who_used_to_be_heard(
    heard: int, silent_s: float, severity: Severity | None
) -> None:
    assert look(SILENCE, [(0, attempts(heard))], silent_s).severity is severity


# What is known -------------------------------------------------------------------------------


@pytest.mark.parametrize("condition", [SUCCESS, WAIT, STREAK, BURST, QUEUE, SILENCE])
def test_of_whom_nothing_was_measured_nothing_is_known(condition: Condition) -> None:
    assert not look(condition, [], 1.0, wanted=True).known


@pytest.mark.parametrize("condition", [SUCCESS, WAIT])
def test_where_there_are_too_few_nothing_is_known(condition: Condition) -> None:
    assert not look(condition, [(0, slow(5, 3.0))], 1.0, wanted=True).known


def test_nothing_is_known_of_a_minute_without_attempts() -> None:
    looks: Looks = [(0, attempts(0, 9))]
    assert not look(BURST, looks, 90.0, wanted=True).known
    assert look(BURST, looks, 90.0).known


def test_what_is_well_has_figures_where_they_are_wanted() -> None:
    gauges = {"unwritten_records": Reading(1)}
    for condition in (SUCCESS, WAIT, STREAK, BURST, QUEUE):
        found = look(condition, [(0, attempts(30, 1))], 1.0, wanted=True, gauges=gauges)
        assert found.severity is None
        assert found.figures is not None
        assert found.figures.evidence().metric
    assert look(SUCCESS, [(0, attempts(30))], 1.0) is WELL
    assert look(STREAK, [(0, attempts(30))], 1.0) is WELL
    assert look(WAIT, [(0, attempts(30))], 1.0) is WELL


# What it is believed for -----------------------------------------------------------------------


def test_figures_of_a_ratio_speak_of_successes() -> None:
    figures = look(SUCCESS, [(0, attempts(50, 50))], 1.0).figures
    assert figures is not None
    assert (figures.metric, figures.value, figures.n) == ("success_rate", 0.5, 100)
    assert (figures.window_s, figures.unit) == (300.0, "ratio")
    assert figures.bound == pytest.approx(0.657, abs=0.002)
    assert figures.threshold == pytest.approx(0.8)


def test_figures_of_a_quantile_say_which_line() -> None:
    figures = look(WAIT, [(0, slow(80, 0.4) + slow(20, 1.0))], 1.0).figures
    assert figures is not None
    assert figures.metric == "share of waits at or beyond 1 s"
    assert (figures.value, figures.n) == (0.2, 100)
    assert figures.bound > figures.threshold == pytest.approx(0.05)


def test_a_relative_wait_is_one_beyond_the_usual() -> None:
    counts = Counts(factors=(2.0,))
    counts.usual_s = {MODEL: 0.2}
    counts.fold(0.0, slow(80, 0.2) + slow(20, 0.4))
    found = found_in(Condition("wait_s", {ERROR: 2.0}, relative=True), counts, 1.0)
    assert found.severity is ERROR
    assert found.figures is not None
    assert found.figures.metric == "share of waits at or beyond 2 times the usual"


def test_a_ratio_is_held_between_what_is_allowed_and_what_clears() -> None:
    condition = Condition("success_rate", {WARNING: 0.5}, clear=0.5)
    assert look(condition, [(0, attempts(60, 40))], 1.0).held
    assert not look(condition, [(0, attempts(90, 10))], 1.0).held


def test_a_quantile_is_held_too() -> None:
    condition = Condition("wait_s", {WARNING: 1.0}, quantile=0.5, clear=0.5)
    found = look(condition, [(0, slow(60, 0.4) + slow(40, 1.0))], 1.0)
    assert (found.severity, found.held) == (None, True)


def test_the_worst_of_all_conditions_speaks() -> None:
    counts = counted([(0, attempts(30, 3))])
    seen = Look(1.0, counts, MODEL, counts.series(MODEL), {})
    assert worst((REFUSED, STREAK, SUCCESS), seen).severity is WARNING
    assert worst((REFUSED, SUCCESS), seen).severity is None
    nobody = Look(1.0, counts, Scope(ScopeKind.MODEL, "p/none"), None, {})
    assert not worst((STREAK, SUCCESS), nobody).known
    of_few = Look(1.0, counts, MODEL, counts.series(MODEL), {}, wanted=True)
    assert worst((QUEUE, REFUSED), of_few).known


# The interval ----------------------------------------------------------------------------------


@given(st.integers(1, 100_000), st.floats(0.0, 1.0), st.floats(0.1, 5.0))
def test_the_bound_is_below_the_share_and_rises_with_evidence(
    n: int, part: float, z: float
) -> None:
    k = round(part * n)
    bound = beyond_doubt(k, n, z)
    assert 0.0 <= bound <= k / n + 1e-12
    assert bound <= beyond_doubt(10 * k, 10 * n, z) + 1e-12


@pytest.mark.parametrize(
    ("k", "n", "bound"), [(1, 10, 0.0178762), (5, 10, 0.2365931), (50, 100, 0.4038315)]
)
def test_the_bound_is_that_of_the_textbook(k: int, n: int, bound: float) -> None:
    """As `statsmodels.stats.proportion.proportion_confint(k, n, method="wilson")` has it."""
    assert beyond_doubt(k, n, 1.959964) == pytest.approx(bound, abs=1e-6)


def test_every_metric_has_words_and_a_range() -> None:
    for name, metric in METRICS.items():
        assert name == metric.name
        assert metric.meaning
        assert metric.scopes
        assert metric.least < metric.most < inf
    assert {metric.kind for metric in METRICS.values()} == set(Kind)
    assert UNKNOWN != WELL
