"""How do ten thousand alerts become a few messages?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from alerts_made import AGENT, CRITICAL, ERROR, INFO, NOON, WARNING, alert, at, rule
from pointsman.core.alert import AlertType
from pointsman.core.alert_groups import MOST_WAYS, Teller
from pointsman.core.alert_log import Alert, State
from pointsman.core.alert_metrics import Scope, ScopeKind
from pointsman.core.alert_routes import Hours, Route
from pointsman.core.alert_silences import Ack, Matcher, Silence, matcher
from pointsman.core.alert_telling import NOTHING
from pointsman.core.alert_wishes import Grouping, Wishes
from pointsman.core.alert_words import all_labels
from pointsman.core.notification import NoticeState, Notification

ALL = Route(("pager",))
HOUR = timedelta(hours=1)


def wishes(**changes: Any) -> Wishes:
    return Wishes({"test": rule()}, [ALL])._replace(**changes)


def many(count: int, **facts: Any) -> list[Alert]:
    return [alert(scope=Scope(ScopeKind.MODEL, f"p/{number}"), **facts) for number in range(count)]


def tell(
    teller: Teller, now_s: float, alerts: Iterable[Alert], wanted: Wishes | None = None
) -> list[Notification]:
    return teller.tell(at(now_s), list(alerts), wanted or wishes(), {})[0]


def states(notifications: list[Notification]) -> list[tuple[str, NoticeState, int]]:
    return [(each.channel, each.state, each.total) for each in notifications]


def over(alerts: Iterable[Alert], now_s: float) -> list[Alert]:
    now = at(now_s)
    return [
        each._replace(state=State.RESOLVED, since_s=now_s, changed_at=now.at, ends_at=now.at)
        for each in alerts
    ]


def test_ten_thousand_alerts_are_one_message_and_its_end_another() -> None:
    teller, alerts = Teller(), many(10_000)
    (told,) = tell(teller, 0, alerts)
    assert (told.total, len(told.alerts), told.first) == (10_000, 100, True)
    assert tell(teller, 10, alerts) == []
    (ended,) = tell(teller, 70, over(alerts, 70))
    assert (ended.state, ended.total, ended.first) == (NoticeState.RESOLVED, 10_000, False)
    assert tell(teller, 200, over(alerts, 70)) == []


def test_without_routes_nothing_is_told() -> None:
    teller = Teller()
    assert teller.tell(at(0), many(3), wishes(routes=[]), {}) == ([], [])
    assert teller.told(many(1)[0]) is NOTHING


def test_each_group_is_told_by_itself_and_by_the_labels_it_is_asked_for() -> None:
    slow = alert(kind=AlertType.HIGH_LATENCY)
    failing = alert(kind=AlertType.MODEL_FAILURE, scope=AGENT)
    told = tell(Teller(), 0, [slow, failing])
    assert {each.group_key for each in told} == {
        "alert_type=HIGH_LATENCY",
        "alert_type=MODEL_FAILURE",
    }
    by_model = wishes(grouping=Grouping(by=("provider", "model")))
    keys = {each.group_key for each in tell(Teller(), 0, [slow, failing], by_model)}
    assert keys == {"provider=p,model=p/m", "provider=,model="}
    together = tell(Teller(), 0, [slow, failing], wishes(grouping=Grouping(by=())))
    assert [(each.group_key, each.total) for each in together] == [("all", 2)]


def test_a_new_group_waits_for_company_but_not_when_it_is_critical() -> None:
    waits = wishes(grouping=Grouping(wait_s=30))
    teller = Teller()
    assert tell(teller, 0, many(1), waits) == []
    assert tell(teller, 20, many(2), waits) == []
    assert states(tell(teller, 30, many(3), waits)) == [("pager", NoticeState.FIRING, 3)]
    assert len(tell(Teller(), 0, many(1, severity=CRITICAL), waits)) == 1


def test_who_waited_and_is_over_before_is_not_told_and_the_next_waits_anew() -> None:
    waits = wishes(grouping=Grouping(wait_s=30))
    teller = Teller()
    tell(teller, 0, many(1), waits)
    assert tell(teller, 10, over(many(1), 10), waits) == []
    assert tell(teller, 20, [], waits) == []
    assert tell(teller, 25, many(1), waits) == []
    assert tell(teller, 54, many(1), waits) == []
    assert len(tell(teller, 55, many(1), waits)) == 1


def test_a_told_group_is_told_again_after_its_interval_of_what_is_new_and_what_goes_on() -> None:
    teller = Teller()
    tell(teller, 0, many(2))
    assert tell(teller, 59, many(3)) == []
    (told,) = tell(teller, 60, many(3))
    assert [each.labels["model"] for each in told.alerts] == ["p/2", "p/0", "p/1"]
    assert not told.first
    critical = [*many(3), alert(severity=CRITICAL)]
    (urgent,) = tell(teller, 61, critical)
    assert urgent.alerts[0].severity is CRITICAL


def test_the_gravest_come_first() -> None:
    alerts = [
        alert(severity=s, scope=Scope(ScopeKind.MODEL, f"p/{s}")) for s in (INFO, ERROR, WARNING)
    ]
    (told,) = tell(Teller(), 0, alerts)
    assert [each.severity for each in told.alerts] == [ERROR, WARNING, INFO]


def test_routes_say_who_is_told_and_all_of_them_hear_the_end() -> None:
    teller = Teller()
    routes = [Route(("mail",), severities=frozenset({WARNING})), Route(("pager",))]
    wanted = wishes(routes=routes)
    assert states(tell(teller, 0, [alert()], wanted)) == [("mail", NoticeState.FIRING, 1)]
    worse = alert(severity=CRITICAL)
    assert states(tell(teller, 10, [worse], wanted)) == [("pager", NoticeState.FIRING, 1)]
    ended = tell(teller, 80, over([worse], 80), wanted)
    assert {each.channel for each in ended} == {"mail", "pager"}


def test_a_route_may_ask_for_labels() -> None:
    wanted = wishes(routes=[Route(("models",), matchers=(matcher("model=~p/.*"),))])
    told = tell(Teller(), 0, [alert(), alert(scope=AGENT)], wanted)
    assert states(told) == [("models", NoticeState.FIRING, 1)]


def test_what_no_open_route_takes_is_told_when_one_opens() -> None:
    teller = Teller()
    later = Hours(begin=at(600).at.time(), end=at(1_200).at.time())
    wanted = wishes(routes=[Route(("mail",), hours=(later,))])
    assert tell(teller, 0, [alert()], wanted) == []
    assert len(tell(teller, 600, [alert()], wanted)) == 1


def opening(*, labels: tuple[Matcher, ...] = ()) -> Wishes:
    """The shift begins ten minutes after noon; chat is told at any time."""
    shift = Hours(begin=at(600).at.time(), end=at(36_000).at.time())
    on_call = Route(("on-call",), matchers=labels, hours=(shift,), goes_on=True)
    return wishes(routes=[on_call, Route(("chat",))])


def test_to_whom_a_route_opens_what_fires_is_told_at_once_and_to_nobody_else() -> None:
    teller, wanted = Teller(), opening()
    fires = [alert(severity=ERROR), alert(severity=WARNING, scope=AGENT)]
    assert states(tell(teller, 0, fires, wanted)) == [("chat", NoticeState.FIRING, 2)]
    assert tell(teller, 599, fires, wanted) == []
    (told,) = tell(teller, 600, fires, wanted)
    assert (told.channel, told.total, told.first, told.severity) == ("on-call", 2, True, ERROR)
    assert tell(teller, 700, fires, wanted) == []
    # Who knew before is reminded as if nothing had been.
    assert {each.channel for each in tell(teller, 14_400, fires, wanted)} == {"on-call", "chat"}
    ended = tell(teller, 14_500, over(fires, 14_500), wanted)
    assert states(ended) == [
        ("on-call", NoticeState.RESOLVED, 2),
        ("chat", NoticeState.RESOLVED, 2),
    ] or states(ended) == [
        ("chat", NoticeState.RESOLVED, 2),
        ("on-call", NoticeState.RESOLVED, 2),
    ]


def test_a_route_that_opens_takes_what_its_labels_say_also_what_somebody_has_taken() -> None:
    teller, wanted = Teller(), opening(labels=(matcher("model=p/m"),))
    one, other = alert(), alert(scope=Scope(ScopeKind.MODEL, "p/n"))
    tell(teller, 0, [one, other], wanted)
    ack = Ack(one.id, "ada", NOON, NOON + HOUR)
    acked = wanted._replace(acks={one.fingerprint: ack})
    told = tell(teller, 600, [one, other], acked)
    by_channel = {each.channel: [a.acknowledged_by for a in each.alerts] for each in told}
    assert by_channel["on-call"] == ["ada"]
    assert by_channel["chat"][0] == "ada"
    assert tell(teller, 700, [one, other], acked) == []


def test_a_channel_that_is_added_is_told_what_fires_without_any_reminders_too() -> None:
    teller, never = Teller(), Grouping(repeat_s=0)
    fires = [alert(severity=CRITICAL)]
    tell(teller, 0, fires, wishes(grouping=never))
    more = wishes(routes=[ALL, Route(("new",))], grouping=never)
    assert tell(teller, 5, fires, more) == [], "the first route takes it, and does not go on"
    more = wishes(routes=[Route(("pager", "new"))], grouping=never)
    assert states(tell(teller, 6, fires, more)) == [("new", NoticeState.FIRING, 1)]
    assert tell(teller, 100_000, fires, more) == []


def test_a_route_that_opens_is_not_told_what_is_silent() -> None:
    teller, wanted = Teller(), opening()
    tell(teller, 0, [alert()], wanted)
    quiet = Silence("s", (Matcher("model", "p/m"),), NOON, NOON + HOUR, "ada", "", NOON)
    assert tell(teller, 600, [alert()], wanted._replace(silences=[quiet])) == []
    assert states(tell(teller, 3_601, [alert()], wanted)) == [("on-call", NoticeState.FIRING, 1)]


def test_where_many_alerts_go_is_remembered_of_so_many_only() -> None:
    teller, wanted = Teller(), opening(labels=(matcher("model=~p/1.*"),))
    fires = many(MOST_WAYS + 1)
    tell(teller, 0, fires, wanted)
    (told,) = tell(teller, 600, fires, wanted)
    assert (told.channel, told.total) == ("on-call", 11_111)


def test_a_silence_hides_and_its_end_shows() -> None:
    quiet = Silence("s", (Matcher("model", "p/m"),), NOON, NOON + HOUR, "ada", "", NOON)
    wanted = wishes(silences=[quiet])
    teller = Teller()
    told = tell(teller, 0, [alert(), alert(scope=Scope(ScopeKind.MODEL, "p/n"))], wanted)
    assert [each.labels["model"] for each in told[0].alerts] == ["p/n"]
    assert len(tell(teller, 3_600, [alert()], wanted)) == 1


def test_a_provider_in_trouble_stands_for_its_models() -> None:
    provider = alert(severity=ERROR, scope=Scope(ScopeKind.PROVIDER, "p"), name="rapid")
    teller = Teller()
    (told,) = tell(teller, 0, [provider, *many(50)])
    assert [each.labels for each in told.alerts] == [{"provider": "p"}]
    (later,) = tell(teller, 100, [*over([provider], 100), *many(50)])
    assert later.total == 51


def test_an_ack_is_told_once_and_names_who_has_taken_it() -> None:
    one = alert()
    ack = Ack(one.id, "ada", NOON, NOON + HOUR)
    wanted = wishes(acks={one.fingerprint: ack})
    teller = Teller()
    tell(teller, 0, [one])
    (told,) = tell(teller, 60, [one], wanted)
    assert (told.state, told.alerts[0].acknowledged_by) == (NoticeState.ACKNOWLEDGED, "ada")
    assert (
        tell(
            teller,
            20_000,
            [one],
            wishes(acks={one.fingerprint: ack._replace(until=NOON + 9 * HOUR)}),
        )
        == []
    )


def test_who_has_an_alert_now_is_told_every_time_that_it_changes() -> None:
    one, teller = alert(), Teller()

    def told_at(now_s: float, by: str, hours: int = 9) -> tuple[NoticeState, str | None] | None:
        ack = Ack(one.id, by, NOON, NOON + hours * HOUR)
        wanted = wishes(acks={one.fingerprint: ack} if by else {})
        found = tell(teller, now_s, [one], wanted)
        return (found[0].state, found[0].alerts[0].acknowledged_by) if found else None

    tell(teller, 0, [one])
    assert told_at(60, "ada") == (NoticeState.ACKNOWLEDGED, "ada")
    assert told_at(120, "ada", hours=10) is None, "she has it still"
    assert told_at(180, "bob") == (NoticeState.ACKNOWLEDGED, "bob")
    assert told_at(240, "") == (NoticeState.FIRING, None)
    assert told_at(300, "") is None
    assert told_at(360, "bob") == (NoticeState.ACKNOWLEDGED, "bob")
    assert told_at(3_660, "bob", hours=1) == (NoticeState.FIRING, None)
    assert told_at(3_720, "ada") == (NoticeState.ACKNOWLEDGED, "ada")


def test_a_notice_carries_what_is_needed_to_act_on_it() -> None:
    documented = replace(rule(), runbook="https://runbooks.example/slow")
    wanted = wishes(rules={"test": documented}, dashboard="https://router.example")
    (told,) = tell(Teller(), 0, [alert()], wanted)
    notice = told.alerts[0]
    assert notice.links["runbook"] == "https://runbooks.example/slow"
    assert notice.links["dashboard"].startswith("https://router.example/#/alerts/")
    assert notice.annotations["evidence"] == "faults_in_a_row 3, limit 3, of 3"
    assert notice.evidence.threshold == 3
    assert notice.all_labels == all_labels(alert(), documented), "what routes and the API call it"
    (ended,) = tell_end(documented)
    assert ended.alerts[0].annotations["ended"] == "well again"


def tell_end(documented: Any) -> list[Notification]:
    teller = Teller()
    wanted = wishes(rules={"test": documented})
    tell(teller, 0, [alert()], wanted)
    return tell(teller, 60, [over([alert()], 60)[0]._replace(why="well again")], wanted)


def test_ids_differ_by_channel_group_and_time() -> None:
    teller = Teller()
    both = wishes(routes=[Route(("a", "b"))])
    first = tell(teller, 0, [alert()], both)
    second = tell(teller, 90, [alert(), alert(scope=AGENT)], both)
    assert len({each.id for each in [*first, *second]}) == 4


def test_the_end_of_an_alert_without_a_rule_is_told() -> None:
    teller = Teller()
    tell(teller, 0, [alert()])
    assert len(tell(teller, 60, over([alert()], 60), wishes(rules={}))) == 1


def test_what_is_known_no_more_is_forgotten() -> None:
    teller = Teller()
    tell(teller, 0, [alert(), alert(scope=AGENT)])
    known = alert()
    teller.forget(known.rule, {known.scope})
    assert teller.told(alert()).channels == {"pager"}
    assert teller.told(alert(scope=AGENT)) is NOTHING
    teller.forget(known.rule, ())
    teller.forget("no such rule", ())
    tell(teller, 600, [alert()])
    teller.clear()
    assert teller.told(alert()) is NOTHING
    assert teller.told(alert()) is NOTHING
