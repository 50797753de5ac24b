"""Which calls tell what is usual at which hour, what was not, and what is ahead?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

from litestar import get
from litestar.params import QueryParameter

from pointsman.adapters.http.control.bodies import Body
from pointsman.adapters.http.control.charting import (
    CHART,
    DimensionName,
    HowMany,
    Metric,
    MetricName,
    Source,
    Span,
    Step,
    Until,
    by_name,
    drawn,
    end_of,
    metric_named,
    seconds_of,
    series_query,
    summed,
    times_of,
)
from pointsman.core.outlook import DAY_S, Course, Outlook, Trend, outlook
from pointsman.engine.history_ports import Point

HOUR_S = 3_600
HOURS = 24
MOST_AHEAD = 200
PART_AHEAD = 10

MOST: dict[str, float] = {"share": 1.0, "0-100": 100.0}
"""What values of a unit never exceed."""


class HeatRowBody(Body, frozen=True, kw_only=True):
    """One member: a value for each hour of the day, null where there is none to tell."""

    name: str
    requests: int
    values: list[float | None]


class HeatmapBody(Body, frozen=True, kw_only=True):
    """A metric by hour of the day, over all days of the range: of what happened in these hours
    together, and no mean of means. The busiest come first.
    """

    success: bool = True
    metric: str
    unit: str
    dimension: str
    utc_offset_min: int
    rows: list[HeatRowBody]


class TrendBody(Body, frozen=True, kw_only=True):
    """By how much a day it rises, between what that is 19 times of 20; `sure`: beyond doubt."""

    per_day: float
    low: float
    high: float
    sure: bool


class OutlookBody(Body, frozen=True, kw_only=True):
    """A course, what would have been usual at each of its `times`, and what is ahead.

    Values outside `low` and `high` are `unusual`, by their places. `season_s` is null, and so is
    all that is usual, where there are fewer than four days yet; `trend` is null, and nothing is
    ahead, where there are fewer than twelve values.
    """

    success: bool = True
    metric: str
    unit: str
    dimension: str
    name: str
    step_s: int
    season_s: int | None
    complete_until: datetime
    times: list[datetime]
    values: list[float | None]
    expected: list[float | None]
    low: list[float | None]
    high: list[float | None]
    unusual: list[int]
    trend: TrendBody | None
    ahead_times: list[datetime]
    ahead: list[float]
    ahead_low: list[float]
    ahead_high: list[float]


@get(
    "/heatmap",
    query_parameters=("metric", "dimension", "range", "until", "limit", "utc_offset_min"),
)
async def heatmap(
    source: Source,
    *,
    metric: MetricName = "requests",
    dimension: Annotated[DimensionName, QueryParameter(description="A row for each.")] = "model",
    range: Span = "7d",  # noqa: A002 - the name that the query has
    until: Until = None,
    limit: HowMany = 12,
    utc_offset_min: Annotated[
        int, QueryParameter(ge=-840, le=840, description="Whose hours: minutes east of Greenwich.")
    ] = 0,
) -> HeatmapBody:
    """At which hours of the day a metric is high or low, for each of the busiest."""
    wanted = metric_named(metric)
    end = end_of(until, source.now())
    query = series_query(wanted, dimension, end, seconds_of(range), HOUR_S)
    found = await source.series(query._replace(limit=limit))
    by_member = by_name(found.points).items()
    rows = [_heat_row(wanted, name, points, utc_offset_min) for name, points in by_member]
    rows.sort(key=lambda row: (-row.requests, row.name))
    return HeatmapBody(
        metric=metric,
        unit=wanted.unit,
        dimension=dimension,
        utc_offset_min=utc_offset_min,
        rows=rows,
    )


def _heat_row(
    metric: Metric, name: str, points: Sequence[Point], utc_offset_min: int
) -> HeatRowBody:
    hours: dict[int, list[Point]] = {}
    for point in points:
        local = point.starts_at + timedelta(minutes=utc_offset_min)
        hours.setdefault(local.hour, []).append(point)
    values = [0.0 if metric.counts else None] * HOURS
    for hour, those in hours.items():
        values[hour] = metric.value(*summed(those))
    requests = sum(point.figures.decisions for point in points)
    return HeatRowBody(name=name, requests=requests, values=values)


@get("/outlook", query_parameters=CHART)
async def outlook_call(
    source: Source,
    *,
    metric: MetricName = "requests",
    dimension: Annotated[DimensionName, QueryParameter(description="Of what.")] = "all",
    range: Span = "7d",  # noqa: A002 - the name that the query has
    until: Until = None,
    step: Step = None,
    name: Annotated[
        str | None,
        QueryParameter(max_length=512, description="Of this member; left out: of the busiest."),
    ] = None,
) -> OutlookBody:
    """What is usual of a metric at each time, what was not, and what is ahead if all goes on."""
    wanted, end = metric_named(metric), end_of(until, source.now())
    asked_s = None if step is None else seconds_of(step)
    query = series_query(wanted, dimension, end, seconds_of(range), asked_s)
    names = () if name is None else (name,)
    found = await source.series(query._replace(names=names, limit=1))
    step_s, known = query.step_s, found.complete_until
    times = [at for at in times_of(query) if at + timedelta(seconds=step_s) <= known]
    series = drawn(wanted, found.points, times)
    told = series[0].name if series else name or ""
    nothing: list[float | None] = [None] * len(times)
    values = _known(wanted, series[0].values) if series else nothing
    first_s = int(times[0].timestamp()) if times else 0
    course = Course(values, first_s, step_s, 0.0, MOST.get(wanted.unit, float("inf")))
    seen = outlook(course, _steps_ahead(len(times), step_s))
    return OutlookBody(
        metric=metric,
        unit=wanted.unit,
        dimension=dimension,
        name=told,
        step_s=step_s,
        season_s=seen.season_s,
        complete_until=known,
        times=times,
        values=values,
        trend=_trend_body(seen.trend),
        **_ranges(seen, times, step_s),
    )


def _known(metric: Metric, values: Sequence[float | None]) -> list[float | None]:
    """Before anything was counted for the first time, nothing is known rather than nought."""
    if not metric.counts:
        return list(values)
    first = next((place for place, value in enumerate(values) if value), len(values))
    return [None] * first + list(values[first:])


def _steps_ahead(count: int, step_s: int) -> int:
    """A day, and no more than a tenth of what is known where that is more."""
    a_day = max(1, DAY_S // step_s)
    return min(MOST_AHEAD, max(a_day if count >= a_day else 1, count // PART_AHEAD))


def _trend_body(trend: Trend | None) -> TrendBody | None:
    if trend is None:
        return None
    return TrendBody(per_day=trend.per_day, low=trend.low, high=trend.high, sure=trend.is_sure)


def _ranges(seen: Outlook, times: Sequence[datetime], step_s: int) -> dict[str, Any]:
    step = timedelta(seconds=step_s)
    return {
        "expected": [None if told is None else told.expected for told in seen.usual],
        "low": [None if told is None else told.low for told in seen.usual],
        "high": [None if told is None else told.high for told in seen.usual],
        "unusual": list(seen.unusual),
        "ahead_times": [times[-1] + step * (place + 1) for place, _ in enumerate(seen.ahead)],
        "ahead": [told.expected for told in seen.ahead],
        "ahead_low": [told.low for told in seen.ahead],
        "ahead_high": [told.high for told in seen.ahead],
    }
