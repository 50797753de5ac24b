"""How do the scores of a scorer look when something besides it counts?"""

from __future__ import annotations

from abc import ABC, abstractmethod

from pointsman.core.decision import Candidate, Saving, Selection, Task
from pointsman.core.fleet import Agent, Model
from pointsman.engine.ports import Scores


class AdjustedScores(ABC):
    """The scores of another, some candidates otherwise. They change when its scores change."""

    def __init__(self, scores: Scores) -> None:
        self._scores = scores

    @property
    def generation(self) -> int:
        return self._scores.generation

    def changed_since(self, generation: int) -> frozenset[str] | None:
        return self._scores.changed_since(generation)

    @abstractmethod
    def score(self, agent: Agent, task: Task, selection: Selection, model: Model) -> Candidate:
        """The candidate; its terms sum to its score."""

    def worth(
        self, agent: Agent, task: Task, selection: Selection, candidate: Candidate, saving: Saving
    ) -> float:
        return self._scores.worth(agent, task, selection, candidate, saving)
