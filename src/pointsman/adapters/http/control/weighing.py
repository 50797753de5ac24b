"""Which call of the control API tells what other weights would have done?"""

from __future__ import annotations

import time
from typing import Annotated

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody, SkipValidation

from pointsman.adapters.http.control.bodies import Body, WeightsBody
from pointsman.adapters.http.control.source import ControlSource
from pointsman.adapters.http.control.views import milliseconds
from pointsman.core.errors import RequestError
from pointsman.core.fleet import WEIGHTS_TOLERANCE, Weights
from pointsman.engine.ports import DecisionQuery
from pointsman.engine.reweighing import Expected, reweighed

MOST = 200
MOST_MOVES = 50

Source = NamedDependency[SkipValidation[ControlSource]]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class PreviewRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Shares that sum to 1; `limit` is how many of the last requests, of one agent if named."""

    quality: Share
    latency: Share
    cost: Share
    agent_id: Id | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST)] = 100


class ExpectedBody(Body, frozen=True, kw_only=True):
    """What is expected of the chosen models, on average; null where nobody knows."""

    success_rate: float | None
    latency_ms: float | None
    cost_usd: float | None


class MoveCountBody(Body, frozen=True, kw_only=True):
    from_model_id: str
    to_model_id: str
    count: int


class ModelCountBody(Body, frozen=True, kw_only=True):
    model_id: str
    before: int
    after: int


class PreviewBody(Body, frozen=True, kw_only=True):
    """The last requests decided anew, with the weights of today (`before`) and with the others.

    `left_out` could not be decided any more: their agent or model is gone, or nobody could serve
    them. `changed` would go elsewhere.
    """

    success: bool = True
    weights: WeightsBody
    decided: int
    left_out: int
    changed: int
    moves: list[MoveCountBody]
    models: list[ModelCountBody]
    before: ExpectedBody
    after: ExpectedBody


@post("/weights/preview", status_code=200)
async def preview_weights(source: Source, data: JSONBody[PreviewRequest]) -> PreviewBody:
    """What the last requests would get with other weights. Nothing is called, nothing recorded."""
    total = data.quality + data.latency + data.cost
    if abs(total - 1.0) > WEIGHTS_TOLERANCE:
        words = f"quality, latency and cost sum to {total:g}; they are shares of 1."
        raise RequestError(words, param="quality", code="invalid_value")
    weights = Weights(quality=data.quality, latency=data.latency, cost=data.cost)
    records = await source.decisions(DecisionQuery(data.limit, agent_id=data.agent_id))

    found = await reweighed(
        records,
        weights,
        source.setup(),
        source.decided,
        time.monotonic,
    )
    return PreviewBody(
        weights=WeightsBody(quality=data.quality, latency=data.latency, cost=data.cost),
        decided=found.decided,
        left_out=found.left_out,
        changed=found.changed,
        moves=[
            MoveCountBody(from_model_id=one, to_model_id=other, count=count)
            for (one, other), count in list(found.moves.items())[:MOST_MOVES]
        ],
        models=[
            ModelCountBody(model_id=name, before=before, after=after)
            for name, (before, after) in found.models.items()
        ],
        before=_expected_body(found.before),
        after=_expected_body(found.after),
    )


def _expected_body(expected: Expected) -> ExpectedBody:
    return ExpectedBody(
        success_rate=expected.success,
        latency_ms=milliseconds(expected.latency_s),
        cost_usd=expected.cost_usd,
    )
