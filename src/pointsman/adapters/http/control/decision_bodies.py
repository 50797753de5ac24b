"""What do a decision and its explanation look like in the control API?

Units are those of `bodies`: scores 0 to 100, durations milliseconds, costs US dollars.
Probabilities, shares and strengths are in [0, 1].
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from pointsman.adapters.http.control.bodies import Body, WeightsBody

CostState = Literal["known", "unknown", "pending"]
MAX_COMMENT_CHARS = 2_000


class DecisionSummary(Body, frozen=True, kw_only=True):
    """`model_id` was chosen, `served_model_id` answered.

    `successful` is null until an attempt has ended, and false as long as all that have ended
    failed. `model_id` is null when no model could serve the request.
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


class FootingBody(Body, frozen=True, kw_only=True):
    """Whether the agent got the model that it was assigned (`model_id`), and if not, why."""

    code: str
    words: str
    model_id: str | None
    assignment_id: str | None


class TermBody(Body, frozen=True, kw_only=True):
    """`weight` is the most that the term can add; 0 for what can only take away."""

    name: str
    value: float
    weight: float
    detail: str


class EstimateBody(Body, frozen=True, kw_only=True):
    """What was expected of a model. Probabilities are in [0, 1].

    `success` is `reliability` (the answer comes complete) × `quality` (it is good). `latency_ms` is
    until the first token of a stream, else until the end; one of `latency_budget_ms` is worth half
    the mark. `evidence` counts recent answers, `evidence_words` says what that means.
    `uncertainty` is one standard deviation of the score.
    """

    success: float
    reliability: float
    quality: float
    latency_ms: float | None
    latency_budget_ms: float | None
    cost_usd: float | None
    evidence: float
    evidence_words: str
    uncertainty: float


class CandidateBody(Body, frozen=True, kw_only=True):
    """The values of the terms sum to the score. No estimate: nothing is measured of models."""

    model_id: str
    score: float
    terms: list[TermBody]
    estimate: EstimateBody | None


class RejectionBody(Body, frozen=True, kw_only=True):
    """`score` is what the model would have had, null when it was not scored."""

    model_id: str
    code: str
    words: str
    retry_after_ms: float | None
    score: float | None


class TaskBody(Body, frozen=True, kw_only=True):
    """`type_probability` is how sure a type is that was inferred from the prompt, in [0, 1]; null
    where it was said, or there is none. `max_cost_usd` is what the caller would spend at most.
    """

    type: str | None
    type_probability: float | None
    prompt_tokens: int
    max_output_tokens: int | None
    needs: list[str]
    prefers: list[str]
    min_context_tokens: int
    parameters: list[str]
    stream: bool
    in_tool_loop: bool
    max_cost_usd: float | None


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


class ReasonBody(Body, frozen=True, kw_only=True):
    """Why the chosen one was chosen. `near_best` models were in the band of the best."""

    code: str
    words: str
    near_best: int


class ChangeBody(Body, frozen=True, kw_only=True):
    """One thing that, being otherwise, would have had the model go first.

    `needed` is rounded to the side on which that holds; `now` is null when unknown. `unit`: ms, usd
    (per request), usd_per_mtok, or share (in [0, 1]). `score` is what the model would have with it.
    """

    quantity: str
    unit: str
    now: float | None
    needed: float
    change_percent: float | None
    score: float
    words: str


class CounterfactualBody(Body, frozen=True, kw_only=True):
    """What it would have taken for another model to go first, found by deciding again.

    `standing`: ahead (its score was the best, but something else counted more), near (in the band
    of the best), behind, out (see `rejection`) or not_asked. `best_score` is that of the best of
    the others. `smallest` is the first of the `changes`, null when no single one is enough or none
    is needed. `if_able` is what a model that was out would have been otherwise: wins, shares, null.
    """

    model_id: str
    standing: str
    score: float | None
    best_score: float | None
    words: str
    smallest: ChangeBody | None
    changes: list[ChangeBody]
    rejection: RejectionBody | None
    if_able: str | None


class FeedbackBody(Body, frozen=True, kw_only=True):
    """What was said of the answer, which `model_id` gave."""

    model_id: str
    timestamp: datetime
    rating: int | None
    success: bool | None
    comment: str


class DecisionBody(DecisionSummary, frozen=True, kw_only=True):
    """`candidates` are in the order in which they were to be tried, the chosen one first.

    `propensity` is the probability, in (0, 1], with which it was chosen; `explored` says that it
    was taken to learn about it. Models within `band` points of the best share its load; null
    when the request named whom it wanted. `weights` are null where a profile has others. The words
    and the counterfactual come from the record alone, so they are the same when the configuration
    has changed since (`config_is_current`). `prompt_preview` is how what was asked begins,
    redacted; null where `store.prompt_preview_chars` keeps nothing.
    """

    propensity: float
    explored: bool
    band: float | None
    weights: WeightsBody | None
    config_version: str
    config_is_current: bool
    task: TaskBody
    reason: ReasonBody
    assignment: FootingBody
    candidates: list[CandidateBody]
    rejections: list[RejectionBody]
    counterfactual: CounterfactualBody | None
    outcomes: list[AttemptBody]
    feedback: FeedbackBody | None
    prompt_preview: str | None


class OneDecisionBody(Body, frozen=True, kw_only=True):
    success: bool = True
    decision: DecisionBody


class RouteBody(Body, frozen=True, kw_only=True):
    """What would be decided now. Nothing is called, and nothing is kept under `decision_id`.

    `seed` is what its chance was drawn from: given back, the same state decides the same.
    """

    success: bool = True
    seed: str
    decision: DecisionBody


class FeedbackRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`rating` is from 1 to 5, `success` says whether the answer served its purpose.

    At least one of them is given; of a `comment` 2,000 characters are kept.
    """

    rating: int | None = None
    success: bool | None = None
    comment: str = ""


class JudgedBody(Body, frozen=True, kw_only=True):
    """What is kept now, and whether it took the place of something said before."""

    success: bool = True
    decision_id: str
    feedback: FeedbackBody
    replaced: bool
