"""What would each model have done with a request, and what was it worth?

Chance is drawn per request and model before anybody chooses, so all policies meet the same luck.
An answer is known when it ends, not when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from math import exp, log
from random import Random
from statistics import NormalDist
from typing import NamedTuple, Protocol

from pointsman.core.utility import HALF_CHEAP_USD
from simulations.scenarios import Arm, Event, Scenario

NODES = [NormalDist().inv_cdf((n + 0.5) / 15) for n in range(15)]
"""Where a lognormal time is looked at to tell the mean speed."""

FAILS_AFTER = 0.5
"""A failure takes this share of the time that a first token would have taken."""


class Request(NamedTuple):
    """Request `number` at `at` seconds, by an agent, of task type `kind`."""

    number: int
    at: float
    kind: int
    agent: int


class Result(NamedTuple):
    """How a model did. `judged` is whether the answer was good, None where nobody says so.

    `utility` is what it was worth in hindsight, in [0, 1].
    """

    request: Request
    place: int
    complete: bool
    latency_s: float
    judged: bool | None
    utility: float


class Policy(Protocol):
    """A way to choose, which learns from what it chose."""

    name: str

    def choose(self, request: Request) -> int: ...

    def learn(self, result: Result) -> None: ...


def utility(scenario: Scenario, arm: Arm, *, complete: bool, good: bool, latency_s: float) -> float:
    """What an answer is worth by the weights of the scenario; one that fails is worth nothing."""
    if not complete:
        return 0.0
    weights = scenario.weights
    speed = scenario.budget_s / (scenario.budget_s + latency_s)
    cheap = HALF_CHEAP_USD / (HALF_CHEAP_USD + arm.usd)
    return weights.quality * good + weights.latency * speed + weights.cost * cheap


def expected(scenario: Scenario, arm: Arm, kind: int) -> float:
    """What an answer of `arm` is worth on average."""
    weights, budget_s = scenario.weights, scenario.budget_s
    times = (arm.latency_s * exp(scenario.spread * node) for node in NODES)
    speed = sum(budget_s / (budget_s + time) for time in times) / len(NODES)
    cheap = HALF_CHEAP_USD / (HALF_CHEAP_USD + arm.usd)
    quality = arm.quality[min(kind, len(arm.quality) - 1)]
    worth = weights.quality * quality + weights.latency * speed + weights.cost * cheap
    return (1.0 - arm.failure) * worth


class Step(NamedTuple):
    """Which model took a request, and what each was worth on average at that moment."""

    place: int
    means: tuple[float, ...]

    @property
    def regret(self) -> float:
        return max(self.means) - self.means[self.place]


class World:
    """Runs one policy through one scenario."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self._scenario = scenario
        self._seed = seed

    def steps(self, policy: Policy) -> Iterator[Step]:
        """What happens to each request in turn."""
        scenario = self._scenario
        arms, events = list(scenario.arms), sorted(scenario.events, key=lambda event: event.at)
        means = self._means(arms)
        chance = Random(f"{scenario.name} {self._seed}")
        under_way: list[tuple[float, int, Result]] = []
        for number in range(scenario.requests):
            if events and events[0].at <= number:
                _happen(events, arms, number)
                means = self._means(arms)
            kind, agent = chance.randrange(scenario.types), chance.randrange(scenario.agents)
            request = Request(number, number * scenario.every_s, kind, agent)
            luck = [(chance.random(), chance.random(), chance.gauss(0.0, 1.0)) for _ in arms]
            told = chance.random() < scenario.judged
            while under_way and under_way[0][0] <= request.at:
                policy.learn(heappop(under_way)[2])
            place = policy.choose(request)
            result = self._result(request, place, arms[place], luck[place], told=told)
            ends_at = request.at + result.latency_s
            heappush(under_way, (ends_at, number, result))
            yield Step(place, means[request.kind])

    def _means(self, arms: list[Arm]) -> list[tuple[float, ...]]:
        kinds = range(self._scenario.types)
        return [tuple(expected(self._scenario, arm, kind) for arm in arms) for kind in kinds]

    def _result(
        self,
        request: Request,
        place: int,
        arm: Arm,
        luck: tuple[float, float, float],
        *,
        told: bool,
    ) -> Result:
        complete = luck[0] >= arm.failure
        good = luck[1] < arm.quality[min(request.kind, len(arm.quality) - 1)]
        latency_s = exp(log(arm.latency_s) + self._scenario.spread * luck[2])
        worth = utility(self._scenario, arm, complete=complete, good=good, latency_s=latency_s)
        if not complete:
            latency_s *= FAILS_AFTER
        judged = good if complete and told else None
        return Result(request, place, complete, latency_s, judged, worth)


def _happen(events: list[Event], arms: list[Arm], number: int) -> None:
    while events and events[0].at <= number:
        event = events.pop(0)
        arms[event.place] = event.change(arms[event.place])
