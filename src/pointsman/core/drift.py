"""Has a model changed, so that what was learned before no longer counts?

Fading alone is slow to notice what is sudden. So beside every belief runs a CUSUM test (Page,
"Continuous Inspection Schemes", 1954), one arm for each direction: it adds up how much better the
observations fit a changed model than an unchanged one, and never falls below zero. Where the sum
crosses its threshold the model has changed, and most probably did so when the sum last was zero:
what was seen since then stays, what was seen before is forgotten. Bandits that restart like this
have near-optimal regret under abrupt changes (Liu, Lee and Shroff, "A Change-Detection based
Framework for Piecewise-stationary Multi-Armed Bandit Problem", 2018; Besson, Kaufmann, Maillard and
Seznec, "Efficient Change-Point Detection for Tackling Piecewise-Stationary Bandits", 2022).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log, sqrt
from typing import NamedTuple

from pointsman.core.posterior import Level

SUREST = 0.01
"""A probability is never held to be nearer to 0 or 1 than this: one surprise must not decide."""

SURE = 1.0 - SUREST

LEAST_SPREAD = 0.15
"""Times that differ by less than 15 % from each other are held to differ by as much."""

FARTHEST = 3.0
"""One time counts as at most so many standard deviations off: a single hiccup is no change."""

FEWEST = 5.0
"""A level of times must have been seen so often before anything can be said to differ from it."""


@dataclass(frozen=True, slots=True)
class RateTest:
    """When a probability has changed.

    `odds`: the change looked for makes failures so many times likelier, or rarer, against
    successes. `threshold`: how much likelier the change must be, as a natural logarithm; the mean
    number of observations between false alarms is at least e to this power.
    """

    odds: float
    threshold: float
    step: float = field(init=False, repr=False)
    """The logarithm of the odds."""

    def __post_init__(self) -> None:
        if self.odds <= 1.0 or self.threshold <= 0.0:
            raise ValueError("odds must be above 1 and threshold positive")
        object.__setattr__(self, "step", log(self.odds))


class Change(NamedTuple):
    """A change was noticed: since it happened, `total` observations summed up to `good`."""

    better: bool
    good: float
    total: float


class _Arm:
    """One direction of a test: its sum, and what was seen since that was zero."""

    __slots__ = ("good", "sum", "total")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.sum = self.good = self.total = 0.0

    def add(self, gain: float, value: float) -> float:
        """The new sum. Where it would not be positive nothing has begun."""
        total = self.sum + gain
        if total <= 0.0:
            self.sum = self.good = self.total = 0.0
            return 0.0
        self.sum = total
        self.good += value
        self.total += 1.0
        return total


class RateWatch:
    """Watches a probability for changes, in both directions."""

    __slots__ = ("_better", "_worse")

    def __init__(self) -> None:
        self._better = _Arm()
        self._worse = _Arm()

    def add(self, good: float, expected: float, test: RateTest) -> Change | None:
        """One more observation, `good` in [0, 1], where `expected` was believed before it."""
        worse, better = self._worse, self._better
        odds = test.odds
        found: Change | None = None
        # The log-likelihood ratios of p against the p whose odds are `test.odds` times as bad, or
        # as good; a value between 0 and 1 counts as that share of a success. What is sure to be
        # good cannot get better, and what never fails is nothing to add up.
        if (good < 1.0 or worse.sum) and expected > SUREST:
            p = expected if expected < SURE else SURE
            gain = (1.0 - good) * test.step - log(p + odds * (1.0 - p))
            if worse.add(gain, good) >= test.threshold:
                found = Change(False, worse.good, worse.total)
        if (good > 0.0 or better.sum) and expected < SURE:
            p = expected if expected > SUREST else SUREST
            gain = good * test.step - log(1.0 - p + odds * p)
            if better.add(gain, good) >= test.threshold:
                found = Change(True, better.good, better.total)
        if found is not None:
            self.clear()
        return found

    def clear(self) -> None:
        """What was added up so far is explained."""
        self._better.clear()
        self._worse.clear()


@dataclass(frozen=True, slots=True)
class LevelTest:
    """When a level has changed, in standard deviations of single observations.

    `slack` of them are taken off each observation, so that the sum falls while nothing changes: a
    change of twice that is found soonest. `threshold` is the sum that makes a change.
    """

    slack: float
    threshold: float

    def __post_init__(self) -> None:
        if self.slack <= 0.0 or self.threshold <= 0.0:
            raise ValueError("slack and threshold must be positive")


class LevelWatch:
    """Watches the level of a logarithm for changes, in both directions."""

    __slots__ = ("_down", "_up")

    def __init__(self) -> None:
        self._down = _Arm()
        self._up = _Arm()

    def add(self, value: float, level: Level, test: LevelTest) -> Change | None:
        """One more observation, where `level` was believed before it. Less is better."""
        if level.count < FEWEST:
            return None
        spread = sqrt(level.variance)
        off = (value - level.mean) / (spread if spread > LEAST_SPREAD else LEAST_SPREAD)
        found: Change | None = None
        slack, up, down = test.slack, self._up, self._down
        # Where nothing has begun and nothing begins there is nothing to add.
        if off > slack or up.sum:
            gain = (off if off < FARTHEST else FARTHEST) - slack
            if up.add(gain, value) >= test.threshold:
                found = Change(False, up.good, up.total)
        if off < -slack or down.sum:
            gain = (-off if off > -FARTHEST else FARTHEST) - slack
            if down.add(gain, value) >= test.threshold:
                found = Change(True, down.good, down.total)
        if found is not None:
            self._up.clear()
            self._down.clear()
        return found
