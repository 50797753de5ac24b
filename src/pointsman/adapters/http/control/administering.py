"""Which calls of the control API tell who changed what, and delete what is kept of an agent?"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Any

from litestar import Request, delete, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation

from pointsman.adapters.http.control.assigning import who_asks
from pointsman.adapters.http.control.bodies import Body, LogLevelBody, LogLevelRequest
from pointsman.adapters.http.control.source import ControlSource
from pointsman.core.audit import Act
from pointsman.engine.history_ports import AuditQuery

MAX_ACTS = 200
CURSOR = r"^act_[0-9a-f]{1,64}$"

Source = NamedDependency[SkipValidation[ControlSource]]
Asked = Request[Any, Any, Any]
Name = partial(QueryParameter, min_length=1, max_length=256)


class ActBody(Body, frozen=True, kw_only=True):
    """One act: `actor` is the key that was shown, or `pointsman` where nobody asked."""

    audit_id: str
    timestamp: datetime
    actor: str
    action: str
    subject_kind: str
    subject_id: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    reason: str


class AuditBody(Body, frozen=True, kw_only=True):
    success: bool = True
    acts: list[ActBody]
    count: int
    next_cursor: str | None


class ForgottenBody(Body, frozen=True, kw_only=True):
    success: bool = True
    agent_id: str
    decisions: int
    message: str


@get(
    "/audit",
    query_parameters=("limit", "cursor", "actor", "action", "subject_kind", "subject_id"),
)
async def audit(
    source: Source,
    *,
    limit: Annotated[int, QueryParameter(ge=1, le=MAX_ACTS, description="How many at most.")] = 50,
    cursor: Annotated[
        str | None, QueryParameter(pattern=CURSOR, description="`next_cursor` of the page before.")
    ] = None,
    actor: Annotated[str | None, Name(description="Whose key was shown.")] = None,
    action: Annotated[str | None, Name(description="As `log_level.set`.")] = None,
    subject_kind: Annotated[str | None, Name(description="As `assignment`.")] = None,
    subject_id: Annotated[str | None, Name()] = None,
) -> AuditBody:
    """Who changed what, newest first, a page at a time."""
    query = AuditQuery(limit + 1, cursor, actor, action, subject_kind, subject_id)
    found = await source.audit().acts(query)
    page = [_act_body(act) for act in found[:limit]]
    more = len(found) > limit
    return AuditBody(acts=page, count=len(page), next_cursor=page[-1].audit_id if more else None)


@delete("/agents/{agent_id:str}/data", status_code=200)
async def forget_agent(source: Source, request: Asked, agent_id: FromPath[str]) -> ForgottenBody:
    """Delete the decisions, outcomes and figures of an agent, for good."""
    await source.audit().note(who_asks(request, "").by, "agent_data.delete", agent_id)
    count = await source.forget_agent(agent_id)
    words = f"{count} decisions of {agent_id} and what belongs to them are deleted."
    return ForgottenBody(agent_id=agent_id, decisions=count, message=words)


@put("/log-level")
async def log_level(
    source: Source, request: Asked, data: JSONBody[LogLevelRequest]
) -> LogLevelBody:
    """Log more or less from now on, until the next start."""
    after = {"level": data.level}
    await source.audit().note(who_asks(request, "").by, "log_level.set", "log", after=after)
    source.set_log_level(data.level)
    return LogLevelBody(level=data.level)


def _act_body(act: Act) -> ActBody:
    return ActBody(
        audit_id=act.id,
        timestamp=act.at,
        actor=act.actor,
        action=act.action,
        subject_kind=act.kind,
        subject_id=act.subject,
        before=None if act.before is None else dict(act.before),
        after=None if act.after is None else dict(act.after),
        reason=act.reason,
    )
