"""Is everything in the outbox delivered once, in order, whatever receivers do meanwhile?"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from random import Random

import pytest
from post_office import GENEROUS, Post, Receiver, becomes, refuse

from notices import notification
from pointsman.core.channel_trouble import TOLD_AFTER, TOLD_AGAIN_S
from pointsman.core.errors import NotifyError
from pointsman.core.notification import NoticeState, Notification
from pointsman.core.outbox import OutboxQuery, RowState
from pointsman.engine.notify import Deliverer
from pointsman.engine.sending import Channel


async def test_what_is_put_is_delivered_and_the_receipt_kept() -> None:
    post = Post(pager=(pager := Receiver()), chat=(chat := Receiver()))
    post.put("a")
    post.put("b", channel="chat")
    await post.until(post.is_idle)
    assert (pager.ids, chat.ids) == (["a"], ["b"])
    row = post.outbox.row("a")
    assert row is not None
    assert (row.state, row.receipt) == (RowState.DELIVERED, "receipt of a")


async def test_a_group_is_told_in_order_with_the_receipt_of_what_came_before() -> None:
    post = Post(pager=(pager := Receiver()))
    post.put("a", "b", group="g")
    await post.until(post.is_idle)
    assert pager.ids == ["a", "b"]
    assert pager.earlier == ["", "receipt of a"]


async def test_a_receiver_that_is_down_for_an_hour_gets_everything_after() -> None:
    post = Post(pager=(pager := Receiver()))
    up_at = 3_600.0

    def answers(told: Notification) -> str:
        return refuse(told) if post.clock.t < up_at else ""

    pager.answers = answers
    names = [f"n{i:02}" for i in range(40)]
    post.put(*names)
    await post.until(post.is_idle)
    assert sorted(pager.ids) == names
    assert post.clock.t < up_at + 120
    # It was asked about once a minute, not once for everything that waited.
    assert len(pager.tried) - len(names) < 100


async def test_every_try_has_the_same_id() -> None:
    post = Post(pager=(pager := Receiver()))
    pager.answers = lambda told: refuse(told) if len(pager.tried) < 4 else ""
    post.put("a")
    await post.until(post.is_idle)
    assert pager.tried == ["a"] * 4


async def test_a_receiver_that_hangs_holds_up_only_itself() -> None:
    hanging = Receiver()
    hanging.hangs = True
    policy = GENEROUS._replace(timeout_s=0.01, give_up_after_s=0.0)
    post = Post(policy, pager=hanging, chat=(chat := Receiver()))
    post.put("a")
    post.put("b", channel="chat")
    await post.until(lambda: bool(chat.seen) and post.state("a") is RowState.DEAD)
    assert post.outbox.kept["a"].row.error == "no answer within 0.01 s"


async def test_a_message_that_nobody_takes_does_not_hold_up_others() -> None:
    post = Post(pager=(pager := Receiver()))
    pager.answers = lambda told: refuse(told) if told.id == "poison" else ""
    post.put("poison")
    post.put("good")
    await post.until(lambda: "good" in pager.ids)
    assert post.state("poison") is RowState.PENDING


async def test_what_is_refused_for_good_is_dead_and_can_be_resent() -> None:
    def gone(_told: Notification) -> str:
        raise NotifyError("the receiver answered 410", retryable=False)

    post = Post(pager=(pager := Receiver()))
    pager.answers = gone
    post.put("a")
    await post.until(post.is_idle)
    (row,) = await post.deliverer.rows(OutboxQuery(state=RowState.DEAD))
    assert (row.id, row.error) == ("a", "the receiver answered 410")

    pager.answers = lambda _told: ""
    assert await post.deliverer.resend("a")
    assert not await post.deliverer.resend("unheard-of")
    await post.until(post.is_idle)
    assert pager.ids == ["a"]


async def test_what_cannot_be_delivered_for_long_is_given_up() -> None:
    post = Post(GENEROUS._replace(give_up_after_s=1_200), pager=(pager := Receiver()))
    pager.answers = refuse
    post.put("a")
    await post.until(post.is_idle)
    assert post.state("a") is RowState.DEAD
    assert 1_200 <= post.clock.t < 1_200 + 120


async def test_a_failing_channel_is_told_of_through_another_once_and_when_it_is_over() -> None:
    post = Post(pager=(pager := Receiver()), chat=(chat := Receiver()))
    pager.answers = lambda told: refuse(told) if len(pager.tried) < 9 else ""
    post.put("a")
    await post.until(lambda: post.is_idle() and len(chat.seen) == 2)
    fires, ends = (each.alerts[0] for each in chat.seen)
    assert fires.summary.endswith("`pager`: the receiver answered 500")
    assert (fires.state, ends.state) == (NoticeState.FIRING, NoticeState.RESOLVED)
    assert fires.alert_id == ends.alert_id
    assert fires.evidence.n == 3


async def test_trouble_that_was_told_before_a_restart_is_not_told_again_but_ended() -> None:
    post = Post(pager=(pager := Receiver()), chat=(chat := Receiver()))
    pager.answers = refuse
    post.put("a")
    await post.until(lambda: len(chat.seen) == 1)

    post.deliverer = Deliverer(post.outbox, post.clock, Random(8), post.channels)
    tried = len(pager.tried)
    await post.until(lambda: len(pager.tried) > tried + 5)
    assert len(chat.seen) == 1

    post.deliverer = Deliverer(post.outbox, post.clock, Random(9), post.channels)
    pager.answers = lambda _told: ""
    await post.until(lambda: len(chat.seen) == 2)
    assert chat.seen[1].state is NoticeState.RESOLVED


async def test_a_channel_that_comes_and_goes_is_told_of_once_in_a_quarter_of_an_hour() -> None:
    post = Post(pager=(pager := Receiver()), chat=(chat := Receiver()))
    times: Counter[str] = Counter()

    def fails_thrice(told: Notification) -> str:
        times[told.id] += 1
        return refuse(told) if times[told.id] <= TOLD_AFTER else ""

    pager.answers = fails_thrice
    for name in "abcde":
        post.put(name)
        await post.until(post.is_idle)
    assert [each.state for each in chat.seen] == [NoticeState.FIRING, NoticeState.RESOLVED]
    post.clock.t += TOLD_AGAIN_S
    post.put("later")
    await post.until(lambda: post.is_idle() and len(chat.seen) == 4)


async def test_whoever_must_act_is_told_at_once_through_the_chosen_channel() -> None:
    def locked(_told: Notification) -> str:
        raise NotifyError("the receiver answered 401", misconfigured=True)

    policy = GENEROUS._replace(fallback="mail")
    post = Post(policy, pager=(pager := Receiver()), chat=(chat := Receiver()), mail=Receiver())
    pager.answers = locked
    post.put("a")
    await post.until(lambda: bool(post.receivers["mail"].seen))
    assert post.receivers["mail"].seen[0].alerts[0].evidence.n == 1
    assert not chat.seen


async def test_with_nobody_else_to_tell_a_failing_channel_is_merely_tried_on() -> None:
    post = Post(pager=(pager := Receiver()))
    pager.answers = lambda told: refuse(told) if len(pager.tried) < 9 else ""
    post.put("a")
    await post.until(post.is_idle)
    assert pager.ids == ["a"]


async def test_of_a_channel_that_is_gone_everything_is_shown_as_dead() -> None:
    post = Post(pager=Receiver())
    post.put("a", channel="gone")
    await post.until(post.is_idle)
    assert "'gone'" in post.outbox.kept["a"].row.error


async def test_a_full_disk_delays_and_loses_nothing() -> None:
    post = Post(pager=(pager := Receiver()))
    post.clock.busy = lambda: False
    post.put("a")
    post.outbox.failing = True

    def answers(_told: Notification) -> str:
        post.outbox.failing = True
        return ""

    pager.answers = answers
    async with post.delivering():
        for _ in range(200):
            await asyncio.sleep(0.001)
            post.outbox.failing = False
    assert pager.ids == ["a"]
    assert post.state("a") is RowState.DELIVERED


async def test_a_mistake_in_a_channel_is_an_error_without_its_words() -> None:
    def broken(_told: Notification) -> str:
        raise KeyError("secret")

    policy = GENEROUS._replace(give_up_after_s=0.0)
    post = Post(policy, pager=(pager := Receiver()))
    pager.answers = broken
    post.put("a")
    await post.until(post.is_idle)
    assert post.outbox.kept["a"].row.error == "KeyError in the channel"


async def test_a_channel_can_be_tested_past_the_outbox() -> None:
    post = Post(GENEROUS._replace(timeout_s=0.01), pager=(pager := Receiver()))
    assert await post.deliverer.senders["pager"].now(notification()) == "receipt of ntf-0001"
    pager.hangs = True
    with pytest.raises(NotifyError, match="no answer within"):
        await post.deliverer.senders["pager"].now(notification())
    assert not post.outbox.kept


async def test_a_stop_lets_what_is_being_sent_arrive() -> None:
    post = Post(pager=(pager := Receiver()))
    post.put("a")
    post.deliverer.start()
    await becomes(lambda: bool(post.deliverer._turns))
    await post.deliverer.close(5.0)
    await post.deliverer.close(5.0)
    assert pager.ids == ["a"]
    assert post.state("a") is RowState.DELIVERED


async def test_what_was_under_way_at_a_sudden_end_is_sent_under_the_same_id() -> None:
    post = Post(pager=(pager := Receiver()))
    pager.hangs = True
    post.put("a")
    post.deliverer.start()
    await becomes(lambda: bool(pager.tried))
    await post.deliverer.close(0.0)

    pager.hangs = False
    post.deliverer = Deliverer(post.outbox, post.clock, Random(8), post.channels)
    await post.until(post.is_idle)
    assert pager.tried == ["a", "a"]


async def test_channels_change_while_it_runs_and_the_unchanged_go_on() -> None:
    post = Post(pager=Receiver())
    before = post.deliverer.senders["pager"]
    chat = Receiver()
    async with post.delivering():
        post.deliverer.reconfigure({**post.channels, "chat": Channel(chat, GENEROUS)})
        post.put("b", channel="chat")
        await becomes(lambda: bool(chat.seen))
    assert post.deliverer.senders["pager"] is before


async def test_what_ended_long_ago_is_forgotten() -> None:
    post = Post(pager=Receiver())
    post.put("a")
    await post.until(post.is_idle)
    await post.deliverer.forget_old()
    assert post.state("a") is RowState.DELIVERED
    post.clock.t += timedelta(days=31).total_seconds()
    await post.deliverer.forget_old()
    assert not post.outbox.kept


async def test_what_is_for_another_gateway_to_tell_is_left_to_it() -> None:
    post = Post(pager=(pager := Receiver()))
    ours = False
    post.deliverer.is_ours = lambda: ours
    post.put("a")
    begun_s = post.clock.t
    await post.until(lambda: post.clock.t > begun_s + 60)
    assert pager.tried == []
    ours = True
    await post.until(post.is_idle)
    assert pager.ids == ["a"]
