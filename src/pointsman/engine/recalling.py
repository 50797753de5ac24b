"""What does the record say of the last half hour, of a budget's period, of a week?

A week is read from the periods that are counted up of it, however much happened; attempts are read
one by one only where they are too young for that. In a thread, a little at a time, because those
who are being served share one interpreter with it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

from pointsman.core.aggregate import MINUTE_S, Dimension, made_at_s
from pointsman.core.alert_budget import Budget, Recorded, begun_at
from pointsman.core.alert_counts import LONGEST_S, Counts
from pointsman.core.alert_log import Now
from pointsman.core.alert_metrics import EVERYTHING, Scope, ScopeKind
from pointsman.core.alert_usual import Sums, Usual
from pointsman.core.attempts import PICOS_PER_USD
from pointsman.core.decision import Outcome
from pointsman.core.quantiles import Sketch
from pointsman.engine.history_ports import AggregateStore, Series, SeriesQuery
from pointsman.engine.ports import Store

WEEK = timedelta(days=7)
DAY_S = 86_400
MOST = 100_000
"""So many attempts are read one by one at most, the newest."""
MOST_NAMES = 2_000
NAMES_AT_ONCE = 8
SLICE = 32
PAUSE_S = 0.001
STEP_S = 10.0

_DIMENSIONS: Mapping[ScopeKind, Dimension] = MappingProxyType(
    {
        ScopeKind.GLOBAL: Dimension.ALL,
        ScopeKind.PROVIDER: Dimension.PROVIDER,
        ScopeKind.MODEL: Dimension.MODEL,
        ScopeKind.AGENT: Dimension.AGENT,
    }
)


class Records(NamedTuple):
    """Where it is read: attempts one by one, and how much happened in each period."""

    attempts: Store
    periods: AggregateStore


class Wanted(NamedTuple):
    """What is asked for besides what things usually cost: what was spent of these budgets, how long
    callers usually wait, and the attempts of the last half hour.
    """

    budgets: Sequence[Budget] = ()
    waits: bool = False
    lately: bool = False


class Recalled(NamedTuple):
    """What is usual, what was spent of each budget, and attempts, oldest first."""

    usual: dict[Scope, Usual]
    spent: list[Recorded]
    lately: list[Outcome]


async def recall(records: Records, until: datetime, wanted: Wanted) -> Recalled:
    """Read the record up to `until`. Raises `StoreError`."""
    return await asyncio.to_thread(_read, records, until, wanted)


async def usual_waits(periods: AggregateStore, now: datetime) -> dict[Scope, float]:
    """How long callers usually wait for each model, in seconds. Raises `StoreError`."""
    usual = await asyncio.to_thread(_usual, periods, now, waits=True)
    return waits_of(usual)


def waits_of(usual: Mapping[Scope, Usual]) -> dict[Scope, float]:
    """How long callers usually wait, in seconds, where that is known."""
    return {scope: each.wait_s for scope, each in usual.items() if each.wait_s}


def _read(records: Records, until: datetime, wanted: Wanted) -> Recalled:
    usual = _usual(records.periods, until, waits=wanted.waits)
    spent, counted_until = _spent(records.periods, until, wanted.budgets)
    since = counted_until
    if wanted.lately:
        since = min(since, until - timedelta(seconds=LONGEST_S))
    lately = list(_attempts(records.attempts, since, until)) if since < until else []
    for outcome in lately:
        _add(spent, wanted.budgets, outcome, counted_until)
    half_an_hour_ago = until - timedelta(seconds=LONGEST_S)
    return Recalled(
        usual, spent, [each for each in lately if wanted.lately and each.at >= half_an_hour_ago]
    )


def _attempts(attempts: Store, since: datetime, until: datetime) -> Iterator[Outcome]:
    for count, (outcome, _) in enumerate(attempts.recent_outcomes(since, MOST), 1):
        if outcome.at >= until:
            return
        yield outcome
        if not count % SLICE:
            time.sleep(PAUSE_S)


# What is usual --------------------------------------------------------------------------------


def _usual(periods: AggregateStore, now: datetime, *, waits: bool) -> dict[Scope, Usual]:
    found: dict[Scope, Sums] = {}
    for kind, dimension in _DIMENSIONS.items():
        week = SeriesQuery(now - WEEK, now, DAY_S, dimension, limit=MOST_NAMES)
        for point in periods.series(week).points:
            scope, each = Scope(kind, point.name), point.figures
            found[scope] = found.get(scope, Sums()).plus(
                Sums(
                    each.successes,
                    each.cost_picos / PICOS_PER_USD,
                    each.prompt_tokens,
                    each.cached_tokens,
                )
            )
    if waits:
        models = [scope.id for scope in found if scope.kind is ScopeKind.MODEL]
        for model_id, sketch in _waits(periods, now, models):
            scope = Scope(ScopeKind.MODEL, model_id)
            found[scope] = found[scope]._replace(waits=sketch)
    return {scope: sums.usual() for scope, sums in found.items()}


def _waits(
    periods: AggregateStore, now: datetime, models: Sequence[str]
) -> Iterator[tuple[str, Sketch]]:
    """Some models at a time, since what is kept of their waits has to be unpacked."""
    for begin in range(0, len(models), NAMES_AT_ONCE):
        names = models[begin : begin + NAMES_AT_ONCE]
        query = SeriesQuery(now - WEEK, now, DAY_S, Dimension.MODEL, names, latencies=True)
        yield from _merged(periods.series(query)).items()
        time.sleep(PAUSE_S)


def _merged(series: Series) -> dict[str, Sketch]:
    found: dict[str, Sketch] = {}
    for point in series.points:
        if point.period is None:
            continue
        waits = point.period.wait()
        if point.name in found:
            found[point.name].merge(waits)
        else:
            found[point.name] = waits
    return found


# What was spent -------------------------------------------------------------------------------


def _spent(
    periods: AggregateStore, until: datetime, budgets: Iterable[Budget]
) -> tuple[list[Recorded], datetime]:
    """What was spent of each, and from when on attempts are not in that yet."""
    # In whole minutes, since shorter ones are not counted up.
    end = until - timedelta(seconds=until.timestamp() % MINUTE_S)
    spent = []
    oldest = until
    for budget in budgets:
        begun = begun_at(budget.per, until)
        dimension = _DIMENSIONS[budget.scope.kind]
        series = periods.series(SeriesQuery(begun, end, DAY_S, dimension, (budget.scope.id,)))
        picos = sum(point.figures.cost_picos for point in series.points)
        spent.append(Recorded(begun, picos / PICOS_PER_USD))
        oldest = min(oldest, max(begun, min(end, series.complete_until)))
    return spent, oldest


def _add(
    spent: list[Recorded], budgets: Sequence[Budget], outcome: Outcome, counted_until: datetime
) -> None:
    """Count one that is too young for the periods: they hold an attempt where its request began."""
    made_s = made_at_s(outcome.decision_id)
    made = outcome.at if made_s is None else datetime.fromtimestamp(made_s, UTC)
    if made < counted_until or not outcome.cost_usd:
        return
    for place, budget in enumerate(budgets):
        if budget.scope in (EVERYTHING, Scope(ScopeKind.AGENT, outcome.agent_id)):
            begun, usd = spent[place]
            if outcome.at >= begun:
                spent[place] = Recorded(begun, usd + float(outcome.cost_usd))


def count_again(counts: Counts, lately: list[Outcome], now: Now) -> None:
    """Count what happened before this start as if it had been watched, in steps of ten seconds."""
    begun = now.at - timedelta(seconds=LONGEST_S)
    waiting: list[Outcome] = []
    step = 0
    for outcome in lately:
        its_step = int((outcome.at - begun).total_seconds() // STEP_S)
        if its_step > step:
            counts.fold(now.s - LONGEST_S + (step + 1) * STEP_S, waiting)
            waiting, step = [], its_step
        waiting.append(outcome)
    counts.fold(min(now.s, now.s - LONGEST_S + (step + 1) * STEP_S), waiting)
