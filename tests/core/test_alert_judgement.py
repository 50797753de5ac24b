"""What do all rules say of all that is measured, in one look?"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from alerts_made import AGENT, CRITICAL, MODEL, WARNING, alert, at, attempts, rule
from pointsman.core.alert_conditions import Reading
from pointsman.core.alert_counts import Counts
from pointsman.core.alert_judgement import Judgement
from pointsman.core.alert_log import AlertLog, Event, State
from pointsman.core.alert_metrics import EVERYTHING, Scope, ScopeKind
from pointsman.core.alert_rules import Condition, Rule

QUEUE = rule(Condition("unwritten_records", {WARNING: 10}), name="queue", scope=ScopeKind.GLOBAL)


def judgement(*rules: Rule) -> Judgement:
    return Judgement(rules, AlertLog(), Counts())


def test_every_rule_looks_at_every_scope_that_it_concerns() -> None:
    judged = judgement(rule(), QUEUE)
    judged.counts.fold(
        0.0, [*attempts(0, 3), *attempts(0, 10, model="p/n"), *attempts(1, model="q/m")]
    )
    gauges = {EVERYTHING: {"unwritten_records": Reading(11), "other": Reading(1)}}
    events = judged.look(at(0), gauges)
    found = {(each.alert.rule, each.alert.scope.id): each.alert.severity for each in events}
    assert found == {("test", "p/m"): WARNING, ("test", "p/n"): CRITICAL, ("queue", ""): WARNING}
    assert judged.look(at(1), gauges) == []


def test_gauges_of_others_are_not_looked_at() -> None:
    judged = judgement(QUEUE)
    assert judged.look(at(0), {AGENT: {"unwritten_records": Reading(99)}}) == []
    assert judged.look(at(0), {EVERYTHING: {"spend_usd_per_h": Reading(99)}}) == []


def test_an_open_alert_is_looked_at_when_nothing_is_measured_any_more() -> None:
    judged = judgement(replace(QUEUE, keep_firing_for_s=0))
    judged.look(at(0), {EVERYTHING: {"unwritten_records": Reading(11)}})
    assert judged.look(at(3_599), {}) == []
    events = judged.look(at(3_600), {})
    assert [each.after for each in events] == [State.RESOLVED]


def test_alerts_whose_rule_is_gone_are_over() -> None:
    judged = judgement(rule(), replace(QUEUE, enabled=False))
    other = Scope(ScopeKind.AGENT, "b")
    for left in (alert(name="gone"), alert(scope=other), alert(State.PENDING, name="queue")):
        judged.log.restore(left)
    events = judged.look(at(5), {})
    assert {(each.alert.rule, each.alert.scope) for each in events} == {
        ("gone", MODEL),
        ("test", other),
        ("queue", MODEL),
    }
    assert {each.after for each in events} == {State.RESOLVED}
    assert judged.look(at(6), {}) == []


def test_a_look_is_taken_in_steps() -> None:
    judged = judgement(rule())
    for number in range(200):
        judged.counts.fold(0.0, attempts(1, model=f"p/{number}"))
    assert len(list(judged.looking(at(0), {}, []))) > 3


def test_an_alert_about_whom_its_rule_means_no_more_is_over() -> None:
    narrowed = replace(rule(), only={"model": frozenset({"p/other"})})
    judged = judgement(narrowed)
    judged.log.restore(alert())
    judged.log.restore(alert(scope=Scope(ScopeKind.MODEL, "p/other")))
    assert [each.alert.scope for each in judged.look(at(5), {})] == [MODEL]


def test_what_is_declared_no_longer_is_not_looked_at_and_its_alerts_are_over() -> None:
    judged = judgement(rule())
    judged.counts.fold(0.0, [*attempts(0, 10), *attempts(0, 10, model="p/n")])
    assert len(judged.look(at(0), {})) == 2
    judged.declared = {ScopeKind.MODEL: {"p/n"}}
    (over,) = judged.look(at(1), {})
    assert (over.alert.scope, over.after, over.alert.why) == (
        MODEL,
        State.RESOLVED,
        "no longer declared",
    )
    assert judged.look(at(2), {MODEL: {"success_rate": Reading(0)}}) == []
    judged.declared = {ScopeKind.MODEL: {"p/n", "p/m"}}
    assert judged.look(at(3), {}) == [], "nothing was asked of it since it was declared anew"
    judged.counts.fold(4.0, attempts(0, 3))
    (again,) = judged.look(at(4), {})
    assert again.alert.scope == MODEL


def test_ten_thousand_alerts_are_looked_through_a_rule_at_a_time() -> None:
    rules = [rule(name=f"r{number}") for number in range(100)]
    judged = judgement(*rules)
    judged.counts.fold(0.0, [each for n in range(100) for each in attempts(0, 5, model=f"p/{n}")])
    assert len(judged.look(at(0), {})) == 10_000
    judged.declared = {ScopeKind.MODEL: set()}
    events: list[Event] = []
    ended = [len(events) for _ in judged.looking(at(1), {}, events)]
    most = max(after - before for before, after in pairwise(ended))
    assert (len(events), most) == (10_000, 100)
