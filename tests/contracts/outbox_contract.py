"""What does every outbox promise to those who deliver?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from notices import STARTED, notification
from pointsman.core.delivery import LONGEST_ASKED_S
from pointsman.core.errors import StoreError
from pointsman.core.outbox import OutboxQuery, OutboxRow, RowState, Settled
from pointsman.engine.delivery_ports import Outbox

PENDING, DELIVERED, DEAD, MERGED = RowState
MINUTE = timedelta(minutes=1)
NOW = STARTED + MINUTE


def keep(outbox: Outbox, *keys: tuple[str, str], channel: str = "pager") -> None:
    """Put notifications, each an id and a group, one after the other."""
    for number, (name, group) in enumerate(keys):
        each = notification(id=name, group_key=group, channel=channel)
        outbox.put([each], NOW + number * timedelta(microseconds=1))


def take(
    outbox: Outbox, now: datetime = NOW + MINUTE, *, channel: str = "pager", limit: int = 10
) -> Sequence[OutboxRow]:
    return outbox.lease(channel, now=now, until=now + MINUTE, limit=limit)


def ids(rows: Sequence[OutboxRow]) -> list[str]:
    return [row.id for row in rows]


class OutboxContract:
    """A subclass gives the fixture `outbox`, empty."""

    def test_what_is_put_is_given_back_as_it_was(self, outbox: Outbox) -> None:
        told = notification(3, left_out=4, first=False)
        assert outbox.put([told], NOW) == 1
        row = outbox.row(told.id)
        assert row is not None
        assert row.notification == told
        assert (row.state, row.attempts, row.created_at, row.next_at) == (PENDING, 0, NOW, NOW)
        assert outbox.row("unheard-of") is None

    def test_what_is_put_again_stays_as_it_is(self, outbox: Outbox) -> None:
        keep(outbox, ("a", "g"))
        (row,) = take(outbox)
        outbox.settle(row, Settled(DELIVERED, NOW))
        assert outbox.put([notification(id="a"), notification(id="b")], NOW) == 1
        assert outbox.row("a") == row._replace(
            state=DELIVERED, attempts=1, leased_until=None, ended_at=NOW
        )

    def test_rows_are_due_at_once_and_none_where_none_wait(self, outbox: Outbox) -> None:
        assert outbox.due(NOW) == {}
        keep(outbox, ("a", "g"))
        keep(outbox, ("b", "g"), channel="chat")
        assert outbox.due(NOW + MINUTE) == {"pager": NOW, "chat": NOW}

    def test_what_is_held_is_held_by_one(self, outbox: Outbox) -> None:
        keep(outbox, ("a", "g"), ("b", "h"))
        assert ids(take(outbox, limit=1)) == ["a"]
        assert not take(outbox)
        assert outbox.due(NOW + MINUTE)["pager"] <= NOW + 2 * MINUTE

    def test_another_channel_does_not_wait(self, outbox: Outbox) -> None:
        keep(outbox, ("a", "g"))
        keep(outbox, ("b", "g"), channel="chat")
        take(outbox)
        assert ids(take(outbox, channel="chat")) == ["b"]

    def test_who_dies_holds_nothing_for_long(self, outbox: Outbox) -> None:
        keep(outbox, ("a", "g"))
        (first,) = take(outbox)
        (second,) = take(outbox, NOW + 3 * MINUTE)
        assert second.id == first.id
        assert (first.attempts, second.attempts) == (0, 1)
        assert not outbox.settle(first, Settled(DELIVERED, NOW))
        assert outbox.settle(second, Settled(DELIVERED, NOW))
        assert not outbox.settle(second, Settled(DELIVERED, NOW))

    def test_what_is_released_can_be_held_at_once(self, outbox: Outbox) -> None:
        keep(outbox, ("a", "g"), ("b", "h"))
        outbox.release(take(outbox))
        assert ids(take(outbox)) == ["a", "b"]

    def test_a_failed_row_waits_its_time(self, outbox: Outbox) -> None:
        keep(outbox, ("a", "g"))
        (row,) = take(outbox)
        later = NOW + 5 * MINUTE
        assert outbox.settle(row, Settled(PENDING, NOW, later, error="answered 500"))
        assert not take(outbox)
        assert outbox.due(NOW + MINUTE) == {"pager": later}
        (again,) = take(outbox, later)
        assert (again.attempts, again.error, again.ended_at) == (1, "answered 500", None)

    def test_what_follows_in_a_group_waits_for_what_came_before(self, outbox: Outbox) -> None:
        keep(outbox, ("a", "g"), ("b", "g"), ("c", "h"))
        (row,) = take(outbox, limit=1)
        outbox.settle(row, Settled(PENDING, NOW, NOW + 5 * MINUTE))
        rows = take(outbox)
        assert ids(rows) == ["c"]
        outbox.settle(rows[0], Settled(DELIVERED, NOW))
        assert ids(take(outbox, NOW + 5 * MINUTE)) == ["a", "b"]

    def test_what_failed_often_keeps_nobody_waiting(self, outbox: Outbox) -> None:
        keep(outbox, ("a", "g"), ("b", "h"), ("c", "i"))
        (row,) = take(outbox, limit=1)
        outbox.settle(row, Settled(PENDING, NOW, NOW))
        assert ids(take(outbox)) == ["b", "c", "a"]

    def test_dead_and_delivered_rows_are_not_due(self, outbox: Outbox) -> None:
        keep(outbox, ("a", "g"), ("b", "h"))
        dead, delivered = take(outbox)
        outbox.settle(dead, Settled(DEAD, NOW, error="answered 410"))
        outbox.settle(delivered, Settled(DELIVERED, NOW))
        assert outbox.due(NOW) == {}
        assert not take(outbox, NOW + 9 * MINUTE)
        assert outbox.counts() == {("pager", DEAD): 1, ("pager", DELIVERED): 1}

    @pytest.mark.parametrize("ended", [DEAD, DELIVERED])
    def test_what_has_ended_can_be_resent_under_the_same_id(
        self, outbox: Outbox, ended: RowState
    ) -> None:
        keep(outbox, ("a", "g"))
        (row,) = take(outbox)
        outbox.settle(row, Settled(ended, NOW, error="no"))
        assert outbox.resend("a", NOW + 2 * MINUTE)
        assert not outbox.resend("unheard-of", NOW)
        (again,) = take(outbox, NOW + 2 * MINUTE)
        assert (again.id, again.attempts, again.ended_at) == ("a", 0, None)

    def test_rows_are_merged_into_one_that_is_held_on(self, outbox: Outbox) -> None:
        keep(outbox, ("a", "g"), ("b", "h"), ("c", "i"))
        rows = take(outbox, limit=2)
        into = notification(id="m", group_key="several")
        made = outbox.merge(rows, into, NOW + MINUTE)
        assert (made.notification, made.created_at) == (into, rows[0].created_at)
        assert not take(outbox)
        assert outbox.settle(made, Settled(DELIVERED, NOW + MINUTE))
        merged_row = outbox.row("a")
        assert merged_row is not None
        assert (merged_row.state, merged_row.merged_into) == (MERGED, "m")
        assert not outbox.resend("a", NOW)
        assert ids(take(outbox)) == ["c"]

    def test_rows_that_are_no_longer_held_are_not_merged(self, outbox: Outbox) -> None:
        keep(outbox, ("a", "g"), ("b", "h"))
        rows = take(outbox)
        take(outbox, NOW + 9 * MINUTE)
        with pytest.raises(StoreError):
            outbox.merge(rows, notification(id="m"), NOW)
        assert outbox.row("m") is None

    def test_the_last_receipt_of_a_group_is_known(self, outbox: Outbox) -> None:
        keep(outbox, ("a", "g"), ("b", "g"), ("c", "h"))
        assert outbox.receipt("pager", "g") == ""
        for row, receipt in zip(take(outbox), ("r1", "r2", ""), strict=True):
            outbox.settle(row, Settled(DELIVERED, NOW, receipt=receipt))
        assert outbox.receipt("pager", "g") == "r2"
        assert outbox.receipt("pager", "h") == ""
        assert outbox.receipt("chat", "g") == ""

    def test_nothing_follows_on_what_was_told_together(self, outbox: Outbox) -> None:
        keep(outbox, ("a", "g"))
        (row,) = take(outbox)
        outbox.settle(row, Settled(DELIVERED, NOW, receipt="r1"))
        keep(outbox, ("b", "g"), ("c", "h"))
        into = notification(id="m", group_key="several")
        made = outbox.merge(take(outbox), into, NOW + MINUTE)
        outbox.settle(made, Settled(DELIVERED, NOW + MINUTE, receipt="r2"))
        assert outbox.receipt("pager", "g") == ""
        assert outbox.receipt("pager", "several") == "r2"

    def test_rows_are_listed_newest_first_a_page_at_a_time(self, outbox: Outbox) -> None:
        keep(outbox, *((name, name) for name in "abcd"))
        keep(outbox, ("x", "g"), channel="chat")
        (row,) = take(outbox, limit=1)
        outbox.settle(row, Settled(DEAD, NOW, error="no"))
        ours = OutboxQuery(channel="pager", limit=2)
        page = outbox.rows(ours)
        assert ids(page) == ["d", "c"]
        assert ids(outbox.rows(ours._replace(before=page[-1].id))) == ["b", "a"]
        assert ids(outbox.rows(OutboxQuery(state=DEAD))) == ["a"]
        assert len(outbox.rows(OutboxQuery())) == 5

    def test_the_oldest_row_that_waits_is_known(self, outbox: Outbox) -> None:
        assert outbox.oldest("pager") is None
        keep(outbox, ("b", "g"), ("a", "h"))
        (row, _) = take(outbox)
        assert outbox.oldest("pager") == row
        outbox.settle(row, Settled(DEAD, NOW))
        oldest = outbox.oldest("pager")
        assert oldest is not None
        assert oldest.id == "a"

    def test_only_what_has_ended_is_forgotten(self, outbox: Outbox) -> None:
        keep(outbox, ("a", "g"), ("b", "h"))
        (row,) = take(outbox, limit=1)
        outbox.settle(row, Settled(DELIVERED, NOW))
        assert outbox.forget_before(NOW) == 0
        assert outbox.forget_before(NOW + 99 * MINUTE) == 1
        assert ids(outbox.rows(OutboxQuery())) == ["b"]

    def test_a_clock_that_was_set_back_holds_nothing_up(self, outbox: Outbox) -> None:
        keep(outbox, ("a", "g"))
        (row,) = take(outbox)
        outbox.settle(row, Settled(PENDING, NOW, NOW + MINUTE))
        before = NOW - timedelta(seconds=LONGEST_ASKED_S)
        assert outbox.due(before)["pager"] <= before
        assert ids(take(outbox, before)) == ["a"]
        earlier = before - timedelta(hours=1)
        assert ids(take(outbox, earlier)) == ["a"]
