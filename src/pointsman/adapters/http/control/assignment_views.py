"""How do assignments, plans and runs read in the control API?"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from pointsman.adapters.http.control.assignment_bodies import (
    AdviceBody,
    AlternativeBody,
    AssignmentBody,
    MovedBody,
    OptionBody,
    PlaceBody,
    PlanBody,
    PlannedBody,
    PointBody,
    RunBody,
    RunChangeBody,
    UnassignedBody,
    WhyThereBody,
)
from pointsman.adapters.http.control.bodies import Body
from pointsman.adapters.http.control.decision_bodies import TermBody
from pointsman.adapters.http.control.views import milliseconds
from pointsman.core.assignment.records import (
    Assignment,
    Change,
    Chosen,
    Figures,
    Means,
    Place,
    Run,
)
from pointsman.core.decision import Candidate
from pointsman.engine.ports import Clock
from pointsman.engine.solving import How, Placed, Shift, Solved
from pointsman.engine.steps import in_steps
from pointsman.engine.why_there import Option, WhyThere

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


def assignment_body(each: Assignment) -> AssignmentBody:
    match, said, usage = each.match, each.described, each.usage
    return AssignmentBody(
        assignment_id=each.id,
        agent_id=each.agent_id,
        agent_name=said.agent_name or each.agent_id,
        agent_kind=said.agent_kind,
        model_id=each.model_id,
        model_name=said.model_name or each.model_id,
        match_score=100.0 * match.score,
        capability_score=_points(match.capability),
        performance_score=_points(match.performance),
        performance_adjustment=100.0 * match.adjustment,
        has_performance_data=match.evidence > 0.0,
        evidence=match.evidence,
        capability_overlap=list(said.overlap),
        status=each.status,
        assignment_method=each.means,
        rank=each.rank,
        assigned_by=each.by,
        assigned_at=each.at,
        last_updated=each.changed_at,
        notes=each.notes,
        run_id=each.run_id,
        valid_until=each.until,
        trial_share=each.trial.share if each.trial else None,
        total_requests=usage.requests,
        successful_requests=usage.successes,
        failed_requests=usage.failures,
        success_rate=usage.success_rate,
        avg_latency_ms=milliseconds(usage.mean_latency_s),
        last_used_at=usage.last_at,
    )


def assignments_csv(assignments: Iterable[Assignment]) -> str:
    """A line each, under the names of the fields."""
    return _table(AssignmentBody, map(assignment_body, assignments))


def runs_csv(runs: Iterable[Run]) -> str:
    """A line each; who is unassigned by agent, a point of a front by its plan."""
    return _table(RunBody, map(run_body, runs))


def _table(kind: type[Body], bodies: Iterable[Body]) -> str:
    """As RFC 4180 has it. Lists are separated by blanks.

    Text that a spreadsheet would run as a formula begins with an apostrophe.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(kind.__struct_fields__)
    for body in bodies:
        writer.writerow([_cell(value) for value in msgspec.to_builtins(body).values()])
    return text.getvalue()


def _name(value: Any) -> Any:
    """What stands in a cell for a thing that has fields of its own."""
    return value.get("agent_id", value.get("plan_id")) if isinstance(value, dict) else value


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        value = [_name(each) for each in value]
        value = " ".join(value)
    value = _name(value)
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


async def plan_body(
    found: Solved, how: How, changed: int, *, run: Run | None, config_version: str, clock: Clock
) -> PlanBody:
    """`changed` agents have other places with the plan; `run` None: nothing was changed."""
    figures, advice = found.figures, found.advice
    return PlanBody(
        dry_run=run is None,
        plan_id=found.id,
        run_id=run.id if run else None,
        strategy=how,
        assignments=[_planned(placed) async for placed in in_steps(found.placed, clock.monotonic)],
        total_assignments=len(found.placed),
        avg_match_score=100.0 * figures.mean_score,
        usd_per_day=figures.usd_per_day,
        unpriced=list(found.unpriced),
        unassigned=_unassigned(figures),
        optimality_gap=figures.gap,
        moved=_moved(found.moved),
        broken_now=list(found.broken),
        changed_agents=changed,
        notes=list(figures.notes),
        point=_point(found.point) if found.point else None,
        points=[_point(point) for point in found.front],
        advice=AdviceBody(
            relaxations=list(advice.relaxations),
            hopeless=list(advice.hopeless),
            more_would_bring=list(advice.more_would_bring),
        )
        if advice
        else None,
        timestamp=clock.now(),
        config_version=config_version,
    )


def _planned(placed: Placed) -> PlannedBody:
    return PlannedBody(
        agent_id=placed.agent_id,
        agent_name=placed.agent_name,
        model_id=placed.model_id,
        model_name=placed.model_name,
        fallbacks=list(placed.models[1:]),
        assignment_method=Means.MANUAL if placed.by_hand else Means.AUTO,
        match_score=100.0 * placed.score,
        quality=100.0 * placed.quality,
        latency_ms=milliseconds(placed.latency_s),
        usd_per_day=placed.usd_per_day,
        evidence=_evidence(placed.candidate),
        terms=_terms(placed.candidate),
    )


def _moved(found: Sequence[Shift]) -> list[MovedBody]:
    return [
        MovedBody(
            agent_id=shift.agent_id,
            old_model_id=shift.source,
            new_model_id=shift.target,
            score_change=_points(shift.gain),
            latency_change_ms=milliseconds(shift.latency_s),
            usd_per_day_change=shift.usd_per_day,
        )
        for shift in found
    ]


def _point(point: Chosen) -> PointBody:
    return PointBody(
        plan_id=point.plan_id,
        quality=100.0 * point.quality,
        latency_ms=milliseconds(point.latency_s),
        usd_per_day=point.usd_per_day,
        knee=point.knee,
    )


def _unassigned(figures: Figures) -> list[UnassignedBody]:
    return [
        UnassignedBody(agent_id=agent_id, reasons=list(reasons))
        for agent_id, reasons in figures.unassigned
    ]


def run_body(run: Run) -> RunBody:
    plan, point = run.plan, run.point
    return RunBody(
        run_id=run.id,
        timestamp=run.at,
        kind=run.kind,
        state=run.state,
        settled_at=run.settled_at,
        decided_by=run.by,
        reason=run.reason,
        strategy=run.strategy,
        config_version=run.config_version,
        changed_agents=len(run.changes),
        moved_agents=len(run.moves),
        undoes=run.undoes,
        avg_match_score=100.0 * plan.mean_score if plan else None,
        usd_per_day=plan.usd_per_day if plan else None,
        optimality_gap=plan.gap if plan else None,
        unassigned=_unassigned(plan) if plan else [],
        notes=list(plan.notes) if plan else [],
        point=_point(point) if point else None,
    )


def run_change_body(change: Change) -> RunChangeBody:
    return RunChangeBody(
        agent_id=change.agent_id,
        old_model_id=change.source,
        new_model_id=change.target,
        score_change=_points(change.gain),
        before=[_place(place) for place in change.before],
        after=[_place(place) for place in change.after],
    )


def _place(place: Place) -> PlaceBody:
    return PlaceBody(
        model_id=place.model_id,
        status=place.status,
        assignment_method=place.means,
        rank=place.rank,
        notes=place.notes,
        valid_until=place.until,
        trial_share=place.trial.share if place.trial else None,
    )


def why_there_body(agent_id: str, why: WhyThere, in_force: Sequence[Assignment]) -> WhyThereBody:
    other = why.elsewhere
    return WhyThereBody(
        agent_id=agent_id,
        model_id=why.model_id,
        by_hand=why.by_hand,
        in_force=[assignment_body(each) for each in in_force],
        words=list(why.words),
        alternative=AlternativeBody(
            model_id=other.model_id,
            fleet_loss=100.0 * other.loss,
            left_out=other.left_out,
            others_moved=_moved(other.others),
        )
        if other
        else None,
        options=[_option(option) for option in why.options],
    )


def _option(option: Option) -> OptionBody:
    bar = option.bar
    return OptionBody(
        model_id=option.candidate.model_id,
        match_score=100.0 * option.score,
        usd_per_day=option.usd_per_day,
        latency_ms=milliseconds(option.latency_s),
        evidence=_evidence(option.candidate),
        terms=_terms(option.candidate),
        eligible=bar is None,
        code=bar.code.value if bar else None,
        objection=bar.words if bar else None,
        remedy=(bar.remedy or None) if bar else None,
        no_room_in=list(option.full),
    )


def _terms(candidate: Candidate) -> list[TermBody]:
    return [
        TermBody(
            name=term.name, value=100 * term.value, weight=100 * term.weight, detail=term.detail
        )
        for term in candidate.terms
    ]


def _evidence(candidate: Candidate) -> float:
    return 0.0 if candidate.estimate is None else candidate.estimate.evidence


def _points(score: float | None) -> float | None:
    return None if score is None else 100.0 * score
