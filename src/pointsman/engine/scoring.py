"""Which scorer decides now, and how does another take its place without forgetting anything?

After a start a scorer that has read the record takes over from one that began empty, and so does
one of another profile when the configuration asks for it. Until the new one knows what the record
says the old one decides, and what happens meanwhile is kept for the new one. So each is taught in
the order of events: evidence that comes late would count as if it were news.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, TypeVar

from pointsman.core.adaptive import AdaptiveScorer
from pointsman.core.capability import CapabilityScorer
from pointsman.core.classic import ClassicScorer
from pointsman.core.decision import Candidate, Feedback, Outcome, Saving, Selection, Task
from pointsman.core.fleet import Agent, Model
from pointsman.engine.policy import Scoring
from pointsman.engine.ports import AllAtOnce, Comparing, Scorer

if TYPE_CHECKING:
    from pointsman.core.panel import Panel

FEW = 64
"""So much is learned at once, in less than a millisecond; then others get their turn."""

News = Outcome | Feedback

T = TypeVar("T")

_PROFILES: Mapping[Scoring, Callable[[], Scorer]] = {
    Scoring.POSTERIOR: AdaptiveScorer,
    Scoring.CLASSIC: ClassicScorer,
    Scoring.CAPABILITY: CapabilityScorer,
}


def new_scorer(scoring: Scoring) -> Scorer:
    """A scorer of that profile that has not seen anything yet."""
    return _PROFILES[scoring]()


def teach(scorer: Scorer, news: Sequence[News]) -> None:
    """Let `scorer` learn what has happened, in that order."""
    for each in news:
        if isinstance(each, Outcome):
            scorer.learn(each)
        else:
            scorer.judge(each)


class CurrentScorer:
    """The scorer that decides now, as a scorer: whoever holds it need not know that it changes."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self._before = 0
        self._first = self.generation = scorer.generation
        self._kept: list[News] | None = None
        self._declared: AbstractSet[str] | None = None

    def declare(self, model_ids: AbstractSet[str]) -> None:
        """These models are there from now on, and no others; also for whoever decides next."""
        self._declared = model_ids
        if isinstance(self._scorer, Comparing):
            self._scorer.declare(model_ids)
            self.generation = self._before + self._scorer.generation

    def changed_since(self, generation: int) -> frozenset[str] | None:
        """As of any scorer; all models, where another scorer decided then."""
        if generation < self._first:
            return None
        return self._scorer.changed_since(generation - self._before)

    def score(self, agent: Agent, task: Task, selection: Selection, model: Model) -> Candidate:
        """The candidate; its terms sum to its score."""
        return self._scorer.score(agent, task, selection, model)

    def panel(self, models: Sequence[Model]) -> Panel | None:
        """All of the models at once, where the scorer that decides now can."""
        scorer = self._scorer
        return scorer.panel(models) if isinstance(scorer, AllAtOnce) else None

    def worth(
        self, agent: Agent, task: Task, selection: Selection, candidate: Candidate, saving: Saving
    ) -> float:
        """By how much the candidate's score would rise with such a saving."""
        return self._scorer.worth(agent, task, selection, candidate, saving)

    def tick(self, now_s: float) -> None:
        """It is `now_s`."""
        self._scorer.tick(now_s)
        self.generation = self._before + self._scorer.generation

    def learn(self, outcome: Outcome) -> None:
        """Take note of how an attempt has ended."""
        self._scorer.learn(outcome)
        self.generation = self._before + self._scorer.generation
        if self._kept is not None:
            self._kept.append(outcome)

    def judge(self, feedback: Feedback) -> None:
        """Take note of what somebody says of an answer."""
        self._scorer.judge(feedback)
        self.generation = self._before + self._scorer.generation
        if self._kept is not None:
            self._kept.append(feedback)

    async def hand_over(self, successor: Scorer, taught: Awaitable[T]) -> T:
        """Let `successor` decide as soon as `taught` is done and it knows what happened meanwhile.

        One at a time. Whatever ends `taught` otherwise leaves the present scorer where it is.
        """
        kept: list[News] = []
        self._kept = kept
        try:
            result = await taught
            known = 0
            while known < len(kept):
                if known:
                    await asyncio.sleep(0)
                teach(successor, kept[known : known + FEW])
                known += FEW
        finally:
            self._kept = None
        if self._declared is not None and isinstance(successor, Comparing):
            successor.declare(self._declared)
        self._first = self.generation + 1
        self._before = self._first - successor.generation
        self._scorer, self.generation = successor, self._first
        return result
