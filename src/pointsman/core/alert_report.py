"""What has one gateway counted and read since it last said so, for the one that judges for all?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pointsman.core.alert_conditions import Reading
from pointsman.core.alert_counted import Counted
from pointsman.core.alert_metrics import METRICS, Scope

_SUMMED = frozenset({"requests_in_flight", "moves_off_assigned", "unwritten_records"})
"""Of these each gateway has its own; of all others the worst is what counts."""

Readings = dict[Scope, dict[str, Reading]]


class Gauge(NamedTuple):
    """A number that only this gateway can read, of its own scope."""

    metric: str
    scope: Scope
    reading: Reading


class Report(NamedTuple):
    """What a gateway has seen since its last report."""

    gateway: str
    counted: Counted = Counted()
    gauges: Sequence[Gauge] = ()


def worst(own: Readings, others: Iterable[Gauge]) -> None:
    """Put the readings of other gateways into those of this one: sums, else the worst of all."""
    for metric, scope, reading in others:
        known = own.setdefault(scope, {})
        mine = known.get(metric)
        if mine is None:
            known[metric] = reading
        elif metric in _SUMMED:
            total = mine.value + reading.value
            known[metric] = mine._replace(value=total, n=mine.n + reading.n)
        elif metric in METRICS and _is_worse(metric, reading.value, mine.value):
            known[metric] = reading


def _is_worse(metric: str, value: float, other: float) -> bool:
    return value < other if METRICS[metric].falling else value > other
