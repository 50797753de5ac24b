"""How does a request learn that its agent has a standing model?

The model that an agent was assigned leads by what switching costs the agent. So it serves unless
another is expected to be better by more than that, or it is in trouble, or full; what it leads by
is a term of its score, and every decision shows it. Whoever asks for something else than the usual
strategy gets what it asks for: the assignment was made for the usual one.
"""

from __future__ import annotations

from collections.abc import Mapping
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
from pointsman.core.fleet import Agent, Model
from pointsman.core.rescoring import ASSIGNED
from pointsman.engine.ports import Scorer


class Post(NamedTuple):
    """The model that an agent stands on, by id, and what leaving it costs in score, in [0, 1]."""

    model_id: str
    switch_cost: float


class StandingScorer:
    """A scorer in which every agent's standing model leads. Learns nothing of its own."""

    def __init__(self, scorer: Scorer, posts: Mapping[str, Post], usual: Strategy) -> None:
        self._scorer = scorer
        self._posts = posts
        self._usual = usual

    @property
    def generation(self) -> int:
        return self._scorer.generation

    def changed_since(self, generation: int) -> frozenset[str] | None:
        """As of the scorer: who stands where never changes within one configuration."""
        return self._scorer.changed_since(generation)

    def score(self, agent: Agent, task: Task, selection: Selection, model: Model) -> Candidate:
        """The candidate, with one term more where the agent stands on the model."""
        candidate = self._scorer.score(agent, task, selection, model)
        post = self._posts.get(agent.id)
        if post is None or post.model_id != model.id or not self._is_usual(selection):
            return candidate
        score = min(1.0, candidate.score + post.switch_cost)
        lead = Term(
            ASSIGNED, score - candidate.score, f"stands on it, {agent.id} was assigned to it"
        )
        return candidate._replace(score=score, terms=(*candidate.terms, lead))

    def _is_usual(self, selection: Selection) -> bool:
        return selection.strategy is self._usual and selection.weights is None

    def worth(
        self, agent: Agent, task: Task, selection: Selection, candidate: Candidate, saving: Saving
    ) -> float:
        """As of the scorer."""
        return self._scorer.worth(agent, task, selection, candidate, saving)

    def tick(self, now_s: float) -> None:
        self._scorer.tick(now_s)

    def learn(self, outcome: Outcome) -> None:
        self._scorer.learn(outcome)

    def judge(self, feedback: Feedback) -> None:
        self._scorer.judge(feedback)
