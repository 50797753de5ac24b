"""Who is compared, and how are many runs made at once?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from math import sqrt
from statistics import mean, stdev
from typing import NamedTuple, TypeVar

from simulations.fleet_world import Policy
from simulations.router_policies import classic, ours
from simulations.scenarios import Scenario
from simulations.simple_policies import EXPLORES, Fastest, Greedy, Thompson, Uniform, cheapest

KEEPS = 0.95
"""An exponential mean keeps so much of itself with each result: the last twenty count."""

Make = Callable[[Scenario, int], Policy]
T = TypeVar("T")
R = TypeVar("R")


def lifetime_greedy(scenario: Scenario, seed: int) -> Policy:
    return Greedy("greedy, lifetime mean", scenario, seed, keeps=None, explores=0.0)


def epsilon_greedy(scenario: Scenario, seed: int) -> Policy:
    return Greedy("ε-greedy, exponential mean", scenario, seed, keeps=KEEPS, explores=EXPLORES)


def fastest(scenario: Scenario, seed: int) -> Policy:
    return Fastest("latency only", scenario, seed, keeps=KEEPS, explores=EXPLORES)


def thompson(scenario: Scenario, seed: int) -> Policy:
    return Thompson(scenario, seed)


def uniform(scenario: Scenario, seed: int) -> Policy:
    return Uniform(scenario, seed)


def always_cheapest(scenario: Scenario, seed: int) -> Policy:  # noqa: ARG001 - like the others
    return cheapest(scenario)


ROUTER = "pointsman"
RANDOM = "random"
LIFETIME = "greedy, lifetime mean"
EPSILON = "ε-greedy, exponential mean"
STATIC = "best static in hindsight"

LINEUP: Mapping[str, Make] = {
    ROUTER: ours,
    "classic": classic,
    LIFETIME: lifetime_greedy,
    EPSILON: epsilon_greedy,
    "Thompson, discounted": thompson,
    "latency only": fastest,
    "cheapest": always_cheapest,
    RANDOM: uniform,
}
"""All that choose without knowing the truth; the best static model in hindsight is worked out."""


class Figure(NamedTuple):
    """A mean over seeds, and half the width of its 95 % confidence interval."""

    mean: float
    within: float

    def __str__(self) -> str:
        return f"{self.mean:.1f} ± {self.within:.1f}"


def figure(values: Sequence[float]) -> Figure:
    """The mean of independent runs; normal for thirty of them, a rough guide for fewer."""
    if len(values) < 2:
        return Figure(mean(values), float("nan"))
    return Figure(mean(values), 1.96 * stdev(values) / sqrt(len(values)))


def all_of(run: Callable[[T], R], cases: Iterable[T], jobs: int) -> list[R]:
    """What `run` gives for every case, in order, in so many processes at once."""
    cases = list(cases)
    if jobs == 1:
        return [run(case) for case in cases]
    with ProcessPoolExecutor(jobs) as pool:
        return list(pool.map(run, cases))


def seeds_of(text: str) -> range:
    """`0-29` or `7`."""
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown; all but the first column hold figures."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
