"""What do the answers of the control API look like?

Here scores are 0 to 100, durations milliseconds, instants RFC 3339 in UTC and costs US dollars. A
cost is a number or null; `cost_state` says why it is null. Every field is always present.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

CostState = Literal["known", "unknown", "pending"]
LogLevel = Literal["debug", "info", "warning", "error"]


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """A JSON object."""


class WeightsBody(Body, frozen=True, kw_only=True):
    """What counts how much, in shares that sum to 1."""

    quality: float
    latency: float
    cost: float


class AgentBody(Body, frozen=True, kw_only=True):
    """`weights` are null where those of the strategy count, `latency_budget_ms` where the usual is
    taken. `explore`: its requests may be spent on learning; `infer_task_type`: a type that nobody
    says is inferred from the prompt.
    """

    agent_id: str
    name: str
    kind: str
    status: str
    required_capabilities: list[str]
    preferred_capabilities: list[str]
    min_context_tokens: int
    task_types: list[str]
    allowed_models: list[str]
    denied_models: list[str]
    pinned_model: str | None
    weights: WeightsBody | None
    latency_budget_ms: float | None
    explore: bool
    infer_task_type: bool


class AgentsBody(Body, frozen=True, kw_only=True):
    success: bool = True
    agents: list[AgentBody]
    total_count: int
    config_version: str


class OneAgentBody(Body, frozen=True, kw_only=True):
    success: bool = True
    agent: AgentBody


class PriceBody(Body, frozen=True, kw_only=True):
    """US dollars per million tokens before any step for long prompts; null unless `known`."""

    state: str
    input_usd_per_mtok: float | None
    output_usd_per_mtok: float | None
    cached_input_usd_per_mtok: float | None
    cache_write_usd_per_mtok: float | None
    per_request_usd: float | None


class SourceBody(Body, frozen=True, kw_only=True):
    origin: str
    as_of: str | None


class ModelBody(Body, frozen=True, kw_only=True):
    """`strengths` are in [0, 1]. `profiled` false: nothing is known of the model's capabilities.

    `utilisation` is the largest share of any limit that is used now, null without limits.
    `overloaded`: it takes no request now.
    """

    model_id: str
    provider: str
    upstream_name: str
    display_name: str
    profiled: bool
    strengths: dict[str, float]
    context_window_tokens: int | None
    max_output_tokens: int | None
    unsupported_parameters: list[str]
    price: PriceBody
    sources: dict[str, SourceBody]
    circuit: str
    in_flight: int
    max_in_flight: int | None
    requests_per_min: int | None
    tokens_per_min: int | None
    utilisation: float | None
    over_target: bool
    overloaded: bool


class ModelsBody(Body, frozen=True, kw_only=True):
    success: bool = True
    models: list[ModelBody]
    total_count: int
    config_version: str


class OneModelBody(Body, frozen=True, kw_only=True):
    success: bool = True
    model: ModelBody


class DecisionSummary(Body, frozen=True, kw_only=True):
    """`model_id` was chosen, `served_model_id` answered; `successful` is null while under way.

    `model_id` is null when no model could serve the request.
    """

    decision_id: str
    request_id: str
    timestamp: datetime
    agent_id: str
    session: str | None
    asked_model: str
    strategy: str
    task_type: str | None
    model_id: str | None
    score: float | None
    served_model_id: str | None
    successful: bool | None
    failure: str | None
    attempts: int
    is_fallback: bool
    panic: bool
    first_token_ms: float | None
    latency_ms: float | None
    cost_usd: float | None
    cost_state: CostState


class DecisionsBody(Body, frozen=True, kw_only=True):
    """Newest first. `next_cursor` is null on the last page."""

    success: bool = True
    decisions: list[DecisionSummary]
    count: int
    next_cursor: str | None


class TermBody(Body, frozen=True, kw_only=True):
    name: str
    value: float
    detail: str


class CandidateBody(Body, frozen=True, kw_only=True):
    """The values of the terms sum to the score."""

    model_id: str
    score: float
    terms: list[TermBody]


class RejectionBody(Body, frozen=True, kw_only=True):
    model_id: str
    code: str
    words: str
    retry_after_ms: float | None


class TaskBody(Body, frozen=True, kw_only=True):
    """`type_probability` is how sure a type is that was inferred from the prompt, in [0, 1]; null
    where it was said, or there is none.
    """

    type: str | None
    type_probability: float | None
    prompt_tokens: int
    max_output_tokens: int | None
    needs: list[str]
    prefers: list[str]
    min_context_tokens: int
    parameters: list[str]


class UsageBody(Body, frozen=True, kw_only=True):
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    audio_tokens: int
    estimated: bool


class AttemptBody(Body, frozen=True, kw_only=True):
    """`failure` is null when the answer was complete; `blames` says who has to react to it."""

    attempt: int
    model_id: str
    timestamp: datetime
    successful: bool
    failure: str | None
    blames: str | None
    message: str
    upstream_status: int | None
    upstream_model: str | None
    streamed: bool
    first_token_ms: float | None
    latency_ms: float
    usage: UsageBody | None
    cost_usd: float | None
    cost_state: CostState


class DecisionBody(DecisionSummary, frozen=True, kw_only=True):
    """`candidates` are in the order in which they were to be tried, the chosen one first."""

    propensity: float
    config_version: str
    task: TaskBody
    candidates: list[CandidateBody]
    rejections: list[RejectionBody]
    outcomes: list[AttemptBody]


class OneDecisionBody(Body, frozen=True, kw_only=True):
    success: bool = True
    decision: DecisionBody


class ConfigBody(Body, frozen=True, kw_only=True):
    """The effective configuration, secrets masked; `rejected` says why a later one is not used."""

    success: bool = True
    config_version: str
    config: Mapping[str, object]
    rejected: str | None = None


class LogLevelRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    level: LogLevel


class LogLevelBody(Body, frozen=True, kw_only=True):
    success: bool = True
    level: LogLevel
