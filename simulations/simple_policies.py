"""How would simpler ways to choose have done?

All but `BestInHindsight` and `Cheapest` learn from the worth of each result in hindsight, which a
real router is told only where somebody judges: that favours them.
"""

from __future__ import annotations

from random import Random

from simulations.fleet_world import Request, Result
from simulations.scenarios import Scenario

EXPLORES = 0.05


class Uniform:
    """Any model."""

    name = "random"

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self._count = len(scenario.arms)
        self._random = Random(f"{self.name} {seed}")

    def choose(self, request: Request) -> int:  # noqa: ARG002 - the protocol's
        """A place."""
        return self._random.randrange(self._count)

    def learn(self, result: Result) -> None:
        """Nothing."""


class Fixed:
    """Always the same model."""

    def __init__(self, name: str, place: int) -> None:
        self.name = name
        self._place = place

    def choose(self, request: Request) -> int:  # noqa: ARG002 - the protocol's
        """The place."""
        return self._place

    def learn(self, result: Result) -> None:
        """Nothing."""


def cheapest(scenario: Scenario) -> Fixed:
    """The model that costs least."""
    costs = [arm.usd for arm in scenario.arms]
    return Fixed("cheapest", costs.index(min(costs)))


class Greedy:
    """The best mean so far of a value; a model that was never tried comes first.

    `keeps` is how much a mean keeps of itself with each result: None keeps all alike.
    """

    def __init__(
        self, name: str, scenario: Scenario, seed: int, *, keeps: float | None, explores: float
    ) -> None:
        self.name = name
        self._means = [float("inf")] * len(scenario.arms)
        self._counts = [0] * len(scenario.arms)
        self._keeps = keeps
        self._explores = explores
        self._random = Random(f"{name} {seed}")

    def choose(self, request: Request) -> int:  # noqa: ARG002 - the protocol's
        """The place of the best mean, or sometimes any."""
        if self._random.random() < self._explores:
            return self._random.randrange(len(self._means))
        return self._means.index(max(self._means))

    def learn(self, result: Result) -> None:
        """Move the mean."""
        value, place = self.value(result), result.place
        self._counts[place] += 1
        if self._counts[place] == 1:
            self._means[place] = value
            return
        gain = 1.0 / self._counts[place] if self._keeps is None else 1.0 - self._keeps
        self._means[place] += gain * (value - self._means[place])

    def value(self, result: Result) -> float:
        """What is averaged."""
        return result.utility


class Fastest(Greedy):
    """The lowest mean latency of late; a failure counts as ten times the time it took."""

    def value(self, result: Result) -> float:
        """Seconds, negative."""
        return -result.latency_s * (1.0 if result.complete else 10.0)


class Thompson:
    """Thompson sampling with discounted Beta counts (Raj and Kalyani, 2017)."""

    name = "Thompson, discounted"

    def __init__(self, scenario: Scenario, seed: int, keeps: float = 0.99) -> None:
        self._good = [0.0] * len(scenario.arms)
        self._bad = [0.0] * len(scenario.arms)
        self._keeps = keeps
        self._random = Random(f"{self.name} {seed}")

    def choose(self, request: Request) -> int:  # noqa: ARG002 - the protocol's
        """The place whose drawn mean is best."""
        draws = [
            self._random.betavariate(1.0 + good, 1.0 + bad)
            for good, bad in zip(self._good, self._bad, strict=True)
        ]
        return draws.index(max(draws))

    def learn(self, result: Result) -> None:
        """All fade, one counts."""
        self._good = [self._keeps * good for good in self._good]
        self._bad = [self._keeps * bad for bad in self._bad]
        self._good[result.place] += result.utility
        self._bad[result.place] += 1.0 - result.utility
