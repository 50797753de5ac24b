"""What do channels and the outbox look like in the control API?"""

from __future__ import annotations

from datetime import datetime

from pointsman.adapters.http.control.bodies import Body
from pointsman.core.outbox import OutboxRow, RowState


class ChannelBody(Body, frozen=True, kw_only=True):
    """`failures` are the attempts in a row that failed, 0 while all is well. `delivered`,
    `failed_attempts`, `given_up` and `told_together` count since the start of this process;
    `waiting` and `dead` are in the outbox now.
    """

    name: str
    type: str
    failures: int
    delivered: int
    failed_attempts: int
    given_up: int
    told_together: int
    waiting: int
    dead: int


class ChannelsBody(Body, frozen=True, kw_only=True):
    success: bool = True
    channels: list[ChannelBody]
    total_count: int


class TestBody(Body, frozen=True, kw_only=True):
    """`success`: the receiver took it. `error` says why not, null when it did; with `dry_run`
    nothing was sent. `payload` is what is sent, without secrets.
    """

    success: bool
    channel: str
    dry_run: bool
    payload: str
    error: str | None


class OutboxRowBody(Body, frozen=True, kw_only=True):
    """A notification on its way. `state` is pending, delivered, dead or merged; `merged_into` is
    the id of the one that told what this one told. `error` is why the last attempt failed.
    """

    notification_id: str
    channel: str
    state: RowState
    group_key: str
    severity: str
    summary: str
    alerts: int
    attempts: int
    created_at: datetime
    next_at: datetime | None
    ended_at: datetime | None
    error: str | None
    merged_into: str | None


class OutboxBody(Body, frozen=True, kw_only=True):
    success: bool = True
    notifications: list[OutboxRowBody]
    count: int
    next_cursor: str | None


class ResentBody(Body, frozen=True, kw_only=True):
    success: bool = True
    notification_id: str
    message: str


def outbox_row_body(row: OutboxRow) -> OutboxRowBody:
    told = row.notification
    return OutboxRowBody(
        notification_id=row.id,
        channel=told.channel,
        state=row.state,
        group_key=told.group_key,
        severity=told.severity.name,
        summary=told.alerts[0].summary,
        alerts=told.total,
        attempts=row.attempts,
        created_at=row.created_at,
        next_at=row.next_at if row.state is RowState.PENDING else None,
        ended_at=row.ended_at,
        error=row.error or None,
        merged_into=row.merged_into or None,
    )
