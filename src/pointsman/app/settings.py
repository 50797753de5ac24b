"""What may stand in the configuration file, and what holds when it does not?

These models are the schema: `schema()` publishes them for editors, and every description teaches.
Defaults of routing come from the policies that use them, so that there is one place for each.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from pointsman.adapters.http.bounds import EdgeLimits
from pointsman.app.alerting import AlertsEntry
from pointsman.app.keeping import StoreEntry
from pointsman.app.planning import AssignmentEntry, DutyEntry, LoadEntry
from pointsman.app.secrets import Secret
from pointsman.app.section import (
    SHA256_PATTERN,
    AgentId,
    Alias,
    Capability,
    ModelId,
    ProviderName,
    Seconds,
    Section,
    Share,
    Tokens,
    Words,
)
from pointsman.app.telemetry import TelemetryEntry
from pointsman.app.upstreams import ModelEntry, ProviderEntry
from pointsman.core.admission import BreakerPolicy
from pointsman.core.exploration import MOST as MOST_EXPLORED
from pointsman.core.fleet import Agent
from pointsman.engine.policy import Policy, RetryPolicy, Timeouts

Port = Annotated[int, Field(ge=0, le=65_535)]
Bytes = Annotated[int, Field(ge=1024, le=1_073_741_824)]
Patience = Annotated[float, Field(ge=0, le=3600)]


class ServerEntry(Section):
    host: Annotated[str, StringConstraints(min_length=1, max_length=253)] = Field(
        "127.0.0.1", description="Address to listen on. Beyond this machine, `keys` are required."
    )
    port: Port = Field(8080, description="Port to listen on; 0 takes any free one.")
    data_dir: Annotated[str, StringConstraints(min_length=1)] | None = Field(
        None,
        description="Where decisions are kept. Left out: $XDG_DATA_HOME/pointsman, "
        "or ~/.local/share/pointsman.",
    )
    keep_decisions_days: Annotated[int, Field(ge=1, le=36_500)] = Field(
        30, description="For how many days decisions and their outcomes are kept."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least severity that is logged."
    )
    log_format: Literal["auto", "console", "json"] = Field(
        "auto", description="`auto` writes for people on a terminal and JSON elsewhere."
    )
    shutdown_grace_s: Patience = Field(
        10.0,
        description="How long it may take from a stop signal until the process has ended. Requests "
        "may finish meanwhile, but for the last fifth, 2 s at most: then what happened is written.",
    )


class TimeoutEntry(Section):
    connect_s: Seconds = Field(Timeouts().connect_s, description="Longest wait for a connection.")
    first_token_s: Seconds = Field(
        Timeouts().first_token_s,
        description="Longest wait for the first usable chunk of a stream.",
    )
    between_tokens_s: Seconds = Field(
        Timeouts().between_tokens_s, description="Longest pause between chunks."
    )
    total_s: Seconds = Field(
        Timeouts().total_s, description="Longest duration of one attempt, streamed or not."
    )


class BreakerEntry(Section):
    failures: Annotated[int, Field(ge=1, le=10_000)] = Field(
        BreakerPolicy().failures, description="So many failures in a row open it."
    )
    ratio: Annotated[float, Field(gt=0, le=1)] = Field(
        BreakerPolicy().ratio, description="This share of failures in the window opens it."
    )
    window: Annotated[int, Field(ge=2, le=10_000)] = Field(
        BreakerPolicy().window, description="How many recent attempts the share is taken of."
    )
    open_s: Seconds = Field(BreakerPolicy().open_s, description="How long it first stays open.")
    max_open_s: Seconds = Field(
        BreakerPolicy().max_open_s, description="How long it stays open at most."
    )

    @model_validator(mode="after")
    def _opens_no_longer_than_at_most(self) -> BreakerEntry:
        if self.open_s > self.max_open_s:
            raise ValueError("open_s must not exceed max_open_s")
        return self


class RoutingEntry(Section):
    strategy: Literal["balanced", "speed", "quality", "cost"] = Field(
        Policy().strategy.value, description="What a request weighs most when it does not say."
    )
    scoring: Literal["posterior", "classic", "capability"] = Field(
        Policy().scoring.value,
        description="By what models are scored: `posterior` by what is declared and what was seen "
        "lately, `classic` by lifetime averages, `capability` by what is declared alone.",
    )
    exploration: Annotated[float, Field(ge=0, le=MOST_EXPLORED)] = Field(
        Policy().exploration.share,
        description="Largest share of requests that may be spent on learning about a model; 0: "
        "none. Only `posterior` asks for any.",
    )
    band: Share = Field(
        Policy().band, description="How far below the best score a model still shares its load."
    )
    max_attempts: Annotated[int, Field(ge=1, le=100)] = Field(
        RetryPolicy().max_attempts, description="Most attempts of one request, over all models."
    )
    attempts_per_model: Annotated[int, Field(ge=1, le=100)] = Field(
        RetryPolicy().per_model, description="Most attempts of one request on one model."
    )
    short_wait_s: Patience = Field(
        RetryPolicy().short_wait_s,
        description="A Retry-After up to this is waited for; a longer one moves to the next model.",
    )
    backoff_s: Patience = Field(
        RetryPolicy().backoff_s, description="First wait before a repeat on the same model."
    )
    retry_budget_ratio: Annotated[float, Field(ge=0, le=10)] = Field(
        RetryPolicy().budget_ratio,
        description="Repeats allowed per request of the last ten seconds.",
    )
    retry_budget_floor: Annotated[int, Field(ge=0, le=100_000)] = Field(
        RetryPolicy().budget_floor, description="Repeats allowed in any case."
    )
    timeouts: TimeoutEntry = Field(
        default_factory=TimeoutEntry, description="Longest waits of one attempt."
    )
    breaker: BreakerEntry = Field(
        default_factory=BreakerEntry, description="When a model is left alone, and for how long."
    )


class LimitsEntry(Section):
    max_body_bytes: Bytes = Field(EdgeLimits().max_body_bytes, description="Largest request body.")
    max_header_bytes: Bytes = Field(
        EdgeLimits().max_header_bytes, description="Largest request head."
    )
    header_timeout_s: Seconds = Field(
        EdgeLimits().header_timeout_s, description="Longest wait for a request's head."
    )
    body_timeout_s: Seconds = Field(
        EdgeLimits().body_timeout_s, description="Longest wait for more of a request's body."
    )
    write_timeout_s: Seconds = Field(
        EdgeLimits().write_timeout_s, description="Longest wait for a caller that reads."
    )
    idle_timeout_s: Seconds = Field(
        EdgeLimits().idle_timeout_s, description="How long an idle connection is kept."
    )
    max_connections: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        EdgeLimits().max_connections, description="Most connections of callers at a time."
    )


_AGENT = Agent("any")


class WeightsEntry(Section):
    """What is left out weighs nothing; together they must sum to 1."""

    quality: Share = Field(0.0, description="That answers come, and are good.")
    latency: Share = Field(0.0, description="That they come soon.")
    cost: Share = Field(0.0, description="That they cost little.")


class AgentEntry(Section):
    name: Words | None = Field(None, description="Its name on the dashboard; left out: its id.")
    kind: Literal["inference", "tool", "orchestrator"] = Field(
        _AGENT.kind.value, description="What it is."
    )
    status: Literal["online", "offline", "maintenance"] = Field(
        _AGENT.status.value, description="Whether it works now."
    )
    requires: list[Capability] = Field(
        default_factory=list,
        description="Capabilities without which a model is no use to it: any declared strength "
        "above 0 will do, and more of it scores higher. A floor is `assignment.quality_floor`.",
    )
    prefers: list[Capability] = Field(
        default_factory=list, description="Capabilities that make a model better for it."
    )
    min_context: Tokens = Field(
        _AGENT.min_context,
        description="Least context window, in tokens: no plan puts it on a model with less; for a "
        "request that fits all the same, less costs score.",
    )
    task_types: list[Words] = Field(
        default_factory=list, description="What it does: coding, math, translation, ..."
    )
    allow: list[ModelId] = Field(
        default_factory=list, description="The only models it may use; empty: all."
    )
    deny: list[ModelId] = Field(default_factory=list, description="Models it may not use.")
    pinned: ModelId | None = Field(
        None, description="The model it uses when a request leaves the choice open."
    )
    infer_task_type: bool | None = Field(
        None,
        description="Whether a task type that neither a request nor `task_types` says is inferred "
        "from the prompt. Left out: only for the agent `default`.",
    )
    weights: WeightsEntry | None = Field(
        None,
        description="What counts how much for it, in place of what the strategy `balanced` weighs.",
    )
    latency_budget_s: Seconds | None = Field(
        None,
        description="How long it likes to wait: for the first token of a stream, or for a whole "
        "plain answer. Half the mark for speed; left out: 0.5 s and 0.02 s per token.",
    )
    explore: bool = Field(
        _AGENT.explore,
        description="Whether its requests may be spent on learning about a model.",
    )
    load: LoadEntry = Field(
        default_factory=LoadEntry, description="What it is expected to ask, for assignments."
    )
    assignment: DutyEntry = Field(
        default_factory=DutyEntry, description="What its standing model must be."
    )


class KeyEntry(Section):
    name: Words = Field(description="Whose key this is; names appear in logs, keys do not.")
    key: Secret | None = Field(
        None, description="The key: `${NAME}` or `file:/path`. Only its hash is kept."
    )
    sha256: Annotated[str, StringConstraints(pattern=SHA256_PATTERN)] | None = Field(
        None, description="Instead of the key: its SHA-256, as `pointsman keys new` prints it."
    )
    role: Literal["caller", "viewer", "admin"] = Field(
        "caller",
        description="`caller` sends requests, `viewer` reads the dashboard, `admin` may do both "
        "and change things.",
    )
    agents: list[AgentId] = Field(
        default_factory=list,
        description="The agents it may speak for; the first is who it is. Empty: any.",
    )

    @model_validator(mode="after")
    def _one_of_key_and_sha256(self) -> KeyEntry:
        if self.key is not None and self.sha256 is not None:
            raise ValueError("give either key or sha256, not both")
        return self


class Settings(Section):
    """The configuration of a pointsman gateway."""

    server: ServerEntry = Field(
        default_factory=ServerEntry, description="Where and how the gateway runs."
    )
    store: StoreEntry = Field(
        default_factory=StoreEntry,
        description="Where what happened is kept, how safely, how much of it, and how long.",
    )
    providers: dict[ProviderName, ProviderEntry] = Field(
        default_factory=dict, description="Upstreams, by the name that begins their models' ids."
    )
    models: dict[ModelId, ModelEntry] = Field(
        default_factory=dict, description="Models to choose from, by id: `provider/name`."
    )
    aliases: dict[Alias, Alias] = Field(
        default_factory=dict,
        description="Other names that requests may ask for, and what each means: "
        "`provider/name`, `agent/<id>`, `auto` or `auto:<strategy>`.",
    )
    agents: dict[AgentId, AgentEntry] = Field(
        default_factory=dict, description="Who calls, and what each needs of a model."
    )
    assignment: AssignmentEntry = Field(
        default_factory=AssignmentEntry,
        description="What the fleet keeps to when each agent is given a standing model.",
    )
    keys: list[KeyEntry] = Field(
        default_factory=list, description="Who may call. Empty: anyone on this machine."
    )
    routing: RoutingEntry = Field(
        default_factory=RoutingEntry, description="How a model is chosen, tried and left alone."
    )
    limits: LimitsEntry = Field(
        default_factory=LimitsEntry, description="What the gateway accepts from its callers."
    )
    telemetry: TelemetryEntry = Field(
        default_factory=TelemetryEntry, description="Who else is told what happens."
    )
    alerts: AlertsEntry = Field(
        default_factory=AlertsEntry, description="What the gateway watches, and who is told."
    )


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the configuration file."""
    document = Settings.model_json_schema()
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, **document, "title": "pointsman configuration"}
