"""Is a tried model judged no more often wrongly than promised, however often one looks?"""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.core.assignment.trial import Results, Rigour, Verdict, log_evidence, verdict

RATES = st.floats(0.0, 1.0)
COUNTS = st.integers(0, 300)


def results(count: int, share: float) -> Results:
    return Results(float(count), share * count)


@settings(deadline=None)
@given(COUNTS, RATES, COUNTS, RATES, st.floats(-0.5, 0.5))
def test_the_evidence_is_against_the_likeliest_way_for_it_to_be_untrue(
    many: int, share: float, others: int, other_share: float, lead: float
) -> None:
    first, second = results(many, share), results(others, other_share)
    found = log_evidence(first, second, lead=lead)
    bets = log_evidence(first, Results()) + log_evidence(second, Results())
    tops = _top(first) + _top(second)
    # No pair of rates that the hypothesis allows explains the results better.
    best = max(
        (
            _likelihood(first, min(1.0, max(0.0, rate + lead))) + _likelihood(second, rate)
            for rate in (step / 400 for step in range(401))
            if 0.0 <= rate + lead <= 1.0
        ),
        default=-math.inf,
    )
    assert found <= bets + tops - best + 1e-6


def _top(found: Results) -> float:
    return _likelihood(found, found.mean or 0.0)


def _likelihood(found: Results, rate: float) -> float:
    won, lost = found.worth, found.answers - found.worth
    if (won and rate <= 0.0) or (lost > 1e-12 and rate >= 1.0):
        return -math.inf
    gained = won * math.log(rate) if won else 0.0
    return gained + (lost * math.log1p(-rate) if lost > 1e-12 else 0.0)


def run(tried: float, standing: float, steps: int, seed: int) -> Verdict:
    """A verdict asked for after every answer, until there is one; a fifth of traffic is tried."""
    draw, sides = Random(seed), {True: Results(), False: Results()}
    for _ in range(steps):
        side = draw.random() < 0.2
        won = draw.random() < (tried if side else standing)
        sides[side] = Results(sides[side].answers + 1.0, sides[side].worth + won)
        said = verdict(sides[True], sides[False], Rigour(error=0.05, margin=0.05))
        if said is not Verdict.UNDECIDED:
            return said
    return Verdict.UNDECIDED


def wrong(rate: float, runs: int, steps: int) -> int:
    said = [run(rate, rate, steps, seed) for seed in range(runs)]
    return sum(one in {Verdict.BETTER, Verdict.WORSE} for one in said)


def test_equals_are_seldom_told_apart_though_looked_at_after_every_answer() -> None:
    assert wrong(0.8, runs=50, steps=150) <= 5


@pytest.mark.parametrize(
    ("answers", "lasted_s", "over"),
    [(0.0, 0.0, False), (9.0, 59.0, False), (10.0, 0.0, True), (0.0, 60.0, True)],
)
def test_a_trial_has_had_its_chance_after_so_long_or_so_many(
    answers: float, lasted_s: float, *, over: bool
) -> None:
    rigour = Rigour(longest_s=60.0, most_answers=10.0)
    assert rigour.is_over(Results(answers, 0.0), lasted_s) is over


@pytest.mark.parametrize("name", ["longest_s", "most_answers"])
@pytest.mark.parametrize("amount", [0.0, -1.0, float("inf"), float("nan")])
def test_no_trial_goes_on_for_ever(name: str, amount: float) -> None:
    with pytest.raises(ValueError, match=f"{name} must be positive"):
        Rigour(**{name: amount})


@pytest.mark.prove
def test_the_error_is_kept_over_thousands_of_trials() -> None:
    for rate in (0.5, 0.9, 0.98):
        # Two kinds of error of 5 % each; three standard deviations above that.
        assert wrong(rate, runs=1000, steps=1500) <= 100 + 3 * math.sqrt(90)


def test_what_differs_much_is_told_apart_soon() -> None:
    assert run(0.5, 0.95, 600, seed=1) is Verdict.WORSE
    found = verdict(Results(100.0, 98.0), Results(400.0, 280.0))
    assert found is Verdict.BETTER


def test_what_is_as_good_is_found_no_worse_in_time() -> None:
    assert verdict(Results(4000.0, 3800.0), Results(16000.0, 15200.0)) is Verdict.NO_WORSE


def test_without_answers_nothing_is_known() -> None:
    assert Results().mean is None
    assert verdict(Results(), Results()) is Verdict.UNDECIDED
    assert verdict(Results(), Results(500.0, 1.0)) is Verdict.UNDECIDED


def test_all_won_on_both_sides_is_no_worse() -> None:
    assert verdict(Results(1000.0, 1000.0), Results(1000.0, 1000.0)) is Verdict.NO_WORSE


def test_results_between_won_and_lost_count_in_part() -> None:
    assert verdict(Results(300.0, 270.0), Results(300.0, 150.0)) is Verdict.BETTER


@pytest.mark.parametrize("bad", [Results(1.0, 2.0), Results(1.0, -0.5)])
def test_results_that_cannot_be_are_refused(bad: Results) -> None:
    with pytest.raises(ValueError, match="worth must be between 0 and the answers"):
        log_evidence(bad, Results())


@pytest.mark.parametrize(
    ("error", "margin", "words"),
    [
        (0.0, 0.1, "error must be between 0 and 1, not 0.0"),
        (0.05, 1.0, r"margin must be in \[0, 1\), not 1.0"),
    ],
)
def test_rigour_that_makes_no_sense_is_refused(error: float, margin: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Rigour(error, margin)
