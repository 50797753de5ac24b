"""Which call of the control API gives the overview?"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Literal

from litestar import get
from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation

from pointsman.adapters.http.control.overview_bodies import OverviewBody
from pointsman.adapters.http.control.overview_query import OverviewQuery
from pointsman.adapters.http.control.overview_views import overview_body
from pointsman.adapters.http.control.source import ControlSource

AtHand = Literal["5m", "1h"]
RangeName = Literal["5m", "1h", "24h", "7d", "custom"]
Named = partial(QueryParameter, min_length=1, max_length=256)

Source = NamedDependency[SkipValidation[ControlSource]]

FILTERS = ("range", "agent_id", "kind", "model_id", "provider")
ENDS = ("start", "end")


@get("/overview", query_parameters=(*FILTERS, *ENDS))
async def overview(
    source: Source,
    *,
    range: Annotated[  # noqa: A002 - as it is called in the query
        RangeName, QueryParameter(description="How far to look back.")
    ] = "5m",
    agent_id: Annotated[str | None, Named(description="Of this agent only.")] = None,
    kind: Annotated[str | None, Named(description="Of agents of this kind only.")] = None,
    model_id: Annotated[str | None, Named(description="On this model only.")] = None,
    provider: Annotated[str | None, Named(description="On models of this one only.")] = None,
    start: Annotated[
        datetime | None, QueryParameter(description="Where the range `custom` begins.")
    ] = None,
    end: Annotated[datetime | None, QueryParameter(description="Where it ends.")] = None,
) -> OverviewBody:
    """How the fleet does: figures, their course, each agent and model, the last decisions.

    `GET /events`, with the same parameters and `every` (1 to 60 seconds), sends it again and again
    as server-sent events, the agents only where they are not those of the configuration `roster`;
    with `alerts=true` the open alerts too, whenever they have changed.
    """
    wanted = OverviewQuery(range, agent_id, kind, model_id, provider, start, end)
    return await overview_body(source, wanted.checked())
