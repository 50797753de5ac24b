"""What may people do about alerts: take one, silence many, write rules?"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from scripted import NOON
from watching_world import PLAN, Watched

from alerts_made import ERROR, rule
from pointsman.core.alert_memory import Step
from pointsman.core.alert_plan import AlertPlan, Origin
from pointsman.core.alert_rules import Condition
from pointsman.core.alert_silences import Matcher
from pointsman.core.errors import StoreError
from pointsman.core.notification import NoticeState
from pointsman.engine.alert_desk import Asked
from pointsman.engine.alert_ports import EntryQuery

HOUR = timedelta(hours=1)


async def outage() -> Watched:
    watched = Watched()
    watched.attempts(0, 30)
    await watched.look()
    return watched


def asked(**changes: Any) -> Asked:
    facts: dict[str, Any] = {
        "matchers": (Matcher("alertname", "low_success_rate"),),
        "starts_at": NOON,
        "ends_at": NOON + HOUR,
        "author": "ada",
    }
    return Asked(**{**facts, **changes})


async def test_who_takes_an_alert_is_told_kept_and_known_after_a_restart() -> None:
    watched = await outage()
    alert = watched.alert("low_success_rate")
    assert await watched.desk.ack(alert.id, "ada", HOUR, "on it")
    lines = await watched.desk.history(EntryQuery(alert_id=alert.id))
    assert (lines[0].step, lines[0].actor, lines[0].details) == (
        Step.ACKED,
        "ada",
        {"comment": "on it"},
    )
    watched.attempts(0, 30)
    await watched.look(7)
    taken = [each for each in watched.told if each.count(NoticeState.ACKNOWLEDGED)]
    assert taken[0].alerts[0].acknowledged_by == "ada"
    again = Watched(store=watched.store, clock=watched.clock)
    await again.look()
    ack = again.alerts.ack_of(again.alert("low_success_rate"), again.clock.now())
    assert ack is not None
    assert (ack.by, ack.comment) == ("ada", "on it")


async def test_nobody_can_take_what_is_not_there() -> None:
    watched = await outage()
    assert not await watched.desk.ack("unheard-of", "ada", HOUR)
    assert not await watched.desk.unack("unheard-of", "ada")
    alert = watched.alert("low_success_rate")
    assert not await watched.desk.unack(alert.id, "ada")


async def test_an_alert_can_be_given_back() -> None:
    watched = await outage()
    alert = watched.alert("low_success_rate")
    await watched.desk.ack(alert.id, "ada", HOUR)
    assert await watched.desk.unack(alert.id, "bob")
    assert watched.alerts.ack_of(alert, watched.clock.now()) is None
    (line,) = await watched.desk.history(EntryQuery(limit=1))
    assert (line.step, line.actor) == (Step.UNACKED, "bob")


async def test_who_takes_an_alert_for_a_time_has_it_no_longer_and_all_hear_that_once() -> None:
    watched = await outage()
    alert = watched.alert("low_success_rate")
    await watched.desk.ack(alert.id, "ada", timedelta(minutes=5))

    def said() -> list[tuple[NoticeState, str | None]]:
        news = [each.alerts[0] for each in watched.told]
        return [(n.state, n.acknowledged_by) for n in news if n.alert_id == alert.id]

    watched.attempts(0, 30)
    await watched.look(7)
    assert said()[-1] == (NoticeState.ACKNOWLEDGED, "ada")
    watched.store.broken = True
    watched.attempts(0, 30)
    await watched.look(30)
    assert await watched.desk.standing([alert])
    assert (await watched.desk.standing([alert]))[0].ack is None
    watched.store.broken = False
    again = Watched(store=watched.store, clock=watched.clock)
    again.attempts(0, 30)
    await again.look(3)
    lines = [each for each in watched.store.history.values() if each.step is Step.UNACKED]
    assert [(each.actor, each.details["taken_by"]) for each in lines] == [("", "ada")]
    assert "is over" in lines[0].details["because"]
    assert again.alerts.acks == {}
    assert [each for each in said() if each[0] is NoticeState.FIRING][1:], "it fires again"
    await again.desk.ack(alert.id, "bob", HOUR)
    again.attempts(0, 30)
    await again.look(7)
    assert said()[-1] == (NoticeState.ACKNOWLEDGED, "bob")


async def test_an_ack_of_what_is_over_lapses_without_a_word() -> None:
    watched = await outage()
    alert = watched.alert("low_success_rate")
    await watched.desk.ack(alert.id, "ada", timedelta(minutes=5))
    watched.alerts.log.end(alert, watched.desk.now(), "enough")
    assert not watched.alerts.lapsed(watched.clock.now() + HOUR)


async def test_a_silence_hides_until_it_is_ended() -> None:
    watched = Watched()
    made = await watched.desk.silence(asked(), "ada")
    watched.attempts(0, 30)
    await watched.look()
    told = {each.group_key for each in watched.told}
    assert told == {"alert_type=RAPID_FAILURES"}
    standing = await watched.desk.standing(watched.desk.known(live_only=True))
    hidden = [each for each in standing if each.silenced_by]
    assert {each.alert.rule for each in hidden} == {"low_success_rate"}
    assert {each.silenced_by for each in hidden} == {(made.id,)}
    by_provider = [each for each in standing if each.inhibited_by]
    assert {each.alert.rule for each in by_provider} == {"model_failure", "rapid_failures"}
    assert await watched.desk.expire(made.id, "ada")
    assert not await watched.desk.expire(made.id, "ada")
    assert not await watched.desk.expire("unheard-of", "ada")
    watched.attempts(0, 30)
    await watched.look()
    assert "alert_type=LOW_SUCCESS_RATE" in {each.group_key for each in watched.told}


async def test_a_silence_is_changed_while_it_lasts_and_made_anew_when_it_is_over() -> None:
    watched = Watched()
    made = await watched.desk.silence(asked(), "ada")
    longer = await watched.desk.silence(asked(id=made.id, ends_at=NOON + 2 * HOUR), "ada")
    assert longer.id == made.id
    watched.clock.t += 3 * 3_600
    later = watched.clock.now()
    anew = await watched.desk.silence(
        asked(id=made.id, starts_at=later, ends_at=later + HOUR), "ada"
    )
    assert anew.id != made.id
    with pytest.raises(ValueError, match="ends after it starts"):
        await watched.desk.silence(asked(ends_at=NOON), "ada")


async def test_silences_are_bounded_and_known_after_a_restart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watched = Watched()
    made = await watched.desk.silence(asked(), "ada")
    monkeypatch.setattr("pointsman.engine.alert_desk.MOST_SILENCES", 1)
    with pytest.raises(ValueError, match="end some first"):
        await watched.desk.silence(asked(), "ada")
    again = Watched(store=watched.store, clock=watched.clock)
    await again.look()
    assert list(again.alerts.silences) == [made.id]
    again.clock.t += 3 * 3_600
    await again.look()
    assert not again.alerts.silences


async def test_rules_are_written_changed_removed_and_known_after_a_restart() -> None:
    watched = Watched()
    first = await watched.desk.write_rule("mine", "3", "ada")
    second = await watched.desk.write_rule("mine", "2", "bob")
    assert (first.origin, first.stored and first.stored.version) == (Origin.API, 1)
    assert second.stored is not None
    assert (second.stored.version, second.stored.created_by) == (2, "ada")
    watched.attempts(0, 2)
    await watched.look()
    assert watched.live() == {"mine": ERROR}
    again = Watched(store=watched.store, clock=watched.clock)
    assert await again.desk.restore_rules() == []
    found = again.desk.rule("mine")
    assert found is not None
    assert found.stored == second.stored
    assert await again.desk.remove_rule("mine", "ada")
    assert not await again.desk.remove_rule("mine", "ada")
    assert again.desk.rule("mine") is None


async def test_a_shipped_rule_is_back_when_what_took_its_place_is_removed() -> None:
    watched = Watched()
    await watched.desk.write_rule("model_failure", "1", "ada")
    await watched.desk.remove_rule("model_failure", "ada")
    found = watched.desk.rule("model_failure")
    assert found is not None
    assert found.origin is Origin.DEFAULT


async def test_what_the_file_says_is_not_overruled_and_no_rule_is_nonsense() -> None:
    watched = Watched(plan=AlertPlan(rules={"mine": rule(name="mine")}, routes=PLAN.routes))
    with pytest.raises(ValueError, match="configuration file"):
        await watched.desk.write_rule("mine", "1", "ada")
    with pytest.raises(ValueError, match="is no number"):
        await watched.desk.write_rule("other", '"x"', "ada")
    assert watched.store.rules() == []


async def test_rules_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched()
    monkeypatch.setattr("pointsman.engine.alert_desk.MOST_RULES", 1)
    await watched.desk.write_rule("one", "1", "ada")
    with pytest.raises(ValueError, match="remove some first"):
        await watched.desk.write_rule("two", "1", "ada")


async def test_a_stored_rule_that_cannot_be_read_any_more_is_named_and_can_be_removed() -> None:
    watched = Watched()
    await watched.desk.write_rule("mine", "1", "ada")
    (stored,) = watched.store.rules()
    watched.store.keep_rule(stored._replace(document='"x"'))
    again = Watched(store=watched.store, clock=watched.clock)
    assert await again.desk.restore_rules() == ["mine: 'x' is no number"]
    assert again.desk.rule("mine") is None
    assert await again.desk.remove_rule("mine", "ada")


async def test_a_store_that_fails_keeps_a_silence_and_a_rule_from_being_in_force() -> None:
    watched = Watched()
    watched.store.broken = True
    with pytest.raises(StoreError):
        await watched.desk.silence(asked(), "ada")
    with pytest.raises(StoreError):
        await watched.desk.write_rule("mine", "1", "ada")
    assert not watched.alerts.silences
    assert watched.desk.rule("mine") is None
    done = [(act.action, act.reason) for act in watched.acts.kept]
    assert [action for action, _ in done] == [
        "silence.set",
        "silence.set.failed",
        "alert_rule.set",
        "alert_rule.set.failed",
    ]
    watched.store.broken = False
    made = await watched.desk.silence(asked(), "ada")
    await watched.desk.write_rule("mine", "1", "ada")
    watched.store.broken = True
    with pytest.raises(StoreError):
        await watched.desk.expire(made.id, "eve")
    with pytest.raises(StoreError):
        await watched.desk.remove_rule("mine", "eve")
    assert watched.alerts.silences[made.id] == made
    assert watched.desk.rule("mine") is not None


async def test_who_takes_an_alert_while_the_store_fails_is_told_so_and_nothing_is_changed() -> None:
    watched = await outage()
    alert = watched.alert("low_success_rate")
    watched.store.broken = True
    with pytest.raises(StoreError):
        await watched.desk.ack(alert.id, "ada", HOUR)
    assert [act.action for act in watched.acts.kept] == ["alert.ack", "alert.ack.failed"]
    watched.store.broken, watched.acts.broken = False, True
    with pytest.raises(StoreError):
        await watched.desk.ack(alert.id, "ada", HOUR)
    assert watched.alerts.ack_of(alert, watched.clock.now()) is None
    watched.acts.broken = False
    await watched.look()
    assert not [each for each in watched.store.history.values() if each.actor]
    assert await watched.desk.ack(alert.id, "ada", HOUR)


async def test_a_rule_is_turned_off_and_on_and_keeps_what_it_says() -> None:
    watched = Watched(plan=AlertPlan(rules={"of_file": rule(name="of_file")}))
    off = await watched.desk.switch_rule("model_failure", "ada", on=False)
    assert (off.rule.enabled, off.origin) == (False, Origin.API)
    on = await watched.desk.switch_rule("model_failure", "ada", on=True)
    assert on.rule.enabled
    assert on.stored is not None
    assert on.stored.version == 2
    with pytest.raises(LookupError):
        await watched.desk.switch_rule("unheard_of", "ada", on=True)
    with pytest.raises(ValueError, match="configuration file"):
        await watched.desk.switch_rule("of_file", "ada", on=False)


async def test_what_people_do_about_alerts_is_in_the_audit_log() -> None:
    watched = await outage()
    alert = watched.alert("low_success_rate")
    desk = watched.desk
    await desk.ack(alert.id, "ada", HOUR, "on it")
    await desk.unack(alert.id, "bob")
    made = await desk.silence(asked(comment="works"), "ada")
    await desk.silence(asked(id=made.id, ends_at=NOON + 2 * HOUR), "bob")
    await desk.expire(made.id, "eve")
    await desk.write_rule("mine", "3", "ada")
    await desk.write_rule("mine", "2", "bob")
    await desk.remove_rule("mine", "eve")
    acts = watched.acts.kept
    assert [(act.actor, act.action, act.subject) for act in acts] == [
        ("ada", "alert.ack", alert.id),
        ("bob", "alert.unack", alert.id),
        ("ada", "silence.set", made.id),
        ("bob", "silence.change", made.id),
        ("eve", "silence.end", made.id),
        ("ada", "alert_rule.set", "mine"),
        ("bob", "alert_rule.set", "mine"),
        ("eve", "alert_rule.delete", "mine"),
    ]
    assert (acts[0].reason, acts[2].reason) == ("on it", "works")
    new = [True, False, True, False, False, True, False, False]
    assert [act.before is None for act in acts] == new
    assert acts[0].after == acts[1].before
    assert acts[0].after is not None
    assert (acts[0].after["by"], acts[1].after) == ("ada", None)
    assert acts[6].before == {"version": 1, "document": "3"}
    assert acts[6].after == {"version": 2, "document": "2"}
    assert acts[3].after is not None
    assert acts[3].after["ends_at"] == (NOON + 2 * HOUR).isoformat()


async def test_what_is_refused_or_cannot_be_written_down_is_not_done() -> None:
    watched = Watched()
    with pytest.raises(ValueError, match="no number"):
        await watched.desk.write_rule("mine", '"x"', "ada")
    assert watched.acts.kept == []
    watched.acts.broken = True
    with pytest.raises(StoreError):
        await watched.desk.silence(asked(), "ada")
    with pytest.raises(StoreError):
        await watched.desk.write_rule("mine", "1", "ada")
    assert (watched.desk.silences(), watched.desk.rule("mine")) == ([], None)


async def test_rules_that_together_count_too_much_are_refused() -> None:
    watched = Watched()
    watched.desk._read = lambda name, document: rule(
        Condition("wait_s", {ERROR: float(document)}), name=name
    )
    for number in range(97):
        await watched.desk.write_rule(f"r{number}", str(10 + number), "ada")
    with pytest.raises(ValueError, match="101 different limits"):
        await watched.desk.write_rule("too_many", "9", "ada")
    await watched.desk.write_rule("one_more", "10", "ada")


async def test_of_many_who_remove_a_rule_or_end_a_silence_at_once_one_does() -> None:
    desk = Watched().desk
    await desk.write_rule("mine", "1", "ada")
    removed = await asyncio.gather(*(desk.remove_rule("mine", "ada") for _ in range(6)))
    assert sorted(removed) == [False] * 5 + [True]
    made = await desk.silence(asked(), "ada")
    ended = await asyncio.gather(*(desk.expire(made.id, "ada") for _ in range(6)))
    assert sorted(ended) == [False] * 5 + [True]


async def test_each_of_many_changes_at_once_is_a_version_of_its_own() -> None:
    watched = Watched()
    writes = [watched.desk.write_rule("mine", str(2 + each), "ada") for each in range(8)]
    made = await asyncio.gather(*writes)
    assert sorted(each.stored.version for each in made if each.stored) == list(range(1, 9))
    switches = [watched.desk.switch_rule("model_failure", "ada", on=True) for _ in range(8)]
    await asyncio.gather(*switches)
    assert {each.name: each.version for each in watched.store.rules()} == {
        "mine": 8,
        "model_failure": 8,
    }


async def test_many_silences_at_once_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pointsman.engine.alert_desk.MOST_SILENCES", 2)
    watched = Watched()
    wanted = [watched.desk.silence(asked(), "ada") for _ in range(6)]
    found = await asyncio.gather(*wanted, return_exceptions=True)
    assert sum(isinstance(each, ValueError) for each in found) == 4
    assert len(watched.alerts.silences) == 2
