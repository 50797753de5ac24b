"""How does a request learn that its agent has a standing model?

The model that an agent was assigned leads by what switching costs the agent. So it serves unless
another is expected to be better by more than that, or it is in trouble, or full; what it leads by
is a term of its score, and every decision shows it. Whoever asks for something else than the usual
strategy gets what it asks for: the assignment was made for the usual one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pointsman.core.assignment.records import ASSIGNED, TRIED, assignment_id
from pointsman.core.decision import Candidate, Selection, Strategy, Task, Term
from pointsman.core.fleet import Agent, Model
from pointsman.engine.adjusted import AdjustedScores
from pointsman.engine.ports import Scores


class Trying(NamedTuple):
    """A model, by id, that goes first for a share in (0, 1) of an agent's requests."""

    model_id: str
    share: float


class Post(NamedTuple):
    """The model that an agent stands on, by id, and what leaving it costs in score, in [0, 1].

    Where a person put an agent (`held`), no other model is better by enough. Those of `standby`
    come next when the model fails, in this order.
    """

    model_id: str
    switch_cost: float
    held: bool = False
    assignment_id: str | None = None
    standby: tuple[str, ...] = ()
    trying: Trying | None = None


def post_of(
    agent_id: str,
    model_id: str,
    switch_cost: float,
    *,
    held: bool = False,
    standby: tuple[str, ...] = (),
    trying: Trying | None = None,
) -> Post:
    """The post of the agent on the model."""
    named = assignment_id(agent_id, model_id)
    return Post(model_id, switch_cost, held, named, standby, trying)


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
        if post is None or not self.is_usual(selection):
            return candidate
        if post.trying is not None and post.trying.model_id == model.id:
            if selection.pinned is not None:
                return candidate  # Who names a model gets that one.
            told = f"tried on {100.0 * post.trying.share:.3g}% of the requests of {agent.id}"
            return candidate._replace(terms=(*candidate.terms, Term(TRIED, 0.0, told)))
        if post.model_id != model.id:
            return candidate
        lead_by = 1.0 if post.held else post.switch_cost
        score = min(1.0, candidate.score + lead_by)
        whose = "a person put" if post.held else "the plan puts"
        told = f"stands on it: {whose} {agent.id} there"
        lead = Term(ASSIGNED, score - candidate.score, told, lead_by)
        return candidate._replace(score=score, terms=(*candidate.terms, lead))

    def standby(self, agent: Agent, selection: Selection) -> tuple[str, ...]:
        """Who comes next for such requests when one fails: the agent's own, then who stands by."""
        post = self._posts.get(agent.id)
        if post is None or not post.standby or not self.is_usual(selection):
            return ()
        return (post.model_id, *post.standby)

    def is_usual(self, selection: Selection) -> bool:
        """Whether the request asks for what assignments are made for."""
        return selection.strategy is self._usual and selection.weights is None
