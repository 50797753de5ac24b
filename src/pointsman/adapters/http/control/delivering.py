"""Which calls of the control API are about how alerts are delivered?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, SkipValidation

from pointsman.adapters.http.control.assigning import who_asks
from pointsman.adapters.http.control.delivery_bodies import (
    ChannelBody,
    ChannelsBody,
    OutboxBody,
    ResentBody,
    TestBody,
    outbox_row_body,
)
from pointsman.adapters.http.control.searching import Words, fits_by, page_of
from pointsman.adapters.http.control.source import ControlSource
from pointsman.core.errors import NotFound, NotifyError
from pointsman.core.outbox import OutboxQuery, OutboxRow, RowState
from pointsman.core.sample_notification import sample
from pointsman.engine.sending import Sender

MAX_ROWS = 200
TEST_ID_BITS = 64

Source = NamedDependency[SkipValidation[ControlSource]]
Asked = Request[Any, Any, Any]


@get("/alerts/channels")
async def channels(source: Source) -> ChannelsBody:
    """Who can be told of alerts, and how that goes."""
    deliverer = source.deliverer()
    counts = await deliverer.counts()
    found = [
        ChannelBody(
            name=name,
            type=sender.channel.type,
            failures=sender.failures,
            delivered=sender.delivered,
            failed_attempts=sender.failed,
            given_up=sender.dead,
            told_together=sender.merged,
            waiting=counts.get((name, RowState.PENDING), 0),
            dead=counts.get((name, RowState.DEAD), 0),
        )
        for name, sender in deliverer.senders.items()
    ]
    return ChannelsBody(channels=found, total_count=len(found))


@post("/alerts/channels/{name:str}/test", status_code=200, query_parameters=("dry_run", "resolved"))
async def try_channel(
    source: Source,
    request: Asked,
    name: FromPath[str],
    *,
    dry_run: Annotated[bool, QueryParameter(description="Send nothing.")] = False,
    resolved: Annotated[
        bool, QueryParameter(description="Send the message that ends the test before.")
    ] = False,
) -> TestBody:
    """Send a test, or show what would be sent."""
    sender = _sender(source, name)
    test_id = f"test-{source.random().getrandbits(TEST_ID_BITS):016x}"
    told = sample(name, test_id, source.now(), over=resolved)
    error = None
    if not dry_run:
        await source.audit().note(who_asks(request, "").by, "channel.test", name)
        try:
            await sender.now(told)
        except NotifyError as refused:
            error = refused.message
    return TestBody(
        success=error is None,
        channel=name,
        dry_run=dry_run,
        payload=sender.channel.notifier.preview(told),
        error=error,
    )


@get("/alerts/outbox", query_parameters=("limit", "cursor", "channel", "state", "q"))
async def outbox(
    source: Source,
    *,
    limit: Annotated[int, QueryParameter(ge=1, le=MAX_ROWS, description="How many at most.")] = 50,
    cursor: Annotated[
        str | None,
        QueryParameter(min_length=1, max_length=128, description="`next_cursor` of before."),
    ] = None,
    channel: Annotated[str | None, QueryParameter(min_length=1, max_length=64)] = None,
    # Litestar keeps the name `state` for itself.
    row_state: Annotated[RowState | None, QueryParameter(name="state")] = None,
    q: Words = None,
) -> OutboxBody:
    """What is being delivered, was, or could not be; newest first, a page at a time.

    A page of a search may hold fewer than `limit` though `next_cursor` is not null: it goes on
    from there.
    """

    async def look(before: str | None, count: int) -> Sequence[OutboxRow]:
        return await source.deliverer().rows(OutboxQuery(count, before, channel, row_state))

    fits = fits_by(q, outbox_row_body)
    found, next_cursor = await page_of(look, lambda each: each.id, limit, cursor, fits)
    page = [outbox_row_body(row) for row in found]
    return OutboxBody(notifications=page, count=len(page), next_cursor=next_cursor)


@post("/alerts/outbox/{notification_id:str}/resend", status_code=200)
async def resend(source: Source, request: Asked, notification_id: FromPath[str]) -> ResentBody:
    """Deliver a notification again under the same id: one that is dead, or that got lost there."""
    by = who_asks(request, "").by
    await source.audit().note(by, "notification.resend", notification_id)
    if not await source.deliverer().resend(notification_id):
        raise NotFound(
            f"No notification {notification_id!r} can be resent; one that was merged was told by"
            " another.",
            param="notification_id",
            code="notification_not_found",
        )
    return ResentBody(notification_id=notification_id, message="It is sent again.")


def _sender(source: ControlSource, name: str) -> Sender:
    found = source.deliverer().senders.get(name)
    if found is None:
        known = ", ".join(source.deliverer().senders) or "none"
        words = f"No channel is called {name!r}; known: {known}."
        raise NotFound(words, param="name", code="channel_not_found")
    return found
