"""Which calls of the control API give out all that is kept, line by line?"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import get
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, SkipValidation
from litestar.response import Stream

from pointsman.adapters.http.control.alert_bodies import StepBody
from pointsman.adapters.http.control.alert_pages import AlertFilter
from pointsman.adapters.http.control.alert_views import step_body
from pointsman.adapters.http.control.alerting import entry_query
from pointsman.adapters.http.control.bodies import Body
from pointsman.adapters.http.control.decision_pages import FILTERS, Wanted, in_utc
from pointsman.adapters.http.control.delivery_bodies import OutboxRowBody, outbox_row_body
from pointsman.adapters.http.control.export_bodies import columns, row
from pointsman.adapters.http.control.export_rows import FIELDS, Line, as_array, lines, ndjson, table
from pointsman.adapters.http.control.searching import Words, fits_by
from pointsman.adapters.http.control.source import ControlSource
from pointsman.core.errors import NotFound
from pointsman.core.outbox import OutboxQuery, RowState

AT_ONCE = 200
"""So many lines are made in a thread at a time."""

Form = Literal["ndjson", "csv", "json"]
MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "ndjson": "application/x-ndjson",
}

Source = NamedDependency[SkipValidation[ControlSource]]
Formed = Annotated[Form, QueryParameter(name="format", description="How lines are written.")]
Text = Annotated[str | None, QueryParameter(min_length=1, max_length=256)]


@get(
    "/export/{what:str}",
    query_parameters=("format", *FILTERS),
    media_type="application/x-ndjson",
)
async def export(
    source: Source,
    what: FromPath[str],
    wanted: NamedDependency[SkipValidation[Wanted]],
    *,
    form: Formed = "ndjson",
) -> Stream:
    """`decisions` or `outcomes`, all that are kept, newest first, as a stream."""
    if what not in FIELDS:
        words = f"There is no export of {what!r}; there are {', '.join(FIELDS)}."
        raise NotFound(words, param="what", code="unknown_export")
    found = lines(what, source.kept, wanted.query, wanted.fits(source.fleet()))
    return _streamed(what, form, _in_portions(_written(form, FIELDS[what], found)))


@get(
    "/export/alerts",
    query_parameters=(
        *("format", "severity", "alert_type", "model_id", "agent_id", "rule", "alert_id"),
        *("since", "until", "q"),
    ),
    media_type="application/x-ndjson",
)
async def export_alerts(
    source: Source,
    wanted_alerts: NamedDependency[SkipValidation[AlertFilter]],
    *,
    form: Formed = "ndjson",
    alert_id: Text = None,
    since: Annotated[datetime | None, QueryParameter(description="Then or later.")] = None,
    until: Annotated[datetime | None, QueryParameter(description="Before then.")] = None,
    q: Words = None,
) -> Stream:
    """What happened to alerts, all that is kept, newest first, as a stream."""
    start, end = (None if at is None else in_utc(at) for at in (since, until))
    query = entry_query(wanted_alerts, alert_id)._replace(limit=AT_ONCE, since=start, until=end)

    async def pages() -> AsyncIterator[list[Body]]:
        asked = query
        fits = fits_by(q, step_body)
        while found := await source.alerts().history(asked):
            yield [step_body(each) for each in filter(fits, found)]
            asked = asked._replace(before=found[-1].id)

    return _streamed("alerts", form, _told(form, StepBody, pages()))


@get(
    "/export/notifications",
    query_parameters=("format", "channel", "state", "q"),
    media_type="application/x-ndjson",
)
async def export_notifications(
    source: Source,
    *,
    form: Formed = "ndjson",
    channel: Annotated[str | None, QueryParameter(min_length=1, max_length=64)] = None,
    # Litestar keeps the name `state` for itself.
    row_state: Annotated[RowState | None, QueryParameter(name="state")] = None,
    q: Words = None,
) -> Stream:
    """What is being delivered, was, or could not be, newest first, as a stream."""

    async def pages() -> AsyncIterator[list[Body]]:
        asked = OutboxQuery(AT_ONCE, None, channel, row_state)
        fits = fits_by(q, outbox_row_body)
        while found := await source.deliverer().rows(asked):
            yield [outbox_row_body(each) for each in filter(fits, found)]
            asked = asked._replace(before=found[-1].id)

    return _streamed("notifications", form, _told(form, OutboxRowBody, pages()))


def _streamed(name: str, form: Form, portions: AsyncIterator[bytes]) -> Stream:
    named = {"content-disposition": f'attachment; filename="{name}.{form}"'}
    # As a header: that of the call, which the OpenAPI document tells, would be sent instead.
    named["content-type"] = MEDIA[form]
    return Stream(portions, headers=named)


def _written(form: Form, fields: Any, found: Iterator[Line]) -> Iterator[bytes]:
    if form == "csv":
        return table(fields, found)
    return ndjson(found) if form == "ndjson" else as_array(found)


async def _told(
    form: Form, kind: type[Body], pages: AsyncIterator[list[Body]]
) -> AsyncIterator[bytes]:
    """Bodies of the API, as they are or flat."""
    first = True
    async for page in pages:
        if not page:
            continue
        if form == "csv":
            yield b"".join(table(columns(kind), map(row, page), headed=first))
        elif form == "ndjson":
            yield b"".join(ndjson(page))
        else:
            yield (b"[" if first else b",") + b"".join(as_array(page))[1:-2]
        first = False
    if form == "json":
        yield b"[]\n" if first else b"]\n"
    elif form == "csv" and first:
        yield b"".join(table(columns(kind), ()))


async def _in_portions(written: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Made in a thread, so that nobody else waits while a page is read."""
    while portion := await sync_to_thread(_some, written):
        yield portion


def _some(written: Iterator[bytes]) -> bytes:
    found = []
    for line in written:
        found.append(line)
        if len(found) >= AT_ONCE:
            break
    return b"".join(found)
