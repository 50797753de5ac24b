"""What is there to say about a decision, and would it really have been otherwise?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from pointsman.core.counterfactual import (
    Change,
    Counterfactual,
    counterfactual,
    runner_up,
)
from pointsman.core.decision import (
    Candidate,
    Decision,
    ReasonCode,
    Selection,
    Task,
)
from pointsman.core.errors import RequestError, UnknownAgent
from pointsman.core.explanation import Reason, reason_of, weights_used
from pointsman.core.fleet import Agent, Fleet, Model, Weights
from pointsman.core.naming import AUTO, meaning
from pointsman.core.rescoring import bare
from pointsman.core.utility import weights_of
from pointsman.engine.adjusted import AdjustedScores
from pointsman.engine.decide import Ask
from pointsman.engine.ports import Scores, StoredDecision

SAME_WEIGHT = 1e-9
"""Weights that differ by less are the same."""

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


def rated(decision: Decision, model_id: str, score: Callable[[str], float]) -> Decision:
    """With the score of a model that only a rule keeps out, which is not scored otherwise.

    What a model cannot do is no matter of a rule: its score would mean nothing.
    """
    return decision._replace(
        rejections=tuple(
            each._replace(score=score(model_id))
            if each.model_id == model_id and each.objection.code in _RULES
            else each
            for each in decision.rejections
        )
    )


_RULES = frozenset({ReasonCode.NOT_ALLOWED, ReasonCode.NOT_REQUESTED})


def ask_again(decision: Decision, fleet: Fleet, aliases: Mapping[str, str]) -> Ask:
    """The request behind a decision, as far as it is written down, put to another configuration.

    Raises `UnknownAgent` or `UnknownModel` where that knows no such agent or name.
    """
    agent = fleet.agents.get(decision.agent_id)
    if agent is None:
        words = f"The agent {decision.agent_id!r} is no longer declared."
        raise UnknownAgent(words, param="decision_id", code="unknown_agent")
    strategy = decision.strategy
    meant = meaning(decision.asked_model or AUTO, fleet, aliases=aliases, strategy=strategy)
    selection = _as_asked(meant.selection._replace(strategy=strategy), decision)
    if decision.config_version == fleet.version:
        selection = selection._replace(weights=_callers_own(decision, agent, selection))
    return Ask(
        request_id=decision.request_id,
        agent=agent,
        task=decision.task,
        selection=selection,
        fields={},
        stream=decision.task.stream,
        session=decision.session,
        asked_model=decision.asked_model,
    )


def _callers_own(decision: Decision, agent: Agent, selection: Selection) -> Weights | None:
    """The weights that the caller brought: others than `agent` has under the same configuration."""
    used = weights_used(decision)
    if used is None:
        return None
    usual = weights_of(agent, selection)
    off = max(abs(used.quality - usual.quality), abs(used.latency - usual.latency))
    return used if off > SAME_WEIGHT else None


def _as_asked(selection: Selection, decision: Decision) -> Selection:
    """With the models that the caller listed: all that were not turned away as not asked for."""
    told = [each.model_id for each in decision.candidates]
    told += [
        rejection.model_id
        for rejection in decision.rejections
        if rejection.objection.code is not ReasonCode.NOT_REQUESTED
    ]
    if selection.pinned is not None:
        others = tuple(model_id for model_id in told if model_id != selection.pinned)
        return selection._replace(fallbacks=others)
    if decision.band is None or len(told) == len(decision.candidates) + len(decision.rejections):
        return selection  # named by the agent, which may name another by now; or all were asked
    return selection._replace(only=frozenset(told))


def borne_out(explanation: Explained, again: Again) -> Explained:
    """The explanation without what does not hold when the decision is made again."""
    what_if = explanation.what_if
    if what_if is None:
        return explanation
    changes = tuple(change for change in what_if.changes if _holds(change, again))
    return explanation._replace(what_if=what_if._replace(changes=changes))


def _holds(change: Change, again: Again) -> bool:
    """True when the decision, made again with the change, falls to the other model."""
    model_id = change.candidate.model_id
    chosen = again({model_id: bare(change.candidate)[0]}).chosen
    return chosen is not None and chosen.model_id == model_id


def _nothing_against(decision: Decision, against: str) -> RequestError:
    chosen = decision.chosen
    if chosen is not None and chosen.model_id == against:
        words = "is the model that was chosen; name another, or none for the runner-up"
    else:
        words = "was not there when this was decided; name a candidate or a rejected model"
    return RequestError(f"{against!r} {words}.", param="against", code="invalid_value")


class SupposedScores(AdjustedScores):
    """Scores but for candidates that are supposed to be otherwise."""

    def __init__(self, scores: Scores, candidates: Mapping[str, Candidate]) -> None:
        super().__init__(scores)
        self._candidates = candidates

    def score(self, agent: Agent, task: Task, selection: Selection, model: Model) -> Candidate:
        supposed = self._candidates.get(model.id)
        return supposed or self._scores.score(agent, task, selection, model)
