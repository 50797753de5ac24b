"""What speaks for a model when an agent is put on it, and what against?"""

from __future__ import annotations

from pointsman.core.assignment.posting import Facts
from pointsman.core.assignment.records import UNDESCRIBED, UNMATCHED, Described, Match
from pointsman.core.capability import CapabilityScorer, requirements
from pointsman.core.decision import Candidate, Objection, Selection, Strategy, Task
from pointsman.core.eligibility import standing_objection
from pointsman.core.explanation import FEW
from pointsman.core.fleet import Agent, Fleet, Model
from pointsman.engine.ports import Scores

UNKNOWN = Facts(UNMATCHED, UNDESCRIBED)

_PAPER = CapabilityScorer()


class Matching:
    """The facts of any pair of one fleet, as the scores see it at the moment."""

    def __init__(self, fleet: Fleet, scores: Scores, strategy: Strategy) -> None:
        self._fleet = fleet
        self._scores = scores
        self._selection = Selection(strategy)

    def facts(self, agent_id: str, model_id: str) -> Facts:
        """Of a pair of which one side is gone, nothing is known."""
        agent = self._fleet.agents.get(agent_id)
        model = self._fleet.models.get(model_id)
        if agent is None or model is None:
            return UNKNOWN
        found = self._scores.score(agent, usual_task(agent), self._selection, model)
        return facts_of(agent, model, found)

    def objection(self, agent: Agent, model: Model) -> Objection | None:
        """Why the model could serve no request of the agent, whoever puts it there."""
        needs = requirements(agent, usual_task(agent))
        return standing_objection(agent, needs, frozenset(), self._selection, model)


def facts_of(agent: Agent, model: Model, found: Candidate) -> Facts:
    """Of an agent on a model, where the candidate is what a usual task of it would find there."""
    paper = _PAPER.score(agent, usual_task(agent), Selection(), model).score
    return Facts(_match(found, paper), _described(agent, model))


def _match(found: Candidate, paper: float) -> Match:
    estimate = found.estimate
    score = min(1.0, max(0.0, found.score))
    if estimate is None or not estimate.evidence:
        return Match(score, paper)
    # As much as is declared counts what so few answers say.
    seen = estimate.evidence / (estimate.evidence + FEW)
    return Match(score, paper, estimate.success, estimate.evidence, seen)


def usual_task(agent: Agent) -> Task:
    """What an agent asks, as far as it is declared: its one type, if it has one, in a stream."""
    kind = agent.task_types[0] if len(agent.task_types) == 1 else None
    return Task(type=kind, stream=True)


def _described(agent: Agent, model: Model) -> Described:
    needs = requirements(agent, usual_task(agent))
    return Described(
        agent.name or agent.id,
        agent.kind.value,
        (*needs.required, *needs.preferred),
        model.display_name or model.id,
        model.strengths,
    )
