"""How fast is one answer of one persona, and what goes wrong with it?"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from random import Random
from typing import NamedTuple

from pointsman.adapters.providers.simulated.faults import Fault, Order
from pointsman.adapters.providers.simulated.personas import Persona

PREFILL_TOKENS_PER_S = 25_000.0
"""How fast a prompt is read; cached tokens take no time."""

SLOW_FACTOR = 5.0
ACCEPT_SHARE = 0.2
"""The part of the time to first token that passes before the status is known."""

_MOST_FAILURES = 0.95


class Plan(NamedTuple):
    """What one request to one persona will do. Times in seconds, scale included.

    `fault_after` is how many chunks come before a fault in the middle.
    """

    accept_s: float
    first_token_s: float
    between_s: float
    fault: Fault | None
    fault_after: int
    order: Order | None = None


def request_chance(seed: int, name: str, number: int) -> Random:
    """The chance of the `number`-th request to a persona, independent of all others."""
    return Random(f"{seed}/{name}/{number}")  # noqa: S311 - a simulation, nothing secret


def plan(
    persona: Persona,
    chance: Random,
    elapsed_s: float,
    *,
    uncached_tokens: int = 0,
    order: Order | None = None,
) -> Plan:
    """Decide one request, `elapsed_s` after the start. Always draws the same number of times."""
    latency_factor, failure_factor = _factors(persona, elapsed_s)
    drawn = _fault(persona.failures, failure_factor, chance.random())
    fault = order.fault if order else drawn
    pace = persona.pace
    first_s = pace.first_token_s * chance.lognormvariate(0.0, pace.first_token_sigma)
    between_s = chance.lognormvariate(0.0, pace.tokens_per_s_sigma) / pace.tokens_per_s
    after = chance.randint(1, 12)
    slowdown = SLOW_FACTOR if fault is Fault.SLOW else 1.0
    scale = pace.time_scale * latency_factor * slowdown
    first_s = scale * (first_s + uncached_tokens / PREFILL_TOKENS_PER_S)
    return Plan(
        accept_s=first_s * ACCEPT_SHARE,
        first_token_s=first_s,
        between_s=scale * between_s,
        fault=fault,
        fault_after=after if order is None or order.after is None else order.after,
        order=order,
    )


def due_times(plan: Plan, count: int, chance: Random) -> list[float]:
    """When each of `count` tokens is due, in seconds after the call, rising."""
    if count == 0:
        return []
    gaps = [plan.between_s * (0.5 + chance.random()) for _ in range(count - 1)]
    return list(accumulate(gaps, initial=plan.first_token_s))


def _factors(persona: Persona, elapsed_s: float) -> tuple[float, float]:
    latency, failure = 1.0, 1.0
    for episode in persona.drift:
        if episode.from_s <= elapsed_s < episode.until_s:
            latency *= episode.latency_factor
            failure *= episode.failure_factor
    return latency, failure


def _fault(failures: Mapping[Fault, float], factor: float, drawn: float) -> Fault | None:
    """The fault that `drawn` in [0, 1) falls on; a bad time never makes failure certain."""
    total = sum(failures.values())
    if total and factor > 1.0:
        factor = max(1.0, min(factor, _MOST_FAILURES / total))
    reached = 0.0
    for fault, rate in failures.items():
        reached += rate * factor
        if drawn < reached:
            return fault
    return None
