"""What is there to say about a decision, and would it really have been otherwise?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from pointsman.core.counterfactual import (
    Change,
    Counterfactual,
    Effect,
    counterfactual,
    effect_of,
    runner_up,
)
from pointsman.core.decision import (
    Candidate,
    Decision,
    Feedback,
    Outcome,
    Saving,
    Selection,
    Task,
)
from pointsman.core.errors import RequestError
from pointsman.core.explanation import Reason, reason_of
from pointsman.core.fleet import Agent, Model
from pointsman.engine.ports import Scorer, StoredDecision

Again = Callable[[Mapping[str, Candidate]], Decision]
"""Makes a decision once more, with these candidates in place of those that the scorer gives."""


class Explained(NamedTuple):
    """A decision, what came of it, what decided, and what it would have taken for another."""

    stored: StoredDecision
    reason: Reason
    what_if: Counterfactual | None


def explained(stored: StoredDecision, against: str | None = None) -> Explained:
    """The explanation of a decision by what is written down of it.

    `against` is whose chances are looked at, the runner-up's without. Raises `RequestError` when
    that is the chosen model, or none that the decision looked at.
    """
    decision = stored.decision
    other = against or runner_up(decision)
    what_if = None if other is None else counterfactual(decision, other)
    if against is not None and what_if is None:
        raise _nothing_against(decision, against)
    return Explained(stored, reason_of(decision), what_if)


def borne_out(explanation: Explained, again: Again) -> Explained:
    """The explanation without what does not hold when the decision is made again."""
    what_if = explanation.what_if
    if what_if is None:
        return explanation
    changes = tuple(change for change in what_if.changes if _holds(change, again))
    return explanation._replace(what_if=what_if._replace(changes=changes))


def _holds(change: Change, again: Again) -> bool:
    model_id = change.candidate.model_id
    decision = again({model_id: change.candidate})
    chosen = decision.chosen
    if change.effect is Effect.WINS:
        return chosen is not None and chosen.model_id == model_id
    others = [each for each in decision.candidates if each.model_id != model_id]
    return effect_of(change.candidate, others, decision.band or 0.0) is not None


def _nothing_against(decision: Decision, against: str) -> RequestError:
    chosen = decision.chosen
    if chosen is not None and chosen.model_id == against:
        words = "is the model that was chosen; name another, or none for the runner-up"
    else:
        words = "was not there when this was decided; name a candidate or a rejected model"
    return RequestError(f"{against!r} {words}.", param="against", code="invalid_value")


class Supposed:
    """A scorer as another one, but for candidates that are supposed to be otherwise."""

    def __init__(self, scorer: Scorer, candidates: Mapping[str, Candidate]) -> None:
        self._scorer = scorer
        self._candidates = candidates

    @property
    def generation(self) -> int:
        return self._scorer.generation

    def changed_since(self, generation: int) -> frozenset[str] | None:
        return self._scorer.changed_since(generation)

    def score(self, agent: Agent, task: Task, selection: Selection, model: Model) -> Candidate:
        supposed = self._candidates.get(model.id)
        return supposed or self._scorer.score(agent, task, selection, model)

    def worth(
        self, agent: Agent, task: Task, selection: Selection, candidate: Candidate, saving: Saving
    ) -> float:
        return self._scorer.worth(agent, task, selection, candidate, saving)

    def tick(self, now_s: float) -> None:
        """Nothing: only the scorer itself ages."""

    def learn(self, outcome: Outcome) -> None:
        """Nothing: suppositions teach nobody."""

    def judge(self, feedback: Feedback) -> None:
        """Nothing, as with outcomes."""
