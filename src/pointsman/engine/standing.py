"""How does a request learn that its agent has a standing model?

The model that an agent was assigned leads by what switching costs the agent. So it serves unless
another is expected to be better by more than that, or it is in trouble, or full; what it leads by
is a term of its score, and every decision shows it. Whoever asks for something else than the usual
strategy gets what it asks for: the assignment was made for the usual one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pointsman.core.decision import Candidate, Selection, Strategy, Task, Term
from pointsman.core.fleet import Agent, Model
from pointsman.core.rescoring import ASSIGNED
from pointsman.engine.adjusted import AdjustedScores
from pointsman.engine.ports import Scores


class Post(NamedTuple):
    """The model that an agent stands on, by id, and what leaving it costs in score, in [0, 1]."""

    model_id: str
    switch_cost: float


class StandingScores(AdjustedScores):
    """Scores in which every agent's standing model leads; who stands where never changes."""

    def __init__(self, scores: Scores, posts: Mapping[str, Post], usual: Strategy) -> None:
        super().__init__(scores)
        self._posts = posts
        self._usual = usual

    def score(self, agent: Agent, task: Task, selection: Selection, model: Model) -> Candidate:
        """The candidate, with one term more where the agent stands on the model."""
        candidate = self._scores.score(agent, task, selection, model)
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
