"""How does the course of the fleet read in the control API?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pointsman.adapters.http.control.bodies import StandingBody
from pointsman.adapters.http.control.explaining import decision_summary
from pointsman.adapters.http.control.history_views import history
from pointsman.adapters.http.control.history_views import standings as history_standings
from pointsman.adapters.http.control.landmarks import former_marks, marks, targets_body
from pointsman.adapters.http.control.overview_bodies import (
    AgentNameBody,
    CourseStepBody,
    FiguresBody,
    LiveModelBody,
    ModelCourseBody,
    OverviewBody,
)
from pointsman.adapters.http.control.overview_query import SCALE_OF, OverviewQuery, is_meant
from pointsman.adapters.http.control.source import ControlSource, LiveModel
from pointsman.core.aggregate import Dimension
from pointsman.core.fleet import Fleet, Model
from pointsman.engine.ports import DecisionQuery, StoredDecision
from pointsman.engine.timeline import Point, Scale, Timeline
from pointsman.engine.timeline_slots import Narrowing, Sums, agent_side, model_side

MOST_COURSES = 8
"""So many models have a course of their own; the others share one."""

MOST_STANDINGS = 200
LATEST_DECISIONS = 10
_LOOKED_THROUGH = 100
"""So many decisions are looked through for those of a kind of agent or of a provider."""


async def overview_body(
    source: ControlSource, wanted: OverviewQuery, since_s: float = 0.0, roster_of: str = ""
) -> OverviewBody:
    """The overview as it is now, with the points that were not over at `since_s`, and the agents of
    the configuration unless it is `roster_of`.

    A range that is longer than what is at hand is told as a whole. Raises `StoreError`.
    """
    fleet, whose = source.fleet(), wanted.narrowing(source.fleet())
    if wanted.range in SCALE_OF:
        scale = SCALE_OF[wanted.range]
        course = await _at_hand(source.timeline(), scale, whose, since_s)
        since = source.now() - timedelta(seconds=scale.length_s)
        course["marks"] = marks(source.alerts(), since)
    else:
        course = await _long(source, wanted)
    counted = source.counted()
    return OverviewBody(
        **course,
        timestamp=source.now(),
        range=wanted.range,
        targets=targets_body(source.alerts()),
        live=_live(source, fleet),
        roster=None if fleet.version == roster_of else _roster(fleet),
        decisions=[decision_summary(each) for each in await _latest(source, wanted, whose)],
        in_flight=counted.in_flight,
        config_version=fleet.version,
        ledger_failing_s=counted.failing_s,
    )


def _roster(fleet: Fleet) -> list[AgentNameBody]:
    return [
        AgentNameBody(agent_id=each.id, name=each.name or each.id, kind=each.kind)
        for each in fleet.agents.values()
    ]


async def _at_hand(
    timeline: Timeline, scale: Scale, whose: Narrowing, since_s: float
) -> dict[str, Any]:
    """The fields of an `OverviewBody` that are of its range."""
    await timeline.turn()
    present, span_s = await timeline.whole(scale, whose)
    past, past_s = await timeline.whole(scale, whose, before=True)
    points = await timeline.points(scale, whose, since_s)
    models = await timeline.by(scale, model_side, whose)
    agents = await timeline.by(scale, agent_side, whose)
    return {
        "range_s": scale.length_s,
        "step_s": scale.step_s,
        "known_since": timeline.since,
        "now": FiguresBody(**_figures(present, span_s)),
        "before": FiguresBody(**_figures(past, past_s)) if past_s >= scale.length_s else None,
        "points": [_point(point) for point in points],
        "courses": await _courses(timeline, scale, whose, models, since_s),
        "models": _standings(models),
        "agents": _standings(agents),
    }


async def _long(source: ControlSource, wanted: OverviewQuery) -> dict[str, Any]:
    """The same of a range that is read from the store."""
    found = (await history(source, wanted))._asdict()
    start = found.pop("start")
    end = start + timedelta(seconds=found["range_s"])
    return {
        **found,
        "known_since": start,
        "marks": await former_marks(source.alerts(), start, end),
    }


async def standings(
    source: ControlSource, wanted: OverviewQuery, dimension: Dimension
) -> dict[str, StandingBody]:
    """How each agent, or model, that is told apart did in the range, by id. Raises `StoreError`.

    Those that are not told apart go by `OTHER`.
    """
    if wanted.range not in SCALE_OF:
        found = await history_standings(source, wanted, dimension)
    else:
        timeline, whose = source.timeline(), wanted.narrowing(source.fleet())
        await timeline.turn()
        side = model_side if dimension is Dimension.MODEL else agent_side
        found = _standings(await timeline.by(SCALE_OF[wanted.range], side, whose), most=None)
    return {each.id: each for each in found}


def _figures(sums: Sums, span_s: float) -> dict[str, Any]:
    """The fields of a `FiguresBody`."""
    counts, latency = sums.period.counts, sums.period.total()
    p50, p95, p99 = (None, None, None)
    if latency.count:
        p50, p95, p99 = (1000 * value for value in latency.quantiles((0.5, 0.95, 0.99)))
    cost_usd = float(counts.cost_usd)
    return {
        "span_s": span_s,
        "requests": sums.requests,
        "requests_per_s": sums.requests / span_s if span_s else None,
        "success_rate": counts.success_rate,
        "fallback_rate": min(1.0, sums.fallbacks / sums.requests) if sums.requests else None,
        "failed_attempts": counts.faults,
        "p50_ms": p50,
        "p95_ms": p95,
        "p99_ms": p99,
        "cost_usd": cost_usd,
        "cost_usd_per_hour": 3600 * cost_usd / span_s if span_s else None,
        "unpriced_answers": counts.unpriced,
    }


def _point(point: Point) -> CourseStepBody:
    at = datetime.fromtimestamp(point.at_s, UTC)
    return CourseStepBody(at=at, **_figures(point.sums, point.lasted_s))


async def _courses(
    timeline: Timeline,
    scale: Scale,
    whose: Narrowing,
    models: Mapping[str, Sums],
    since_s: float,
) -> list[ModelCourseBody]:
    busiest = [name for name, _ in _by_attempts(models)]
    found = []
    for name in busiest[:MOST_COURSES]:
        narrowed = whose._replace(models=frozenset({name}))
        found.append(_course(name, await timeline.points(scale, narrowed, since_s)))
    others = frozenset(busiest[MOST_COURSES:])
    if others:
        points = await timeline.points(scale, whose._replace(models=others), since_s)
        found.append(_course(None, points))
    return found


def _course(model_id: str | None, points: Sequence[Point]) -> ModelCourseBody:
    figures = [_figures(point.sums, point.lasted_s) for point in points]
    return ModelCourseBody(
        model_id=model_id,
        requests_per_s=[
            point.sums.period.counts.attempts / point.lasted_s if point.lasted_s else None
            for point in points
        ],
        p95_ms=[each["p95_ms"] for each in figures],
    )


def _by_attempts(found: Mapping[str, Sums]) -> list[tuple[str, Sums]]:
    return sorted(found.items(), key=lambda each: (-each[1].period.counts.attempts, each[0]))


def _standings(found: Mapping[str, Sums], most: int | None = MOST_STANDINGS) -> list[StandingBody]:
    total = sum(sums.period.counts.attempts for sums in found.values())
    return [_standing(name, sums, total) for name, sums in _by_attempts(found)[:most]]


def _standing(name: str, sums: Sums, total: int) -> StandingBody:
    counts, latency = sums.period.counts, sums.period.total()
    return StandingBody(
        id=name,
        attempts=counts.attempts,
        share=counts.attempts / total if total else 0.0,
        success_rate=counts.success_rate,
        failed_attempts=counts.faults,
        p95_ms=1000 * latency.quantiles((0.95,))[0] if latency.count else None,
        cost_usd=float(counts.cost_usd),
    )


def _live(source: ControlSource, fleet: Fleet) -> list[LiveModelBody]:
    models = fleet.models.values()
    return [_live_model(model, source.live(model.id)) for model in models]


def _live_model(model: Model, live: LiveModel) -> LiveModelBody:
    return LiveModelBody(
        model_id=model.id,
        name=model.display_name or model.id,
        provider=model.provider,
        circuit=live.circuit,
        in_flight=live.in_flight,
        utilisation=live.utilisation,
        over_target=live.over_target,
        drained=live.drain is not None,
    )


async def _latest(
    source: ControlSource, wanted: OverviewQuery, whose: Narrowing
) -> list[StoredDecision]:
    """The last decisions. Where the store cannot tell by what they are chosen, it is done here."""
    many = wanted.kind is not None or wanted.provider is not None
    limit = _LOOKED_THROUGH if many else LATEST_DECISIONS
    query = DecisionQuery(limit, agent_id=wanted.agent_id, model_id=wanted.model_id)
    found = await source.decisions(query)
    return [each for each in found if is_meant(each, whose)][:LATEST_DECISIONS]
