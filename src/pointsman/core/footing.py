"""Did an agent get the model that it was assigned, and if not, why?

Read from the decision itself, as all explanations are.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from pointsman.core.assignment.records import ASSIGNED, assignment_id
from pointsman.core.decision import Candidate, Decision, Rejection
from pointsman.core.explanation import Why, reason_of


class Footing(StrEnum):
    """Where a request went, seen from the standing assignment of its agent."""

    ASSIGNED = "assigned"
    MOVED = "moved"
    UNASSIGNED = "unassigned"


class Stood(NamedTuple):
    """`model_id` is the one that the agent was assigned, None without any."""

    code: Footing
    words: str
    model_id: str | None = None


def stood(decision: Decision) -> Stood:
    """Where the request went."""
    agent_id, named = decision.agent_id, decision.assignment_id
    if named is None:
        return Stood(Footing.UNASSIGNED, f"{agent_id} stands on no model")
    for candidate in decision.candidates:
        if assignment_id(agent_id, candidate.model_id) == named:
            return _of_candidate(decision, candidate)
    for rejection in decision.rejections:
        if assignment_id(agent_id, rejection.model_id) == named:
            return _of_rejection(rejection)
    words = f"{agent_id} stands on a model that is not declared any more"
    return Stood(Footing.UNASSIGNED, words)


def _of_candidate(decision: Decision, standing: Candidate) -> Stood:
    chosen, model_id = decision.candidates[0], standing.model_id
    if chosen is standing:
        words = f"assigned: {decision.agent_id} stands on {model_id}"
        return Stood(Footing.ASSIGNED, words, model_id)
    return Stood(Footing.MOVED, f"moved because {_cause(decision, standing)}", model_id)


def _of_rejection(standing: Rejection) -> Stood:
    model_id = standing.model_id
    words = f"moved because {model_id} could not serve: {standing.objection.words}"
    return Stood(Footing.MOVED, words, model_id)


def _cause(decision: Decision, standing: Candidate) -> str:
    chosen, why = decision.candidates[0], reason_of(decision).code
    if why in _OTHER_CAUSES:
        return _OTHER_CAUSES[why].format(chosen.model_id, standing.model_id)
    if not _has(standing, ASSIGNED):
        return "the request asked for something else than assignments are made for"
    if chosen.score > standing.score:
        ahead = 100.0 * (chosen.score - standing.score)
        return (
            f"{chosen.model_id} was expected to be better than {standing.model_id} "
            f"by {ahead:.2f} points more than leaving costs"
        )
    return f"{chosen.model_id} scored the same, and it was drawn"


def _has(candidate: Candidate, name: str) -> bool:
    return any(term.name == name for term in candidate.terms)


_OTHER_CAUSES = {
    Why.NAMED: "the request, or its agent, named {0}",
    Why.EXPLORED: "the request was spent on learning about {0}",
    Why.TRIED: "{0} is tried on a share of the traffic",
    Why.PANIC: "every model was in trouble",
    Why.RELIEVED: "{1} was busy and {0} free much sooner",
    Why.SESSION: "the conversation decides between near-equals",
    Why.STAYED: "the conversation stayed on {0}",
}
