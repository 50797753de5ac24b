"""How does a decision with its explanation read in the control API?"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from pointsman.adapters.http.control.decision_bodies import (
    AttemptBody,
    CandidateBody,
    ChangeBody,
    CostState,
    CounterfactualBody,
    DecisionBody,
    DecisionSummary,
    EstimateBody,
    FeedbackBody,
    FootingBody,
    ReasonBody,
    RejectionBody,
    TaskBody,
    TermBody,
    UsageBody,
)
from pointsman.adapters.http.control.views import milliseconds, weights_body
from pointsman.core.counterfactual import Change, Counterfactual
from pointsman.core.decision import (
    Candidate,
    Decision,
    Estimate,
    Feedback,
    Outcome,
    Rejection,
    Task,
)
from pointsman.core.explanation import (
    change_words,
    counterfactual_words,
    evidence_words,
    weights_used,
)
from pointsman.core.fleet import Usage
from pointsman.core.footing import stood
from pointsman.core.rescoring import Quantity
from pointsman.engine.explain import Explained
from pointsman.engine.ports import StoredDecision

_UNITS: Mapping[Quantity, str] = MappingProxyType(
    {Quantity.LATENCY: "ms", Quantity.COST: "usd", Quantity.PRICE: "usd_per_mtok"}
)
"""Units other than shares."""


def decision_summary(stored: StoredDecision) -> DecisionSummary:
    return DecisionSummary(**_summary_fields(stored))


def decision_body(explanation: Explained, config_version: str) -> DecisionBody:
    """`config_version` is that of the configuration in force."""
    stored, reason, what_if = explanation
    decision, feedback = stored.decision, stored.feedback
    return DecisionBody(
        **_summary_fields(stored),
        propensity=decision.propensity,
        explored=decision.explored,
        band=None if decision.band is None else 100 * decision.band,
        weights=weights_body(weights_used(decision)),
        config_version=decision.config_version,
        config_is_current=decision.config_version == config_version,
        task=_task_body(decision.task),
        reason=ReasonBody(code=reason.code, words=reason.words, near_best=reason.near_best),
        assignment=_footing_body(decision),
        candidates=[_candidate_body(candidate) for candidate in decision.candidates],
        rejections=[_rejection_body(rejection) for rejection in decision.rejections],
        counterfactual=_counterfactual_body(decision, what_if) if what_if else None,
        outcomes=[_attempt_body(outcome) for outcome in stored.outcomes],
        feedback=feedback_body(feedback) if feedback else None,
        prompt_preview=decision.preview,
    )


def _footing_body(decision: Decision) -> FootingBody:
    code, words, model_id = stood(decision)
    return FootingBody(
        code=code, words=words, model_id=model_id, assignment_id=decision.assignment_id
    )


def feedback_body(feedback: Feedback) -> FeedbackBody:
    return FeedbackBody(
        model_id=feedback.model_id,
        timestamp=feedback.at,
        rating=feedback.rating,
        success=feedback.success,
        comment=feedback.comment,
    )


def _counterfactual_body(decision: Decision, what_if: Counterfactual) -> CounterfactualBody:
    stream = decision.task.stream
    changes = [_change_body(change, stream=stream) for change in what_if.changes]
    out = next((r for r in decision.rejections if r.model_id == what_if.model_id), None)
    return CounterfactualBody(
        model_id=what_if.model_id,
        standing=what_if.standing,
        score=_points(what_if.score),
        best_score=_points(what_if.best),
        words=counterfactual_words(decision, what_if),
        smallest=changes[0] if changes else None,
        changes=changes,
        rejection=_rejection_body(out) if out else None,
        if_able=what_if.if_able,
    )


def _change_body(change: Change, *, stream: bool) -> ChangeBody:
    quantity, now = change.quantity, change.now
    scale = 1000.0 if quantity is Quantity.LATENCY else 1.0
    return ChangeBody(
        quantity=quantity,
        unit=_UNITS.get(quantity, "share"),
        now=None if now is None else scale * now,
        needed=scale * change.needed,
        change_percent=100.0 * (change.needed / now - 1.0) if now else None,
        score=100 * change.candidate.score,
        words=change_words(change, stream=stream),
    )


def _summary_fields(stored: StoredDecision) -> dict[str, Any]:
    decision, outcomes = stored.decision, stored.outcomes
    last = outcomes[-1] if outcomes else None
    served = next((outcome for outcome in outcomes if outcome.failure is None), None)
    chosen = decision.chosen
    over = chosen is None or last is not None
    cost_usd, cost_state = _cost(stored.cost_usd)
    return {
        "decision_id": decision.id,
        "request_id": decision.request_id,
        "timestamp": decision.at,
        "agent_id": decision.agent_id,
        "session": decision.session,
        "asked_model": decision.asked_model,
        "strategy": decision.strategy,
        "task_type": decision.task.type,
        "model_id": chosen.model_id if chosen else None,
        "score": _points(chosen.score) if chosen else None,
        "served_model_id": served.model_id if served else None,
        "successful": served is not None if over else None,
        "failure": _failure(stored),
        "attempts": len(outcomes),
        "is_fallback": bool(served and chosen and served.model_id != chosen.model_id),
        "panic": decision.panic,
        "first_token_ms": milliseconds(served.first_token_s) if served else None,
        "latency_ms": 1000 * sum(o.total_s for o in outcomes) if outcomes else None,
        "cost_usd": cost_usd if over else None,
        "cost_state": cost_state if over else "pending",
    }


def _failure(stored: StoredDecision) -> str | None:
    """Why the request failed in the end, None when it was answered or is under way."""
    if stored.decision.chosen is None:
        return "no_eligible_model"
    failures = [outcome.failure for outcome in stored.outcomes]
    last = failures[-1] if failures else None
    return last.code if last and None not in failures else None


def _attempt_body(outcome: Outcome) -> AttemptBody:
    failure = outcome.failure
    cost_usd, cost_state = _cost(outcome.cost_usd)
    return AttemptBody(
        attempt=outcome.attempt,
        model_id=outcome.model_id,
        timestamp=outcome.at,
        successful=failure is None,
        failure=failure.code if failure else None,
        blames=failure.blames if failure else None,
        message=outcome.message,
        upstream_status=outcome.status,
        upstream_model=outcome.upstream_model,
        streamed=outcome.streamed,
        first_token_ms=milliseconds(outcome.first_token_s),
        latency_ms=1000 * outcome.total_s,
        usage=_usage_body(outcome.usage) if outcome.usage else None,
        cost_usd=cost_usd,
        cost_state=cost_state,
    )


def _candidate_body(candidate: Candidate) -> CandidateBody:
    return CandidateBody(
        model_id=candidate.model_id,
        score=100 * candidate.score,
        terms=[
            TermBody(
                name=term.name,
                value=100 * term.value,
                weight=100 * term.weight,
                detail=term.detail,
            )
            for term in candidate.terms
        ],
        estimate=_estimate_body(candidate.estimate) if candidate.estimate else None,
    )


def _estimate_body(estimate: Estimate) -> EstimateBody:
    return EstimateBody(
        success=estimate.success,
        reliability=estimate.reliability,
        quality=estimate.quality,
        latency_ms=milliseconds(estimate.latency_s),
        latency_budget_ms=milliseconds(estimate.budget_s),
        cost_usd=estimate.cost_usd,
        evidence=estimate.evidence,
        evidence_words=evidence_words(estimate),
        uncertainty=100 * estimate.uncertainty,
    )


def _rejection_body(rejection: Rejection) -> RejectionBody:
    code, words, retry_after_s = rejection.objection
    return RejectionBody(
        model_id=rejection.model_id,
        code=code,
        words=words,
        retry_after_ms=milliseconds(retry_after_s),
        score=_points(rejection.score),
    )


def _task_body(task: Task) -> TaskBody:
    return TaskBody(
        type=task.type,
        type_probability=task.type_probability,
        prompt_tokens=task.prompt_tokens,
        max_output_tokens=task.max_output_tokens,
        needs=sorted(task.needs),
        prefers=sorted(task.prefers),
        min_context_tokens=task.min_context,
        parameters=sorted(task.parameters),
        stream=task.stream,
        in_tool_loop=task.in_tool_loop,
        max_cost_usd=task.max_cost_usd,
    )


def _usage_body(usage: Usage) -> UsageBody:
    return UsageBody(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        cached_tokens=usage.cached_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        audio_tokens=usage.audio_tokens,
        estimated=usage.estimated,
    )


def _cost(cost_usd: Decimal | None) -> tuple[float | None, CostState]:
    return (None, "unknown") if cost_usd is None else (float(cost_usd), "known")


def _points(score: float | None) -> float | None:
    return None if score is None else 100 * score
