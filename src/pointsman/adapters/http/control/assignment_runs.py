"""Which calls of the control API tell what was decided about the fleet, and take it back?"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation

from pointsman.adapters.http.control.assigning import who_asks
from pointsman.adapters.http.control.assignment_bodies import (
    OneRunBody,
    RunRequest,
    RunsBody,
)
from pointsman.adapters.http.control.assignment_views import run_body, run_change_body, runs_csv
from pointsman.adapters.http.control.decision_pages import in_utc
from pointsman.adapters.http.control.source import ControlSource
from pointsman.core.assignment.records import Run, RunKind, RunState
from pointsman.core.errors import NotFound
from pointsman.engine.ports import AssignmentStore, RunQuery
from pointsman.engine.solving import How

MAX_RUNS = 200
PAGE = 20
CURSOR = r"^run_[0-9a-f]{1,64}$"

Source = NamedDependency[SkipValidation[ControlSource]]
Asked = Request[Any, Any, Any]


async def run_query(
    *,
    # Litestar keeps the name `state` for itself.
    run_state: Annotated[RunState | None, QueryParameter(name="state")] = None,
    kind: Annotated[RunKind | None, QueryParameter(description="What was decided.")] = None,
    strategy: Annotated[How | None, QueryParameter(description="How its plan was made.")] = None,
    decided_by: Annotated[
        str | None,
        QueryParameter(
            min_length=1, max_length=256, description="The name of a key, or what did it by itself."
        ),
    ] = None,
    since: Annotated[
        datetime | None, QueryParameter(description="Made at this instant or later.")
    ] = None,
    until: Annotated[datetime | None, QueryParameter(description="Made before it.")] = None,
) -> RunQuery:
    return RunQuery(
        state=run_state,
        kind=kind,
        strategy=strategy,
        by=decided_by,
        since=None if since is None else in_utc(since),
        until=None if until is None else in_utc(until),
    )


FILTERS = ("state", "kind", "strategy", "decided_by", "since", "until")


@get("/assignment-runs", query_parameters=("limit", "cursor", *FILTERS))
async def runs(
    source: Source,
    wanted_runs: NamedDependency[SkipValidation[RunQuery]],
    *,
    limit: Annotated[int, QueryParameter(ge=1, le=MAX_RUNS, description="How many at most.")] = 50,
    cursor: Annotated[
        str | None, QueryParameter(pattern=CURSOR, description="`next_cursor` of the page before.")
    ] = None,
) -> RunsBody:
    """What was decided about the fleet, newest first, a page at a time."""
    query = wanted_runs._replace(limit=limit + 1, before=cursor)
    found = await asyncio.to_thread(source.assignments().store.runs, query)
    page = [run_body(run) for run in found[:limit]]
    return RunsBody(
        runs=page,
        count=len(page),
        next_cursor=page[-1].run_id if len(found) > limit else None,
    )


@get("/assignment-runs.csv", media_type="text/csv", query_parameters=FILTERS)
async def runs_table(
    source: Source, wanted_runs: NamedDependency[SkipValidation[RunQuery]]
) -> Response[str]:
    """The same as a table for spreadsheets, all pages of it."""
    store = source.assignments().store
    text = await asyncio.to_thread(lambda: runs_csv(_pages(store, wanted_runs)))
    named = {"content-disposition": 'attachment; filename="assignment-runs.csv"'}
    return Response(text, media_type="text/csv", headers=named)


def _pages(store: AssignmentStore, query: RunQuery) -> Iterator[Run]:
    """All runs that are wanted. Some changed thousands of agents, so few are held at a time."""
    query = query._replace(limit=PAGE)
    while found := store.runs(query):
        yield from found
        query = query._replace(before=found[-1].id)


@get("/assignment-runs/{run_id:str}")
async def run(source: Source, run_id: FromPath[str]) -> OneRunBody:
    """One run, and what it changed for each agent."""
    found = await asyncio.to_thread(source.assignments().store.run, run_id)
    return _told(found, run_id)


_SOLVED = ResponseSpec(dict[str, Any], generate_examples=False, description="The problem.")


# What it answers is written aside, so the document cannot read it from the type.
@get("/assignment-runs/{run_id:str}/inputs", responses={200: _SOLVED})
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
    """Put a proposal in place, as it was proposed; refused where it breaks a rule of now."""
    who = who_asks(request, data.reason)
    found = await source.assignments().adopt(run_id, who, force=data.force)
    return _told(found, run_id)


@post("/assignment-runs/{run_id:str}/undo", status_code=200)
async def undo_run(
    source: Source, request: Asked, run_id: FromPath[str], data: JSONBody[RunRequest]
) -> OneRunBody:
    """Put back what a run has changed, unless that breaks a rule of now; answers with the run that
    does so.
    """
    who = who_asks(request, data.reason)
    found = await source.assignments().undo(run_id, who, force=data.force)
    return _told(found, run_id)


def _told(found: Run | None, run_id: str) -> OneRunBody:
    if found is None:
        words = f"No run is called {run_id!r}."
        raise NotFound(words, param="run_id", code="unknown_run")
    changes = [run_change_body(change) for change in found.changes]
    return OneRunBody(run=run_body(found), changes=changes)
