"""How do assignments, plans and runs read in the control API?"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
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
from pointsman.adapters.http.control.decision_bodies import TermBody
from pointsman.adapters.http.control.views import milliseconds
from pointsman.core.assignment.easing import words_of_easing
from pointsman.core.assignment.explanation import Alternative
from pointsman.core.assignment.pareto import Point
from pointsman.core.assignment.problem import Problem
from pointsman.core.assignment.records import Assignment, Change, Means, Place, Run
from pointsman.core.assignment.shadow import words_of_shadow
from pointsman.core.assignment.stability import Move, moves
from pointsman.core.decision import Candidate
from pointsman.engine.assign import Stated
from pointsman.engine.solving import How, Solved, plan_id
from pointsman.engine.why_there import Advice, Option, WhyThere

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
    """A line each, under the names of the fields (RFC 4180). Lists are separated by blanks.

    Text that a spreadsheet would run as a formula begins with an apostrophe.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(AssignmentBody.__struct_fields__)
    for each in assignments:
        fields = msgspec.to_builtins(assignment_body(each))
        writer.writerow([_cell(value) for value in fields.values()])
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        value = " ".join(value)
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def plan_body(
    found: Solved,
    how: How,
    changes: Sequence[Change],
    *,
    run: Run | None,
    at: datetime,
    config_version: str,
    advice: Advice | None = None,
) -> PlanBody:
    """`run` None: nothing was changed."""
    stated, plan = found.stated, found.plan
    return PlanBody(
        dry_run=run is None,
        plan_id=found.id,
        run_id=run.id if run else None,
        strategy=how,
        assignments=list(_planned(found)),
        total_assignments=plan.placed,
        avg_match_score=100.0 * plan.mean_score,
        usd_per_day=plan.usd_per_day,
        unpriced=[stated.agents[agent].id for agent in plan.unpriced],
        unassigned=[
            UnassignedBody(agent_id=stated.agents[left.agent].id, reasons=list(left.reasons))
            for left in plan.unplaced
        ],
        optimality_gap=plan.gap,
        moved=_moved(stated, moves(stated.problem, _standing(stated.problem), plan.chosen)),
        changed_agents=len(changes),
        notes=list(plan.notes),
        point=_point(stated, found.point) if found.point else None,
        points=[_point(stated, point) for point in found.front],
        advice=_advice(stated, advice) if advice else None,
        timestamp=at,
        config_version=config_version,
    )


def _planned(found: Solved) -> Iterator[PlannedBody]:
    stated, problem, models = found.stated, found.stated.problem, found.models_of()
    for number, model in enumerate(found.plan.chosen):
        if model is None:
            continue
        agent, candidate = stated.agents[number], stated.candidates[number][model]
        by_hand = problem.agents[number].manual is not None
        yield PlannedBody(
            agent_id=agent.id,
            agent_name=agent.name or agent.id,
            model_id=stated.models[model].id,
            model_name=stated.models[model].display_name or stated.models[model].id,
            fallbacks=list(models[agent.id][1:]),
            assignment_method=Means.MANUAL if by_hand else Means.AUTO,
            match_score=100.0 * problem.scores[number][model],
            quality=100.0 * problem.expected.quality[number][model],
            latency_ms=milliseconds(problem.expected.latency_s[number][model]),
            usd_per_day=problem.usd_per_day(number, model),
            evidence=_evidence(candidate),
            terms=_terms(candidate),
        )


def _standing(problem: Problem) -> list[int | None]:
    return [agent.current for agent in problem.agents]


def _moved(stated: Stated, found: Sequence[Move]) -> list[MovedBody]:
    problem, latency = stated.problem, stated.problem.expected.latency_s

    def usd(agent: int, model: int | None) -> float | None:
        return 0.0 if model is None else problem.usd_per_day(agent, model)

    return [
        MovedBody(
            agent_id=stated.agents[move.agent].id,
            old_model_id=_name(stated, move.source),
            new_model_id=_name(stated, move.target),
            score_change=_points(move.gain),
            latency_change_ms=milliseconds(
                _less(_at(latency[move.agent], move.target), _at(latency[move.agent], move.source))
            ),
            usd_per_day_change=_less(usd(move.agent, move.target), usd(move.agent, move.source)),
        )
        for move in found
    ]


def _at(row: Sequence[float | None], model: int | None) -> float | None:
    return None if model is None else row[model]


def _less(new: float | None, old: float | None) -> float | None:
    return None if new is None or old is None else new - old


def _name(stated: Stated, model: int | None) -> str | None:
    return None if model is None else stated.models[model].id


def _point(stated: Stated, point: Point) -> PointBody:
    timed = any(s is not None for row in stated.problem.expected.latency_s for s in row)
    return PointBody(
        plan_id=plan_id(stated, point.plan),
        quality=100.0 * point.quality,
        latency_ms=1000.0 * point.latency_s if timed else None,
        usd_per_day=point.usd_per_day,
        knee=point.knee,
    )


def _advice(stated: Stated, given: Advice) -> AdviceBody:
    eased = given.relaxation
    return AdviceBody(
        relaxations=[words_of_easing(stated.problem, each) for each in eased.easings]
        if eased
        else [],
        hopeless=[stated.agents[agent].id for agent in eased.hopeless] if eased else [],
        more_would_bring=[words_of_shadow(stated.problem, each) for each in given.shadows],
    )


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
        unassigned=[
            UnassignedBody(agent_id=agent_id, reasons=list(reasons))
            for agent_id, reasons in (plan.unassigned if plan else ())
        ],
        notes=list(plan.notes) if plan else [],
        point=PointBody(
            plan_id=point.plan_id,
            quality=100.0 * point.quality,
            latency_ms=milliseconds(point.latency_s),
            usd_per_day=point.usd_per_day,
            knee=point.knee,
        )
        if point
        else None,
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


def why_there_body(
    stated: Stated, agent_id: str, why: WhyThere, in_force: Sequence[Assignment]
) -> WhyThereBody:
    said = why.explanation
    return WhyThereBody(
        agent_id=agent_id,
        model_id=_name(stated, said.model),
        by_hand=said.by_hand,
        in_force=[assignment_body(each) for each in in_force],
        words=list(why.words),
        alternative=_alternative(stated, said.alternative) if said.alternative else None,
        options=[_option(option) for option in why.options],
    )


def _alternative(stated: Stated, other: Alternative) -> AlternativeBody:
    return AlternativeBody(
        model_id=stated.models[other.model].id,
        fleet_loss=100.0 * other.loss,
        left_out=other.left_out,
        others_moved=_moved(stated, other.others),
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
