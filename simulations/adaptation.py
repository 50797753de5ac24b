"""How soon does a policy leave a model that has degraded, and does it come back?

Rewards are the expected worth of the model that was chosen, by what was true at that moment: luck
is in what policies see, not in how they are measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from simulations.fleet_world import Step

WINDOW = 100
LEFT = 0.05
BACK = 0.95


class Adaptation(NamedTuple):
    """What followed an onset of trouble, in requests.

    `own`: how many the bad model still got until fewer than 5 % of the next 100 went to it.
    `until_back`: after how many the mean worth of the last 100 stayed at 95 % of the new best.
    """

    own: int
    until_back: int


def adaptation(steps: Sequence[Step], place: int, onset: int, end: int) -> Adaptation:
    """How the model at `place`, in trouble from `onset` until `end`, was left."""
    taken = [step.place == place for step in steps[onset:end]]
    leaves = next(
        (n for n in range(len(taken)) if sum(taken[n : n + WINDOW]) < LEFT * WINDOW), len(taken)
    )
    return Adaptation(sum(taken[:leaves]), _until_back(steps, onset, end))


def _until_back(steps: Sequence[Step], onset: int, end: int) -> int:
    target = BACK * max(steps[onset].means)
    worth = [step.means[step.place] for step in steps]
    total = sum(worth[onset - WINDOW : onset])
    last_below = onset - 1
    for number in range(onset, end):
        total += worth[number] - worth[number - WINDOW]
        if total / WINDOW < target:
            last_below = number
    return last_below + 1 - onset


def share(steps: Sequence[Step], place: int, start: int, end: int) -> float:
    """Which share of the requests from `start` to `end` the model at `place` got."""
    return sum(step.place == place for step in steps[start:end]) / (end - start)


def regret_per_1000(steps: Sequence[Step]) -> float:
    """What was missed against always choosing the best of the moment, per 1,000 requests."""
    return 1000.0 * sum(step.regret for step in steps) / len(steps)


def static_regret_per_1000(steps: Sequence[Step]) -> float:
    """The same for the one model that was best over the whole of these requests."""
    totals = [sum(means) for means in zip(*(step.means for step in steps), strict=True)]
    missed: float = sum(max(step.means) for step in steps) - max(totals)
    return 1000.0 * missed / len(steps)
