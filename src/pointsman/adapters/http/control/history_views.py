"""How did the fleet do over hours and days? Read from the sums that the store keeps.

They are kept by agent and by model, never by both at once: what a choice of agents did on each
model is not known of so long ago, and is left empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from pointsman.adapters.http.control.bodies import StandingBody
from pointsman.adapters.http.control.overview_bodies import (
    CourseStepBody,
    FiguresBody,
    ModelCourseBody,
)
from pointsman.adapters.http.control.overview_query import LONG_RANGES, OverviewQuery
from pointsman.adapters.http.control.source import ControlSource
from pointsman.core.aggregate import Dimension
from pointsman.core.period import Period
from pointsman.engine.history_ports import Figures, Point, SeriesQuery
from pointsman.engine.timeline_slots import Narrowing

MOST_COURSES = 8
MOST_STANDINGS = 100
HOUR_S = 3_600
PICOS_PER_USD = 10**12

_STEPS_S = ((3 * HOUR_S, 60), (36 * HOUR_S, 600), (10 * 24 * HOUR_S, HOUR_S))
"""Up to which length, in seconds, which step is taken; beyond these a day."""


class Sum(NamedTuple):
    """What requests and their attempts came to."""

    figures: Figures
    period: Period


class History(NamedTuple):
    """The parts of an overview that are of a range; `before` is None where nothing is known."""

    start: datetime
    range_s: int
    step_s: int
    now: FiguresBody
    before: FiguresBody | None
    points: list[CourseStepBody]
    courses: list[ModelCourseBody]
    models: list[StandingBody]
    agents: list[StandingBody]


async def history(source: ControlSource, wanted: OverviewQuery) -> History:
    """What is known of a range that is longer than what is at hand. Raises `StoreError`."""
    now = source.now()
    start, end, step_s = _span(wanted, now, _kept(source))
    length = end - start
    earlier = length // timedelta(seconds=step_s) * timedelta(seconds=step_s)
    whose = wanted.narrowing(source.fleet())
    dimension, names = _meant(whose)
    query = SeriesQuery(start, end, step_s, dimension, names, latencies=True)
    found = await _points(source, query, whose)
    past = await _points(source, query._replace(start=start - earlier, end=start), whose)
    times = _times(start, end, step_s)
    models = await _members(source, query, Dimension.MODEL, whose.models, off=whose.agents)
    agents = await _members(source, query, Dimension.AGENT, whose.agents, off=whose.models)
    span_s = length.total_seconds()
    return History(
        start=start,
        range_s=int(span_s),
        step_s=step_s,
        now=FiguresBody(**_figures(_summed(found), span_s)),
        before=_before(past, start - earlier, earlier),
        points=_steps(found, times, step_s, end),
        courses=_courses(models, found, times, step_s),
        models=_standings(models),
        agents=_standings(agents),
    )


async def standings(
    source: ControlSource, wanted: OverviewQuery, dimension: Dimension
) -> list[StandingBody]:
    """How each of the busiest agents, or models, did in such a range. Raises `StoreError`."""
    start, end, step_s = _span(wanted, source.now(), _kept(source))
    whose = wanted.narrowing(source.fleet())
    names, off = whose.agents, whose.models
    if dimension is Dimension.MODEL:
        names, off = off, names
    query = SeriesQuery(start, end, step_s, latencies=True)
    return _standings(await _members(source, query, dimension, names, off=off))


def _before(past: Sequence[Point], start: datetime, length: timedelta) -> FiguresBody | None:
    """The stretch before; None where nothing happened in its first tenth: it was hardly there."""
    if not any(point.starts_at < start + length / 10 for point in past):
        return None
    return FiguresBody(**_figures(_summed(past), length.total_seconds()))


class _Kept(NamedTuple):
    """For how many days sums of minutes, and of hours, are kept; those of days for years."""

    minutes_days: int = 7
    hours_days: int = 90


def _kept(source: ControlSource) -> _Kept:
    said = source.config().settings.get("store")
    usual = _Kept()
    if not isinstance(said, Mapping):
        return usual
    return _Kept(
        said.get("keep_minutes_days", usual.minutes_days),
        said.get("keep_hours_days", usual.hours_days),
    )


def _span(wanted: OverviewQuery, now: datetime, kept: _Kept) -> tuple[datetime, datetime, int]:
    """From when until when, and the step. It begins with a whole step, so that none is cut.

    A step is one that is still kept of what lies so far back.
    """
    if wanted.start is not None and wanted.end is not None:
        start, end = wanted.start.astimezone(UTC), min(wanted.end.astimezone(UTC), now)
    else:
        start, end = now - LONG_RANGES[wanted.range], now
    length_s = (end - start).total_seconds()
    step_s = next((step for longest, step in _STEPS_S if length_s <= longest), 24 * HOUR_S)
    age = now - start
    if age > timedelta(days=kept.minutes_days) - timedelta(hours=1):
        step_s = max(step_s, HOUR_S)
    if age > timedelta(days=kept.hours_days) - timedelta(days=1):
        step_s = 24 * HOUR_S
    begins_s = int(start.timestamp()) // step_s * step_s
    start = datetime.fromtimestamp(begins_s, UTC)
    return start, max(end, start + timedelta(seconds=step_s)), step_s


def _meant(whose: Narrowing) -> tuple[Dimension, tuple[str, ...]]:
    if whose.models is not None:
        return Dimension.MODEL, tuple(sorted(whose.models))
    if whose.agents is not None:
        return Dimension.AGENT, tuple(sorted(whose.agents))
    return Dimension.ALL, ()


async def _points(source: ControlSource, query: SeriesQuery, whose: Narrowing) -> Sequence[Point]:
    """All points of those who are meant; none where that is nobody."""
    if (whose.models is not None or whose.agents is not None) and not query.names:
        return ()
    return (await source.series(query)).points


async def _members(
    source: ControlSource,
    query: SeriesQuery,
    dimension: Dimension,
    names: frozenset[str] | None,
    *,
    off: frozenset[str] | None,
) -> dict[str, list[Point]]:
    """The points of each model or agent that is meant, the busiest first.

    None where a choice of the other side (`off`) is looked at.
    """
    if off is not None or (names is not None and not names):
        return {}
    asked = query._replace(
        dimension=dimension, names=tuple(sorted(names or ())), limit=MOST_STANDINGS
    )
    found: dict[str, list[Point]] = {}
    for point in (await source.series(asked)).points:
        found.setdefault(point.name, []).append(point)
    ranked = sorted(found.items(), key=lambda each: (-_attempts(each[1]), each[0]))
    return dict(ranked[:MOST_STANDINGS])


def _attempts(points: Iterable[Point]) -> int:
    return sum(point.figures.attempts for point in points)


def _summed(points: Sequence[Point]) -> Sum:
    if not points:
        return Sum(Figures(), Period())
    columns: Any = map(sum, zip(*(point.figures for point in points), strict=True))
    period = Period()
    for point in points:
        if point.period is not None:
            period.merge(point.period)
    return Sum(Figures(*columns), period)


def _times(start: datetime, end: datetime, step_s: int) -> list[datetime]:
    first, last = int(start.timestamp()), int(end.timestamp())
    return [datetime.fromtimestamp(at, UTC) for at in range(first, last, step_s)]


def _figures(found: Sum, span_s: float) -> dict[str, Any]:
    """The fields of a `FiguresBody`."""
    figures, latency = found.figures, found.period.total()
    p50, p95, p99 = (None, None, None)
    if latency.count:
        p50, p95, p99 = (1000 * value for value in latency.quantiles((0.5, 0.95, 0.99)))
    judged = figures.successes + figures.faults
    cost_usd = figures.cost_picos / PICOS_PER_USD
    return {
        "span_s": span_s,
        "requests": figures.decisions,
        "requests_per_s": figures.decisions / span_s,
        "success_rate": figures.successes / judged if judged else None,
        "fallback_rate": figures.fallbacks / figures.decisions if figures.decisions else None,
        "failed_attempts": figures.faults,
        "p50_ms": p50,
        "p95_ms": p95,
        "p99_ms": p99,
        "cost_usd": cost_usd,
        "cost_usd_per_hour": HOUR_S * cost_usd / span_s,
        "unpriced_answers": figures.unpriced,
    }


def _steps(
    points: Sequence[Point], times: Sequence[datetime], step_s: int, end: datetime
) -> list[CourseStepBody]:
    by_time: dict[datetime, list[Point]] = {}
    for point in points:
        by_time.setdefault(point.starts_at, []).append(point)
    return [
        CourseStepBody(
            at=at,
            **_figures(
                _summed(by_time.get(at, ())), min(step_s, max(1.0, (end - at).total_seconds()))
            ),
        )
        for at in times
    ]


def _courses(
    models: dict[str, list[Point]],
    everything: Sequence[Point],
    times: Sequence[datetime],
    step_s: int,
) -> list[ModelCourseBody]:
    """Those of the busiest models, and what all others did together."""
    told = list(models.items())[:MOST_COURSES]
    courses = [_course(name, points, times, step_s) for name, points in told]
    if len(models) <= MOST_COURSES:
        return courses
    left = dict.fromkeys(times, 0)
    for point in everything:
        left[point.starts_at] = left.get(point.starts_at, 0) + point.figures.attempts
    for _, points in told:
        for point in points:
            left[point.starts_at] = left.get(point.starts_at, 0) - point.figures.attempts
    rates: list[float | None] = [max(0, left[at]) / step_s for at in times]
    return [
        *courses,
        ModelCourseBody(model_id=None, requests_per_s=rates, p95_ms=[None] * len(times)),
    ]


def _course(
    name: str, points: Sequence[Point], times: Sequence[datetime], step_s: int
) -> ModelCourseBody:
    by_time = {point.starts_at: point for point in points}
    rates: list[float | None] = []
    p95: list[float | None] = []
    for at in times:
        point = by_time.get(at)
        rates.append(point.figures.attempts / step_s if point else 0.0)
        value = point.period.total().quantile(0.95) if point and point.period else None
        p95.append(None if value is None else 1000 * value)
    return ModelCourseBody(model_id=name, requests_per_s=rates, p95_ms=p95)


def _standings(members: dict[str, list[Point]]) -> list[StandingBody]:
    total = sum(map(_attempts, members.values()))
    return [_standing(name, _summed(points), total) for name, points in members.items()]


def _standing(name: str, found: Sum, total: int) -> StandingBody:
    figures = found.figures
    told = _figures(found, 1.0)
    return StandingBody(
        id=name,
        attempts=figures.attempts,
        share=figures.attempts / total if total else 0.0,
        success_rate=told["success_rate"],
        failed_attempts=figures.faults,
        p95_ms=told["p95_ms"],
        cost_usd=told["cost_usd"],
    )
