"""What do the answers of the control API look like?

Here scores are 0 to 100, durations milliseconds, instants RFC 3339 in UTC and costs US dollars. A
cost is a number or null; `cost_state` says why it is null. Every field is always present.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

LogLevel = Literal["debug", "info", "warning", "error"]


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """A JSON object."""


class WeightsBody(Body, frozen=True, kw_only=True):
    """What counts how much, in shares that sum to 1."""

    quality: float
    latency: float
    cost: float


class StandingBody(Body, frozen=True, kw_only=True):
    """How one agent or model did in the range. `share` is its part of all attempts, in [0, 1]."""

    id: str
    attempts: int
    share: float
    success_rate: float | None
    failed_attempts: int
    p95_ms: float | None
    cost_usd: float


class StandsOnBody(Body, frozen=True, kw_only=True):
    """The model that an agent stands on; see `AssignmentBody`."""

    assignment_id: str
    model_id: str
    model_name: str
    match_score: float
    assignment_method: str
    assigned_by: str
    assigned_at: datetime
    valid_until: datetime | None


class AgentBody(Body, frozen=True, kw_only=True):
    """`weights` are null where those of the strategy count, `latency_budget_ms` where the usual is
    taken. `explore`: its requests may be spent on learning; `infer_task_type`: a type that nobody
    says is inferred from the prompt. `stands_on` is null where a model is chosen for each request.
    `did` is null where no `range` was asked for, and where the agent did nothing in it, or is not
    told apart from others. `added` is the document of one that was added here, null for one of the
    configuration.
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
    stands_on: StandsOnBody | None
    did: StandingBody | None = None
    added: Mapping[str, object] | None = None


class AgentsBody(Body, frozen=True, kw_only=True):
    """`told_apart`: every agent that did anything in the range has its own `did`; where very many
    are busy at once the rest of them are counted as one.
    """

    success: bool = True
    agents: list[AgentBody]
    total_count: int
    config_version: str
    told_apart: bool = True


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


class DrainBody(Body, frozen=True, kw_only=True):
    """Since when a model is out of service, by whose key, and why in their own words."""

    model_id: str
    since: datetime
    drained_by: str
    reason: str


class LeftAloneBody(Body, frozen=True, kw_only=True):
    """Why no request is sent to a model now, in words, and for how many seconds more."""

    reason: str
    for_s: float


class ModelBody(Body, frozen=True, kw_only=True):
    """`strengths` are in [0, 1]. `profiled` false: nothing is known of the model's capabilities.

    `utilisation` is the largest share of any limit that is used now, null without limits.
    `overloaded`: it takes no request now. `left_alone` is null unless it rests, because its breaker
    is open or its provider has refused. `drain` is null where nobody has drained it. `did` is
    null where no `range` was asked for, and where it was asked nothing in it. `added` is the
    document of one that was added here, null for one of the configuration.
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
    left_alone: LeftAloneBody | None
    drain: DrainBody | None
    did: StandingBody | None = None
    added: Mapping[str, object] | None = None


class ModelsBody(Body, frozen=True, kw_only=True):
    success: bool = True
    models: list[ModelBody]
    total_count: int
    config_version: str


class OneModelBody(Body, frozen=True, kw_only=True):
    success: bool = True
    model: ModelBody


class OriginBody(Body, frozen=True, kw_only=True):
    """`origin` is file, environment, command_line, api or built_in. `line` is that of the file,
    null elsewhere; `variables` are the names of the environment variables that the value was taken
    from.
    """

    origin: str
    line: int | None
    variables: list[str]


class ConfigBody(Body, frozen=True, kw_only=True):
    """The effective configuration, secrets masked, with what the command line and the API say in
    place of the file; `rejected` says why a later one is not used.

    `origins` says of each value that is no default where it comes from, by its path as
    `routing.band` or `agents.coder.requires[0]`; `source` names the file.
    """

    success: bool = True
    config_version: str
    config: Mapping[str, object]
    source: str
    origins: dict[str, OriginBody]
    rejected: str | None = None


class LogLevelRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    level: LogLevel


class LogLevelBody(Body, frozen=True, kw_only=True):
    success: bool = True
    level: LogLevel
