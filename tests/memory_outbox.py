"""An outbox that keeps its promises in memory alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pointsman.core.delivery import LONGEST_ASKED_S
from pointsman.core.errors import StoreError
from pointsman.core.notification import Notification
from pointsman.core.outbox import OutboxQuery, OutboxRow, RowState, Settled

LONGEST = timedelta(seconds=LONGEST_ASKED_S)


@dataclass
class Kept:
    """A row with its place in the order of arrival."""

    place: int
    row: OutboxRow

    @property
    def pending(self) -> bool:
        return self.row.state is RowState.PENDING


class MemoryOutbox:
    """While `failing`, the disk is full. Not for several threads at a time."""

    def __init__(self) -> None:
        self.kept: dict[str, Kept] = {}
        self.failing = False

    def _check(self) -> None:
        if self.failing:
            raise StoreError("the disk is full")

    def put(self, notifications: Sequence[Notification], now: datetime) -> int:
        self._check()
        new = [each for each in notifications if each.id not in self.kept]
        for each in new:
            self._add(OutboxRow(each, RowState.PENDING, 0, now, now))
        return len(new)

    def _add(self, row: OutboxRow) -> None:
        self.kept[row.id] = Kept(len(self.kept), row)

    def due(self, now: datetime) -> Mapping[str, datetime]:
        self._check()
        found: dict[str, datetime] = {}
        for kept in self.kept.values():
            if kept.pending:
                row = kept.row
                at = max(_sound(row.next_at, now), _sound(row.leased_until or row.next_at, now))
                channel = row.notification.channel
                found[channel] = min(at, found.get(channel, at))
        return found

    def lease(
        self, channel: str, *, now: datetime, until: datetime, limit: int
    ) -> Sequence[OutboxRow]:
        self._check()
        waiting = [
            kept
            for kept in self.kept.values()
            if kept.pending and kept.row.notification.channel == channel
        ]
        if any(k.row.leased_until and _sound(k.row.leased_until, now) > now for k in waiting):
            return ()
        heads: dict[str, Kept] = {}
        for kept in sorted(waiting, key=lambda k: k.place):
            heads.setdefault(kept.row.notification.group_key, kept)
        ready = [
            (head.row.attempts, head.place, kept.place, kept)
            for kept in waiting
            if _sound((head := heads[kept.row.notification.group_key]).row.next_at, now) <= now
        ]
        chosen = [kept for *_, kept in sorted(ready, key=lambda each: each[:3])][:limit]
        for kept in chosen:
            tried = kept.row.attempts + (kept.row.leased_until is not None)
            kept.row = kept.row._replace(leased_until=until, attempts=tried)
        return [kept.row for kept in chosen]

    def _held(self, row: OutboxRow) -> Kept | None:
        kept = self.kept[row.id]
        return kept if kept.pending and kept.row.leased_until == row.leased_until else None

    def settle(self, row: OutboxRow, outcome: Settled) -> bool:
        self._check()
        kept = self._held(row)
        if kept is None:
            return False
        kept.row = kept.row._replace(
            state=outcome.state,
            attempts=kept.row.attempts + 1,
            next_at=outcome.next_at or kept.row.next_at,
            leased_until=None,
            ended_at=None if outcome.state is RowState.PENDING else outcome.at,
            error=outcome.error,
            receipt=outcome.receipt,
        )
        return True

    def release(self, rows: Sequence[OutboxRow]) -> None:
        self._check()
        for row in rows:
            if kept := self._held(row):
                kept.row = kept.row._replace(leased_until=None)

    def merge(self, rows: Sequence[OutboxRow], into: Notification, now: datetime) -> OutboxRow:
        self._check()
        held = [self._held(row) for row in rows]
        if None in held:
            raise StoreError("another worker has taken rows over")
        oldest = min(row.created_at for row in rows)
        made = OutboxRow(into, RowState.PENDING, 0, oldest, now, rows[0].leased_until)
        for kept in held:
            assert kept is not None
            kept.row = kept.row._replace(
                state=RowState.MERGED, leased_until=None, ended_at=now, merged_into=into.id
            )
        self._add(made)
        return made

    def rows(self, query: OutboxQuery) -> Sequence[OutboxRow]:
        self._check()
        newest_first = sorted(self.kept.values(), key=lambda kept: -kept.place)
        if query.before is not None:
            last = self.kept[query.before].place
            newest_first = [kept for kept in newest_first if kept.place < last]
        return [
            kept.row
            for kept in newest_first
            if query.channel in (None, kept.row.notification.channel)
            and query.state in (None, kept.row.state)
        ][: query.limit]

    def row(self, notification_id: str) -> OutboxRow | None:
        self._check()
        kept = self.kept.get(notification_id)
        return kept.row if kept else None

    def oldest(self, channel: str) -> OutboxRow | None:
        self._check()
        ours = [k for k in self.kept.values() if k.row.notification.channel == channel]
        waiting = [kept for kept in ours if kept.pending]
        return min(waiting, key=lambda kept: kept.place).row if waiting else None

    def resend(self, notification_id: str, now: datetime) -> bool:
        self._check()
        kept = self.kept.get(notification_id)
        if kept is None or kept.row.state is RowState.MERGED:
            return False
        kept.row = kept.row._replace(
            state=RowState.PENDING, next_at=now, leased_until=None, ended_at=None, attempts=0
        )
        return True

    def receipt(self, channel: str, group_key: str) -> str:
        self._check()
        found: list[OutboxRow] = []
        for kept in sorted(self.kept.values(), key=lambda k: k.place):
            told = kept.row.notification
            ended = kept.row.state in (RowState.DELIVERED, RowState.MERGED)
            if ended and (told.channel, told.group_key) == (channel, group_key):
                found.append(kept.row)
        last = sorted(found, key=lambda row: row.ended_at or row.created_at)[-1:]
        return last[0].receipt if last else ""

    def counts(self) -> Mapping[tuple[str, RowState], int]:
        self._check()
        return Counter((k.row.notification.channel, k.row.state) for k in self.kept.values())

    def forget_before(self, instant: datetime) -> int:
        self._check()
        old = [
            name
            for name, kept in self.kept.items()
            if kept.row.ended_at is not None and kept.row.ended_at < instant
        ]
        for name in old:
            del self.kept[name]
        return len(old)


def _sound(instant: datetime, now: datetime) -> datetime:
    """The instant; now where it could only have been written by a clock that was set back since."""
    return now if instant > now + LONGEST else instant
