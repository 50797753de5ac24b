"""What is believed of a probability or a time, given what was seen and how long ago?

Evidence is counted, and counts fade: by a factor of two per half-life, and so that there are never
more than so many. Both together are the discounting of Garivier and Moulines ("On Upper-Confidence
Bound Policies for Switching Bandit Problems", 2011), by time and by observations. Faded counts are
a Beta posterior; where they are few, a belief from elsewhere stands in for what is missing.

Time here is seconds on a scale that never runs backwards (see `Elapsed`).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt

LN2 = log(2.0)


@dataclass(frozen=True, slots=True)
class Fading:
    """How evidence fades: `rate` per second, and `most` observations that ever count.

    No tuple: its fields are read five times for every outcome, and slots are read sooner.
    """

    rate: float
    most: float


def fading(half_life_s: float, most: float) -> Fading:
    """Evidence that counts half after `half_life_s` (> 0) seconds, `most` (> 1) at a time."""
    if half_life_s <= 0.0 or most <= 1.0:
        raise ValueError("a half-life must be positive, and more than 1 observation must count")
    return Fading(LN2 / half_life_s, most)


def shrunk(good: float, total: float, prior: float, weight: float) -> float:
    """The mean of a Beta posterior: `prior` counts like `weight` (> 0) observations."""
    return (weight * prior + good) / (weight + total)


def deviation(mean: float, count: float) -> float:
    """The standard deviation of a Beta distribution with this mean, after `count` observations."""
    return sqrt(max(0.0, mean * (1.0 - mean)) / (count + 1.0))


class Counts:
    """How much was seen, and how much of that was good, in [0, total]; both fade lazily."""

    __slots__ = ("at", "good", "total")

    def __init__(self) -> None:
        self.good = 0.0
        self.total = 0.0
        self.at = 0.0

    def add(self, good: float, now: float, fade: Fading) -> None:
        """One more observation, `good` in [0, 1]."""
        total, most = self.total, fade.most
        idle_s = now - self.at
        if idle_s > 0.0:  # As `age` does, without a call.
            kept = exp(-fade.rate * idle_s)
            self.good *= kept
            total *= kept
            self.at = now
        count = total + 1.0
        if count > most:
            self.good *= (most - 1.0) / total
            count = most
        self.total = count
        self.good += good

    def age(self, now: float, fade: Fading) -> None:
        """Let the counts fade until `now`."""
        idle_s = now - self.at
        if idle_s > 0.0:
            kept = exp(-fade.rate * idle_s)
            self.good *= kept
            self.total *= kept
            self.at = now

    def kept(self, now: float, fade: Fading) -> float:
        """Which share of these counts still stands, in [0, 1]."""
        idle_s = now - self.at
        return exp(-fade.rate * idle_s) if idle_s > 0.0 else 1.0

    def restart(self, good: float, total: float, now: float) -> None:
        """Only so much counts from now on."""
        self.good, self.total, self.at = good, total, now

    def revise(self, change: float, *, least: float = 0.0) -> None:
        """One observation, which still counts in full if any does, was so much better.

        An observation is `least` at worst. One that has faded takes too much with it, and many of
        them would take more than is there: no mean leaves the range of what was observed.
        """
        total = self.total
        if total > 0.0:
            self.good = min(max(self.good + change * min(1.0, total), least * total), total)


class Level:
    """The faded mean and spread of a logarithm, such as that of a time."""

    __slots__ = ("at", "count", "mean", "variance")

    def __init__(self) -> None:
        self.count = 0.0
        self.mean = 0.0
        self.variance = SPREAD
        self.at = 0.0

    def add(self, value: float, now: float, fade: Fading) -> None:
        """One more observation."""
        count = self.count
        if now > self.at:
            count *= exp(-fade.rate * (now - self.at))
            self.at = now
        count += 1.0
        if count > fade.most:
            count = fade.most
        self.count = count
        off = value - self.mean
        self.mean += off / count
        # The first observation says nothing of a spread.
        if count > 1.0:
            self.variance += (off * off - self.variance) / (count + SPREAD_COUNT)

    def kept(self, now: float, fade: Fading) -> float:
        """Which share of the count still stands, in [0, 1]."""
        idle_s = now - self.at
        return exp(-fade.rate * idle_s) if idle_s > 0.0 else 1.0

    def restart(self, mean: float, count: float, now: float) -> None:
        """The mean is another now; how far single values lie from it need not have changed."""
        self.mean, self.count, self.at = mean, count, now


SPREAD = 0.16
"""The variance of a log-time before anything is known: times differ by a factor of 1.5."""

SPREAD_COUNT = 4.0
"""How many observations that is worth."""


class Average:
    """The mean of what was seen, of which the last count most."""

    __slots__ = ("count", "mean")

    def __init__(self) -> None:
        self.count = 0.0
        self.mean = 0.0

    def add(self, value: float, most: float) -> None:
        """One more observation; each counts at least 1 / `most`."""
        count = self.count
        if count < most:
            count += 1.0
            self.count = count = count if count < most else most
        self.mean += (value - self.mean) / count


class Elapsed:
    """How many seconds have passed, whatever happens to the clock on the wall: `total_s`.

    Who thinks that something counts like so many seconds may add them.

    A clock that is set back adds nothing; from then on its new time counts. One that is set forward
    is taken at its word, as if nothing had happened for so long.
    """

    __slots__ = ("_wall", "total_s")

    SET_BACK_S = 60.0
    """A clock that shows so much less has been set; anything less is a matter of order."""

    def __init__(self) -> None:
        self._wall: float | None = None
        self.total_s = 0.0

    def until(self, wall_s: float) -> float:
        """The seconds that have passed when the clock shows `wall_s`."""
        if self._wall is None:
            self._wall = wall_s
        ahead_s = wall_s - self._wall
        if ahead_s > 0.0:
            self.total_s += ahead_s
            self._wall = wall_s
        elif ahead_s < -self.SET_BACK_S:
            self._wall = wall_s
        return self.total_s
