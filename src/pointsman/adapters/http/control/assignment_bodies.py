"""What do assignments, plans and runs look like in the control API?

Units are those of `bodies`: scores 0 to 100, durations milliseconds, costs US dollars; weights,
shares and rates are in [0, 1].
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from pointsman.adapters.http.control.bodies import Body
from pointsman.adapters.http.control.decision_bodies import TermBody
from pointsman.core.assignment.records import Means, RunKind, RunState, Status
from pointsman.engine.solving import How

MAX_WORDS = 2_000
MAX_NAME = 256

Words = Annotated[str, msgspec.Meta(max_length=MAX_WORDS)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME)]
TrialShare = Annotated[float, msgspec.Meta(gt=0.0, lt=1.0)]


class AssignmentBody(Body, frozen=True, kw_only=True):
    """`rank` 0 is the model that the agent stands on, 1 and up stand by in this order; null: the
    model has no place now. `performance_adjustment` is what evidence has changed of the score.
    `avg_latency_ms` is of the answers that came; rates and means of nothing are null.
    """

    assignment_id: str
    agent_id: str
    agent_name: str
    agent_kind: str
    model_id: str
    model_name: str
    match_score: float
    capability_score: float | None
    performance_score: float | None
    performance_adjustment: float
    has_performance_data: bool
    evidence: float
    capability_overlap: list[str]
    status: Status
    assignment_method: Means
    rank: int | None
    assigned_by: str
    assigned_at: datetime
    last_updated: datetime
    notes: str
    run_id: str
    valid_until: datetime | None
    trial_share: float | None
    total_requests: int
    successful_requests: int
    failed_requests: int
    success_rate: float | None
    avg_latency_ms: float | None
    last_used_at: datetime | None


class AssignmentsBody(Body, frozen=True, kw_only=True):
    """By agent, the primary first."""

    success: bool = True
    assignments: list[AssignmentBody]
    total_count: int
    page: int
    page_size: int
    total_pages: int


class OneAssignmentBody(Body, frozen=True, kw_only=True):
    """`run_id` can be undone."""

    success: bool = True
    assignment: AssignmentBody
    message: str
    run_id: str


class RemovedBody(Body, frozen=True, kw_only=True):
    success: bool = True
    message: str
    run_id: str


class AutoAssignRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`expect` is the `plan_id` that a dry run has shown: that plan or none. `point` is the
    `plan_id` of a point of the front, or `knee`. `without` holds models that are taken as out.
    """

    strategy: How = How.OPTIMAL
    expect: Name | None = None
    point: Name | None = None
    reason: Words = ""
    within_ms: Annotated[int, msgspec.Meta(ge=10, le=60_000)] = 10_000
    without: list[Name] = []


class AssignRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """With `share` the model is tried on that share of the agent's traffic, else the agent is put
    on it until it is released, or until `valid_until`.
    """

    agent_id: Name
    model_id: Name
    notes: Words = ""
    valid_until: datetime | None = None
    share: TrialShare | None = None


class ChangeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is left out stays. `INACTIVE` ends what it is: an override, a trial, a standing."""

    model_id: Name | None = None
    status: Literal["ACTIVE", "INACTIVE", "TESTING"] | None = None
    notes: Words | None = None
    valid_until: datetime | None = None
    share: TrialShare | None = None


class RunRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`force` puts it in place also where that breaks rules of now, or gains nothing by now."""

    reason: Words = ""
    force: bool = False


class PlannedBody(Body, frozen=True, kw_only=True):
    """Where a plan puts an agent; unknown costs and latencies are null."""

    agent_id: str
    agent_name: str
    model_id: str
    model_name: str
    fallbacks: list[str]
    assignment_method: Means
    match_score: float
    quality: float
    latency_ms: float | None
    usd_per_day: float | None
    evidence: float
    terms: list[TermBody]


class UnassignedBody(Body, frozen=True, kw_only=True):
    agent_id: str
    reasons: list[str]


class MovedBody(Body, frozen=True, kw_only=True):
    """Old and new model, null for none. Changes are new less old, null where one is unknown."""

    agent_id: str
    old_model_id: str | None
    new_model_id: str | None
    score_change: float | None
    latency_change_ms: float | None
    usd_per_day_change: float | None


class PointBody(Body, frozen=True, kw_only=True):
    """A plan of the front; `latency_ms` is null where nothing is known of latencies."""

    plan_id: str
    quality: float
    latency_ms: float | None
    usd_per_day: float
    knee: bool


class AdviceBody(Body, frozen=True, kw_only=True):
    """`relaxations`, decided together, give everybody a model but the `hopeless`; each of
    `more_would_bring` is for itself.
    """

    relaxations: list[str]
    hopeless: list[str]
    more_would_bring: list[str]


class PlanBody(Body, frozen=True, kw_only=True):
    """`run_id` is null for a dry run. `moved` is against where agents stand now; `optimality_gap`
    is null where nobody worked it out; `broken_now` are rules that where agents stand breaks by
    now. `points` is the front, where that was asked for, and `point`
    the one that the assignments are of.
    """

    success: bool = True
    dry_run: bool
    plan_id: str
    run_id: str | None
    strategy: How
    assignments: list[PlannedBody]
    total_assignments: int
    avg_match_score: float
    usd_per_day: float
    unpriced: list[str]
    unassigned: list[UnassignedBody]
    optimality_gap: float | None
    moved: list[MovedBody]
    broken_now: list[str]
    changed_agents: int
    notes: list[str]
    point: PointBody | None
    points: list[PointBody]
    advice: AdviceBody | None
    timestamp: datetime
    config_version: str


class PlaceBody(Body, frozen=True, kw_only=True):
    model_id: str
    status: Status
    assignment_method: Means
    rank: int | None
    notes: str
    valid_until: datetime | None
    trial_share: float | None


class RunChangeBody(Body, frozen=True, kw_only=True):
    agent_id: str
    old_model_id: str | None
    new_model_id: str | None
    score_change: float | None
    before: list[PlaceBody]
    after: list[PlaceBody]


class RunBody(Body, frozen=True, kw_only=True):
    """`settled_at`: since when `state` holds. `undoes` names the run that this one takes back.
    What a plan came to is null where no plan was made.
    """

    run_id: str
    timestamp: datetime
    kind: RunKind
    state: RunState
    settled_at: datetime
    decided_by: str
    reason: str
    strategy: str | None
    config_version: str
    changed_agents: int
    moved_agents: int
    undoes: str | None
    avg_match_score: float | None
    usd_per_day: float | None
    optimality_gap: float | None
    unassigned: list[UnassignedBody]
    notes: list[str]
    point: PointBody | None


class RunsBody(Body, frozen=True, kw_only=True):
    """Newest first. `next_cursor` is null on the last page."""

    success: bool = True
    runs: list[RunBody]
    count: int
    next_cursor: str | None


class OneRunBody(Body, frozen=True, kw_only=True):
    """What a run has changed, or would change, agent by agent."""

    success: bool = True
    run: RunBody
    changes: list[RunChangeBody]


class OptionBody(Body, frozen=True, kw_only=True):
    """`remedy` is what a person could decide against the objection; null where nobody can.
    `no_room_in` are limits that are full while the others stay where they are.
    """

    model_id: str
    match_score: float
    usd_per_day: float | None
    latency_ms: float | None
    evidence: float
    terms: list[TermBody]
    eligible: bool
    code: str | None
    objection: str | None
    remedy: str | None
    no_room_in: list[str]


class AlternativeBody(Body, frozen=True, kw_only=True):
    """`fleet_loss` in points, of the weighted sum over the fleet; negative would be a gain."""

    model_id: str
    fleet_loss: float
    left_out: int
    others_moved: list[MovedBody]


class WhyThereBody(Body, frozen=True, kw_only=True):
    """The options best first, those that are not eligible last."""

    success: bool = True
    agent_id: str
    model_id: str | None
    by_hand: bool
    in_force: list[AssignmentBody]
    words: list[str]
    alternative: AlternativeBody | None
    options: list[OptionBody]
