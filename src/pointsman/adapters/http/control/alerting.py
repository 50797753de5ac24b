"""Which calls of the control API tell of alerts, and take them?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any

from litestar import Request, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation

from pointsman.adapters.http.control.alert_bodies import (
    AckRequest,
    AlertsBody,
    DoneBody,
    HistoryBody,
    OneAlertBody,
    SeverityName,
    StateName,
    TypeName,
)
from pointsman.adapters.http.control.alert_pages import (
    MOST_AT_ONCE,
    AlertFilter,
    Page,
    alerts_page,
)
from pointsman.adapters.http.control.alert_views import alert_body, step_body
from pointsman.adapters.http.control.assigning import who_asks
from pointsman.adapters.http.control.searching import Words, fits_by, page_of
from pointsman.adapters.http.control.source import ControlSource
from pointsman.core.alert import AlertType, Severity
from pointsman.core.alert_memory import Entry
from pointsman.core.errors import NotFound
from pointsman.engine.alert_ports import EntryQuery

MAX_LIMIT = 500
MAX_SHOWN = 10_000
CURSOR = r"^[0-9a-f]{16}$"

Source = NamedDependency[SkipValidation[ControlSource]]
Asked = Request[Any, Any, Any]
Text = Annotated[str | None, QueryParameter(min_length=1, max_length=256)]

FILTERS = ("severity", "alert_type", "model_id", "agent_id", "rule", "limit")


Cursor = Annotated[
    str | None,
    QueryParameter(max_length=1_000, description="`next_cursor` of the page before."),
]


Wanted = NamedDependency[SkipValidation[AlertFilter]]


async def alert_filter(
    *,
    severity: Annotated[SeverityName | None, QueryParameter()] = None,
    alert_type: Annotated[TypeName | None, QueryParameter()] = None,
    model_id: Text = None,
    agent_id: Text = None,
    rule: Text = None,
) -> AlertFilter:
    return AlertFilter(severity, alert_type, model_id, agent_id, rule)


@get("/alerts", query_parameters=("state", "cursor", *FILTERS))
async def alerts(
    source: Source,
    wanted_alerts: Wanted,
    *,
    # Litestar keeps the name `state` for itself.
    alert_state: Annotated[StateName | None, QueryParameter(name="state")] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=MAX_SHOWN)] = MOST_AT_ONCE,
    cursor: Cursor = None,
) -> AlertsBody:
    """All alerts as they stand, the gravest first; those resolved within the last hour included."""
    page = Page(limit, cursor)
    return await alerts_page(source, wanted_alerts, alert_state, page, live_only=False)


@get("/alerts/active", query_parameters=("cursor", *FILTERS))
async def active_alerts(
    source: Source,
    wanted_alerts: Wanted,
    *,
    limit: Annotated[int, QueryParameter(ge=1, le=MAX_SHOWN)] = MOST_AT_ONCE,
    cursor: Cursor = None,
) -> AlertsBody:
    """The alerts that are pending or open, the gravest first."""
    return await alerts_page(source, wanted_alerts, None, Page(limit, cursor), live_only=True)


@get("/alerts/history", query_parameters=("cursor", "alert_id", "q", *FILTERS))
async def alert_history(
    source: Source,
    wanted_alerts: Wanted,
    *,
    limit: Annotated[int, QueryParameter(ge=1, le=MAX_LIMIT)] = 50,
    cursor: Annotated[
        str | None, QueryParameter(pattern=CURSOR, description="`next_cursor` of the page before.")
    ] = None,
    alert_id: Text = None,
    q: Words = None,
) -> HistoryBody:
    """What happened to alerts, newest first, a page at a time.

    A page of a search may hold fewer than `limit` though `next_cursor` is not null: it goes on
    from there.
    """
    query = entry_query(wanted_alerts, alert_id)

    async def look(before: str | None, count: int) -> Sequence[Entry]:
        return await source.alerts().history(query._replace(before=before, limit=count))

    fits = fits_by(q, step_body)
    found, next_cursor = await page_of(look, lambda each: each.id, limit, cursor, fits)
    page = [step_body(each) for each in found]
    return HistoryBody(events=page, count=len(page), next_cursor=next_cursor)


def entry_query(wanted: AlertFilter, alert_id: str | None) -> EntryQuery:
    severity, alert_type, model_id, agent_id, rule = wanted
    return EntryQuery(
        alert_id=alert_id,
        rule=rule,
        type=None if alert_type is None else AlertType(alert_type),
        severity=None if severity is None else Severity[severity],
        model_id=model_id,
        agent_id=agent_id,
    )


@get("/alerts/{alert_id:str}")
async def alert(source: Source, alert_id: FromPath[str]) -> OneAlertBody:
    """One alert, why it fired, and what happened to it, newest first."""
    desk = source.alerts()
    found = desk.alerts.find(alert_id)
    standing = await desk.standing([] if found is None else [found])
    events = await desk.history(EntryQuery(limit=MAX_LIMIT, alert_id=alert_id))
    if not standing and not events:
        raise _no_alert(alert_id)
    return OneAlertBody(
        alert=alert_body(standing[0], desk.now().s) if standing else None,
        events=[step_body(each) for each in events],
    )


@post("/alerts/{alert_id:str}/ack", status_code=200)
async def acknowledge(
    source: Source, request: Asked, alert_id: FromPath[str], data: JSONBody[AckRequest]
) -> DoneBody:
    """Take care of an alert: nobody is reminded of it, unless it gets worse."""
    who = who_asks(request, data.comment).by
    lasting = timedelta(hours=data.hours)
    if not await source.alerts().ack(alert_id, who, lasting, data.comment):
        raise _no_alert(alert_id)
    return DoneBody(message=f"{who} has taken {alert_id} for {data.hours:g} h")


@delete("/alerts/{alert_id:str}/ack", status_code=200)
async def unacknowledge(source: Source, request: Asked, alert_id: FromPath[str]) -> DoneBody:
    """Give an alert back."""
    if not await source.alerts().unack(alert_id, who_asks(request, "").by):
        raise NotFound(f"Nobody has taken {alert_id!r}.", param="alert_id", code="unknown_alert")
    return DoneBody(message=f"nobody takes care of {alert_id} any more")


def _no_alert(alert_id: str) -> NotFound:
    words = f"No alert is called {alert_id!r}, or it is over."
    return NotFound(words, param="alert_id", code="unknown_alert")
