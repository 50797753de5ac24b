"""How is a decision explained in words?

Everything here is read from the decision itself, so that one from long ago, of another
configuration, is explained as it was made.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from pointsman.core.balance import Near, near_best
from pointsman.core.counterfactual import Change, Counterfactual, Effect, Standing, on_trial
from pointsman.core.decision import Candidate, Decision, Estimate
from pointsman.core.fleet import Weights
from pointsman.core.rescoring import Quantity, parted

FEW = 10.0
"""With less evidence what is declared counts for about as much."""


class Why(StrEnum):
    """Why the chosen model was chosen, for programs."""

    NOBODY = "nobody"
    PANIC = "panic"
    NAMED = "named"
    EXPLORED = "explored"
    TRIED = "tried"
    ONLY = "only"
    BEST = "best"
    DRAWN = "drawn"
    RELIEVED = "relieved"
    SESSION = "session"
    STAYED = "stayed"


class Reason(NamedTuple):
    """Why the chosen model was chosen, and how many were in the band of the best, it included."""

    code: Why
    words: str
    near_best: int


def reason_of(decision: Decision) -> Reason:
    """What decided."""
    tried = on_trial(decision)
    ranked = sorted(decision.candidates, key=lambda each: -each.score)
    if tried is not None and tried is not decision.chosen:
        ranked.remove(tried)
    near = near_best(ranked, decision.band or 0.0)
    code = _why(decision, tried, near)
    words = _words(decision, code, near)
    if tried is not None:
        trial = f"{tried.model_id} is on trial ({tried.terms[-1].detail})"
        words = f"{words}: {trial}" if tried is decision.chosen else f"{words}; {trial}"
    return Reason(code, words, near.within)


def _why(decision: Decision, tried: Candidate | None, near: Near) -> Why:
    chosen = decision.chosen
    if chosen is None:
        return Why.NOBODY
    if decision.panic:
        return Why.PANIC
    if decision.explored:
        return Why.EXPLORED
    if decision.band is None:
        return Why.NAMED
    if tried is chosen and len(decision.candidates) > 1:
        return Why.TRIED
    rest = (each.score for each in decision.candidates if each is not tried)
    return _by_score(decision, near, max(rest, default=chosen.score) - chosen.score)


def _by_score(decision: Decision, near: Near, behind: float) -> Why:
    if parted(decision.candidates[0])[1] is not None:
        return Why.STAYED
    if decision.session is not None and near.within > 1:
        return Why.SESSION
    if behind > 0.0:
        return Why.RELIEVED
    if near.equals > 1:
        return Why.DRAWN
    return Why.BEST if len(decision.candidates) > 1 else Why.ONLY


def _words(decision: Decision, code: Why, near: Near) -> str:
    band = f"within {100.0 * (decision.band or 0.0):.3g} points of the best"
    return {
        Why.NOBODY: "no model could serve the request",
        Why.PANIC: "every model was in trouble; the one due back first was tried all the same",
        Why.NAMED: "the request, or its agent, named this model",
        Why.EXPLORED: "taken to learn about it: it may be better than is known",
        Why.TRIED: "this request is of the share of a trial",
        Why.ONLY: "it was the only model that could serve the request",
        Why.BEST: "its score was the best",
        Why.DRAWN: f"{near.equals} models scored the same, and it was drawn",
        Why.RELIEVED: f"the best was busy; it was {band} and free much sooner",
        Why.SESSION: f"{near.within} models were {band}; the conversation decides which of them",
        Why.STAYED: "the conversation stayed where it was, near enough to the best",
    }[code]


def weights_used(decision: Decision) -> Weights | None:
    """What counted how much; None where the profile that scored knows no such weights."""
    chosen = decision.chosen
    terms = {term.name: term.weight for term in chosen.terms} if chosen else {}
    if not {"success", "speed", "cheapness"} <= terms.keys():
        return None
    given = (terms["success"], terms["speed"], terms["cheapness"])
    return Weights(*given) if sum(given) > 0.0 else None


def evidence_words(estimate: Estimate) -> str:
    """How well it is known what to expect of the model."""
    count = estimate.evidence
    if count < 0.5:
        return "nothing seen of it lately: what is declared counts"
    seen = f"about {count:.0f} recent answer{'s' if count >= 1.5 else ''} seen"
    return f"{seen}: what is declared still counts much" if count < FEW else seen


def counterfactual_words(decision: Decision, what_if: Counterfactual) -> str:
    """What it would have taken for another model to go first, in a sentence or two."""
    model, smallest = what_if.model_id, what_if.smallest
    if what_if.standing is Standing.OUT:
        return _out_words(decision, what_if)
    if what_if.standing is Standing.NOT_ASKED:
        return f"{model} stood by: the request named another model, so no score counted."
    if decision.explored:
        return f"{_INSTEAD[Why.EXPLORED]}; by score {_best_of(decision)} would have gone first."
    tried = on_trial(decision)
    if tried is not None and tried is decision.chosen:
        return f"{_INSTEAD[Why.TRIED]}; by score {_best_of(decision)} would have gone first."
    if tried is not None and tried.model_id == model:
        return f"{model} is on trial: it gets its share of the requests, and this one is not of it."
    ahead = ""
    if what_if.standing is Standing.AHEAD:
        ahead = f"{model} had the best score, but {_INSTEAD[reason_of(decision).code]}."
    if smallest is None:
        return ahead or f"No change of one thing alone would have had {model} go first."
    condition = change_words(smallest, stream=decision.task.stream)
    alone = f"{model} would have gone first{' all the same' if ahead else ''} if {condition}."
    return f"{ahead} {alone}".strip()


def _best_of(decision: Decision) -> str:
    """Who would have gone first, had nothing but scores counted; a trial gets its share alone."""
    tried = on_trial(decision)
    others = (each for each in decision.candidates if each is not tried)
    return max(others, key=lambda each: each.score).model_id


_INSTEAD: Mapping[Why, str] = MappingProxyType(
    {
        Why.EXPLORED: "This request was spent on learning",
        Why.TRIED: "This request was of the share of a trial",
        Why.RELIEVED: "was busy, and another near it was free much sooner",
        Why.SESSION: "among those near the best the conversation decides",
        Why.STAYED: "the conversation stayed where it was, near enough to it",
    }
)
"""What counted more than the best score."""


def _out_words(decision: Decision, what_if: Counterfactual) -> str:
    assert what_if.objection is not None  # noqa: S101 - who is out has an objection
    model = what_if.model_id
    out = f"{model} was out ({what_if.objection.words})."
    if decision.band is None:
        return out
    if what_if.score is None:
        return f"{out} It was not scored."
    if what_if.if_able is Effect.WINS:
        return f"{out} Had it been able, it would have gone first."
    if what_if.if_able is Effect.SHARES:
        return f"{out} Had it been able, it would have been near enough to relieve the best."
    return f"{out} It would not have gone first in any case."


def change_words(change: Change, *, stream: bool) -> str:
    """The change as a condition, such as "its answer was whole within 1.9 s (2.4 s expected)"."""
    quantity, now, needed = change.quantity, change.now, change.needed
    if quantity is Quantity.LATENCY:
        what = "its first token came" if stream else "its answer was whole"
        return f"{what} within {needed:.3g} s ({now:.3g} s expected)"
    if quantity in (Quantity.COST, Quantity.PRICE):
        return _price_words(change)
    if quantity is Quantity.RELIABILITY:
        return f"{needed:.1%} of its answers came complete ({now:.1%} expected)"
    if quantity is Quantity.QUALITY:
        return f"{needed:.1%} of its complete answers were good ({now:.1%} expected)"
    return f"{_STRENGTHS[quantity]} were {needed:.3f} (declared: {now:.3f})"


def _price_words(change: Change) -> str:
    if change.needed <= 0.0:
        return "it were free"
    if change.now:
        return f"its price were {1.0 - change.needed / change.now:.1%} lower"
    unit = "for such a request" if change.quantity is Quantity.COST else "per million tokens"
    return f"its price were known, and at most {change.needed:.3g} USD {unit}"


_STRENGTHS: Mapping[Quantity, str] = MappingProxyType(
    {
        Quantity.CAPABILITY: "its fit on paper",
        Quantity.REQUIRED: "its mean strength in what is required",
        Quantity.PREFERRED: "its mean strength in what is preferred",
        Quantity.CONTEXT: "its share of the context that is wanted",
        Quantity.HIGH_ACCURACY: "its accuracy",
        Quantity.LOW_LATENCY: "its speed",
    }
)
