"""Who goes first among near-equals so that nobody waits long, and the best still gets the most?

Five models, each with room for four calls at a time and a queue before it, get requests at random
(Poisson). How long answers take, and how many of them the best one gives, for several ways to pick;
times are told in those of an average call. "As shipped" is `core/balance.py` itself.

    python -m simulations.queueing [--requests 20000] [--seed 1]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from random import Random
from typing import NamedTuple

from pointsman.core.balance import MUCH_SOONER, Near, Queues, pick
from pointsman.core.wait import Latencies

ROOM = 4
SPREAD = 0.5
FLEETS: Mapping[str, Sequence[float]] = {
    "all alike": (1.0, 1.0, 1.0, 1.0, 1.0),
    "of different speed": (1.0, 0.5, 1.0, 2.0, 1.0),
    "the best is the slowest": (2.0, 1.0, 1.0, 1.0, 0.5),
}
LOADS = (0.1, 0.5, 0.8, 0.95)
WARM_UP = 1_000

Way = Callable[[Queues, Random], int]


def at_random(queues: Queues, random: Random) -> int:
    return random.randrange(len(queues.waits))


def always_best(queues: Queues, random: Random) -> int:  # noqa: ARG001 - one way of many
    return 0


def two_of_all(queues: Queues, random: Random) -> int:
    """Two are drawn; the lower wait wins if it is much lower, else the better score."""
    one, other = sorted(random.sample(range(len(queues.waits)), 2))
    return other if queues.waits[other] < MUCH_SOONER * queues.waits[one] else one


def shipped(queues: Queues, random: Random) -> int:
    return pick(Near(len(queues.waits), 1), queues, random.random).place


def least_wait(queues: Queues, random: Random) -> int:  # noqa: ARG001 - one way of many
    return queues.waits.index(min(queues.waits))


WAYS: Mapping[str, Way] = {
    "at random": at_random,
    "always the best": always_best,
    "two of all": two_of_all,
    "as shipped": shipped,
    "least wait": least_wait,
}


class Result(NamedTuple):
    p50: float
    p95: float
    p99: float
    best: float


class Station:
    """The models with what is in their queues."""

    def __init__(self, takes: Sequence[float], random: Random) -> None:
        self._takes = takes
        self._random = random
        self._free = [[0.0] * ROOM for _ in takes]
        for slots in self._free:
            heapify(slots)
        self._names = [str(place) for place in range(len(takes))]
        self._in_flight = [0] * len(takes)
        self._latencies = Latencies()
        self._ends: list[tuple[float, int, float]] = []

    def queues(self, now: float) -> Queues:
        """As they are once all that has ended by now is taken note of."""
        while self._ends and self._ends[0][0] <= now:
            ended, place, took = heappop(self._ends)
            self._in_flight[place] -= 1
            self._latencies.answered(self._names[place], took, ended)
        waits = self._latencies.waits(self._names, self._in_flight)
        return Queues(list(self._in_flight), waits)

    def call(self, place: int, now: float) -> float:
        """How long a call that begins now takes, queue included."""
        serves = self._random.lognormvariate(-(SPREAD**2) / 2, SPREAD) * self._takes[place]
        ends = max(now, heappop(self._free[place])) + serves
        heappush(self._free[place], ends)
        heappush(self._ends, (ends, place, ends - now))
        self._in_flight[place] += 1
        return ends - now


def run(way: Way, takes: Sequence[float], load: float, *, requests: int, seed: int) -> Result:
    """So many requests at such a share of what all models together can serve."""
    random, now = Random(seed), 0.0
    station = Station(takes, random)
    per_time = load * sum(ROOM / each for each in takes)
    took, best = [], 0
    for number in range(requests):
        now += random.expovariate(per_time)
        place = way(station.queues(now), random)
        spent = station.call(place, now)
        if number >= WARM_UP:
            took.append(spent)
            best += place == 0
    ranked, count = sorted(took), len(took)
    p50, p95, p99 = (ranked[int(share * count)] for share in (0.5, 0.95, 0.99))
    return Result(p50, p95, p99, best / count)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    for fleet, takes in FLEETS.items():
        print(f"\n{fleet:24}{'load':>6}{'p50':>10}{'p95':>10}{'p99':>10}{'to the best':>13}")
        for load in LOADS:
            for name, way in WAYS.items():
                result = run(way, takes, load, requests=given.requests, seed=given.seed)
                times = "".join(f"{each:>10.2f}" for each in result[:3])
                print(f"  {name:22}{load:>6.2f}{times}{result.best:>13.1%}")


if __name__ == "__main__":
    main()
