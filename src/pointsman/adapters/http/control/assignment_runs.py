"""Which calls of the control API tell what was decided about the fleet, and take it back?"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation

from pointsman.adapters.http.control.assigning import who_asks
from pointsman.adapters.http.control.assignment_bodies import (
    OneRunBody,
    RunRequest,
    RunsBody,
)
from pointsman.adapters.http.control.assignment_views import run_body, run_change_body
from pointsman.adapters.http.control.source import ControlSource
from pointsman.core.assignment.records import Run, RunState
from pointsman.core.errors import NotFound
from pointsman.engine.ports import RunQuery

MAX_RUNS = 200
CURSOR = r"^run_[0-9a-f]{1,64}$"

Source = NamedDependency[SkipValidation[ControlSource]]
Asked = Request[Any, Any, Any]


@get("/assignment-runs", query_parameters=("limit", "cursor", "state"))
async def runs(
    source: Source,
    *,
    limit: Annotated[int, QueryParameter(ge=1, le=MAX_RUNS, description="How many at most.")] = 50,
    cursor: Annotated[
        str | None, QueryParameter(pattern=CURSOR, description="`next_cursor` of the page before.")
    ] = None,
    # Litestar keeps the name `state` for itself.
    run_state: Annotated[RunState | None, QueryParameter(name="state")] = None,
) -> RunsBody:
    """What was decided about the fleet, newest first, a page at a time."""
    query = RunQuery(limit + 1, cursor, run_state)
    found = await asyncio.to_thread(source.assignments().store.runs, query)
    page = [run_body(run) for run in found[:limit]]
    return RunsBody(
        runs=page,
        count=len(page),
        next_cursor=page[-1].run_id if len(found) > limit else None,
    )


@get("/assignment-runs/{run_id:str}")
async def run(source: Source, run_id: FromPath[str]) -> OneRunBody:
    """One run, and what it changed for each agent."""
    found = await asyncio.to_thread(source.assignments().store.run, run_id)
    return _told(found, run_id)


@get("/assignment-runs/{run_id:str}/inputs")
async def run_inputs(source: Source, run_id: FromPath[str]) -> Response[bytes]:
    """The problem that was solved in a run: everything that its plan was made of."""
    problem = await asyncio.to_thread(source.assignments().store.problem, run_id)
    if problem is None:
        words = f"What was solved in {run_id!r} is not kept, or there is no such run."
        raise NotFound(words, param="run_id", code="no_inputs")
    text = await asyncio.to_thread(msgspec.json.encode, {"success": True, "problem": problem})
    return Response(text, media_type="application/json")


@post("/assignment-runs/{run_id:str}/apply", status_code=200)
async def apply_run(
    source: Source, request: Asked, run_id: FromPath[str], data: JSONBody[RunRequest]
) -> OneRunBody:
    """Put a proposal in place, as it was proposed."""
    found = await source.assignments().adopt(run_id, who_asks(request, data.reason))
    return _told(found, run_id)


@post("/assignment-runs/{run_id:str}/undo", status_code=200)
async def undo_run(
    source: Source, request: Asked, run_id: FromPath[str], data: JSONBody[RunRequest]
) -> OneRunBody:
    """Put back what a run has changed; the answer is the run that does so."""
    found = await source.assignments().undo(run_id, who_asks(request, data.reason))
    return _told(found, run_id)


def _told(found: Run | None, run_id: str) -> OneRunBody:
    if found is None:
        words = f"No run is called {run_id!r}."
        raise NotFound(words, param="run_id", code="unknown_run")
    changes = [run_change_body(change) for change in found.changes]
    return OneRunBody(run=run_body(found), changes=changes)
