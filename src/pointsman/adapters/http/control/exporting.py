"""Which calls of the control API give out all that is kept, line by line?"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Annotated, Literal

from litestar import get
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, SkipValidation
from litestar.response import Stream

from pointsman.adapters.http.control.export_rows import FIELDS, lines, ndjson, table
from pointsman.adapters.http.control.source import ControlSource
from pointsman.core.aggregate import first_id
from pointsman.core.errors import NotFound
from pointsman.engine.ports import DecisionQuery

AT_ONCE = 200
"""So many lines are made in a thread at a time."""

MEDIA = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}

Source = NamedDependency[SkipValidation[ControlSource]]
Name = QueryParameter(min_length=1, max_length=256)


@get(
    "/export/{what:str}",
    query_parameters=("format", "since", "until", "agent_id", "model_id"),
    media_type="application/x-ndjson",
)
async def export(
    source: Source,
    what: FromPath[str],
    *,
    format: Annotated[  # noqa: A002 - the name that the query has
        Literal["ndjson", "csv"], QueryParameter(description="How lines are written.")
    ] = "ndjson",
    since: Annotated[
        datetime | None, QueryParameter(description="Made at this instant or later.")
    ] = None,
    until: Annotated[datetime | None, QueryParameter(description="Made before it.")] = None,
    agent_id: Annotated[str | None, Name] = None,
    model_id: Annotated[str | None, Name] = None,
) -> Stream:
    """`decisions` or `outcomes`, all that are kept, newest first, as a stream."""
    if what not in FIELDS:
        words = f"There is no export of {what!r}; there are {', '.join(FIELDS)}."
        raise NotFound(words, param="what", code="unknown_export")
    before = None if until is None else first_id(int(in_utc(until).timestamp()))
    query = DecisionQuery(before=before, agent_id=agent_id, model_id=model_id)
    found = lines(what, source.kept, query, None if since is None else in_utc(since))
    written = ndjson(found) if format == "ndjson" else table(what, found)
    named = {"content-disposition": f'attachment; filename="{what}.{format}"'}
    # As a header: that of the call, which the OpenAPI document tells, would be sent instead.
    named["content-type"] = MEDIA[format]
    return Stream(_in_portions(written), headers=named)


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


def in_utc(at: datetime) -> datetime:
    """An instant without a zone is meant in UTC; one that UTC cannot say is its first or last."""
    if at.tzinfo is None:
        return at.replace(tzinfo=UTC)
    try:
        return at.astimezone(UTC)
    except OverflowError:
        first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
        return first if at.year == 1 else last
