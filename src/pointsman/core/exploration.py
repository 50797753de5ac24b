"""Which request is spent on learning about a model that would not be chosen?

A model that is never tried can never recover, and one that was never tried can never show what it
is worth. So a small share of the requests goes to a model whose score is uncertain enough that it
might be the best. Nobody pays for that who did not agree to: no agent that opts out, no caller who
named a model, nothing in the middle of a tool loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from pointsman.core.decision import Candidate, Estimate, Selection, Task
from pointsman.core.fleet import Agent

MOST = 0.02
"""The largest share of entitled requests that may ever be spent on learning."""

DEAREST = 10.0
"""A trial counts at most so many times the cheapest one; one of unknown cost counts as much."""

MAX_REMEMBERED = 512
"""Of so many models is remembered when they are due; beyond that all start anew."""

LONG_SHOT = 4.0
"""So many trials is worth that of a model of which nobody expects to be the best: it may have
changed unseen, but looking must not cost much where nothing ever changes."""

RESERVE = 3.0
"""So many trials are kept for who may well be the best: who was, before it fell, or is new."""

MOST_SAVED = LONG_SHOT + 1.0 + RESERVE
"""What is saved while there is nothing to learn would be spent in one burst: so much is enough."""

UNKNOWN = 0.1
"""Who is so uncertain may draw on the reserve."""

USUAL = 0.05
MOST_URGENT = 8.0
"""Who is more uncertain than `USUAL` has more to show: it comes up so many times as often, at most
`MOST_URGENT` times."""


@dataclass(frozen=True, slots=True)
class ExplorationPolicy:
    """How much is spent on learning, and on whom.

    `share` of the entitled requests at most, in [0, 0.02]; 0 turns it off. Once a trial is paid
    for, each entitled request becomes it with probability `chance`, so that nobody can foretell
    which. A model is worth a trial when its score is at least `least` uncertain, and `reach`
    standard deviations up it would be the best; when there is none, once in a while any other.
    """

    share: float = MOST
    chance: float = 0.25
    reach: float = 2.0
    least: float = 0.01

    def __post_init__(self) -> None:
        if not 0.0 <= self.share <= MOST:
            raise ValueError(f"share must be in [0, {MOST}], not {self.share}")
        if not 0.0 < self.chance < 1.0:
            raise ValueError(f"chance must be in (0, 1), not {self.chance}")
        if self.reach <= 0.0 or self.least <= 0.0:
            raise ValueError("reach and least must be positive")


class Offer(NamedTuple):
    """The candidate at `place` may be tried, with `probability` in (0, 1)."""

    place: int
    probability: float


class _Trial(NamedTuple):
    """The candidate at `place` may be tried: at what price, when it is due, how long until again.

    The price is in trials: 1, or `LONG_SHOT`. So many must be saved when it is made: `needs`.
    """

    price: float
    due: float
    stride: float
    place: int
    needs: float


class Exploration:
    """The budget of trials, and whose turn is next.

    The budget is a bucket that each entitled request fills by `share` and each trial empties by 1.
    It starts empty, so trials never exceed the share of the requests so far, at any moment. Turns
    follow stride scheduling (Waldspurger and Weihl, 1995): a model that costs twice as much to try,
    or is less likely to be the best, comes up half as often.
    """

    def __init__(self, policy: ExplorationPolicy = ExplorationPolicy()) -> None:
        self._policy = policy
        self._saved = 0.0
        self._now = 0.0
        self._due: dict[str, float] = {}
        self._next: dict[int, tuple[Sequence[Candidate], _Trial | None]] = {}

    def reconfigure(self, policy: ExplorationPolicy) -> None:
        """Follow `policy` from now on; what was saved is kept, unless nothing is to be spent."""
        self._policy = policy
        self._next.clear()
        if not policy.share:
            self._saved = 0.0

    def offer(
        self, agent: Agent, task: Task, selection: Selection, candidates: Sequence[Candidate]
    ) -> Offer | None:
        """Whom this request may be spent on, or None. Changes nothing and draws nothing.

        `candidates` are those that can take the request now, best score first. The same sequence,
        asked about again, holds the same candidates.
        """
        if self._saved < 1.0 or not _entitled(agent, task, selection, candidates):
            return None
        trial = self._next_trial(candidates)
        if trial is None or self._saved < trial.needs:
            return None
        return Offer(trial.place, self._policy.chance)

    def decided(
        self,
        agent: Agent,
        task: Task,
        selection: Selection,
        candidates: Sequence[Candidate],
        explored: str | None,
    ) -> None:
        """Such a request was decided; `explored` is the id of the model if it was spent on a trial.

        Called once for every request that is really served, with the `candidates` of its offer.
        """
        if not _entitled(agent, task, selection, candidates):
            return
        self._saved = min(self._saved + self._policy.share, MOST_SAVED)
        if explored is not None:
            self._saved -= self._took(explored, candidates)

    def _next_trial(self, candidates: Sequence[Candidate]) -> _Trial | None:
        """Whose turn it is; that stays so until a trial is made, while many requests ask."""
        known = self._next.get(id(candidates))
        if known is not None:
            return known[1]
        if len(self._next) >= MAX_REMEMBERED:
            self._next.clear()
        trial = min(self._trials(candidates), default=None)
        self._next[id(candidates)] = (candidates, trial)  # Kept alive, hence the identity.
        return trial

    def _took(self, model_id: str, candidates: Sequence[Candidate]) -> float:
        """The price of the trial of `model_id`, whose turn it was; the others keep theirs."""
        self._next.clear()
        if len(self._due) > MAX_REMEMBERED:
            self._due.clear()
        paid = 1.0
        for price, due, stride, place, _ in self._trials(candidates):
            waiting = candidates[place].model_id
            self._due[waiting] = due
            if waiting == model_id:
                self._due[waiting] = due + stride
                self._now = due
                paid = price
        return paid

    def _trials(self, candidates: Sequence[Candidate]) -> list[_Trial]:
        """The candidates that can teach something, and whose turn it is."""
        policy, best = self._policy, candidates[0].score
        unsure = [
            (place, (best - c.score) / c.estimate.uncertainty, c.estimate)
            for place, c in enumerate(candidates)
            if place and c.estimate is not None and c.estimate.uncertainty >= policy.least
        ]
        costs = [estimate.cost_usd for _, _, estimate in unsure if estimate.cost_usd]
        cheapest = min(costs, default=0.0)
        trials = []
        for place, doubt, estimate in unsure:
            price = 1.0 if doubt <= policy.reach else LONG_SHOT
            stride = _dearness(estimate, cheapest) * (1.0 + min(doubt, policy.reach) ** 2)
            stride /= min(max(1.0, estimate.uncertainty / USUAL), MOST_URGENT)
            due = min(self._due.get(candidates[place].model_id, inf), self._now + stride)
            free = price == 1.0 and estimate.uncertainty >= UNKNOWN
            needs = price if free else price + RESERVE
            trials.append(_Trial(price, max(due, self._now), stride, place, needs))
        return trials


def _entitled(
    agent: Agent, task: Task, selection: Selection, candidates: Sequence[Candidate]
) -> bool:
    """Whether such a request may be spent on learning at all."""
    if task.in_tool_loop or selection.pinned is not None or not agent.explore:
        return False
    return len(candidates) > 1


def _dearness(estimate: Estimate, cheapest: float) -> float:
    """How often a trial of the cheapest could be paid for with it, in [1, DEAREST]."""
    if estimate.cost_usd is None:
        return DEAREST
    if estimate.cost_usd <= cheapest or cheapest <= 0.0:
        return 1.0
    return min(estimate.cost_usd / cheapest, DEAREST)
