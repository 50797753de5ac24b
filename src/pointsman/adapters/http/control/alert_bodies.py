"""What do the calls about alerts take and answer?

Durations are milliseconds here, shares stay in [0, 1], instants are RFC 3339 in UTC.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from pointsman.adapters.http.control.bodies import Body

SeverityName = Literal["INFO", "WARNING", "ERROR", "CRITICAL"]
StateName = Literal["pending", "firing", "recovering", "resolved"]
TypeName = Literal[
    "HIGH_LATENCY",
    "LOW_SUCCESS_RATE",
    "MODEL_FAILURE",
    "THRESHOLD_BREACH",
    "NO_MODELS_AVAILABLE",
    "RAPID_FAILURES",
]

Comment = Annotated[str, msgspec.Meta(max_length=1_000)]
Hours = Annotated[float, msgspec.Meta(ge=1 / 3_600, le=24 * 30)]
"""From a second to 30 days."""


class ScopeBody(Body, frozen=True, kw_only=True):
    """What an alert is about: everything, a provider, a model, an agent, a set of capabilities."""

    kind: str
    id: str


class EvidenceBody(Body, frozen=True, kw_only=True):
    """What an alert is believed for. `bound` is the end of the confidence interval that was held
    against `threshold`, `value` itself where nothing had to be estimated. `unit`: ms, usd, ratio,
    or empty for a count. `note` says what it came from.
    """

    metric: str
    value: float
    bound: float
    threshold: float
    count: int
    window_s: float
    unit: str
    note: str


class AckBody(Body, frozen=True, kw_only=True):
    by: str
    at: datetime
    until: datetime
    comment: str


class AlertBody(Body, frozen=True, kw_only=True):
    """`alert_id` names one episode, `fingerprint` all episodes of the same trouble. `timestamp` is
    when it came into its `state`; `metric_value` and `threshold_value` are those of `evidence`.
    `notified_severity` is what was told last, null where nothing is. `inhibited_by` is the alert
    that says the same.
    """

    alert_id: str
    fingerprint: str
    timestamp: datetime
    severity: str
    alert_type: str
    message: str
    model_id: str | None
    agent_id: str | None
    metric_value: float
    threshold_value: float
    state: str
    rule: str
    scope: ScopeBody
    labels: dict[str, str]
    starts_at: datetime
    ends_at: datetime | None
    reason_ended: str
    evidence: EvidenceBody
    evidence_count: int
    window_s: float
    explanation: str
    flapping: bool
    acknowledged: AckBody | None
    silenced_by: list[str]
    inhibited_by: str | None
    notified_severity: str | None
    notified_channels: list[str]


class AlertsBody(Body, frozen=True, kw_only=True):
    """`by_severity` counts all open alerts, whatever was asked for.

    `total_count` are all that were asked for, on this page or not; `next_cursor` asks for the next
    page, null on the last one.
    """

    success: bool = True
    alerts: list[AlertBody]
    total_count: int
    next_cursor: str | None = None
    by_severity: dict[str, int]


class StepBody(Body, frozen=True, kw_only=True):
    """One line of the history. `step` is what happened, `actor` who did it, null for the router."""

    event_id: str
    timestamp: datetime
    step: str
    alert_id: str
    rule: str
    alert_type: str
    scope: ScopeBody
    former_state: str | None
    state: str
    severity: str
    message: str
    evidence: EvidenceBody
    actor: str | None
    details: dict[str, str]


class HistoryBody(Body, frozen=True, kw_only=True):
    success: bool = True
    events: list[StepBody]
    count: int
    next_cursor: str | None


class OneAlertBody(Body, frozen=True, kw_only=True):
    """`alert` is null where it is known from its history only."""

    success: bool = True
    alert: AlertBody | None
    events: list[StepBody]


class AckRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who acknowledges is the key's name. After `hours`, from a second to 30 days, it lapses."""

    comment: Comment = ""
    hours: Hours = 24.0


class SwitchRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether a rule is judged at all."""

    enabled: bool


class DoneBody(Body, frozen=True, kw_only=True):
    success: bool = True
    message: str


class MatcherBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A condition on one label: `=`, `!=`, `=~` (regular expression, whole value), `!~`."""

    name: str
    value: str
    operator: Literal["=", "!=", "=~", "!~"] = "="


class SilenceRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Give either `ends_at` or `hours`, from a second to 30 days. `starts_at` left out is now.

    `ends_at` is ahead, and like `starts_at` before 9999-12-31 in UTC.
    """

    matchers: Annotated[list[MatcherBody], msgspec.Meta(min_length=1, max_length=20)]
    comment: Comment
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    hours: Hours | None = None


class SilenceBody(Body, frozen=True, kw_only=True):
    silence_id: str
    state: str
    matchers: list[MatcherBody]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    updated_at: datetime


class SilencesBody(Body, frozen=True, kw_only=True):
    success: bool = True
    silences: list[SilenceBody]
    total_count: int


class OneSilenceBody(Body, frozen=True, kw_only=True):
    """`hides` is how many open alerts it keeps from being told now."""

    success: bool = True
    silence: SilenceBody
    hides: int = 0


class ConditionBody(Body, frozen=True, kw_only=True):
    """As rules are written: thresholds in the metric's own unit, waits in seconds."""

    metric: str
    ladder: dict[str, float]
    relative: bool
    least: int
    count: int
    quantile: float
    clear: float


class RuleBody(Body, frozen=True, kw_only=True):
    """`origin`: default (shipped), configuration (of the file, not to be changed here) or api."""

    name: str
    origin: str
    enabled: bool
    alert_type: str
    scope: list[str]
    when: list[ConditionBody]
    only: dict[str, list[str]]
    for_s: float
    keep_firing_for_s: float
    cooldown_s: float
    no_data: str
    labels: dict[str, str]
    summary: str
    runbook: str
    open_alerts: int
    version: int | None
    updated_by: str | None
    updated_at: datetime | None


class RulesBody(Body, frozen=True, kw_only=True):
    success: bool = True
    rules: list[RuleBody]
    total_count: int


class OneRuleBody(Body, frozen=True, kw_only=True):
    success: bool = True
    rule: RuleBody


class MetricBody(Body, frozen=True, kw_only=True):
    """Something that rules may judge; `worse` says which side is: higher or lower."""

    name: str
    kind: str
    unit: str
    scopes: list[str]
    least: float
    most: float
    worse: str
    meaning: str


class MetricsOfRulesBody(Body, frozen=True, kw_only=True):
    success: bool = True
    metrics: list[MetricBody]


class WouldHaveBody(Body, frozen=True, kw_only=True):
    """One episode that the rule would have had; `ends_at` null where it would still be open."""

    scope: ScopeBody
    severity: str
    starts_at: datetime
    ends_at: datetime | None
    message: str


class DryRunBody(Body, frozen=True, kw_only=True):
    """What a rule would have done. `since` is how far back the record was read, of `attempts`;
    `not_judged` are metrics of which the record says nothing. At most 200 `episodes` are told.
    """

    success: bool = True
    rule: RuleBody
    fired: int
    by_severity: dict[str, int]
    episodes: list[WouldHaveBody]
    since: datetime
    until: datetime
    attempts: int
    not_judged: list[str]
    message: str


Document = dict[str, Any]
