"""What can happen to a fleet of models, as seeded scenarios?

A scenario is a fleet whose models answer, fail and take time by chance, and what changes when.
Everything random is drawn from the scenario's seed and independent of who is chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from statistics import mean
from typing import Any, NamedTuple

from pointsman.core.fleet import Weights

SUCCESS = Weights(1.0, 0.0, 0.0)
"""Only whether the answer is complete and good counts."""

BALANCED = Weights(0.60, 0.25, 0.15)


class Arm(NamedTuple):
    """What is true of a model at a moment.

    `quality` per task type (the last also for types beyond), `failure`: both probabilities.
    `latency_s` is the median time to the first token; `usd` what a request costs; `fit` what is
    declared of it, true or not.
    """

    quality: tuple[float, ...] = (0.85,)
    failure: float = 0.01
    latency_s: float = 0.4
    usd: float = 0.002
    fit: float = 0.8


class Event(NamedTuple):
    """At request number `at`, `change` makes a new arm of the one at `place`."""

    at: int
    place: int
    change: Callable[[Arm], Arm]


@dataclass(frozen=True)
class Scenario:
    """A fleet, what happens to it, and what is asked of it.

    `every_s` is the time between requests; `judged` the share of complete answers that somebody
    judges; `types` and `agents` how many task types and agents there are, equally likely. `spread`
    is the standard deviation of the logarithm of times, `budget_s` the time that is worth one half.
    """

    name: str
    arms: tuple[Arm, ...]
    events: tuple[Event, ...] = ()
    requests: int = 3000
    weights: Weights = BALANCED
    every_s: float = 0.1
    judged: float = 0.0
    types: int = 1
    agents: int = 1
    spread: float = 0.35
    budget_s: float = 0.5


def scaled(field: str, factor: float) -> Callable[[Arm], Arm]:
    """A change that multiplies a field."""
    return lambda arm: arm._replace(**{field: getattr(arm, field) * factor})


def became(**fields: Any) -> Callable[[Arm], Arm]:
    """A change that sets fields."""
    return lambda arm: arm._replace(**fields)


ONSET_SLOW, ONSET_FAILING, HEALED = 1000, 2000, 3500


def degrading(seed: int) -> Scenario:
    """One model turns 5 × slower, then another fails 40 % of its requests, then both heal.

    The two best of six models are hit, in turn, so each time most of the traffic is.
    """
    del seed
    arms = (
        Arm(latency_s=0.25, usd=0.001),
        Arm(latency_s=0.35, usd=0.0015),
        Arm(latency_s=0.50, usd=0.002),
        Arm(latency_s=0.70, usd=0.003),
        Arm(latency_s=0.90, usd=0.004, failure=0.03),
        Arm(latency_s=1.20, usd=0.006, failure=0.05),
    )
    events = (
        Event(ONSET_SLOW, 0, scaled("latency_s", 5.0)),
        Event(ONSET_FAILING, 1, became(failure=0.40)),
        Event(HEALED, 0, scaled("latency_s", 0.2)),
        Event(HEALED, 1, became(failure=0.01)),
    )
    return Scenario("degrading", arms, events, requests=6000)


def drifting(seed: int, *, judged: bool = False, requests: int = 10_000) -> Scenario:
    """Eight models; every 2,500 requests two of them get another probability of success.

    Probabilities are uniform in [0.5, 0.98]. What fails is seen as an error or, `judged`, said of
    an answer afterwards.
    """
    random = Random(f"drifting {seed}")

    def arm() -> Arm:
        success = random.uniform(0.5, 0.98)
        if judged:
            return Arm(quality=(success,), failure=0.0)
        return Arm(quality=(1.0,), failure=1.0 - success)

    arms = tuple(arm() for _ in range(8))
    events = []
    for at in range(2500, requests, 2500):
        for place in random.sample(range(8), 2):
            new = arm()
            events.append(Event(at, place, became(quality=new.quality, failure=new.failure)))
    name = "drifting, judged" if judged else "drifting, failing"
    return Scenario(
        name,
        arms,
        tuple(events),
        requests,
        SUCCESS,
        judged=1.0 if judged else 0.0,
    )


def _random_arms(seed: int, count: int, types: int = 1) -> tuple[Arm, ...]:
    """Models of all kinds; what is declared of them is about right."""
    random = Random(f"arms {seed} {count}")
    drawn = [tuple(random.uniform(0.5, 0.95) for _ in range(types)) for _ in range(count)]

    def paper(qualities: tuple[float, ...]) -> float:
        return min(max(mean(qualities) + random.gauss(0.0, PAPER_SPREAD), 0.05), 0.98)

    return tuple(
        Arm(
            quality=qualities,
            failure=random.choice((0.0, 0.01, 0.02, 0.05)),
            latency_s=random.uniform(0.15, 1.5),
            usd=10 ** random.uniform(-4, -1.5),
            fit=paper(qualities),
        )
        for qualities in drawn
    )


def _flapping(place: int, until: int) -> tuple[Event, ...]:
    """Every 200 requests between well and failing."""
    states = (became(failure=0.4), became(failure=0.01))
    return tuple(
        Event(at, place, states[number % 2]) for number, at in enumerate(range(400, until, 200))
    )


def _walk(seed: int, count: int, until: int) -> tuple[Event, ...]:
    """Latencies wander: every 50 requests each by up to a tenth."""
    random = Random(f"walk {seed}")
    return tuple(
        Event(at, place, scaled("latency_s", random.uniform(0.9, 1.11)))
        for at in range(50, until, 50)
        for place in range(count)
    )


def _ramp(place: int, start: int, end: int, to: float) -> tuple[Event, ...]:
    """Failures grow evenly from one request to another."""
    steps = 20
    return tuple(
        Event(start + (end - start) * n // steps, place, became(failure=to * n / steps))
        for n in range(1, steps + 1)
    )


PAPER_SPREAD = 0.1
"""How far what is declared of a model is usually off."""

FOUR = (
    Arm(latency_s=0.3, usd=0.002),
    Arm(latency_s=0.4, usd=0.002),
    Arm(latency_s=0.5, usd=0.003),
    Arm(latency_s=0.6, usd=0.001),
)


def twenty(seed: int) -> Sequence[Scenario]:
    """Twenty situations, from nothing to learn to nothing that stays."""
    even = (Arm(),) * 5
    mild, fleet = _random_arms(seed, 6), _random_arms(seed, 12, 5)
    two_types = (
        Arm(quality=(0.95, 0.55), fit=0.7),
        Arm(quality=(0.55, 0.95), fit=0.7),
        Arm(quality=(0.75, 0.75), fit=0.7),
    )
    misleading = (
        Arm(quality=(0.55,), fit=0.95),
        Arm(quality=(0.90,), fit=0.60),
        Arm(quality=(0.70,), fit=0.75),
    )
    dear = (
        Arm(quality=(0.95,), usd=0.02, fit=0.9),
        Arm(quality=(0.80,), usd=0.0005, fit=0.75),
        Arm(quality=(0.60,), usd=0.0001, fit=0.6),
    )
    bad = (*FOUR[1:], Arm(failure=0.3, latency_s=0.3, usd=0.002, fit=0.9))
    swap = (Event(1500, 0, became(failure=0.5)), Event(1500, 3, scaled("latency_s", 0.2)))
    outage = (Event(800, 0, became(failure=1.0)), Event(1600, 0, became(failure=0.01)))
    slow = (Event(800, 0, scaled("latency_s", 5.0)), Event(2000, 0, scaled("latency_s", 0.2)))
    failing = (Event(800, 0, became(failure=0.4)), Event(2000, 0, became(failure=0.01)))
    worse = (Event(1500, 1, became(quality=(0.5,))),)
    return (
        Scenario("all alike", even),
        Scenario("eight agents, five types", fleet, judged=0.5, types=5, agents=8),
        Scenario("some fleet", mild),
        Scenario("some fleet, judged", mild, judged=1.0),
        Scenario("some fleet, quality only", mild, weights=SUCCESS, judged=1.0),
        Scenario("some fleet, one in twenty judged", mild, judged=0.05),
        Scenario("thirty models", _random_arms(seed, 30), judged=0.5),
        Scenario("one bad apple", bad),
        Scenario("paper misleads", misleading, judged=0.5),
        Scenario("two task types", two_types, judged=0.5, types=2),
        Scenario("good is dear", dear, judged=0.5),
        Scenario("the best turns worst", FOUR, swap),
        Scenario("outage and return", FOUR, outage),
        Scenario("slow and back", FOUR, slow),
        Scenario("failing and back", FOUR, failing),
        Scenario("flapping", FOUR, _flapping(0, 3000)),
        Scenario("slow decline", FOUR, _ramp(0, 500, 2500, 0.5)),
        Scenario("wandering latencies", FOUR, _walk(seed, 4, 3000)),
        Scenario("a request a minute", FOUR, failing, every_s=60.0),
        Scenario("silently worse, busy", misleading, worse, judged=0.2, every_s=0.005),
    )
