"""Does an explanation say what decided, in plain words, from the decision alone?"""

from __future__ import annotations

from math import inf
from typing import Any

import pytest
from reckoned import decided

from pointsman.core.counterfactual import Change, counterfactual
from pointsman.core.decision import (
    Candidate,
    Decision,
    Estimate,
    Objection,
    ReasonCode,
    Rejection,
    Term,
)
from pointsman.core.explanation import (
    Why,
    change_words,
    counterfactual_words,
    evidence_words,
    reason_of,
    weights_used,
)
from pointsman.core.fleet import Weights
from pointsman.core.rescoring import Quantity

FULL = Objection(ReasonCode.AT_LIMIT, "8 of 8 calls in flight")


def scoring(model_id: str, score: float) -> Candidate:
    """A candidate whose score is declared."""
    return Candidate(model_id, score, (Term("required", score, "", 1.0),))


A, B, C = scoring("lab/a", 0.8), scoring("lab/b", 0.78), scoring("lab/c", 0.5)
STAYS = B._replace(score=0.79, terms=(*B.terms, Term("session", 0.01, "has served")))
STAYED_BADLY = (Term("required", 0.69, "", 1.0), Term("session", 0.01, "has served"))
B_AS_GOOD = scoring("lab/b", 0.8)
ON_TRIAL = "tried on 12.5% of the requests of coder"


def trying(model_id: str, score: float) -> Candidate:
    """A candidate whom the agent tries."""
    made = scoring(model_id, score)
    return made._replace(terms=(*made.terms, Term("tried", 0.0, ON_TRIAL)))


T, T_BEST = trying("lab/t", 0.6), trying("lab/t", 0.9)


@pytest.mark.parametrize(
    ("decision", "why", "words", "near"),
    [
        (decided([]), Why.NOBODY, "no model could serve", 0),
        (decided([C])._replace(panic=True), Why.PANIC, "every model was in trouble", 1),
        (decided([C, A], band=None), Why.NAMED, "named this model", 1),
        (decided([C, A, B], explored=True), Why.EXPLORED, "to learn about it", 2),
        (decided([A]), Why.ONLY, "the only model", 1),
        (decided([A, C]), Why.BEST, "its score was the best", 1),
        (decided([A, B, C]), Why.BEST, "its score was the best", 2),
        (decided([B_AS_GOOD, A]), Why.DRAWN, "2 models scored the same", 2),
        (decided([B, A, C]), Why.RELIEVED, "within 5 points of the best and free much sooner", 2),
        (decided([B, A, C], session="s"), Why.SESSION, "2 models were within 5 points", 2),
        (decided([STAYS, A, C], session="s"), Why.STAYED, "the conversation stayed", 2),
        (decided([A, C], session="s"), Why.BEST, "its score was the best", 1),
        (decided([T, A, B]), Why.TRIED, f"a trial: lab/t is on trial ({ON_TRIAL})", 2),
        (decided([T_BEST, A]), Why.TRIED, f"a trial: lab/t is on trial ({ON_TRIAL})", 1),
        (decided([T]), Why.ONLY, f"could serve the request: lab/t is on trial ({ON_TRIAL})", 1),
        (decided([A, T, C]), Why.BEST, f"the best; lab/t is on trial ({ON_TRIAL})", 1),
        (decided([A, T_BEST, B]), Why.BEST, f"the best; lab/t is on trial ({ON_TRIAL})", 2),
        (decided([B, A, T_BEST]), Why.RELIEVED, "free much sooner; lab/t is on trial", 2),
    ],
)
def test_the_reason_is_told(decision: Decision, why: Why, words: str, near: int) -> None:
    reason = reason_of(decision)
    assert (reason.code, reason.near_best) == (why, near)
    assert words in reason.words


@pytest.mark.parametrize(
    "decision",
    [
        decided([T, A], band=None),
        decided([T])._replace(panic=True),
        decided([STAYS, A, T], session="s"),
    ],
)
def test_where_nothing_is_left_to_chance_no_trial_is_told(decision: Decision) -> None:
    assert "trial" not in reason_of(decision).words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0.2, "nothing seen of it lately: what is declared counts"),
        (0.9, "about 1 recent answer seen: what is declared still counts much"),
        (7.0, "about 7 recent answers seen: what is declared still counts much"),
        (41.6, "about 42 recent answers seen"),
    ],
)
def test_evidence_is_told_with_what_it_is_worth(count: float, words: str) -> None:
    assert evidence_words(Estimate(0.9, 0.9, 1.0, evidence=count)) == words


def test_the_weights_are_those_of_the_terms() -> None:
    names = {"success": 0.5, "speed": 0.3, "cheapness": 0.2, "failures": 0.0}
    terms = tuple(Term(name, 0.1, "", weight) for name, weight in names.items())
    assert weights_used(decided([Candidate("lab/a", 0.4, terms)])) == Weights(0.5, 0.3, 0.2)
    unsaid = tuple(term._replace(weight=0.0) for term in terms)
    assert weights_used(decided([Candidate("lab/a", 0.4, unsaid)])) is None
    assert weights_used(decided([A])) is None
    assert weights_used(decided([])) is None


def told(model_id: str, *candidates: Candidate, **changes: Any) -> str:
    decision = decided(candidates, **changes)
    what_if = counterfactual(decision, model_id)
    assert what_if is not None
    return counterfactual_words(decision, what_if)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            told("lab/b", A, B),
            (
                "lab/b would have gone first if its mean strength in what is required were 0.801 "
                "(declared: 0.780)."
            ),
        ),
        (
            told("lab/x", A, Candidate("lab/x", 0.1, ())),
            "No change of one thing alone would have had lab/x go first.",
        ),
        (
            told("lab/c", A, C, band=None),
            "lab/c stood by: the request named another model, so no score counted.",
        ),
        (
            told("lab/a", C, A, B, explored=True),
            "This request was spent on learning; by score lab/a would have gone first.",
        ),
        (
            told("lab/a", T, A, B),
            "This request was of the share of a trial; by score lab/a would have gone first.",
        ),
        (
            told("lab/a", T_BEST, A, B),
            "This request was of the share of a trial; by score lab/a would have gone first.",
        ),
        (
            told("lab/t", A, T_BEST),
            "lab/t is on trial: it gets its share of the requests, and this one is not of it.",
        ),
        (
            told("lab/b", A, B, T_BEST),
            (
                "lab/b would have gone first if its mean strength in what is required were 0.801 "
                "(declared: 0.780)."
            ),
        ),
        (
            told("lab/a", B, A, C),
            "lab/a had the best score, but was busy, and another near it was free much sooner.",
        ),
        (
            told("lab/a", B, A, C, session="s"),
            (
                "lab/a had the best score, but among those near the best the conversation decides. "
                "lab/a would have gone first all the same if its mean strength in what is required "
                "were 0.831 (declared: 0.800)."
            ),
        ),
        (
            told("lab/a", STAYS, A, C, session="s"),
            (
                "lab/a had the best score, but the conversation stayed where it was, near enough "
                "to it. lab/a would have gone first all the same if its mean strength in what is "
                "required were 0.841 (declared: 0.800)."
            ),
        ),
        (
            told("lab/b", A, STAYS._replace(score=0.7, terms=STAYED_BADLY), session="s"),
            (
                "lab/b would have gone first if its mean strength in what is required were 0.741 "
                "(declared: 0.690)."
            ),
        ),
    ],
)
def test_it_is_told_what_it_would_have_taken(words: str, expected: str) -> None:
    assert words == expected


@pytest.mark.parametrize(
    ("score", "band", "words"),
    [
        (0.9, 0.05, "Had it been able, it would have gone first."),
        (0.78, 0.05, "Had it been able, it would have been near enough to relieve the best."),
        (0.5, 0.05, "It would not have gone first in any case."),
        (None, 0.05, "It was not scored."),
        (0.9, None, ""),
    ],
)
def test_of_one_that_was_out_it_is_told_why_and_what_else(
    score: float | None, band: float | None, words: str
) -> None:
    out = (Rejection("lab/x", FULL, score),)
    expected = f"lab/x was out (8 of 8 calls in flight). {words}".strip()
    assert told("lab/x", A, rejections=out, band=band) == expected


@pytest.mark.parametrize(
    ("quantity", "now", "needed", "words"),
    [
        (Quantity.LATENCY, 2.4, 1.9, "its answer was whole within 1.9 s (2.4 s expected)"),
        (Quantity.COST, 0.01, 0.0088, "its price were 12.0% lower"),
        (Quantity.PRICE, 2.5, 0.0, "it were free"),
        (
            Quantity.COST,
            None,
            0.0123,
            "its price were known, and at most 0.0123 USD for such a request",
        ),
        (
            Quantity.PRICE,
            None,
            1.5,
            "its price were known, and at most 1.5 USD per million tokens",
        ),
        (
            Quantity.RELIABILITY,
            0.9,
            0.971,
            "97.1% of its answers came complete (90.0% expected)",
        ),
        (
            Quantity.QUALITY,
            0.8,
            0.95,
            "95.0% of its complete answers were good (80.0% expected)",
        ),
        (Quantity.LOW_LATENCY, 0.5, 0.75, "its speed were 0.750 (declared: 0.500)"),
    ],
)
def test_a_change_is_told_with_what_there_is_now(
    quantity: Quantity, now: float | None, needed: float, words: str
) -> None:
    change = Change(quantity, now, needed, needed, A)
    assert change_words(change, stream=False) == words
    assert (change.size == inf) == (now is None)


def test_of_a_stream_the_first_token_counts() -> None:
    change = Change(Quantity.LATENCY, 2.4, 1.9, 1.9, A)
    assert change_words(change, stream=True) == "its first token came within 1.9 s (2.4 s expected)"
