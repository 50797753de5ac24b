"""How well does a model fit an agent on paper?

Declared strengths only, nothing measured: 70 % mean strength over what is required, 20 % over what
is preferred, 10 % for context. An empty list counts as full. Strategies other than the default mix
in what is declared of accuracy, speed or price, so that every score is a sum of terms in [0, 1].
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from pointsman.core.decision import (
    Candidate,
    Feedback,
    Outcome,
    Saving,
    Selection,
    Strategy,
    Task,
    Term,
)
from pointsman.core.fleet import TASK_CAPABILITIES, Agent, Model, broad_type

REQUIRED_WEIGHT = 0.70
PREFERRED_WEIGHT = 0.20
CONTEXT_WEIGHT = 0.10

FIT_SHARE: Mapping[Strategy, float] = MappingProxyType(
    {
        Strategy.BALANCED: 1.0,
        Strategy.QUALITY: 0.6,
        Strategy.COST: 0.4,
        Strategy.SPEED: 0.4,
    }
)
"""How much of the score is fit; the rest is cheapness, or the strength the strategy is about."""

STRENGTH_OF_STRATEGY: Mapping[Strategy, str] = MappingProxyType(
    {Strategy.QUALITY: "high_accuracy", Strategy.SPEED: "low_latency"}
)

HALF_CHEAP_USD_PER_MTOK = 1.0
"""The blended price at which cheapness is one half."""


class Requirements(NamedTuple):
    """What agent and request together ask of a model; capabilities sorted, context in tokens."""

    required: tuple[str, ...]
    preferred: tuple[str, ...]
    min_context: int


def requirements(agent: Agent, task: Task) -> Requirements:
    """What `agent` declares, what the type of the task implies, and what the request needs.

    A request that does not say its type may be of any type that its agent declares. What a type
    implies that was only inferred is preferred, not required.
    """
    types = (task.type,) if task.type else agent.task_types
    implied = [name for kind in types for name in TASK_CAPABILITIES.get(broad_type(kind), ())]
    required, preferred = {*agent.requires, *task.needs}, {*agent.prefers, *task.prefers}
    (preferred if task.inferred else required).update(implied)
    preferred -= required
    return Requirements(
        required=tuple(sorted(required)),
        preferred=tuple(sorted(preferred)),
        min_context=max(agent.min_context, task.min_context),
    )


def capability_terms(needs: Requirements, model: Model) -> tuple[Term, ...]:
    """The three terms of the capability score; they sum to at most 1."""
    window = model.context_window
    reach = 1.0 if window is None else min(1.0, window / needs.min_context)
    words = "unknown, taken as enough" if window is None else f"{window} tokens"
    return (
        Term(
            "required",
            REQUIRED_WEIGHT * _mean_strength(needs.required, model),
            _named(needs.required, model),
            REQUIRED_WEIGHT,
        ),
        Term(
            "preferred",
            PREFERRED_WEIGHT * _mean_strength(needs.preferred, model),
            _named(needs.preferred, model),
            PREFERRED_WEIGHT,
        ),
        Term(
            "context",
            CONTEXT_WEIGHT * reach,
            f"{words} of {needs.min_context} wanted",
            CONTEXT_WEIGHT,
        ),
    )


def capability_score(needs: Requirements, model: Model) -> float:
    """Fit on paper in [0, 1]; the public API shows it × 100."""
    return sum(term.value for term in capability_terms(needs, model))


class CapabilityScorer:
    """Scores by what is declared, and learns nothing, so its scores never change."""

    @property
    def generation(self) -> int:
        """Always the first."""
        return 0

    def score(self, agent: Agent, task: Task, selection: Selection, model: Model) -> Candidate:
        """The candidate with its terms; they sum to the score."""
        fit = capability_terms(requirements(agent, task), model)
        share = FIT_SHARE[selection.strategy]
        terms = tuple(
            Term(name, value * share, detail, weight * share) for name, value, detail, weight in fit
        )
        if selection.strategy is Strategy.COST:
            terms += (_cheapness(model, 1.0 - share),)
        elif (name := STRENGTH_OF_STRATEGY.get(selection.strategy)) is not None:
            strength = model.strengths.get(name, 0.0)
            left = 1.0 - share
            terms += (Term(name, left * strength, f"declared {strength:.2f}", left),)
        return Candidate(model.id, sum(term.value for term in terms), terms)

    def changed_since(self, generation: int) -> frozenset[str] | None:  # noqa: ARG002 - the port's
        """No model, ever."""
        return frozenset()

    def worth(
        self,
        agent: Agent,  # noqa: ARG002 - the port's, as all of them
        task: Task,  # noqa: ARG002
        selection: Selection,  # noqa: ARG002
        candidate: Candidate,  # noqa: ARG002
        saving: Saving,  # noqa: ARG002
    ) -> float:
        """Nothing: a price on paper is the same for every request."""
        return 0.0

    def tick(self, now_s: float) -> None:
        """Nothing: what is on paper does not age."""

    def learn(self, outcome: Outcome) -> None:
        """Nothing: what is on paper does not change with traffic."""

    def judge(self, feedback: Feedback) -> None:
        """Nothing, as with outcomes."""


def _mean_strength(capabilities: Iterable[str], model: Model) -> float:
    strengths = [model.strengths.get(name, 0.0) for name in capabilities]
    return sum(strengths) / len(strengths) if strengths else 1.0


def _named(capabilities: Iterable[str], model: Model) -> str:
    named = [f"{name} {model.strengths.get(name, 0.0):.2f}" for name in capabilities]
    return ", ".join(named) or "none asked"


def _cheapness(model: Model, weight: float) -> Term:
    """1 when free, one half at the reference price, 0 when the price is unknown."""
    price = model.price.blended_usd_per_mtok
    if price is None:
        return Term("cheapness", 0.0, "price unknown, taken as dear", weight)
    value = weight / (1.0 + float(price) / HALF_CHEAP_USD_PER_MTOK)
    words = f"{price.normalize():f} USD per million tokens, 3 in : 1 out"
    return Term("cheapness", value, words, weight)
