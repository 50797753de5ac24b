"""Which calls of the control API assign models to agents?"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any, cast

from litestar import Request, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation

from pointsman.adapters.http.asgi import Scope
from pointsman.adapters.http.auth import KEY_IN_SCOPE, Key
from pointsman.adapters.http.control.assignment_bodies import (
    AssignmentsBody,
    AssignRequest,
    AutoAssignRequest,
    ChangeRequest,
    OneAssignmentBody,
    PlanBody,
    RemovedBody,
    WhyThereBody,
)
from pointsman.adapters.http.control.assignment_views import (
    assignment_body,
    assignments_csv,
    plan_body,
    why_there_body,
)
from pointsman.adapters.http.control.source import ControlSource
from pointsman.core.assignment.optimal import Effort
from pointsman.core.assignment.records import (
    Assignment,
    Means,
    Run,
    Status,
    assignment_id,
    means_something,
)
from pointsman.core.errors import Conflict, NotFound, RequestError
from pointsman.engine.in_force import Who
from pointsman.engine.ports import AssignmentQuery
from pointsman.engine.solving import How, Wish
from pointsman.engine.trials import started
from pointsman.engine.why_there import why_there

MAX_BODY_BYTES = 65_536
MAX_PAGE = 500

FURTHEST = datetime(9999, 12, 31, tzinfo=UTC)
"""Beyond it an instant of some zone is none of UTC, and could be kept but never read again."""

Source = NamedDependency[SkipValidation[ControlSource]]
Asked = Request[Any, Any, Any]
Text = Annotated[str | None, QueryParameter(min_length=1, max_length=256)]


@post(
    "/auto-assign-all",
    status_code=200,
    query_parameters=("dry_run", "advice"),
    request_max_body_size=MAX_BODY_BYTES,
)
async def auto_assign_all(
    source: Source,
    request: Asked,
    data: JSONBody[AutoAssignRequest],
    *,
    dry_run: Annotated[bool, QueryParameter(description="Change nothing.")] = False,
    advice: Annotated[bool, QueryParameter(description="Say what could be decided, too.")] = False,
) -> PlanBody:
    """Assign a model to every agent that is online, as one problem."""
    book, wish, run = source.assignments(), _wish(data)._replace(advice=advice), None
    if dry_run:
        found = await book.solved(wish)
        changed = len(book.differing(found))
    else:
        _check_applicable(data)
        run, found = await book.apply(wish, who_asks(request, data.reason), data.expect)
        changed = len(run.changes)
    version = source.fleet().version
    return await plan_body(
        found, data.strategy, changed, run=run, config_version=version, clock=book.clock
    )


@get(
    "/assignments",
    query_parameters=("status", "method", "agent_id", "model_id", "page", "page_size"),
)
async def assignments(
    source: Source,
    wanted_assignments: NamedDependency[SkipValidation[AssignmentQuery]],
    *,
    page: Annotated[int, QueryParameter(ge=1, le=1_000_000, description="From 1.")] = 1,
    page_size: Annotated[int, QueryParameter(ge=1, le=MAX_PAGE)] = 50,
) -> AssignmentsBody:
    """Who stands where, who stands by, and what was: by agent, the primary first."""
    query = wanted_assignments._replace(limit=page_size, offset=page_size * (page - 1))
    found, total = await asyncio.to_thread(source.assignments().store.listed, query)
    return AssignmentsBody(
        assignments=[assignment_body(each) for each in found],
        total_count=total,
        page=page,
        page_size=page_size,
        total_pages=-(-total // page_size),
    )


@get(
    "/assignments.csv",
    media_type="text/csv",
    query_parameters=("status", "method", "agent_id", "model_id"),
)
async def assignments_table(
    source: Source, wanted_assignments: NamedDependency[SkipValidation[AssignmentQuery]]
) -> Response[str]:
    """The same as a table for spreadsheets, all pages of it."""
    query = wanted_assignments._replace(limit=None)
    found = (await asyncio.to_thread(source.assignments().store.listed, query)).assignments
    text = await asyncio.to_thread(assignments_csv, found)
    named = {"content-disposition": 'attachment; filename="assignments.csv"'}
    return Response(text, media_type="text/csv", headers=named)


async def assignment_query(
    *,
    status: Annotated[Status | None, QueryParameter()] = None,
    method: Annotated[Means | None, QueryParameter()] = None,
    agent_id: Text = None,
    model_id: Text = None,
) -> AssignmentQuery:
    return AssignmentQuery(status=status, means=method, agent_id=agent_id, model_id=model_id)


@post("/assignments", status_code=200, request_max_body_size=MAX_BODY_BYTES)
async def assign(
    source: Source, request: Asked, data: JSONBody[AssignRequest]
) -> OneAssignmentBody:
    """Put one agent on a model whatever plans say, or have it try one."""
    return await _put(source, who_asks(request, data.notes), data)


@put("/assignments/{id:str}", request_max_body_size=MAX_BODY_BYTES)
async def change_assignment(
    source: Source,
    request: Asked,
    id: FromPath[str],  # noqa: A002 - the name in the URL
    data: JSONBody[ChangeRequest],
) -> OneAssignmentBody:
    """Put the agent of this assignment on its model, or on another, by hand; or end what it is."""
    found = await _found(source, id)
    notes = found.notes if data.notes is None else data.notes
    who = who_asks(request, notes)
    if data.status == "INACTIVE":
        if data.model_id not in {None, found.model_id}:
            raise RequestError(
                "model_id: what ends cannot go elsewhere; leave it out.",
                param="model_id",
                code="invalid_value",
            )
        run = await source.assignments().end(found, who)
        return await _answer(source, found, run, "ended")
    _check_changes(data, found)
    share = _share(data, found)
    asked = AssignRequest(
        agent_id=found.agent_id,
        model_id=data.model_id or found.model_id,
        notes=notes,
        valid_until=data.valid_until or (found.until if found.is_manual and not share else None),
        share=share,
    )
    return await _put(source, who, asked)


def _check_changes(data: ChangeRequest, found: Assignment) -> None:
    """Raises `RequestError` where nothing says that the agent is to be put there by hand.

    Notes alone are of what a person decided; they make no decision of what a plan has decided.
    """
    said = (data.model_id, data.status, data.valid_until, data.share)
    by_hand = found.is_manual or found.status is Status.TESTING
    if any(each is not None for each in said) or (by_hand and data.notes is not None):
        return
    raise RequestError(
        f"status: say what becomes of {found.agent_id} on {found.model_id}: ACTIVE puts it there by"
        " hand, TESTING with a share tries it, INACTIVE ends what it is.",
        param="status",
        code="missing_value",
    )


def _share(data: ChangeRequest, found: Assignment) -> float | None:
    """Of the agent's traffic, where a model is tried or goes on being tried."""
    if data.status == "ACTIVE":
        if data.share is not None:
            words = "share: only a model that is tried (status TESTING) has a share."
            raise RequestError(words, param="share", code="invalid_value")
        return None
    stays = data.status == "TESTING" or data.model_id in {None, found.model_id}
    share = found.trial.share if found.trial and stays and data.share is None else data.share
    if data.status == "TESTING" and share is None:
        raise RequestError(
            "share: say which share of the agent's traffic tries the model, such as 0.1.",
            param="share",
            code="missing_value",
        )
    return share


@delete("/assignments/{id:str}", status_code=200)
async def remove_assignment(
    source: Source,
    request: Asked,
    id: FromPath[str],  # noqa: A002 - the name in the URL
) -> RemovedBody:
    """Take the model away from the agent: behind an override it goes back, else it stands nowhere
    until the next plan. An assignment that is nothing any more is forgotten.
    """
    found = await _found(source, id)
    book, who = source.assignments(), who_asks(request, "")
    if means_something(found):
        if found.status is Status.ACTIVE:
            run = await book.withdraw(found, who)
        else:
            run = await book.end(found, who)
        message = f"{found.agent_id} no longer has {found.model_id}."
    else:
        run = await book.forget(found, who)
        message = f"{found.id} is forgotten."
    return RemovedBody(message=message, run_id=run.id)


@get("/agents/{agent_id:str}/assignment")
async def agent_assignment(source: Source, agent_id: FromPath[str]) -> WhyThereBody:
    """Why the agent stands where it does, what else it could have, and what is in the way."""
    if agent_id not in source.fleet().agents:
        words = f"No agent is called {agent_id!r}."
        raise NotFound(words, param="agent_id", code="unknown_agent")
    book = source.assignments()
    why = await why_there(book.aside, book.question(), book.scores, agent_id)
    if why is None:
        words = f"{agent_id} is not online, or nobody declared it: it is not assigned."
        raise Conflict(words, param="agent_id", code="agent_not_assigned")
    return why_there_body(agent_id, why, book.in_force(agent_id))


def _wish(data: AutoAssignRequest) -> Wish:
    if data.point is not None and data.strategy is not How.PARETO:
        words = "point: only the strategy 'pareto' has points to choose from."
        raise RequestError(words, param="point", code="invalid_value")
    effort = Effort(within_s=data.within_ms / 1000.0)
    return Wish(data.strategy, effort, tuple(data.without), data.point)


def _check_applicable(data: AutoAssignRequest) -> None:
    if data.without:
        raise RequestError(
            "without: supposing that a model is out is for a dry run (?dry_run=true).",
            param="without",
            code="invalid_value",
        )
    if data.strategy is How.PARETO and data.point is None:
        raise RequestError(
            "point: a front is no plan; name the plan_id of one of its points, or 'knee'.",
            param="point",
            code="missing_value",
        )


async def _put(source: ControlSource, who: Who, asked: AssignRequest) -> OneAssignmentBody:
    book = source.assignments()
    if asked.valid_until is not None:
        _check_ahead(source, asked)
    if asked.share is None:
        run = await book.override(asked.agent_id, asked.model_id, who, asked.valid_until)
        until = f"{asked.valid_until.isoformat()}, or " if asked.valid_until else ""
        message = f"{asked.agent_id} stands on {asked.model_id} until {until}it is released."
    else:
        run = await started(book, asked.agent_id, asked.model_id, asked.share, who)
        message = f"{asked.agent_id} tries {asked.model_id} on {asked.share:.0%} of its traffic."
    return await _told(source, assignment_id(asked.agent_id, asked.model_id), run, message)


def _check_ahead(source: ControlSource, asked: AssignRequest) -> None:
    until = asked.valid_until
    if until is None or until.tzinfo is None or not source.now() < until < FURTHEST:
        raise RequestError(
            "valid_until: give an instant ahead, with its zone, such as 2030-01-31T12:00:00Z.",
            param="valid_until",
            code="invalid_value",
        )
    if asked.share is not None:
        words = "valid_until: a trial ends by itself when something is proved; leave it out."
        raise RequestError(words, param="valid_until", code="invalid_value")


async def _answer(
    source: ControlSource, found: Assignment, run: Run, done: str
) -> OneAssignmentBody:
    return await _told(source, found.id, run, f"{found.agent_id} on {found.model_id}: {done}.")


async def _told(source: ControlSource, name: str, run: Run, message: str) -> OneAssignmentBody:
    found = await _found(source, name)
    return OneAssignmentBody(assignment=assignment_body(found), message=message, run_id=run.id)


async def _found(source: ControlSource, name: str) -> Assignment:
    found = await asyncio.to_thread(source.assignments().store.assignment, name)
    if found is None:
        words = f"No assignment is called {name!r}."
        raise NotFound(words, param="id", code="unknown_assignment")
    return found


def who_asks(request: Asked, reason: str) -> Who:
    """Whose key the request showed, and why it is made."""
    key = cast("Scope", request.scope)[KEY_IN_SCOPE]
    assert isinstance(key, Key)  # noqa: S101 - nobody passes without one
    return Who(key.name, reason)
