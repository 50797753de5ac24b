"""Which calls of the control API take a model out of service, and say beforehand what that does?"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation

from pointsman.adapters.http.control.assigning import who_asks
from pointsman.adapters.http.control.bodies import Body, DrainBody
from pointsman.adapters.http.control.source import ControlSource
from pointsman.adapters.http.control.views import drain_body
from pointsman.core.errors import Conflict
from pointsman.engine.blast import Blast, Move, Receiver, blast

MAX_BODY_BYTES = 8_192
MOST_MOVES = 1_000
MOST_NAMED = 5

Source = NamedDependency[SkipValidation[ControlSource]]
Asked = Request[Any, Any, Any]
Text = Annotated[str, msgspec.Meta(max_length=2_000)]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]


class DrainRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`force`: also where agents are left that nobody else can serve."""

    model_id: Id
    reason: Text = ""
    force: bool = False


class MoveBody(Body, frozen=True, kw_only=True):
    """Where an agent's usual requests go. `tie` is pinned, assigned, best or traffic: what ties it
    to the model. `to_model_id` is null where nobody else can serve it, and the model itself where
    the configuration pins the agent there. Scores are of the two models for the agent, without what
    standing somewhere adds. `requests` are its attempts there in the last hour; `words` say what is
    in the way.
    """

    agent_id: str
    agent_name: str
    tie: str
    to_model_id: str | None
    score: float | None
    to_score: float | None
    requests: int
    words: str


class ReceiverBody(Body, frozen=True, kw_only=True):
    """A model that takes requests over; figures per minute, of the last hour. `limit_per_min` is
    null where no limit of requests is declared.
    """

    model_id: str
    agents: int
    now_per_min: float
    more_per_min: float
    limit_per_min: int | None
    over_limit: bool


class BlastBody(Body, frozen=True, kw_only=True):
    """What draining a model does, or has done. `share` is its part of all attempts of the last
    hour, in [0, 1]. `moves` are told in part where they are many: `total_moves` are all, `left_out`
    says how many of them nobody else can serve. `only_here` are capabilities that no other model in
    service has; the limits are the capacity that is lost, null where none is declared.
    """

    model_id: str
    in_flight: int
    attempts: int
    share: float | None
    moves: list[MoveBody]
    total_moves: int
    left_out: int
    pinned: int
    receivers: list[ReceiverBody]
    only_here: list[str]
    max_in_flight: int | None
    requests_per_min: int | None
    tokens_per_min: int | None


class DrainedBody(Body, frozen=True, kw_only=True):
    """`drain` is null where nothing was changed: in a dry run."""

    success: bool = True
    drain: DrainBody | None
    blast: BlastBody
    message: str


class DrainsBody(Body, frozen=True, kw_only=True):
    success: bool = True
    drains: list[DrainBody]
    total_count: int


class UndrainedBody(Body, frozen=True, kw_only=True):
    success: bool = True
    model_id: str
    drained_since: datetime
    message: str


@get("/drains")
async def drains(source: Source) -> DrainsBody:
    """The models that are out of service because a person said so.

    One that is not declared any more stays so: it would be drained if it were declared again.
    """
    found = [drain_body(name, each) for name, each in sorted(source.drains().all().items())]
    return DrainsBody(drains=found, total_count=len(found))


@post(
    "/drains",
    status_code=200,
    query_parameters=("dry_run",),
    request_max_body_size=MAX_BODY_BYTES,
)
async def drain(
    source: Source,
    request: Asked,
    data: JSONBody[DrainRequest],
    *,
    dry_run: Annotated[bool, QueryParameter(description="Change nothing.")] = False,
) -> DrainedBody:
    """Choose a model for no request that does not name it. What it answers now it ends."""
    known = source.drains()
    known.check_drainable(data.model_id)
    found = await blast(data.model_id, source.around())
    if not dry_run:
        _check_served(found, data)
        await known.drain(data.model_id, who_asks(request, data.reason))
    done = known.of(data.model_id)
    return DrainedBody(
        drain=None if done is None or dry_run else drain_body(data.model_id, done),
        blast=_blast_body(found, source.live(data.model_id).in_flight),
        message=f"{data.model_id} {'would be' if dry_run else 'is'} out of service.",
    )


@delete("/drains/{model_id:path}", status_code=200)
async def undrain(source: Source, request: Asked, model_id: FromPath[str]) -> UndrainedBody:
    """Let a model be chosen again; its id holds a slash: `provider/name`."""
    name, known = model_id.removeprefix("/"), source.drains()
    before = known.of(name)
    await known.undrain(name, who_asks(request, ""))
    assert before is not None  # noqa: S101 - else it would not have been drained
    return UndrainedBody(
        model_id=name, drained_since=before.at, message=f"{name} is in service again."
    )


def _check_served(found: Blast, data: DrainRequest) -> None:
    without = found.left_without
    if not without or data.force:
        return
    more = len(without) - MOST_NAMED
    named = ", ".join(without[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    raise Conflict(
        f"model_id: no other model can serve {named}; say force to drain {data.model_id} anyway.",
        param="model_id",
        code="agents_left_out",
    )


def _blast_body(found: Blast, in_flight: int) -> BlastBody:
    model_id, lost = found.model.id, found.lost
    return BlastBody(
        model_id=model_id,
        in_flight=in_flight,
        attempts=found.attempts,
        share=found.share,
        moves=[_move_body(move) for move in found.moves[:MOST_MOVES]],
        total_moves=len(found.moves),
        left_out=len(found.left_without),
        pinned=sum(move.target == model_id for move in found.moves),
        receivers=[_receiver_body(each) for each in found.receivers],
        only_here=list(found.only_here),
        max_in_flight=lost.max_in_flight,
        requests_per_min=lost.requests_per_min,
        tokens_per_min=lost.tokens_per_min,
    )


def _move_body(move: Move) -> MoveBody:
    return MoveBody(
        agent_id=move.agent.id,
        agent_name=move.agent.name or move.agent.id,
        tie=move.tie.value,
        to_model_id=move.target,
        score=None if move.score is None else 100 * move.score,
        to_score=None if move.target_score is None else 100 * move.target_score,
        requests=move.requests,
        words=move.words,
    )


def _receiver_body(each: Receiver) -> ReceiverBody:
    limit = each.limit_per_min
    return ReceiverBody(
        model_id=each.model_id,
        agents=each.agents,
        now_per_min=each.now_per_min,
        more_per_min=each.more_per_min,
        limit_per_min=limit,
        over_limit=limit is not None and each.now_per_min + each.more_per_min > limit,
    )
