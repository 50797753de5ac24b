"""Has a model that has fallen come back to what it was?

Most trouble of an endpoint passes. So when a change to the worse was noticed, what the model was
before is not forgotten at once: it is either still as bad as it was seen to be, or as good again as
before. Which, every outcome tells (a sequential test of two hypotheses: Wald, "Sequential Tests of
Statistical Hypotheses", 1945), and while there are none, passing time makes it likelier that it
has healed, but never so likely that it would be relied on untried.
"""

from __future__ import annotations

from math import exp

from pointsman.core.drift import Change
from pointsman.core.posterior import Counts

HEALS_S = 10.0
"""Trouble is taken to last so long on average; what has lasted longer, as long again as it has."""

UNTRIED = 0.5
"""Time alone makes it no likelier than this that a model has healed."""

HEALED = 0.98
"""From here on it is what it was."""

SUREST = 0.01
"""Neither of the two is held to be nearer to always or never than this."""

BEFORE_COUNTS = 20.0
"""So many of the observations from before count again for a model that has healed."""


def seen_before(counts: Counts, change: Change) -> tuple[float, float]:
    """What of the counts was seen before the change: how much was good, of how much.

    What the test has added up since is in the counts, but for the last.
    """
    good = max(0.0, counts.good - change.good)
    return good, max(good, counts.total - change.total + 1.0)


class Recovery:
    """What a model was before it fell, and what it has been since; both rates of success in (0, 1).

    `healed` is how likely it is at the instant `at` that it is back, in [0, 1].
    """

    __slots__ = ("_fell_at", "_heals_s", "at", "before", "healed", "since")

    def __init__(self, before: float, since: float, now: float) -> None:
        self.before = min(max(before, SUREST), 1.0 - SUREST)
        self.since = min(max(since, SUREST), self.before)
        self.healed = 0.0
        self.at = self._fell_at = now
        self._heals_s = HEALS_S

    def at_instant(self, now: float) -> float:
        """How likely it has healed by now, if nothing was seen meanwhile."""
        if self.healed >= UNTRIED or now <= self.at:
            return self.healed
        return UNTRIED - (UNTRIED - self.healed) * exp((self.at - now) / self._heals_s)

    def add(self, good: float, now: float) -> bool:
        """One more observation, in [0, 1]. True when by now it surely has healed."""
        healed = self.at_instant(now)
        well = healed * (good * self.before + (1.0 - good) * (1.0 - self.before))
        ill = (1.0 - healed) * (good * self.since + (1.0 - good) * (1.0 - self.since))
        self.healed = well / (well + ill)
        if good < self.before:
            self._heals_s = max(HEALS_S, now - self._fell_at)
        self.at = now
        return self.healed >= HEALED

    def mean(self, now: float) -> float:
        """The rate to be expected now."""
        healed = self.at_instant(now)
        return healed * self.before + (1.0 - healed) * self.since

    def variance(self, now: float) -> float:
        """How uncertain that is, because it is one or the other."""
        healed = self.at_instant(now)
        gap = self.before - self.since
        return healed * (1.0 - healed) * gap * gap
