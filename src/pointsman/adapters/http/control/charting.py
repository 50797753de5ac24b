"""Which calls of the control API tell how much happened when, and who did best or worst?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, NamedTuple

from litestar import get
from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation

from pointsman.adapters.http.control.bodies import Body
from pointsman.adapters.http.control.decision_pages import in_utc
from pointsman.adapters.http.control.source import ControlSource
from pointsman.core.aggregate import Dimension
from pointsman.core.errors import RequestError
from pointsman.core.period import Period
from pointsman.core.quantiles import Sketch
from pointsman.engine.history_ports import Figures, Point, SeriesQuery

MOST_POINTS = 1_500
MOST_MEMBERS = 100
LONGEST_S = 400 * 86_400

PICOS_PER_USD = 10**12
_UNITS_S = {"m": 60, "h": 3_600, "d": 86_400}
SPAN = r"^[1-9][0-9]{0,5}[mhd]$"

_STEPS = ((3 * 3_600, 60), (2 * 86_400, 600), (8 * 86_400, 3_600), (45 * 86_400, 21_600))
"""Up to which range, in seconds, which step is taken where none is asked for; beyond these a day.
So no chart has many more than 300 points."""

CHART = ("metric", "dimension", "range", "until", "step", "name")

Source = NamedDependency[SkipValidation[ControlSource]]
DimensionName = Literal["all", "model", "provider", "agent", "task_type", "strategy"]
Value = Callable[[Figures, Period], float | None]


class Metric(NamedTuple):
    """What can be drawn. `counts`: where nothing happened it is 0, otherwise it is unknown."""

    unit: str
    value: Value
    counts: bool = False
    latencies: bool = False


def _share(part: Callable[[Figures], int], of: Callable[[Figures], int]) -> Metric:
    return Metric("share", lambda f, _: part(f) / of(f) if of(f) else None)


def _quantile(sketch: Callable[[Period], Sketch], q: float) -> Metric:
    def value(_: Figures, period: Period) -> float | None:
        found = sketch(period).quantile(q)
        return None if found is None else 1000.0 * found

    return Metric("ms", value, latencies=True)


def _mean(_: Figures, period: Period) -> float | None:
    mean = period.total().mean
    return None if mean is None else 1000.0 * mean


def _count(value: Callable[[Figures], float], unit: str = "count") -> Metric:
    return Metric(unit, lambda f, _: value(f), counts=True)


METRICS: Mapping[str, Metric] = {
    "requests": _count(lambda f: f.decisions),
    "refused": _count(lambda f: f.refused),
    "explored": _count(lambda f: f.explored),
    "panics": _count(lambda f: f.panics),
    "fallbacks": _count(lambda f: f.fallbacks),
    "attempts": _count(lambda f: f.attempts),
    "successes": _count(lambda f: f.successes),
    "faults": _count(lambda f: f.faults),
    "unpriced": _count(lambda f: f.unpriced),
    "prompt_tokens": _count(lambda f: f.prompt_tokens, "tokens"),
    "completion_tokens": _count(lambda f: f.completion_tokens, "tokens"),
    "cached_tokens": _count(lambda f: f.cached_tokens, "tokens"),
    "cost_usd": _count(lambda f: f.cost_picos / PICOS_PER_USD, "usd"),
    "success_rate": _share(lambda f: f.successes, lambda f: f.successes + f.faults),
    "fallback_rate": _share(lambda f: f.fallbacks, lambda f: f.decisions),
    "cache_hit_rate": _share(lambda f: f.cached_tokens, lambda f: f.prompt_tokens),
    "score": Metric("0-100", lambda f, _: 100 * f.score_sum / f.scored if f.scored else None),
    "cost_per_success": Metric(
        "usd", lambda f, _: f.cost_picos / PICOS_PER_USD / f.successes if f.successes else None
    ),
    "latency_avg": Metric("ms", _mean, latencies=True),
    "latency_p50": _quantile(Period.total, 0.50),
    "latency_p95": _quantile(Period.total, 0.95),
    "latency_p99": _quantile(Period.total, 0.99),
    "first_token_p50": _quantile(lambda period: period.first_token, 0.50),
    "first_token_p95": _quantile(lambda period: period.first_token, 0.95),
    "first_token_p99": _quantile(lambda period: period.first_token, 0.99),
}


class SeriesBody(Body, frozen=True, kw_only=True):
    """Values of one member, one for each of `times`; null where there is none to tell."""

    name: str
    values: list[float | None]


class TimeseriesBody(Body, frozen=True, kw_only=True):
    """A chart. Requests count when they were made, in the step that begins at each of `times`.

    From `complete_until` on what happened is not all there yet: a minute is told when it is over.
    """

    success: bool = True
    metric: str
    unit: str
    dimension: str
    step_s: int
    complete_until: datetime
    times: list[datetime]
    series: list[SeriesBody]


class RankedBody(Body, frozen=True, kw_only=True):
    name: str
    value: float
    requests: int
    attempts: int


class RankingBody(Body, frozen=True, kw_only=True):
    """Who has most of something, or least, over a range; those without a value are left out."""

    success: bool = True
    metric: str
    unit: str
    dimension: str
    order: str
    complete_until: datetime
    ranking: list[RankedBody]


MetricName = Annotated[str, QueryParameter(description=f"One of: {', '.join(METRICS)}.")]
Span = Annotated[
    str, QueryParameter(pattern=SPAN, description="How far to look back, as `30m`, `24h` or `30d`.")
]
Step = Annotated[
    str | None,
    QueryParameter(pattern=SPAN, description="As `1m`, `1h` or `1d`; left out: by the range."),
]
Until = Annotated[
    datetime | None, QueryParameter(description="Where the range ends; left out: now.")
]
HowMany = Annotated[int, QueryParameter(ge=1, le=MOST_MEMBERS, description="How many at most.")]


async def wanted_members(
    *,
    name: Annotated[
        str | None, QueryParameter(max_length=512, description="Of this member only.")
    ] = None,
    versus: Annotated[
        str | None, QueryParameter(max_length=512, description="And of this one.")
    ] = None,
) -> tuple[str, ...]:
    return tuple(each for each in (name, versus) if each is not None)


@get("/timeseries", query_parameters=(*CHART, "versus", "limit"))
async def timeseries(
    source: Source,
    members: NamedDependency[SkipValidation[tuple[str, ...]]],
    *,
    metric: MetricName = "requests",
    dimension: Annotated[DimensionName, QueryParameter(description="By what.")] = "all",
    range: Span = "24h",  # noqa: A002 - the name that the query has
    until: Until = None,
    step: Step = None,
    limit: HowMany = 10,
) -> TimeseriesBody:
    """How a metric went over time: in total, or for the busiest members of a dimension."""
    wanted, end = metric_named(metric), end_of(until, source.now())
    query = series_query(
        wanted, dimension, end, seconds_of(range), None if step is None else seconds_of(step)
    )
    found = await source.series(query._replace(names=members, limit=limit))
    times = times_of(query)
    return TimeseriesBody(
        metric=metric,
        unit=wanted.unit,
        dimension=dimension,
        step_s=query.step_s,
        complete_until=found.complete_until,
        times=times,
        series=drawn(wanted, found.points, times),
    )


@get("/ranking", query_parameters=("metric", "dimension", "range", "until", "order", "limit"))
async def ranking(
    source: Source,
    *,
    metric: MetricName = "requests",
    dimension: Annotated[DimensionName, QueryParameter(description="Who is ranked.")] = "model",
    range: Span = "24h",  # noqa: A002 - the name that the query has
    until: Until = None,
    order: Annotated[
        Literal["most", "least"], QueryParameter(description="Who comes first.")
    ] = "most",
    limit: HowMany = 10,
) -> RankingBody:
    """Who has most of a metric over a range, or least: the busiest, slowest, dearest, worst."""
    wanted, end = metric_named(metric), end_of(until, source.now())
    query = series_query(wanted, dimension, end, seconds_of(range), None)
    found = await source.series(query._replace(limit=MOST_MEMBERS))
    rows = [_ranked(wanted, name, points) for name, points in by_name(found.points).items()]
    known = [row for row in rows if row is not None]
    known.sort(key=lambda row: (row.value, row.name), reverse=order == "most")
    return RankingBody(
        metric=metric,
        unit=wanted.unit,
        dimension=dimension,
        order=order,
        complete_until=found.complete_until,
        ranking=known[:limit],
    )


def metric_named(name: str) -> Metric:
    found = METRICS.get(name)
    if found is None:
        words = f"{name!r} is no metric; known are {', '.join(METRICS)}."
        raise RequestError(words, param="metric", code="invalid_value")
    return found


def seconds_of(span: str) -> int:
    return int(span[:-1]) * _UNITS_S[span[-1]]


def end_of(until: datetime | None, now: datetime) -> datetime:
    """What is ahead has not happened."""
    return now if until is None else min(in_utc(until), now)


def series_query(
    metric: Metric, dimension: str, end: datetime, range_s: int, step_s: int | None
) -> SeriesQuery:
    if range_s > LONGEST_S:
        words = f"'range' is {LONGEST_S // 86_400}d at most: nothing is kept for longer."
        raise RequestError(words, param="range", code="invalid_value")
    if step_s is None:
        step_s = next((step for longest, step in _STEPS if range_s <= longest), 86_400)
    if range_s > MOST_POINTS * step_s:
        words = f"This would be {range_s // step_s} points, {MOST_POINTS} are told at most."
        raise RequestError(words, param="step", code="invalid_value")
    try:
        start = end - timedelta(seconds=range_s)
    except OverflowError:
        words = f"until: {end.isoformat()} is long before anything was kept."
        raise RequestError(words, param="until", code="invalid_value") from None
    return SeriesQuery(start, end, step_s, Dimension(dimension), latencies=metric.latencies)


def times_of(query: SeriesQuery) -> list[datetime]:
    step_s = query.step_s
    first = int(query.start.timestamp()) // step_s * step_s
    last = int(query.end.timestamp())
    return [datetime.fromtimestamp(at, UTC) for at in range(first, last, step_s)]


def by_name(points: Sequence[Point]) -> dict[str, list[Point]]:
    found: dict[str, list[Point]] = {}
    for point in points:
        found.setdefault(point.name, []).append(point)
    return found


def drawn(metric: Metric, points: Sequence[Point], times: Sequence[datetime]) -> list[SeriesBody]:
    nothing = 0.0 if metric.counts else None
    found = []
    for name, own in by_name(points).items():
        values = {point.starts_at: metric.value(point.figures, period_of(point)) for point in own}
        found.append(SeriesBody(name=name, values=[values.get(at, nothing) for at in times]))
    return found


def period_of(point: Point) -> Period:
    return _NOTHING if point.period is None else point.period


def summed(points: Sequence[Point]) -> tuple[Figures, Period]:
    """What they come to together; there is one at least."""
    columns = zip(*(point.figures for point in points), strict=True)
    figures, period = Figures(*map(sum, columns)), Period()
    for point in points:
        period.merge(period_of(point))
    return figures, period


def _ranked(metric: Metric, name: str, points: Sequence[Point]) -> RankedBody | None:
    figures, period = summed(points)
    value = metric.value(figures, period)
    if value is None:
        return None
    return RankedBody(name=name, value=value, requests=figures.decisions, attempts=figures.attempts)


_NOTHING = Period()
