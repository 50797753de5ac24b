"""Which calls of the control API explain a decision, make one for show, or judge an answer?"""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation

from pointsman.adapters.http.asgi import Scope
from pointsman.adapters.http.asking import ask_of
from pointsman.adapters.http.auth import KEY_IN_SCOPE, Key, Role
from pointsman.adapters.http.control.decision_bodies import (
    MAX_COMMENT_CHARS,
    FeedbackRequest,
    JudgedBody,
    OneDecisionBody,
    RouteBody,
)
from pointsman.adapters.http.control.explaining import decision_body, feedback_body
from pointsman.adapters.http.control.source import ControlSource
from pointsman.adapters.http.identity import request_id_of, sender_of
from pointsman.adapters.http.wire import chat_request
from pointsman.core.decision import SEED_DIGITS, Decision, Feedback
from pointsman.core.errors import AccessDenied, Conflict, NotFound, RequestError
from pointsman.core.naming import STRATEGY_NAMES
from pointsman.core.utility import traded, weights_of
from pointsman.engine.explain import Explained, ask_again, explained
from pointsman.engine.ports import StoredDecision

MAX_FEEDBACK_BYTES = 16_384
BEST_RATING = 5

Source = NamedDependency[SkipValidation[ControlSource]]
Asked = Request[Any, Any, Any]
Against = Annotated[
    str | None,
    QueryParameter(
        min_length=1, max_length=256, description="Whose chances to look at; else the runner-up's."
    ),
]
Strategies = Annotated[
    Literal["balanced", "quality", "cost", "fast", "speed"] | None,
    QueryParameter(description="Suppose another strategy."),
]
Tradeoff = Annotated[
    float | None,
    QueryParameter(ge=0.0, le=1.0, description="Suppose this one, from cheap (0) to good (1)."),
]
Seed = Annotated[
    str | None,
    QueryParameter(
        pattern=r"^(dec_[0-9a-f]{11})?[0-9a-f]{16}$",
        description="16 hexadecimal digits, or a decision's id: draw as that one was drawn.",
    ),
]


@get("/decisions/{decision_id:str}", query_parameters=("against",))
async def decision(
    source: Source, decision_id: FromPath[str], against: Against = None
) -> OneDecisionBody:
    """Why a model was chosen for a request, why others were not, and what came of it."""
    found = await _found(source, decision_id)
    explanation = explained(found, against)
    return OneDecisionBody(decision=decision_body(explanation, source.setup().fleet.version))


@post(
    "/decisions/{decision_id:str}/again",
    status_code=200,
    query_parameters=("against", "strategy", "tradeoff"),
)
async def again(
    source: Source,
    decision_id: FromPath[str],
    against: Against = None,
    strategy: Strategies = None,
    tradeoff: Tradeoff = None,
) -> RouteBody:
    """What would be decided now for such a request, drawn as it was then. Nothing is called."""
    found = await _found(source, decision_id)
    setup = source.setup()
    ask = ask_again(found.decision, setup.fleet, setup.aliases)
    selection = ask.selection
    if strategy is not None:
        selection = selection._replace(strategy=STRATEGY_NAMES[strategy], weights=None)
    if tradeoff is not None:
        weights = traded(weights_of(ask.agent, selection), tradeoff)
        selection = selection._replace(weights=weights)
    ask = ask._replace(selection=selection)
    return _routed(source, source.decide(ask, found.decision.seed, against))


@post(
    "/route",
    status_code=200,
    query_parameters=("seed", "against"),
    request_max_body_size=None,  # as large as a chat request, which is bounded further out
)
async def route(
    source: Source, request: Asked, seed: Seed = None, against: Against = None
) -> RouteBody:
    """What would be decided for this chat request now. Nothing is called, nothing recorded."""
    headers = {bytes(name): bytes(value) for name, value in request.scope["headers"]}
    chat = chat_request(await request.body())
    sender = sender_of(_key(request), headers)
    request_id = request_id_of(headers, source.random())
    ask = ask_of(chat, source.setup(), sender, request_id=request_id)
    drawn = None if seed is None else int(seed[-SEED_DIGITS:], 16)
    return _routed(source, source.decide(ask, drawn, against))


@post(
    "/decisions/{decision_id:str}/feedback",
    status_code=200,
    request_max_body_size=MAX_FEEDBACK_BYTES,
)
async def feedback(
    source: Source, request: Asked, decision_id: FromPath[str], data: JSONBody[FeedbackRequest]
) -> JudgedBody:
    """Say how good an answer was. It is kept, and teaches; the last word counts."""
    _check(data)
    found = await _found(source, decision_id)
    _check_may_judge(_key(request), found.decision)
    said = _said(data, found, source)
    before = await source.judge(said)
    if before is None:
        raise _unknown(decision_id)
    return JudgedBody(
        decision_id=decision_id,
        feedback=feedback_body(said),
        replaced=before.feedback is not None,
    )


async def _found(source: ControlSource, decision_id: str) -> StoredDecision:
    found = await source.decision(decision_id)
    if found is None:
        raise _unknown(decision_id)
    return found


def _unknown(decision_id: str) -> NotFound:
    words = f"No decision is called {decision_id!r}."
    return NotFound(words, param="decision_id", code="unknown_decision")


def _routed(source: ControlSource, explanation: Explained) -> RouteBody:
    made = explanation.stored.decision
    return RouteBody(
        seed=made.id[-SEED_DIGITS:],
        decision=decision_body(explanation, source.setup().fleet.version),
    )


def _key(request: Asked) -> Key:
    key = cast("Scope", request.scope)[KEY_IN_SCOPE]
    assert isinstance(key, Key)  # noqa: S101 - nobody passes without one
    return key


def _check(data: FeedbackRequest) -> None:
    """Raises `RequestError` for what says nothing."""
    if data.rating is None and data.success is None:
        raise RequestError(
            "body: neither 'rating' nor 'success' is given; say at least one of them.",
            param="rating",
            code="missing_value",
        )
    if data.rating is not None and not 1 <= data.rating <= BEST_RATING:
        raise RequestError(
            f"rating: {data.rating} is not from 1 (useless) to {BEST_RATING} (excellent).",
            param="rating",
            code="invalid_value",
        )
    if len(data.comment) > MAX_COMMENT_CHARS:
        raise RequestError(
            f"comment: {len(data.comment)} characters; {MAX_COMMENT_CHARS} are kept at most.",
            param="comment",
            code="invalid_value",
        )


def _check_may_judge(key: Key, made: Decision) -> None:
    """Raises `AccessDenied` for a caller that is bound to other agents."""
    if key.role is Role.CALLER and key.agents and made.agent_id not in key.agents:
        raise AccessDenied(
            f"The key {key.name!r} may judge the answers to its own agents only.",
            known=True,
            code="agent_not_allowed",
        )


def _said(data: FeedbackRequest, found: StoredDecision, source: ControlSource) -> Feedback:
    """Raises `Conflict` where nobody has answered, or not yet."""
    served = next((o for o in found.outcomes if o.failure is None), None)
    if served is None:
        over = bool(found.outcomes) or found.decision.chosen is None
        words = "failed: there is no answer" if over else "is under way: wait for an answer"
        raise Conflict(
            f"The request of {found.decision.id!r} {words} to judge.",
            param="decision_id",
            code="no_answer" if over else "not_answered_yet",
        )
    return Feedback(
        decision_id=found.decision.id,
        agent_id=found.decision.agent_id,
        model_id=served.model_id,
        task_type=found.decision.task.type,
        at=source.now(),
        rating=data.rating,
        success=data.success,
        comment=data.comment,
    )
