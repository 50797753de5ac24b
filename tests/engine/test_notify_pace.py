"""Is what comes too fast told together, and nothing of it twice or out of order?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from post_office import Post, Receiver
from scripted import NOON

from notices import notice, notification
from pointsman.core.outbox import OutboxRow, RowState
from pointsman.engine.sending import MOST_HELD, ChannelPolicy


async def test_what_comes_faster_than_the_pace_is_told_together() -> None:
    post = Post(ChannelPolicy(per_minute=1, burst=3), pager=(pager := Receiver()))
    names = [f"n{i}" for i in range(10)]
    told = [
        notification(id=name, group_key=name, alerts=(notice(i),)) for i, name in enumerate(names)
    ]
    post.outbox.put(told, NOON)
    await post.until(post.is_idle)
    assert pager.ids[:2] == ["n0", "n1"]
    assert len(pager.seen) == 3
    assert {a.alert_id for each in pager.seen for a in each.alerts} == {
        notice(i).alert_id for i in range(10)
    }
    assert post.state("n5") is RowState.MERGED


async def test_a_receiver_that_tracks_groups_gets_each_of_its_own() -> None:
    policy = ChannelPolicy(per_minute=60, burst=1)
    post = Post(policy, pager=(pager := Receiver(one_by_one=True)))
    post.put("a1", "a2", group="a")
    post.put("b")
    await post.until(post.is_idle)
    assert [each.group_key for each in pager.seen] == ["a", "of b"]


async def test_what_may_have_arrived_keeps_its_id_and_its_place_before_what_follows() -> None:
    post = Post(ChannelPolicy(per_minute=60, burst=1), pager=(pager := Receiver()))
    post.put("a1", "a2", group="a")
    post.put("b", "c")
    died = NOON + timedelta(seconds=1)
    post.outbox.lease("pager", now=NOON, until=died, limit=1)
    post.clock.t = 2.0
    await post.until(post.is_idle)
    assert post.state("a1") is RowState.DELIVERED
    assert post.state("b") is RowState.MERGED
    assert [each.group_key for each in pager.seen] == ["a", "several"]


async def test_memory_holds_no_more_than_one_message_is_made_of() -> None:
    post = Post(ChannelPolicy(per_minute=6, burst=2), pager=(pager := Receiver()))
    asked: list[int] = []
    lease = post.outbox.lease

    def counted(channel: str, **terms: Any) -> Sequence[OutboxRow]:
        held = lease(channel, **terms)
        asked.append(len(held))
        return held

    post.outbox.lease = counted  # type: ignore[method-assign]
    told = [notification(id=f"n{i}", group_key=f"g{i}") for i in range(1_000)]
    post.outbox.put(told, NOON)
    await post.until(post.is_idle)
    assert max(asked) == MOST_HELD
    assert len(pager.seen) < 10
