"""How good is a model by lifetime averages, as the first edition of this router reckoned?

The profile `classic`, for comparison and for those who want its numbers. Of 100 points, 60 are for
capability, 25 for the share of answers that succeeded, 15 for latency; an unreliable model loses
half of its points and a slow one a fifth. Before it has served enough, capability alone counts.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from pointsman.core.capability import Requirements, capability_score, requirements
from pointsman.core.decision import (
    Candidate,
    Estimate,
    Feedback,
    Outcome,
    Saving,
    Selection,
    Task,
    Term,
)
from pointsman.core.errors import Blame
from pointsman.core.fleet import WEIGHTS_TOLERANCE, Agent, Model
from pointsman.core.remembered import Remembered

MOST_MODELS = 4096
MOST_CHANGES = 64
"""So many generations back it is known which models have changed since."""


@dataclass(frozen=True, slots=True)
class ClassicPolicy:
    """The weights, which sum to 1, and the thresholds of the profile.

    `acceptable_s` is the latency that is worth half of the points for it; a model that is slower on
    average keeps the share `slow_keeps` of its score. One that succeeds less often than
    `least_success` keeps `unreliable_keeps`. `least_requests` must have been served before
    measurements count.
    """

    capability: float = 0.60
    success: float = 0.25
    latency: float = 0.15
    acceptable_s: float = 0.5
    least_success: float = 0.90
    unreliable_keeps: float = 0.5
    slow_keeps: float = 0.8
    least_requests: int = 10

    def __post_init__(self) -> None:
        weights = (self.capability, self.success, self.latency)
        if min(weights) < 0.0:
            raise ValueError("a weight cannot be negative")
        if abs(sum(weights) - 1.0) > WEIGHTS_TOLERANCE:
            raise ValueError(f"the weights must sum to 1, not {sum(weights):g}")
        if min(self.acceptable_s, self.least_success, self.least_requests) <= 0:
            raise ValueError("acceptable_s, least_success and least_requests must be positive")
        if not (0.0 < self.unreliable_keeps <= 1.0 and 0.0 < self.slow_keeps <= 1.0):
            raise ValueError("unreliable_keeps and slow_keeps must be in (0, 1]")


CLASSIC = ClassicPolicy()


class Lifetime(NamedTuple):
    """What a model has done since the start: `requests` that say something of it, mean seconds."""

    requests: int = 0
    successes: int = 0
    total_s: float = 0.0
    timed: int = 0

    @property
    def success(self) -> float:
        """The share of requests that succeeded, in [0, 1]."""
        return self.successes / self.requests if self.requests else 1.0

    @property
    def latency_s(self) -> float:
        """The mean latency in seconds."""
        return self.total_s / self.timed if self.timed else 0.0


def latency_score(latency_s: float, acceptable_s: float) -> float:
    """1 at once, one half at what is acceptable, 0 from twice that on."""
    return min(max(1.0 - latency_s / (2.0 * acceptable_s), 0.0), 1.0)


def classic_terms(fit: float, seen: Lifetime, policy: ClassicPolicy = CLASSIC) -> tuple[Term, ...]:
    """The summands of the score, penalties as negative ones; `fit` and the score are in [0, 1]."""
    if seen.requests < policy.least_requests:
        few = f"alone: {seen.requests} of {policy.least_requests} requests seen"
        return (Term("capability", fit, few, 1.0),)
    return measured_terms(fit, seen.success, seen.latency_s, policy)


def measured_terms(
    fit: float, success: float, latency_s: float, policy: ClassicPolicy = CLASSIC
) -> tuple[Term, ...]:
    """The summands once enough was seen: of that, success in [0, 1] and the mean latency count."""
    terms = [
        Term("capability", policy.capability * fit, f"{100 * fit:.2f} on paper", policy.capability),
        Term(
            "success",
            policy.success * success,
            f"{success:.1%} succeeded",
            policy.success,
        ),
        Term(
            "latency",
            policy.latency * latency_score(latency_s, policy.acceptable_s),
            f"{1000 * latency_s:.0f} ms on average",
            policy.latency,
        ),
    ]
    left = sum(term.value for term in terms)
    for name, applies, keeps in (
        ("unreliable", success < policy.least_success, policy.unreliable_keeps),
        ("slow", latency_s > policy.acceptable_s, policy.slow_keeps),
    ):
        if applies:
            terms.append(Term(name, -left * (1.0 - keeps), f"× {keeps:g}"))
            left *= keeps
    return tuple(terms)


class ClassicScorer:
    """Scores by lifetime averages. What it learns takes effect at once and never fades."""

    def __init__(self, policy: ClassicPolicy = CLASSIC) -> None:
        self._policy = policy
        self._seen: Remembered[str, list[float]] = Remembered(MOST_MODELS, lambda: [0, 0, 0.0, 0])
        self._changes: deque[str] = deque(maxlen=MOST_CHANGES)
        self._last: tuple[Agent, Task, Requirements] | None = None
        self.generation = 0

    def changed_since(self, generation: int) -> frozenset[str] | None:
        """The ids of the models whose scores may differ from those of `generation`; None: all."""
        behind = self.generation - generation
        if behind > len(self._changes):
            return None
        return frozenset(self._changes[-1 - back] for back in range(behind))

    def score(self, agent: Agent, task: Task, selection: Selection, model: Model) -> Candidate:  # noqa: ARG002 - the port's
        """The candidate with its terms; they sum to the score. The strategy changes nothing."""
        if self._last is None or self._last[0] is not agent or self._last[1] is not task:
            self._last = (agent, task, requirements(agent, task))
        fit = capability_score(self._last[2], model)
        seen = self._of(model.id)
        terms = classic_terms(fit, seen, self._policy)
        estimate = Estimate(
            success=seen.success,
            reliability=seen.success,
            quality=1.0,
            latency_s=seen.latency_s if seen.timed else None,
            evidence=seen.requests,
        )
        return Candidate(model.id, max(0.0, sum(term.value for term in terms)), terms, estimate)

    def worth(
        self,
        agent: Agent,  # noqa: ARG002 - the port's, as all of them
        task: Task,  # noqa: ARG002
        selection: Selection,  # noqa: ARG002
        candidate: Candidate,
        saving: Saving,
    ) -> float:
        """By how much the score would rise if answers came so much sooner; cost is not weighed."""
        seen, policy = self._of(candidate.model_id), self._policy
        if seen.requests < policy.least_requests:
            return 0.0
        less_s = max(0.0, seen.latency_s - max(0.0, saving.seconds))
        sooner = latency_score(less_s, policy.acceptable_s)
        return policy.latency * (sooner - latency_score(seen.latency_s, policy.acceptable_s))

    def tick(self, now_s: float) -> None:
        """Nothing: lifetime averages do not age."""

    def learn(self, outcome: Outcome) -> None:
        """Count an outcome, unless its failure says nothing of the endpoint."""
        failure = outcome.failure
        if failure is not None and failure.blames is not Blame.ENDPOINT:
            return
        seen = self._seen.come_up(outcome.model_id)
        seen[0] += 1
        if failure is None:
            first_s = outcome.first_token_s if outcome.streamed else None
            seen[1] += 1
            seen[2] += outcome.total_s if first_s is None else first_s
            seen[3] += 1
        self._changes.append(outcome.model_id)
        self.generation += 1

    def judge(self, feedback: Feedback) -> None:
        """Nothing: the profile knows success by outcomes alone."""

    def _of(self, model_id: str) -> Lifetime:
        seen = self._seen.get(model_id)
        if seen is None:
            return Lifetime()
        return Lifetime(int(seen[0]), int(seen[1]), seen[2], int(seen[3]))
