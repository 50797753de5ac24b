"""What do the answers of the control API about measurements look like?

Durations are milliseconds, scores 0 to 100, costs US dollars; rates are shares in [0, 1]. What was
not measured is null. Requests are attempts on models here: one that fell back counts on each.
"""

from __future__ import annotations

from datetime import datetime

from pointsman.adapters.http.control.bodies import Body


class SpreadBody(Body, frozen=True, kw_only=True):
    """Milliseconds. `p50`, `p95` and `p99` are within 1.1 % of the truth, the others exact."""

    min: float | None
    max: float | None
    avg: float | None
    p50: float | None
    p95: float | None
    p99: float | None
    count: int


class SuccessBody(Body, frozen=True, kw_only=True):
    """`failed_requests` are those that an endpoint is to blame for, and `success_rate` is the share
    of successful ones among them and these. `excused_requests` failed for another reason (caller,
    key, catalogue, capacity, pointsman itself), which says nothing about a model.
    """

    total_requests: int
    successful_requests: int
    failed_requests: int
    excused_requests: int
    success_rate: float | None


class TokensBody(Body, frozen=True, kw_only=True):
    """`cached` is the part of `prompt` that upstreams read from a cache."""

    prompt: int
    completion: int
    cached: int


class SlowBody(Body, frozen=True, kw_only=True):
    """How many answers kept their caller waiting so long or longer, counted one by one."""

    threshold_ms: float
    count: int
    share: float | None


class MeasuredBody(Body, frozen=True, kw_only=True):
    """`latency` is from the call to the end of complete answers. `first_token` and `inter_token`
    are of streams. `slow` is about the first token of streams and the end of plain answers.
    `failures` counts by kind. `cost_usd` leaves out `unpriced_answers`.
    """

    latency: SpreadBody
    first_token: SpreadBody
    inter_token: SpreadBody
    slow: list[SlowBody]
    success_rate: SuccessBody
    failures: dict[str, int]
    tokens: TokensBody
    cost_usd: float
    unpriced_answers: int


class MeasuredModelBody(MeasuredBody, frozen=True, kw_only=True):
    """`match_score` is the mean score with which the model was chosen of late."""

    model_id: str
    match_score: float | None


class MeasuredAgentBody(MeasuredBody, frozen=True, kw_only=True):
    agent_id: str


class TopModelBody(Body, frozen=True, kw_only=True):
    """`score` is `success_rate` × `match_score`."""

    model_id: str
    model_name: str
    score: float
    success_rate: float
    match_score: float
    total_requests: int


class MetricsBody(MeasuredBody, frozen=True, kw_only=True):
    """What happened within the window. `models` and `agents` are the busiest, at most `limit` of
    the `model_count` and `agent_count` that did anything; `top_models` the best of these models.
    `overhead` is the time that answers have spent in pointsman itself, whoever asked.
    """

    success: bool = True
    window: str
    window_s: int
    timestamp: datetime
    overhead: SpreadBody
    top_models: list[TopModelBody]
    models: list[MeasuredModelBody]
    model_count: int
    agents: list[MeasuredAgentBody]
    agent_count: int


class CountedRequestsBody(Body, frozen=True, kw_only=True):
    """Requests by strategy, and those answered with an error of our own by its code.

    `panic` had to choose among models that were thought to be unwell.
    """

    by_strategy: dict[str, int]
    refused: dict[str, int]
    panic: int


class LedgerBody(Body, frozen=True, kw_only=True):
    """Decisions and outcomes. `failing_s`: for how long the store has taken none, 0 if it works.

    `not_durable` answers went out before they were stored, under strict durability; `crowded_out`
    decisions were forgotten before their time to make room.
    """

    queued: int
    written: int
    dropped: dict[str, int]
    not_durable: int
    crowded_out: int
    failing_s: float


class StatsBody(Body, frozen=True, kw_only=True):
    """The fleet, its standing assignments, and what was counted since `started_at`.

    `avg_match_score` is null without assignments. `circuits` counts models by the state of their
    circuit breaker. `fallbacks` went on to another model after one had failed.
    """

    success: bool = True
    timestamp: datetime
    started_at: datetime
    uptime_s: float
    config_version: str
    total_agents: int
    online_agents: int
    total_models: int
    total_assignments: int
    avg_match_score: float | None
    requests: CountedRequestsBody
    attempts: SuccessBody
    failures: dict[str, int]
    fallbacks: int
    in_flight: int
    circuits: dict[str, int]
    tokens: TokensBody
    cost_usd: float
    unpriced_answers: int
    ledger: LedgerBody
