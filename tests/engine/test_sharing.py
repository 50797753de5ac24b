"""Of gateways that share their alerts, does one judge what all of them see, whoever dies?"""

from __future__ import annotations

from datetime import timedelta

import pytest
from recorded import Record
from watching_world import Watched

from memory_alerts import MemoryAlerts
from memory_rota import MemoryRota, SharedWatch
from pointsman.core.alert_memory import Step
from pointsman.core.alert_silences import Matcher
from pointsman.core.errors import StoreError
from pointsman.engine.alert_desk import Asked
from pointsman.engine.alert_ports import LEASE_S
from pointsman.engine.sharing import ALONE_AFTER_S, FRESH_S, TURN_S, Role, Sharing

LOOK_S = 10.0
HOUR = timedelta(hours=1)


class Gateway:
    """One of those that share; its clock goes on with that of all."""

    def __init__(self, fleet: Fleet, name: str) -> None:
        self.fleet = fleet
        self.watched = Watched(store=fleet.store, record=fleet.record)
        self.sharing = Sharing(MemoryRota(fleet.watch, name), self.watched.clock)
        self.watched.watch.share(self.sharing)

    def role(self) -> Role:
        return self.sharing.role

    async def live(self) -> None:
        """It has a turn and a look."""
        self.watched.clock.t = self.fleet.watch.now_s
        await self.sharing.turn()
        await self.watched.watch.hear()
        try:
            await self.watched.watch.look()
        except StoreError:
            assert self.fleet.watch.away


class Fleet:
    """What gateways share."""

    def __init__(self) -> None:
        self.store = MemoryAlerts()
        self.record = Record()
        self.watch = SharedWatch()

    def away(self, *, is_away: bool) -> None:
        self.watch.away = self.store.broken = is_away

    async def live(self, *gateways: Gateway, seconds: float = LOOK_S) -> None:
        """One after the other looks, after a while."""
        while seconds > 0:
            step_s = min(seconds, TURN_S)
            seconds -= step_s
            self.watch.now_s += step_s
            for each in gateways:
                await each.live()


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


async def pair(fleet: Fleet) -> tuple[Gateway, Gateway]:
    one, other = Gateway(fleet, "one"), Gateway(fleet, "other")
    await fleet.live(one, other)
    assert (one.role(), other.role()) == (Role.LEADS, Role.FOLLOWS)
    return one, other


async def test_what_each_sees_too_little_of_is_judged_together_and_told_once(fleet: Fleet) -> None:
    one, other = await pair(fleet)
    one.watched.attempts(0, 12)
    other.watched.attempts(0, 12)
    await fleet.live(one, other, one, other)
    assert "low_success_rate" in one.watched.live()
    assert one.watched.live() == other.watched.live()
    told = len(one.watched.told)
    await fleet.live(one, other, seconds=60)
    assert len(one.watched.told) == told


async def test_who_takes_over_knows_what_was_told_and_tells_the_end_once(fleet: Fleet) -> None:
    one, other = await pair(fleet)
    one.watched.attempts(0, 30)
    await fleet.live(one, other)
    before = list(one.watched.told)
    assert before
    # The first is gone.
    await fleet.live(other, seconds=LEASE_S + TURN_S)
    assert other.role() is Role.LEADS
    assert list(other.watched.told) == before
    for _ in range(40):
        other.watched.attempts(20)
        await fleet.live(other, seconds=60)
    assert not other.watched.live()
    after = other.watched.told[len(before) :]
    assert after
    assert {alert.state.value for each in after for alert in each.alerts} == {"resolved"}


async def test_who_was_held_up_follows_the_one_that_took_over(fleet: Fleet) -> None:
    one, other = await pair(fleet)
    await fleet.live(other, seconds=LEASE_S + TURN_S)
    await fleet.live(one, other)
    assert (one.role(), other.role()) == (Role.FOLLOWS, Role.LEADS)
    one.watched.attempts(0, 30)
    await fleet.live(one, other, one)
    assert one.watched.live() == other.watched.live() != {}


async def test_what_people_do_at_one_is_known_at_the_other(fleet: Fleet) -> None:
    one, other = await pair(fleet)
    one.watched.attempts(0, 30)
    await fleet.live(one, other)
    alert = one.watched.alert("model_failure")
    assert await other.watched.desk.ack(alert.id, "ada", HOUR)
    matchers = (Matcher("model", "a/best"),)
    now = other.watched.clock.now()
    silence = await other.watched.desk.silence(Asked(matchers, now, now + HOUR, "ada"), "ada")
    await other.watched.desk.write_rule("mine", "5", "ada")
    await fleet.live(one, other)
    taken = one.watched.alerts.ack_of(one.watched.alert("model_failure"), now)
    assert taken is not None
    assert taken.by == "ada"
    assert list(one.watched.alerts.silences) == [silence.id]
    await one.watched.desk.refresh_rules()
    assert "mine" in one.watched.alerts.rules
    assert await other.watched.desk.unack(alert.id, "ada")
    assert await other.watched.desk.remove_rule("mine", "ada")
    await one.watched.desk.refresh_rules()
    await fleet.live(one, other)
    assert one.watched.alerts.ack_of(one.watched.alert("model_failure"), now) is None
    assert "mine" not in one.watched.alerts.rules


async def test_an_alert_of_a_moment_ago_can_be_taken_at_any_of_them(fleet: Fleet) -> None:
    one, other = await pair(fleet)
    one.watched.attempts(0, 30)
    fleet.watch.now_s += LOOK_S
    await one.live()
    alert = one.watched.alert("model_failure")
    assert other.watched.alerts.find(alert.id) is None
    assert await other.watched.desk.ack(alert.id, "ada", HOUR)
    assert not await other.watched.desk.ack("unheard-of", "ada", HOUR)
    assert Step.ACKED in {each.step for each in fleet.store.history.values()}


async def test_while_the_database_is_away_who_had_the_watch_goes_on_and_the_others_wait(
    fleet: Fleet,
) -> None:
    one, other = await pair(fleet)
    fleet.away(is_away=True)
    one.watched.attempts(0, 30)
    other.watched.attempts(0, 30)
    await fleet.live(one, other, seconds=40)
    assert (one.role(), other.role()) == (Role.ALONE, Role.FOLLOWS)
    assert one.watched.past
    assert not other.watched.live()
    fleet.away(is_away=False)
    await fleet.live(other, one)
    # Who had the watch comes first, whoever asks first.
    assert (one.role(), other.role()) == (Role.LEADS, Role.FOLLOWS)
    await fleet.live(one, other)
    assert other.watched.live() == one.watched.live() != {}


async def test_in_a_long_outage_every_gateway_speaks_for_itself(fleet: Fleet) -> None:
    one, other = await pair(fleet)
    fleet.away(is_away=True)
    await fleet.live(one, other, seconds=ALONE_AFTER_S + TURN_S)
    assert other.role() is Role.ALONE
    other.watched.attempts(0, 30)
    await fleet.live(other, seconds=60)
    assert other.watched.past
    told = len(other.watched.past)
    fleet.away(is_away=False)
    # The first is gone for good: the other has waited for it, and takes the watch.
    await fleet.live(other, seconds=2 * LEASE_S + TURN_S)
    assert other.role() is Role.LEADS
    assert "low_success_rate" in other.watched.live()
    assert fleet.store.kept
    assert len(other.watched.past) == told


async def test_readings_of_others_count_while_they_are_fresh(fleet: Fleet) -> None:
    one, other = await pair(fleet)
    await fleet.live(one, other, one)
    found = one.sharing.gauges(one.watched.clock.t, LOOK_S)
    assert "store_failing_s" in {gauge.metric for gauge in found}
    assert list(one.sharing.gauges(one.watched.clock.t + FRESH_S, 4 * LOOK_S))
    assert not list(one.sharing.gauges(one.watched.clock.t + FRESH_S, LOOK_S))


async def test_who_leaves_is_followed_at_once(fleet: Fleet) -> None:
    one, other = await pair(fleet)
    await one.sharing.leave()
    assert one.role() is Role.FOLLOWS
    await fleet.live(other, seconds=TURN_S)
    assert other.role() is Role.LEADS


async def test_who_leads_judges_on_where_people_cannot_be_heard(fleet: Fleet) -> None:
    one, _ = await pair(fleet)
    one.watched.attempts(0, 30)
    fleet.store.broken = True
    fleet.watch.now_s += LOOK_S
    await one.live()
    assert "low_success_rate" in one.watched.live()
    one.fleet.watch.away = True
    assert not await one.sharing.told(0.0)
    await one.watched.watch.look()
