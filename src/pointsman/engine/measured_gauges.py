"""Which numbers follow from the attempts that were counted: money, budgets, prompt caches?

So they can be read of a router that runs, and of what was recorded of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from pointsman.core.alert_budget import Spending
from pointsman.core.alert_conditions import Reading
from pointsman.core.alert_counts import (
    ANSWERS,
    CACHED_TOKENS,
    LONGEST_S,
    PROMPT_TOKENS,
    UNPRICED,
    USD,
    Counts,
)
from pointsman.core.alert_log import Now
from pointsman.core.alert_metrics import EVERYTHING, Scope, ScopeKind
from pointsman.core.alert_usual import ENOUGH_TOKENS, Usual

CACHE_S = 900.0
FEW_ANSWERS = 20
MOST_NAMED = 5

LEAST_USUAL_HITS = 0.1
"""Where fewer prompt tokens usually come from a cache, there is nothing to collapse."""

Gauge = tuple[str, Scope, Reading]
"""The name of a metric, what it was read of, and the reading."""

_KINDS = (ScopeKind.GLOBAL, ScopeKind.PROVIDER, ScopeKind.MODEL, ScopeKind.AGENT)


class Measured(NamedTuple):
    """What numbers are worked out of: counts, what is usual, what was spent."""

    counts: Counts
    usual: Mapping[Scope, Usual]
    spending: Spending


Reader = Callable[[Now, Measured], Iterator[Gauge | None]]
"""Gives None for who has nothing to be read: whoever drives it may let others run there."""


def _money(now: Now, measured: Measured) -> Iterator[Gauge | None]:
    for scope in _counted(measured.counts):
        usd = _lately(measured.counts, scope, now.s, USD)
        yield "spend_usd_per_h", scope, Reading(usd * 3_600 / LONGEST_S, 1, LONGEST_S)
        answers = int(_lately(measured.counts, scope, now.s, ANSWERS))
        if answers < FEW_ANSWERS:
            continue
        cost = usd / answers
        yield "cost_per_success_usd", scope, Reading(cost, answers, LONGEST_S)
        usual = measured.usual.get(scope, Usual()).cost_per_success_usd
        if usual:
            note = f"${cost:.4g} each, ${usual:.4g} usually"
            yield "cost_drift", scope, Reading(cost / usual, answers, LONGEST_S, note)


def _budgets(now: Now, measured: Measured) -> Iterator[Gauge]:
    spending, counts = measured.spending, measured.counts
    for place, budget in enumerate(spending.budgets):
        scope = budget.scope
        usd = _lately(counts, scope, now.s, USD)
        spent = spending.spent(place, usd * 3_600 / LONGEST_S, now.at)
        note = f"${spent.usd:.4g} of ${budget.usd:g} a {budget.per}"
        yield "budget_used", scope, Reading(spent.share, 1, 0.0, note)
        yield "budget_lasts_h", scope, Reading(spent.lasts_h, 1, 0.0, note)
    yield from _unpriced(now, measured)


def _unpriced(now: Now, measured: Measured) -> Iterator[Gauge]:
    """Whose answers count against a budget at an unknown cost, and of which models they are."""
    counts, budgets = measured.counts, measured.spending.budgets
    models: dict[Scope, int] = {}
    for scope in counts.scopes(ScopeKind.MODEL) if budgets else ():
        unpriced = int(_lately(counts, scope, now.s, UNPRICED))
        if unpriced:
            models[scope] = unpriced
    named = sorted(models, key=lambda scope: (-models[scope], scope.id))[:MOST_NAMED]
    note = f"without a price: {', '.join(scope.id for scope in named)}"
    for scope in dict.fromkeys(budget.scope for budget in budgets):
        unpriced = int(_lately(counts, scope, now.s, UNPRICED))
        if unpriced:
            yield "unpriced_under_budget", scope, Reading(unpriced, unpriced, LONGEST_S, note)
    for scope in models if measured.spending.covers(EVERYTHING) else ():
        reading = Reading(models[scope], models[scope], LONGEST_S)
        yield "unpriced_under_budget", scope, reading


def _cache(now: Now, measured: Measured) -> Iterator[Gauge | None]:
    for scope in _counted(measured.counts):
        series = measured.counts.series(scope)
        prompt = series.count(now.s, CACHE_S, PROMPT_TOKENS) if series else 0
        if series is None or prompt < ENOUGH_TOKENS:
            yield None
            continue
        rate = series.count(now.s, CACHE_S, CACHED_TOKENS) / prompt
        yield "cache_hit_rate", scope, Reading(rate, int(prompt), CACHE_S)
        usual = measured.usual.get(scope, Usual()).cache_hit_rate
        if usual is not None and usual >= LEAST_USUAL_HITS:
            note = f"{rate:.0%} now, {usual:.0%} usually"
            yield "cache_hits_kept", scope, Reading(rate / usual, int(prompt), CACHE_S, note)


READERS: Mapping[frozenset[str], Reader] = MappingProxyType(
    {
        frozenset({"spend_usd_per_h", "cost_per_success_usd", "cost_drift"}): _money,
        frozenset({"budget_used", "budget_lasts_h", "unpriced_under_budget"}): _budgets,
        frozenset({"cache_hit_rate", "cache_hits_kept"}): _cache,
    }
)
"""By the metrics that they read."""

MEASURED = frozenset(metric for metrics in READERS for metric in metrics)
"""The metrics that follow from attempts alone."""


Readings = dict[Scope, dict[str, Reading]]
"""By scope and the name of the metric."""


def readings(
    readers: Mapping[frozenset[str], Reader], now: Now, measured: Measured, wanted: frozenset[str]
) -> Readings:
    """The readings of all metrics in `wanted`; nobody reads what nobody wants."""
    found: Readings = {}
    for _ in reading(readers, (now, measured), wanted, found):
        pass
    return found


def reading(
    readers: Mapping[frozenset[str], Reader],
    of: tuple[Now, Measured],
    wanted: frozenset[str],
    found: Readings,
) -> Iterator[None]:
    """The same, put into `found`, a little with every step."""
    for metrics, reader in readers.items():
        if not metrics & wanted:
            continue
        for gauge in reader(*of):
            yield
            if gauge is not None and gauge[0] in wanted:
                metric, scope, value = gauge
                found.setdefault(scope, {})[metric] = value


def _counted(counts: Counts) -> Iterator[Scope]:
    for kind in _KINDS:
        yield from counts.scopes(kind)


def _lately(counts: Counts, scope: Scope, now_s: float, column: int) -> float:
    series = counts.series(scope)
    return series.count(now_s, LONGEST_S, column) if series is not None else 0.0
