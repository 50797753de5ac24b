"""What does the overview of the fleet look like in the control API?

Units are those of `bodies` and `measured_bodies`; what was not measured is null.
"""

from __future__ import annotations

from datetime import datetime

from pointsman.adapters.http.control.bodies import Body, StandingBody
from pointsman.adapters.http.control.decision_bodies import DecisionSummary


class FiguresBody(Body, frozen=True, kw_only=True):
    """What happened in a stretch of `span_s` seconds, as far as something is known of it.

    `requests` ended in it; `fallback_rate` is the share of them that went on to a second model.
    `success_rate` is of attempts: complete answers among them and the endpoints' failures. Latency
    is from the call to the end of complete answers.
    """

    span_s: float
    requests: int
    requests_per_s: float | None
    success_rate: float | None
    fallback_rate: float | None
    failed_attempts: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    cost_usd: float
    cost_usd_per_hour: float | None
    unpriced_answers: int


class CourseStepBody(FiguresBody, frozen=True, kw_only=True):
    """One step of a course. The last one is still going on."""

    at: datetime


class ModelCourseBody(Body, frozen=True, kw_only=True):
    """The course of one model; each list has a value for each of the points.

    `model_id` is null for all models beyond the busiest together.
    """

    model_id: str | None
    requests_per_s: list[float | None]
    p95_ms: list[float | None]


class LiveModelBody(Body, frozen=True, kw_only=True):
    """How a model stands now; see `ModelBody`."""

    model_id: str
    name: str
    provider: str
    circuit: str
    in_flight: int
    utilisation: float | None
    over_target: bool
    drained: bool


class AgentNameBody(Body, frozen=True, kw_only=True):
    agent_id: str
    name: str
    kind: str


class TargetsBody(Body, frozen=True, kw_only=True):
    """What is good enough, of everything together, as rules and budgets say; null where none does.

    Below `success_rate`, in [0, 1], a rule fires; above `cost_usd_per_hour` a budget is exceeded or
    a rule fires.
    """

    success_rate: float | None
    cost_usd_per_hour: float | None


class MarkBody(Body, frozen=True, kw_only=True):
    """An alert began to fire; `scope` is what it is about, in words."""

    at: datetime
    severity: str
    alert_type: str
    scope: str
    alert_id: str


class OverviewBody(Body, frozen=True, kw_only=True):
    """How the fleet does. `before` is the stretch of the same length before, null when not known.

    `points` are those not yet over at `since`, as asked; `courses` run along them. `agents` and
    `models` are those that did anything in the range, the busiest first; `live` and `roster` are
    all models and agents that are declared; `roster` is null in a stream as long as it is that of
    the `config_version` that was told last. `marks` are the alerts of the range, in order; where
    it is narrowed, those of everybody too.
    """

    success: bool = True
    timestamp: datetime
    range: str
    range_s: int
    step_s: int
    known_since: datetime
    now: FiguresBody
    before: FiguresBody | None
    points: list[CourseStepBody]
    courses: list[ModelCourseBody]
    marks: list[MarkBody]
    targets: TargetsBody
    models: list[StandingBody]
    agents: list[StandingBody]
    live: list[LiveModelBody]
    roster: list[AgentNameBody] | None
    decisions: list[DecisionSummary]
    in_flight: int
    config_version: str
    ledger_failing_s: float
