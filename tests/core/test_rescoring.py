"""Is a score reckoned anew from its record what the scorer itself would have given?"""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reckoned import (
    AGENT,
    LESSONS,
    SCORERS,
    SELECTIONS,
    TASK,
    Lesson,
    decided,
    fleets,
    priced,
    scored,
    taught,
)

from pointsman.core.adaptive import AdaptiveScorer
from pointsman.core.capability import CapabilityScorer
from pointsman.core.classic import ClassicPolicy, ClassicScorer
from pointsman.core.decision import Candidate, Estimate, Selection, Strategy, Term
from pointsman.core.fleet import Model, PriceState
from pointsman.core.rescoring import Quantity, levers

unhurried = settings(deadline=None)

FACTORS = st.decimals("0.1", "10", places=2)


@unhurried
@given(fleets(), LESSONS, SELECTIONS, st.sampled_from(SCORERS))
def test_a_quantity_that_stays_as_it_is_changes_no_score(
    models: list[Model], lessons: list[Lesson], selection: Selection, make: type
) -> None:
    for candidate in scored(taught(make(), models, lessons), models, selection):
        for lever in levers(candidate):
            if lever.now is not None:
                again = lever.candidate(lever.now)
                assert again.score == pytest.approx(candidate.score, abs=1e-9)
                assert sum(term.value for term in again.terms) == pytest.approx(
                    again.score, abs=1e-9
                )


@unhurried
@given(fleets(), LESSONS, SELECTIONS, st.sampled_from(SCORERS), st.floats(0.0, 1.0))
def test_a_score_never_falls_on_the_way_to_the_best(
    models: list[Model], lessons: list[Lesson], selection: Selection, make: type, share: float
) -> None:
    for candidate in scored(taught(make(), models, lessons), models, selection):
        for lever in levers(candidate):
            now = 1.0 if lever.now is None else lever.now
            between = now + share * (lever.best - now)
            scores = [lever.candidate(value).score for value in (now, between, lever.best)]
            assert all(0.0 <= score <= 1.0 + 1e-9 for score in scores)
            assert scores[0] <= scores[1] + 1e-9
            assert scores[1] <= scores[2] + 1e-9


@unhurried
@given(fleets(), LESSONS, SELECTIONS, FACTORS)
def test_another_price_is_scored_as_the_scorer_scores_it(
    models: list[Model], lessons: list[Lesson], selection: Selection, factor: Decimal
) -> None:
    scorer = taught(AdaptiveScorer(), models, lessons)
    for model in models:
        candidate = scorer.score(AGENT, TASK, selection, model)
        if model.price.state is PriceState.KNOWN:
            (lever,) = (each for each in levers(candidate) if each.quantity is Quantity.COST)
            assert lever.now is not None
            dearer = scorer.score(AGENT, TASK, selection, priced(model, factor))
            again = lever.candidate(lever.now * float(factor))
            assert again.score == pytest.approx(dearer.score, abs=1e-9)


@unhurried
@given(fleets(), LESSONS, SELECTIONS, st.sampled_from([0.25, 0.5, 4.0]))
def test_another_latency_is_scored_as_the_scorer_scores_it(
    models: list[Model], lessons: list[Lesson], selection: Selection, slower: float
) -> None:
    usual = taught(AdaptiveScorer(), models, lessons)
    slow = taught(AdaptiveScorer(), models, lessons, slower=slower)
    for model in models:
        before = usual.score(AGENT, TASK, selection, model)
        after = slow.score(AGENT, TASK, selection, model)
        assert before.estimate is not None
        assert after.estimate is not None
        found = [each for each in levers(before) if each.quantity is Quantity.LATENCY]
        assert bool(found) == (before.estimate.latency_s is not None)
        for lever in found:
            assert after.estimate.latency_s is not None
            again = lever.candidate(after.estimate.latency_s)
            assert again.score == pytest.approx(after.score, abs=1e-9)


@unhurried
@given(fleets(), SELECTIONS, FACTORS)
def test_a_declared_price_is_scored_as_it_is_declared(
    models: list[Model], selection: Selection, factor: Decimal
) -> None:
    scorer = CapabilityScorer()
    for model in models:
        candidate = scorer.score(AGENT, TASK, selection, model)
        for lever in levers(candidate):
            if lever.quantity is Quantity.PRICE and lever.now is not None:
                dearer = scorer.score(AGENT, TASK, selection, priced(model, factor))
                again = lever.candidate(lever.now * float(factor))
                assert again.score == pytest.approx(dearer.score, abs=1e-9)


def test_the_classic_profile_knows_latency_success_and_fit_once_it_has_seen_enough() -> None:
    model = Model("lab/m0", "lab", "m0", strengths={"coding": 0.8, "reasoning": 0.7})
    few = taught(ClassicScorer(), [model], [(0, 0.3, False, 1.0, 0)] * 9)
    many = taught(ClassicScorer(), [model], [(0, 0.3, False, 1.0, 0)] * 10)
    quantities = [
        [each.quantity for each in levers(scorer.score(AGENT, TASK, Selection(), model))]
        for scorer in (few, many)
    ]
    assert quantities == [
        [Quantity.CAPABILITY],
        [Quantity.LATENCY, Quantity.RELIABILITY, Quantity.CAPABILITY],
    ]


@pytest.mark.parametrize(
    "lessons",
    [
        pytest.param([(0, 0.3, True, 1.0, 0)] * 12, id="never timed"),
        pytest.param([(0, 0.3, False, 1.0, 0)] * 12, id="other weights than the usual ones"),
    ],
)
def test_a_classic_score_of_unknown_make_is_left_alone(lessons: list[Lesson]) -> None:
    model = Model("lab/m0", "lab", "m0", strengths={"coding": 0.8, "reasoning": 0.7})
    scorer = ClassicScorer(ClassicPolicy(capability=0.5, success=0.3, latency=0.2))
    assert levers(taught(scorer, [model], lessons).score(AGENT, TASK, Selection(), model)) == ()


@pytest.mark.parametrize(
    "candidate",
    [
        pytest.param(Candidate("a/b", 0.5, ()), id="without terms"),
        pytest.param(Candidate("a/b", 0.5, (Term("mood", 0.5, "", 1.0),)), id="of unknown terms"),
        pytest.param(Candidate("a/b", 0.5, (Term("success", 0.5),)), id="without an estimate"),
        pytest.param(
            Candidate(
                "a/b",
                0.5,
                (
                    Term("success", 0.4, "", 0.6),
                    Term("speed", 0.1, "", 0.2),
                    Term("cheapness", 0.0, "", 0.2),
                    Term("failures", 0.0),
                ),
                Estimate(0.9, 0.9, 1.0),
            ),
            id="that its estimate does not give",
        ),
    ],
)
def test_a_score_that_cannot_be_reckoned_through_is_left_alone(candidate: Candidate) -> None:
    assert levers(candidate) == ()


def test_what_weighs_nothing_is_no_lever_on_paper() -> None:
    model = Model("lab/m0", "lab", "m0", strengths={"coding": 0.8, "reasoning": 0.7})
    (candidate,) = scored(CapabilityScorer(), [model], Selection(Strategy.COST))
    known = {each.quantity: each.now for each in levers(candidate)}
    assert known[Quantity.PRICE] is None
    assert known[Quantity.REQUIRED] == pytest.approx(0.75)
    assert decided([candidate]).chosen == candidate
