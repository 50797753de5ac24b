"""Would the other model really have been chosen, and not with less?"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reckoned import LESSONS, SCORERS, SELECTIONS, Lesson, decided, fleets, scored, taught

from pointsman.core.balance import near_best
from pointsman.core.counterfactual import (
    TIE,
    Change,
    Counterfactual,
    Effect,
    Standing,
    counterfactual,
    effect_of,
    runner_up,
)
from pointsman.core.decision import (
    Candidate,
    Decision,
    Estimate,
    Objection,
    ReasonCode,
    Rejection,
    Selection,
    Term,
)
from pointsman.core.fleet import Model
from pointsman.core.rescoring import DEAREST, Quantity, levers
from pointsman.core.utility import cheapness, speed

unhurried = settings(deadline=None)

BANDS = st.sampled_from([0.0, 0.01, 0.05, 0.2])
FULL = Objection(ReasonCode.AT_LIMIT, "8 of 8 calls in flight")


def expected(
    model_id: str,
    *,
    quality: float = 0.8,
    reliability: float = 0.98,
    latency_s: float | None = 0.5,
    cost_usd: float | None = 0.01,
) -> Candidate:
    """A candidate of the profile `posterior`, all of whose speed was measured."""
    swift = 0.5 if latency_s is None else speed(latency_s, 0.5)
    quick, cheap = 0.25 * swift, 0.15 * cheapness(cost_usd)
    terms = (
        Term("success", 0.6 * reliability * quality, "", 0.6),
        Term("speed", quick, "", 0.25),
        Term("cheapness", cheap, "", 0.15),
        Term("failures", (reliability - 1.0) * (quick + cheap)),
    )
    success = reliability * quality
    estimate = Estimate(success, reliability, quality, latency_s, cost_usd, 1e6, 0.0, 0.5, 1e6)
    return Candidate(model_id, sum(term.value for term in terms), terms, estimate)


def goes_first_with(decision: Decision, change: Change, value: float, by: float = 0.0) -> bool:
    """Whether the other goes first, alone, with such a value: the decision made again.

    It has to be ahead of all others `by` more than that.
    """
    other = next(c for c in decision.candidates if c.model_id == change.candidate.model_id)
    lever = next(each for each in levers(other) if each.quantity is change.quantity)
    again = [lever.candidate(value) if c is other else c for c in decision.candidates]
    again.sort(key=lambda each: -each.score)
    assert decision.band is not None
    alone = near_best(again, decision.band).equals == 1 and again[0].score - again[1].score > by
    return again[0].model_id == other.model_id and alone


def found(decision: Decision, model_id: str) -> Counterfactual:
    what_if = counterfactual(decision, model_id)
    assert what_if is not None
    return what_if


@unhurried
@given(fleets(), LESSONS, SELECTIONS, BANDS, st.sampled_from(SCORERS))
def test_with_the_change_the_other_is_chosen_and_with_less_it_is_not(
    models: list[Model], lessons: list[Lesson], selection: Selection, band: float, make: type
) -> None:
    candidates = scored(taught(make(), models, lessons), models, selection)
    decision = decided(candidates, band=band)
    for other in candidates[1:]:
        for change in found(decision, other.model_id).changes:
            assert goes_first_with(decision, change, change.needed)
            assert goes_first_with(decision, change, change.edge)
            now = DEAREST if change.now is None else change.now
            if abs(now - change.edge) > 1e-9:
                less = change.edge + 1e-3 * (now - change.edge)
                assert not goes_first_with(decision, change, less, by=TIE)


def test_what_would_only_tie_is_not_told() -> None:
    def on_paper(model_id: str, *values: float) -> Candidate:
        terms = tuple(Term("required", value, "", 1.0 / len(values)) for value in values)
        return Candidate(model_id, sum(values), terms)

    # The noise of floats makes these a little less than 0.986.
    best = on_paper("lab/best", 0.7 * 0.98, 0.2, 0.1)
    assert 0.0 < 0.986 - best.score < TIE
    what_if = found(decided([best, on_paper("lab/other", 0.9)]), "lab/other")
    assert what_if.smallest is not None
    assert what_if.smallest.needed == 0.987


def test_what_a_model_leads_by_is_taken_as_it_was() -> None:
    best, other = expected("lab/best", quality=0.9), expected("lab/other", quality=0.7)
    lead = (Term("assigned", 0.03), Term("session", 0.01))
    led = other._replace(score=other.score + 0.04, terms=(*other.terms, *lead))
    plain, held = found(decided([best, other]), "lab/other"), found(decided([best, led]), led[0])
    for before, after in zip(plain.changes, held.changes, strict=False):
        assert before.quantity is after.quantity
        assert after.size < before.size
        assert after.candidate.terms[-2:] == lead
        assert after.candidate.score == pytest.approx(sum(t.value for t in after.candidate.terms))
    assert held.changes


@unhurried
@given(fleets(), LESSONS, SELECTIONS, BANDS)
def test_what_is_told_is_on_the_side_where_it_holds(
    models: list[Model], lessons: list[Lesson], selection: Selection, band: float
) -> None:
    candidates = scored(taught(SCORERS[0](), models, lessons), models, selection)
    decision = decided(candidates, band=band)
    for other in candidates[1:]:
        for change in found(decision, other.model_id).changes:
            if change.quantity in (Quantity.LATENCY, Quantity.COST):
                assert 0.0 <= change.needed <= change.edge
            else:
                assert change.edge <= change.needed <= 1.0


@unhurried
@given(fleets(), LESSONS, SELECTIONS, BANDS)
def test_the_smallest_change_stands_first(
    models: list[Model], lessons: list[Lesson], selection: Selection, band: float
) -> None:
    candidates = scored(taught(SCORERS[0](), models, lessons), models, selection)
    decision = decided(candidates, band=band)
    for other in candidates[1:]:
        what_if = found(decision, other.model_id)
        sizes = [change.size for change in what_if.changes]
        assert sizes == sorted(sizes)
        assert what_if.smallest == (what_if.changes[0] if sizes else None)


def test_the_answer_names_latency_price_and_success() -> None:
    best = expected("a/best", reliability=0.8)
    other = expected("b/other", reliability=0.8, quality=0.79, latency_s=0.7)
    what_if = found(decided([best, other], band=0.0), "b/other")
    assert what_if.standing is Standing.BEHIND
    assert (what_if.score, what_if.best) == (other.score, best.score)
    assert {change.quantity for change in what_if.changes} == {
        *(Quantity.LATENCY, Quantity.COST, Quantity.QUALITY, Quantity.RELIABILITY)
    }
    (latency,) = (change for change in what_if.changes if change.quantity is Quantity.LATENCY)
    assert latency.now == 0.7
    assert latency.needed == pytest.approx(0.4545, abs=0.001)
    assert f"{latency.needed:.3g}" == f"{latency.needed:.9g}"


def test_an_unknown_price_counts_as_the_dearest() -> None:
    best, other = expected("a/best"), expected("b/other", quality=0.79, cost_usd=None)
    what_if = found(decided([best, other], band=0.0), "b/other")
    (cost,) = (change for change in what_if.changes if change.quantity is Quantity.COST)
    assert cost.now is None
    assert cost.size == float("inf")
    assert 0.0 < cost.needed < 0.01
    assert what_if.changes[-1].size >= what_if.changes[0].size


def test_where_no_single_change_is_enough_there_is_none() -> None:
    poor = expected("b/poor", quality=0.2, reliability=0.3, latency_s=9.0, cost_usd=0.5)
    what_if = found(decided([expected("a/best", quality=1.0, cost_usd=0.0), poor]), "b/poor")
    assert (what_if.standing, what_if.changes) == (Standing.BEHIND, ())
    assert what_if.smallest is None


def test_one_that_was_near_needs_a_change_to_go_first() -> None:
    what_if = found(decided([expected("a/one"), expected("b/two", quality=0.79)]), "b/two")
    assert what_if.standing is Standing.NEAR
    assert what_if.changes


def test_of_equals_one_goes_first_with_the_least_change() -> None:
    what_if = found(decided([expected("a/one"), expected("b/two")]), "b/two")
    assert what_if.standing is Standing.NEAR
    assert what_if.smallest is not None
    assert what_if.smallest.size < 0.01


def test_one_that_was_better_all_the_same_needs_no_change() -> None:
    worse, better = expected("a/kept", quality=0.5), expected("b/better", quality=0.9)
    what_if = found(decided([worse, better], session="s"), "b/better")
    assert (what_if.standing, what_if.changes) == (Standing.AHEAD, ())


def test_no_change_is_told_of_a_request_that_was_spent_on_learning() -> None:
    tried, best = expected("b/tried", quality=0.7), expected("a/best")
    what_if = found(decided([tried, best, expected("c/last")], explored=True), "c/last")
    assert what_if.changes == ()


def test_no_score_counts_where_the_request_named_a_model() -> None:
    what_if = found(decided([expected("a/named"), expected("b/next")], band=None), "b/next")
    assert (what_if.standing, what_if.changes) == (Standing.NOT_ASKED, ())


@pytest.mark.parametrize(
    ("score", "effect"),
    [(0.99, Effect.WINS), (0.65, Effect.SHARES), (0.10, None), (None, None)],
)
def test_of_one_that_was_out_it_is_told_what_it_would_have_been(
    score: float | None, effect: Effect | None
) -> None:
    decision = decided([expected("a/best")], rejections=(Rejection("b/out", FULL, score),))
    what_if = found(decision, "b/out")
    assert what_if.standing is Standing.OUT
    assert (what_if.objection, what_if.score, what_if.if_able) == (FULL, score, effect)
    assert what_if.best == decision.candidates[0].score


def test_one_that_was_out_where_nobody_was_left_would_have_been_chosen() -> None:
    what_if = found(decided([], rejections=(Rejection("b/out", FULL, 0.3),)), "b/out")
    assert (what_if.best, what_if.if_able) == (None, Effect.WINS)


def test_one_that_was_out_and_not_asked_for_would_have_been_nothing() -> None:
    decision = decided(
        [expected("a/named")], band=None, rejections=(Rejection("b/out", FULL, 0.99),)
    )
    assert found(decision, "b/out").if_able is None


def test_there_is_nothing_to_say_of_the_chosen_one_and_of_strangers() -> None:
    decision = decided([expected("a/best"), expected("b/next")])
    assert counterfactual(decision, "a/best") is None
    assert counterfactual(decision, "z/stranger") is None


def test_the_runner_up_is_who_scored_best_of_the_others_also_when_out() -> None:
    best, second = expected("a/best"), expected("b/second", quality=0.7)
    assert runner_up(decided([best, second])) == "b/second"
    full = (Rejection("c/full", FULL, 0.9), Rejection("d/no", FULL))
    assert runner_up(decided([best, second], rejections=full)) == "c/full"
    assert runner_up(decided([best], rejections=full[1:])) is None
    assert runner_up(decided([])) is None


def test_equals_share_the_traffic() -> None:
    one, two = expected("a/one"), expected("b/two")
    assert effect_of(one, [two], 0.0) is Effect.SHARES
