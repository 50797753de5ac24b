"""How does a value of the core read in the control API?"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pointsman.adapters.http.control.bodies import (
    AgentBody,
    AttemptBody,
    CandidateBody,
    CostState,
    DecisionBody,
    DecisionSummary,
    ModelBody,
    PriceBody,
    RejectionBody,
    SourceBody,
    TaskBody,
    TermBody,
    UsageBody,
    WeightsBody,
)
from pointsman.adapters.http.control.source import LiveModel
from pointsman.core.decision import Candidate, Outcome, Rejection, Task
from pointsman.core.fleet import Agent, Model, Price, PriceState, Rate, Usage, Weights
from pointsman.engine.ports import StoredDecision


def agent_body(agent: Agent) -> AgentBody:
    return AgentBody(
        agent_id=agent.id,
        name=agent.name or agent.id,
        kind=agent.kind,
        status=agent.status,
        required_capabilities=list(agent.requires),
        preferred_capabilities=list(agent.prefers),
        min_context_tokens=agent.min_context,
        task_types=list(agent.task_types),
        allowed_models=sorted(agent.allow),
        denied_models=sorted(agent.deny),
        pinned_model=agent.pinned,
        weights=_weights_body(agent.weights),
        latency_budget_ms=_ms(agent.latency_budget_s),
        explore=agent.explore,
        infer_task_type=agent.infer_type,
    )


def _weights_body(weights: Weights | None) -> WeightsBody | None:
    if weights is None:
        return None
    return WeightsBody(quality=weights.quality, latency=weights.latency, cost=weights.cost)


def model_body(model: Model, live: LiveModel) -> ModelBody:
    return ModelBody(
        model_id=model.id,
        provider=model.provider,
        upstream_name=model.upstream_name,
        display_name=model.display_name or model.id,
        profiled=model.profiled,
        strengths=dict(model.strengths),
        context_window_tokens=model.context_window,
        max_output_tokens=model.max_output_tokens,
        unsupported_parameters=sorted(model.unsupported),
        price=_price_body(model.price),
        sources={
            field: SourceBody(origin=source.origin, as_of=source.as_of or None)
            for field, source in model.sources.items()
        },
        circuit=live.circuit,
        in_flight=live.in_flight,
        max_in_flight=model.limits.max_in_flight,
        requests_per_min=model.limits.requests_per_min,
        tokens_per_min=model.limits.tokens_per_min,
        utilisation=live.utilisation,
        over_target=live.over_target,
        overloaded=live.utilisation is not None and live.utilisation >= 1.0,
    )


def decision_summary(stored: StoredDecision) -> DecisionSummary:
    return DecisionSummary(**_summary_fields(stored))


def decision_body(stored: StoredDecision) -> DecisionBody:
    decision = stored.decision
    return DecisionBody(
        **_summary_fields(stored),
        propensity=decision.propensity,
        config_version=decision.config_version,
        task=_task_body(decision.task),
        candidates=[_candidate_body(candidate) for candidate in decision.candidates],
        rejections=[_rejection_body(rejection) for rejection in decision.rejections],
        outcomes=[_attempt_body(outcome) for outcome in stored.outcomes],
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
        "score": 100 * chosen.score if chosen else None,
        "served_model_id": served.model_id if served else None,
        "successful": served is not None if over else None,
        "failure": _failure(stored),
        "attempts": len(outcomes),
        "is_fallback": bool(served and chosen and served.model_id != chosen.model_id),
        "panic": decision.panic,
        "first_token_ms": _ms(served.first_token_s) if served else None,
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
        first_token_ms=_ms(outcome.first_token_s),
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
            TermBody(name=term.name, value=100 * term.value, detail=term.detail)
            for term in candidate.terms
        ],
    )


def _rejection_body(rejection: Rejection) -> RejectionBody:
    code, words, retry_after_s = rejection.objection
    return RejectionBody(
        model_id=rejection.model_id, code=code, words=words, retry_after_ms=_ms(retry_after_s)
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


def _price_body(price: Price) -> PriceBody:
    known = price.state is PriceState.KNOWN
    return PriceBody(
        state=price.state,
        input_usd_per_mtok=_usd(price.input),
        output_usd_per_mtok=_usd(price.output),
        cached_input_usd_per_mtok=_usd(price.cached_input or price.input),
        cache_write_usd_per_mtok=_usd(price.cache_write or price.input),
        per_request_usd=float(price.per_request_usd) if known else None,
    )


def _usd(rate: Rate | None) -> float | None:
    return None if rate is None else float(rate.usd_per_mtok)


def _cost(cost_usd: Decimal | None) -> tuple[float | None, CostState]:
    return (None, "unknown") if cost_usd is None else (float(cost_usd), "known")


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else 1000 * seconds
