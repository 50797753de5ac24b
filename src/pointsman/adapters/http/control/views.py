"""How does a value of the core read in the control API?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pointsman.adapters.http.control.bodies import (
    AgentBody,
    DrainBody,
    LeftAloneBody,
    ModelBody,
    PriceBody,
    SourceBody,
    StandingBody,
    StandsOnBody,
    WeightsBody,
)
from pointsman.adapters.http.control.source import LiveModel
from pointsman.core.assignment.records import Assignment
from pointsman.core.fleet import Agent, Model, Price, PriceState, Rate, Weights
from pointsman.engine.drains import Drain


def agent_body(
    agent: Agent,
    added: Mapping[str, Any] | None,
    stands: Assignment | None,
    did: StandingBody | None = None,
) -> AgentBody:
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
        weights=weights_body(agent.weights),
        latency_budget_ms=milliseconds(agent.latency_budget_s),
        explore=agent.explore,
        infer_task_type=agent.infer_type,
        stands_on=None if stands is None else _stands_on_body(stands),
        did=did,
        added=added,
    )


def _stands_on_body(each: Assignment) -> StandsOnBody:
    return StandsOnBody(
        assignment_id=each.id,
        model_id=each.model_id,
        model_name=each.described.model_name or each.model_id,
        match_score=100.0 * each.match.score,
        assignment_method=each.means,
        assigned_by=each.by,
        assigned_at=each.at,
        valid_until=each.until,
    )


def weights_body(weights: Weights | None) -> WeightsBody | None:
    if weights is None:
        return None
    return WeightsBody(quality=weights.quality, latency=weights.latency, cost=weights.cost)


def model_body(
    model: Model,
    live: LiveModel,
    added: Mapping[str, Any] | None,
    did: StandingBody | None = None,
) -> ModelBody:
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
        left_alone=_left_alone_body(live),
        drain=None if live.drain is None else drain_body(model.id, live.drain),
        did=did,
        added=added,
    )


def drain_body(model_id: str, drain: Drain) -> DrainBody:
    return DrainBody(model_id=model_id, since=drain.at, drained_by=drain.by, reason=drain.reason)


def _left_alone_body(live: LiveModel) -> LeftAloneBody | None:
    if not live.left_alone:
        return None
    return LeftAloneBody(reason=live.left_alone, for_s=live.left_alone_s)


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


def milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else 1000 * seconds
