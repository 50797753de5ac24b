"""How good is a model for this agent and task, by what is declared and by what was seen?

The profile `posterior`. What was seen is in `core/experience.py`, what it means for one kind of
request in `core/expectation.py`; here is when it takes effect. Outcomes are folded in a few at a
time, and scores follow every tenth of a second, or at once after a failure. Nothing else changes a
score, apart from what fades, so scores can be remembered in between.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from pointsman.core.adaptive_policy import DEFAULT_POLICY, AdaptivePolicy
from pointsman.core.decision import (
    Candidate,
    Feedback,
    Outcome,
    Saving,
    Selection,
    Task,
)
from pointsman.core.expectation import (
    Kind,
    Scored,
    brevity_of,
    candidate,
    paper_of,
    size_of,
    worth_of,
)
from pointsman.core.experience import Experience
from pointsman.core.fleet import Agent, Model
from pointsman.core.posterior import Elapsed

if TYPE_CHECKING:
    from pointsman.core.panel import Panel

__all__ = ["AdaptivePolicy", "AdaptiveScorer"]

MOST_WAITING = 16
"""So many outcomes are folded in at once at most: nobody is held up for longer than that takes."""

MOST_FOLDED = 128
"""So many are folded in before scores follow at the latest: each time all that changed is scored
anew, which 64 would make a twentieth of what a request costs under load."""

MOST_CHANGES = 64
"""So many generations back it is known which models have changed since."""

MOST_PAPERS = 20_480
"""What is declared is remembered for so many pairs of a kind of request and a model."""

AT_REST = 0.01
"""A model of which less evidence is left no longer changes by itself."""


class AdaptiveScorer:
    """Scores by what is declared and by what was seen, and learns from every outcome.

    Instants are what outcomes and ticks say. A clock that is set back only stands still; one that
    is set forward lets evidence fade as if nothing had happened for so long.
    """

    def __init__(self, policy: AdaptivePolicy = DEFAULT_POLICY) -> None:
        self._policy = policy
        self._seen = Experience(policy)
        self._elapsed = Elapsed()
        self._published = self._refreshed = 0.0
        self._waiting: list[Outcome | Feedback] = []
        self._folded = 0
        self._changed: set[str] = set()
        self._changes: deque[tuple[str, ...] | None] = deque(maxlen=MOST_CHANGES)
        self._kinds: dict[tuple[object, ...], Kind] = {}
        self._kind: Kind | None = None
        self._papers = 0
        self.generation = 0

    def changed_since(self, generation: int) -> frozenset[str] | None:
        """The ids of the models whose scores may differ from those of `generation`; None: all."""
        behind = self.generation - generation
        if behind <= 0:
            return frozenset()
        if behind > len(self._changes):
            return None
        changed: set[str] = set()
        for place in range(-behind, 0):
            ids = self._changes[place]
            if ids is None:
                return None
            changed.update(ids)
        return frozenset(changed)

    def learn(self, outcome: Outcome) -> None:
        """Take note of how an attempt has ended."""
        now_s, waiting = outcome.at.timestamp(), self._waiting
        if (
            outcome.failure is None
            and 0.0 <= now_s - self._published < self._policy.publish_s
            and len(waiting) < MOST_WAITING - 1
        ):
            waiting.append(outcome)  # As nearly every one: nothing is due.
        else:
            self._take(outcome, now_s, at_once=outcome.failure is not None)

    def judge(self, feedback: Feedback) -> None:
        """Take note of what somebody says of an answer."""
        self._take(feedback, feedback.at.timestamp(), at_once=False)

    def declare(self, model_ids: AbstractSet[str]) -> None:
        """These models are there, and no others."""
        if self._seen.declare(model_ids):
            self._seen.all_changed()
            self._change(None, ())

    def tick(self, now_s: float) -> None:
        """It is `now_s`, in seconds since 1970 UTC: publish what waits, let what is old fade."""
        news = self._waiting or self._folded
        if news and not 0.0 <= now_s - self._published < self._policy.publish_s:
            self._publish(now_s)
        if not 0.0 <= now_s - self._refreshed < self._policy.refresh_s:
            self._refreshed = now_s
            self._fade(self._elapsed.until(now_s))

    def score(self, agent: Agent, task: Task, selection: Selection, model: Model) -> Candidate:
        """The candidate with its terms; they sum to the score."""
        kind = self._kind
        # One list is scored in a row: asking whether it is the same one is cheaper than looking.
        if (
            kind is None
            or kind.task is not task
            or kind.agent is not agent
            or kind.selection is not selection
        ):
            kind = self._kind_of(agent, task, selection)
        paper = kind.papers.get(model.id)
        if paper is None or paper.model is not model:
            paper = kind.papers[model.id] = paper_of(kind, model)
            self._papers += 1
        else:
            # Within one generation a score stays what it was, whatever has been folded in since.
            scored = kind.scored[model.id]
            if scored.generation == self.generation:
                return scored.candidate
        made = candidate(self._seen, kind, paper)
        kind.scored[model.id] = Scored(self.generation, made)
        return made

    def panel(self, models: Sequence[Model]) -> Panel:
        """All models at once, as they are now; their scores are those of `score` (1e-12)."""
        # Loaded when there is a fleet to be assigned: a process that only serves needs no numpy.
        from pointsman.core.panel import Panel  # noqa: PLC0415

        return Panel(self._seen, models)

    def worth(
        self, agent: Agent, task: Task, selection: Selection, candidate: Candidate, saving: Saving
    ) -> float:
        """By how much the candidate's score would rise with such a saving."""
        return worth_of(self._kind_of(agent, task, selection), candidate, saving)

    def _kind_of(self, agent: Agent, task: Task, selection: Selection) -> Kind:
        key = (
            agent.id,
            task.type,
            task.type_probability is None,
            task.needs,
            task.prefers,
            task.min_context,
            task.stream,
            size_of(task.prompt_tokens),
            brevity_of(task.max_output_tokens),
            selection,
        )
        kind = self._kinds.get(key)
        if kind is None or (kind.agent is not agent and kind.agent != agent):
            if self._papers > MOST_PAPERS or len(self._kinds) > MOST_PAPERS:
                self._forget_papers()
            kind = self._kinds[key] = Kind(
                agent, task, selection, self._seen.usual_tokens(agent.id, task.type)
            )
        kind.agent, kind.task, kind.selection = agent, task, selection
        self._kind = kind
        return kind

    def _forget_papers(self) -> None:
        self._kinds.clear()
        self._kind = None
        self._papers = 0

    def _take(self, news: Outcome | Feedback, now_s: float, *, at_once: bool) -> None:
        waiting = self._waiting
        due = not 0.0 <= now_s - self._published < self._policy.publish_s
        if due and (waiting or self._folded):
            # What waits is folded in together, as of one instant: that must not be much later.
            self._publish(self._published)
        waiting.append(news)
        if due or at_once:
            self._publish(now_s)
        elif len(waiting) >= MOST_WAITING:
            self._fold(now_s)
            if self._folded >= MOST_FOLDED:
                self._publish(now_s)

    def _publish(self, now_s: float) -> None:
        """Fold in what waits, as of `now_s`, and let scores follow."""
        self._published = now_s
        self._fold(now_s)
        self._follow()

    def _fold(self, now_s: float) -> None:
        """Take in what waits, as of `now_s`."""
        seen, elapsed, outcome_s = self._seen, self._elapsed, self._policy.outcome_s
        waiting, changed, now = self._waiting, self._changed, elapsed.until(now_s)
        for news in waiting:
            if isinstance(news, Feedback):
                seen.judge(news, now)
            else:
                now += outcome_s
                if not seen.learn(news, now):
                    continue
            changed.add(news.model_id)
        elapsed.total_s = now
        self._folded += len(waiting)
        waiting.clear()

    def _follow(self) -> None:
        """Let scores follow what has been folded in."""
        self._folded = 0
        changed = self._changed
        if changed:
            self._changed = set()
            changed |= self._seen.forgotten()
            self._change(None if self._seen.all_changed() else tuple(changed), changed)

    def _fade(self, now: float) -> None:
        """Let scores follow what has faded by now."""
        alive = [
            model_id
            for model_id, record in self._seen.models.items()
            if record.at < now and record.reliability_count + record.judged_count > AT_REST
        ]
        if alive:
            self._change(tuple(alive), alive)

    def _change(self, ids: tuple[str, ...] | None, models: Iterable[str]) -> None:
        now = self._elapsed.total_s
        for model_id in models:
            record = self._seen.models.get(model_id)
            if record is not None:
                self._seen.publish(record, now)
        if ids is None:
            self._forget_papers()
        self._changes.append(ids)
        self.generation += 1
