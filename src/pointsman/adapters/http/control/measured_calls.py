"""Which calls of the control API tell what was measured?"""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import get
from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation

from pointsman.adapters.http.control.measured_bodies import MetricsBody, StatsBody
from pointsman.adapters.http.control.measured_views import metrics_body, stats_body
from pointsman.adapters.http.control.source import ControlSource
from pointsman.core.windows import WINDOWS
from pointsman.engine.statistics import Asked

MAX_ROWS = 200

WindowName = Literal["1m", "5m", "1h"]

Source = NamedDependency[SkipValidation[ControlSource]]

_WINDOWS = {window.label: window for window in WINDOWS}


@get("/metrics", query_parameters=("window", "agent_id", "model_id", "limit"))
async def metrics(
    source: Source,
    *,
    window: Annotated[WindowName, QueryParameter(description="How far to look back.")] = "5m",
    agent_id: Annotated[
        str | None, QueryParameter(min_length=1, max_length=256, description="Of this agent only.")
    ] = None,
    model_id: Annotated[
        str | None, QueryParameter(min_length=1, max_length=256, description="On this model only.")
    ] = None,
    limit: Annotated[
        int, QueryParameter(ge=1, le=MAX_ROWS, description="How many models and agents at most.")
    ] = 50,
) -> MetricsBody:
    """What happened within a window: latency, success, cost, per model and per agent."""
    report = await source.report(Asked(_WINDOWS[window], agent_id, model_id, limit))
    return await metrics_body(report, source.fleet())


@get("/stats")
async def stats(source: Source) -> StatsBody:
    """The fleet, its assignments, and everything counted since the start."""
    return stats_body(source.counted(), source.fleet())
