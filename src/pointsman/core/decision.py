"""What is the life of one request, as values?

A request becomes a `Task`; a `Decision` ranks `Candidate`s and says why the others were rejected;
every attempt on a model ends in exactly one `Outcome`. These are made for every request, so they
are tuples: immutable, compared by value, and several times cheaper to make than frozen dataclasses.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from pointsman.core.errors import FailureKind
from pointsman.core.fleet import Usage, Weights

SEED_DIGITS = 16
"""So many hexadecimal digits at the end of a decision's id are the seed of its choice."""


class Strategy(StrEnum):
    """What a request weighs most when several models could serve it."""

    BALANCED = "balanced"
    SPEED = "speed"
    QUALITY = "quality"
    COST = "cost"


class Task(NamedTuple):
    """What a request needs, read from its body; nothing of its text is kept.

    `prompt_tokens` is an estimate. `max_output_tokens` is what the caller asked for, if it did.
    `needs` are capabilities without which this request cannot be served; `parameters` the optional
    request parameters in use, because a model may turn out not to support one. `in_tool_loop` says
    that a model has called a tool and now waits for what came of it. `type_probability` is how sure
    a type is that was inferred from the prompt; None where it was said, or there is none.
    `max_cost_usd` is what the caller would spend at most, in US dollars; None: it does not say.
    """

    type: str | None = None
    prompt_tokens: int = 0
    max_output_tokens: int | None = None
    needs: frozenset[str] = frozenset()
    prefers: frozenset[str] = frozenset()
    min_context: int = 0
    parameters: frozenset[str] = frozenset()
    stream: bool = False
    in_tool_loop: bool = False
    type_probability: float | None = None
    max_cost_usd: float | None = None

    @property
    def inferred(self) -> bool:
        """Whether nobody has said the type: then it must not keep any model out."""
        return self.type_probability is not None


class Selection(NamedTuple):
    """What the `model` field of a request asks for: a strategy to choose by, or one pinned model.

    `only` narrows the choice (empty: all models); `fallbacks` are tried in this order after a
    pinned model. All hold model ids. `weights` are the caller's own and overrule the strategy's.
    """

    strategy: Strategy = Strategy.BALANCED
    pinned: str | None = None
    only: frozenset[str] = frozenset()
    fallbacks: tuple[str, ...] = ()
    weights: Weights | None = None


class ReasonCode(StrEnum):
    """Why a model cannot serve a request, for programs. The words stand beside it."""

    MISSING_CAPABILITY = "missing_capability"
    CONTEXT_TOO_SMALL = "context_too_small"
    OUTPUT_TOO_SMALL = "output_too_small"
    NOT_ALLOWED = "not_allowed"
    NOT_REQUESTED = "not_requested"
    UNSUPPORTED_PARAMETER = "unsupported_parameter"
    BREAKER_OPEN = "breaker_open"
    RESTING = "resting"
    AT_LIMIT = "at_limit"
    UNAVAILABLE = "unavailable"
    DRAINED = "drained"
    TOO_EXPENSIVE = "too_expensive"


class Objection(NamedTuple):
    """One reason against a model. `retry_after_s` is set when it is known when that passes."""

    code: ReasonCode
    words: str
    retry_after_s: float | None = None


class Rejection(NamedTuple):
    """A model that is out. `score` is what it would have had, None where it was not scored."""

    model_id: str
    objection: Objection
    score: float | None = None


class Term(NamedTuple):
    """One summand of a score; `detail` says in words what it was made of.

    `weight` is the most that it could add, in [0, 1]; 0 for what can only take away.
    """

    name: str
    value: float
    detail: str = ""
    weight: float = 0.0


class Estimate(NamedTuple):
    """What is expected of a model for such a request, in plain units.

    `success` is the probability that the answer is complete and good: `reliability` (complete) ×
    `quality` (good), each in [0, 1]. `latency_s` is until the first token of a stream, else until
    the end; `cost_usd` of one request. None where nothing is known. `evidence` is how many recent
    outcomes of this model stand behind it, older ones counting less; `uncertainty` is one standard
    deviation of the score. A latency of `budget_s` is worth half the mark, None where that is not
    how it was judged; `timed` is how many recent answers `latency_s` was measured on.
    """

    success: float
    reliability: float
    quality: float
    latency_s: float | None = None
    cost_usd: float | None = None
    evidence: float = 0.0
    uncertainty: float = 0.0
    budget_s: float | None = None
    timed: float = 0.0


class Candidate(NamedTuple):
    """An eligible model with its score in [0, 1]; the terms sum to the score within 1e-9.

    `estimate` is what the terms were made of; a scorer that measures nothing has none.
    """

    model_id: str
    score: float
    terms: tuple[Term, ...]
    estimate: Estimate | None = None


class Saving(NamedTuple):
    """What one request would save on one model against the usual: dollars and seconds, not < 0."""

    usd: float = 0.0
    seconds: float = 0.0


class Decision(NamedTuple):
    """Which model was chosen for a request, who stood by, who was out, and why.

    `candidates` are in the order in which they are to be tried; the first is the chosen one.
    `propensity` is the probability with which it was chosen, in (0, 1]. A request that no model
    could serve is a decision too: without candidates, and with propensity 1. `panic` says that
    every model was to be left alone and the least bad was tried all the same, `explored` that the
    chosen one was taken to learn about it. Models within `band` of the best score shared its
    traffic; None when the request named whom it wanted, so that no score counted. `traceparent`
    is the caller's, which is not stored. `assignment_id` names where the agent stood (see
    `assignment/records.py`), None when it stood nowhere. `preview` is how the prompt
    begins, redacted; None unless previews are to be kept (see `preview.py`).
    """

    id: str
    request_id: str
    at: datetime
    agent_id: str
    task: Task
    strategy: Strategy
    candidates: tuple[Candidate, ...]
    rejections: tuple[Rejection, ...]
    propensity: float
    config_version: str
    session: str | None = None
    asked_model: str = ""
    panic: bool = False
    explored: bool = False
    band: float | None = 0.0
    traceparent: str | None = None
    assignment_id: str | None = None
    preview: str | None = None

    @property
    def seed(self) -> int:
        """What its random numbers were drawn from: the 64 random bits in its id."""
        return int(self.id[-SEED_DIGITS:], 16)

    @property
    def chosen(self) -> Candidate | None:
        return self.candidates[0] if self.candidates else None


class Outcome(NamedTuple):
    """How one attempt on one model ended. `failure` is None exactly when the answer was complete.

    Times in seconds: `first_token_s` from the call to the first usable chunk of a stream, None for
    a plain answer, which has no first token; `total_s` to the end.
    `cost_usd` is None when unknown. `upstream_model` is what the upstream said it served.
    `task_type` is that of the decision, with which it is kept; None too where that is not at hand.
    """

    decision_id: str
    attempt: int
    model_id: str
    agent_id: str
    at: datetime
    failure: FailureKind | None
    streamed: bool
    total_s: float
    first_token_s: float | None = None
    usage: Usage | None = None
    cost_usd: Decimal | None = None
    upstream_model: str | None = None
    status: int | None = None
    message: str = ""
    task_type: str | None = None


class Feedback(NamedTuple):
    """What somebody says of an answer afterwards.

    `rating` in 1 to 5, `success` whether it served its purpose; at least one of them is given.
    `revises` is how good it was said to be before, if it was: then only the difference teaches.
    """

    decision_id: str
    agent_id: str
    model_id: str
    task_type: str | None
    at: datetime
    rating: int | None = None
    success: bool | None = None
    comment: str = ""
    revises: float | None = None

    @property
    def quality(self) -> float:
        """How good the answer was, in [0, 1]; a rating says more than yes or no."""
        if self.rating is not None:
            return (self.rating - 1) / 4
        return 1.0 if self.success else 0.0


def total_cost_usd(outcomes: Iterable[Outcome]) -> Decimal | None:
    """What these attempts cost together, or None when the cost of any is unknown."""
    total = Decimal(0)
    for outcome in outcomes:
        if outcome.cost_usd is None:
            return None
        total += outcome.cost_usd
    return total
