"""How is a decision explained in words?

Everything here is read from the decision itself, so that one from long ago, of another
configuration, is explained as it was made.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from pointsman.core.balance import near_best
from pointsman.core.counterfactual import Change, Counterfactual, Effect, Standing
from pointsman.core.decision import Decision, Estimate
from pointsman.core.rescoring import Quantity

FEW = 10.0
"""With less evidence what is declared counts for about as much."""


class Why(StrEnum):
    """Why the chosen model was chosen, for programs."""

    NOBODY = "nobody"
    PANIC = "panic"
    NAMED = "named"
    EXPLORED = "explored"
    ONLY = "only"
    BEST = "best"
    STAYED = "stayed"
    SESSION = "session"
    NEAR_BEST = "near_best"


class Reason(NamedTuple):
    """Why the chosen model was chosen. `shared` is how many models were near enough to the best."""

    code: Why
    words: str
    shared: int


def reason_of(decision: Decision) -> Reason:
    """What decided."""
    ranked = sorted(decision.candidates, key=lambda each: -each.score)
    shared = 1 if decision.band is None else near_best(ranked, decision.band)
    code = _why(decision, shared)
    return Reason(code, _words(decision, code, shared), min(shared, len(ranked)))


def _why(decision: Decision, shared: int) -> Why:
    chosen = decision.chosen
    if chosen is None:
        return Why.NOBODY
    if decision.panic:
        return Why.PANIC
    if decision.band is None:
        return Why.NAMED
    if decision.explored:
        return Why.EXPLORED
    best = max(each.score for each in decision.candidates)
    if chosen.score < best - decision.band:
        return Why.STAYED
    if shared == 1:
        return Why.BEST if len(decision.candidates) > 1 else Why.ONLY
    return Why.NEAR_BEST if decision.session is None else Why.SESSION


def _words(decision: Decision, code: Why, shared: int) -> str:
    chance = f"with a chance of {decision.propensity:.1%}"
    band = f"within {100.0 * (decision.band or 0.0):g} points of the best"
    return {
        Why.NOBODY: "no model could serve the request",
        Why.PANIC: "every model was in trouble; the one due back first was tried all the same",
        Why.NAMED: "the request, or its agent, named this model",
        Why.EXPLORED: f"taken to learn about it, {chance}: it may be better than is known",
        Why.ONLY: "it was the only model that could serve the request",
        Why.BEST: f"its score was the best, and no other was {band}",
        Why.STAYED: "the conversation stayed where it was: to move would have cost more",
        Why.SESSION: f"{shared} models were {band}; which of them, the conversation decides",
        Why.NEAR_BEST: (
            f"{shared} models were {band}; two of them were drawn and the one with the shorter "
            f"wait went first, or the better one where that was equal ({chance})"
        ),
    }[code]


def evidence_words(estimate: Estimate) -> str:
    """How well it is known what to expect of the model."""
    count = estimate.evidence
    if count < 0.5:
        return "nothing seen of it lately: what is declared counts"
    seen = f"about {count:.0f} recent answer{'s' if count >= 1.5 else ''} seen"
    return f"{seen}: what is declared still counts much" if count < FEW else seen


def counterfactual_words(decision: Decision, what_if: Counterfactual) -> str:
    """What it would have taken for another model to be chosen, in one or two sentences."""
    model = what_if.model_id
    if what_if.standing is Standing.OUT:
        return _out_words(what_if)
    if what_if.standing is Standing.NOT_ASKED:
        return f"{model} stood by: the request named another model, so no score counted."
    if decision.explored:
        return f"{model} was not beaten: this request was spent on learning about another."
    if what_if.standing is Standing.AHEAD:
        return f"{model} had the better score; the conversation stayed where it was."
    return _changed_words(decision, what_if)


def _out_words(what_if: Counterfactual) -> str:
    assert what_if.objection is not None  # noqa: S101 - who is out has an objection
    model = what_if.model_id
    out = f"{model} was out ({what_if.objection.words})."
    if what_if.score is None:
        return f"{out} It was not scored."
    if what_if.if_able is Effect.WINS:
        return f"{out} Had it been able, it would have been chosen."
    if what_if.if_able is Effect.SHARES:
        return f"{out} Had it been able, it would have shared the traffic of the best."
    return f"{out} It would not have been chosen either."


def _changed_words(decision: Decision, what_if: Counterfactual) -> str:
    model = what_if.model_id
    wins, shares = what_if.smallest(Effect.WINS), what_if.smallest(Effect.SHARES)
    stream = decision.task.stream
    if what_if.standing is Standing.NEAR:
        near = f"{model} was near enough to the best to share its traffic"
        alone = f"it would have had it alone if {change_words(wins, stream=stream)}" if wins else ""
        return f"{near}; {alone or 'no single change would have given it all'}."
    if shares is None:
        return f"No change of one thing alone would have had {model} chosen."
    share = f"{model} would have shared the traffic if {change_words(shares, stream=stream)}"
    if wins is None:
        return f"{share}; no single change would have given it all."
    return f"{share}, and had it alone if {change_words(wins, stream=stream)}."


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
