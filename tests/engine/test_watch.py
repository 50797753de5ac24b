"""Is what goes wrong seen, kept and told, once, whatever happens to the process?"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from fakes import BEST, NEXT
from recorded import Record
from scripted import FakeClock
from watching_world import PLAN, Watched

from alerts_made import CRITICAL, NOON, WARNING, rule
from pointsman.core.admission import BreakerPolicy
from pointsman.core.alert_budget import Budget, Per
from pointsman.core.alert_log import Alert, State
from pointsman.core.alert_memory import Step
from pointsman.core.alert_metrics import EVERYTHING, ScopeKind
from pointsman.core.alert_plan import AlertPlan
from pointsman.core.alert_rules import Condition
from pointsman.core.decision import Outcome
from pointsman.core.errors import FailureKind, StoreError, UpstreamError
from pointsman.core.fleet import Agent, Fleet
from pointsman.core.notification import NoticeState

GROUPS = 2
"""Too few successes and many failures; that the model fails goes without saying, with its provider
in trouble."""


async def test_an_outage_is_seen_kept_and_told_in_one_look() -> None:
    watched = Watched()
    await watched.look()
    watched.attempts(0, 30)
    await watched.look()
    assert watched.live() == {
        "model_failure": CRITICAL,
        "low_success_rate": CRITICAL,
        "rapid_failures": CRITICAL,
    }
    assert {each.state for each in watched.told} == {NoticeState.FIRING}
    assert watched.woken == 1
    assert {each.alert.rule for each in watched.store.kept.values()} == set(watched.live())
    assert {each.step for each in watched.store.history.values()} == {Step.FIRING}
    assert watched.watch.looks.taken == 2
    assert watched.watch.series == 4


async def test_it_is_told_once_and_its_end_too() -> None:
    watched = Watched()
    watched.attempts(0, 30)
    await watched.look(6)
    assert len(watched.told) == GROUPS
    for _ in range(60):
        watched.attempts(30)
        await watched.look()
    assert not watched.live()
    ended = [each for each in watched.told if each.state is NoticeState.RESOLVED]
    assert sum(each.total for each in ended) == sum(
        each.total for each in watched.told if each.state is NoticeState.FIRING
    )


async def test_a_restart_while_firing_tells_nothing_twice_and_loses_no_end() -> None:
    first = Watched()
    first.attempts(0, 30)
    await first.look(2)
    told = len(first.told)
    second = Watched(store=first.store, clock=first.clock)
    await second.look(3)
    assert second.live() == first.live()
    assert len(second.told) == told
    for _ in range(60):
        second.attempts(30)
        await second.look()
    assert not second.live()
    assert {each.after for each in list(second.store.history.values())[-3:]} == {State.RESOLVED}
    assert len([each for each in second.told if each.state is NoticeState.RESOLVED]) == GROUPS


async def test_what_happened_before_a_start_is_known_from_the_record() -> None:
    record = Record()
    for minute in range(20):
        at = NOON - timedelta(minutes=20 - minute)
        failure = FailureKind.SERVER_ERROR
        record.outcomes += [Outcome("d", 1, "a/best", "coder", at, failure, False, 0.1)] * 2
    watched = Watched(record=record)
    watched.attempts(0, 1)
    await watched.look()
    found = watched.alert("low_success_rate").figures
    assert (found.n, found.window_s) == (29, 900.0)


class SetClock(FakeClock):
    """A clock whose wall can be set."""

    set_s = 0

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.t + self.set_s)


@pytest.mark.parametrize("jump_s", [-7_200, 7_200])
async def test_a_wall_clock_that_is_set_changes_nothing(jump_s: int) -> None:
    clock = SetClock()
    watched = Watched(clock=clock)
    watched.attempts(0, 30)
    await watched.look(3)
    told = len(watched.told)
    clock.set_s = jump_s
    await watched.look(6)
    assert len(watched.told) == told
    assert set(watched.live()) == {"model_failure", "low_success_rate", "rapid_failures"}
    for _ in range(60):
        watched.attempts(30)
        await watched.look()
    assert not watched.live()
    ids = list(watched.store.history)
    assert ids == sorted(ids)


async def test_a_store_that_fails_delays_what_is_kept_and_loses_nothing() -> None:
    watched = Watched()
    await watched.look()
    watched.store.broken = True
    watched.attempts(0, 30)
    await watched.look(2)
    assert watched.live()
    assert not watched.told
    assert watched.keeping.waiting
    watched.store.broken = False
    await watched.look()
    assert len(watched.told) == GROUPS
    assert len(watched.store.history) == 6
    assert not watched.keeping.waiting


async def test_when_the_store_fails_for_long_what_is_to_be_told_goes_past_it() -> None:
    watched = Watched()
    await watched.look()
    watched.store.broken = True
    watched.attempts(0, 30)
    await watched.look(5)
    assert len(watched.past) == GROUPS
    watched.store.broken = False
    await watched.look()
    assert not watched.told, "what was sent is not sent again"


async def test_a_store_that_cannot_be_read_at_the_start_is_waited_for_but_not_for_ever() -> None:
    first = Watched()
    first.attempts(0, 30)
    await first.look(2)
    second = Watched(store=first.store, clock=first.clock)
    second.store.broken = True
    second.attempts(0, 30)
    await second.look(5)
    assert second.watch.looks.taken == 0
    second.store.broken = False
    await second.look()
    assert len(second.told) == GROUPS, "it knows what was told before"


async def test_the_watch_begins_without_what_cannot_be_read() -> None:
    watched = Watched()
    watched.store.broken = watched.record.broken = True
    watched.attempts(0, 30)
    await watched.look(6)
    assert watched.live()


async def test_other_rules_are_in_force_from_the_next_look_on() -> None:
    watched = Watched()
    watched.attempts(0, 30)
    await watched.look()
    mine = rule(Condition("faults_in_a_row", {CRITICAL: 5}), name="model_failure")
    off = {name: rule(name=name) for name in ("low_success_rate", "rapid_failures")}
    watched.watch.replan(AlertPlan(rules={"model_failure": mine, **off}, routes=PLAN.routes))
    await watched.look()
    assert set(watched.live()) >= {"model_failure"}
    assert "low_success_rate" in watched.live(), "the model's row is beyond its new ladder too"


async def test_lines_that_were_not_counted_are_counted_from_the_record() -> None:
    watched = Watched()
    await watched.look()
    slow = Outcome("d", 1, "a/best", "coder", watched.clock.now(), None, False, 3.0)
    watched.record.outcomes += [slow] * 30
    watched.attempts(30, total_s=3.0)
    watched.clock.t += 1
    mine = rule(Condition("wait_s", {CRITICAL: 2.5}), name="high_latency")
    watched.watch.replan(AlertPlan(rules={"high_latency": mine}, routes=PLAN.routes))
    await watched.look()
    assert watched.live()["high_latency"] is CRITICAL
    assert watched.alert("high_latency").figures.n == 30, "heard or read, not both"


async def test_a_switched_off_rule_ends_its_alerts() -> None:
    watched = Watched()
    watched.attempts(0, 30)
    await watched.look()

    gone = replace(watched.alerts.rules["rapid_failures"][0], enabled=False)
    watched.watch.replan(AlertPlan(rules={"rapid_failures": gone}, routes=PLAN.routes))
    await watched.look()
    assert "rapid_failures" not in watched.live()
    assert watched.alert("rapid_failures").why == "its rule is gone"


async def test_who_asks_while_nothing_can_be_kept_is_told_so_and_nothing_comes_of_it_later() -> (
    None
):
    watched = Watched()
    watched.attempts(0, 30)
    await watched.look()
    watched.store.broken = True
    with pytest.raises(StoreError, match="nothing was changed"):
        await watched.desk.ack(watched.alert("model_failure").id, "ada", timedelta(hours=1))
    watched.store.broken = False
    await watched.look()
    assert Step.ACKED not in {each.step for each in watched.store.history.values()}


async def test_what_is_heard_between_two_looks_counts_and_waits_nowhere() -> None:
    watched = Watched()
    await watched.look()
    watched.attempts(0, 30)
    await watched.watch.hear()
    assert watched.heard.outcomes() == []
    await watched.look()
    assert watched.live()["low_success_rate"] is CRITICAL


async def test_who_does_not_watch_keeps_nothing_of_what_happens() -> None:
    watched = Watched()
    await watched.look()
    watched.watch.replan(AlertPlan(enabled=False, routes=PLAN.routes))
    watched.attempts(30)
    await watched.watch.hear()
    assert watched.heard.outcomes() == []
    failed = Outcome(
        "d", 1, "a/best", "coder", watched.clock.now(), FailureKind.SERVER_ERROR, False, 3.0
    )
    watched.record.outcomes += [failed] * 30
    watched.clock.t += 1
    watched.watch.replan(PLAN)
    await watched.look()
    assert watched.live()["low_success_rate"] is CRITICAL, "read back from the record"


async def test_nothing_is_heard_before_what_was_known_is_restored() -> None:
    watched = Watched()
    watched.attempts(0, 30)
    await watched.watch.hear()
    assert len(watched.heard.outcomes()) == 30


BUDGET = AlertPlan(budgets=(Budget(EVERYTHING, 10.0, Per.DAY),))


async def test_what_was_spent_is_known_as_soon_as_the_record_can_be_read() -> None:
    """A budget that is overdrawn must not look untouched for long."""
    record = Record()
    at = NOON - timedelta(hours=2)
    spent = Outcome("d", 1, "a/best", "coder", at, None, False, 0.1, cost_usd=Decimal(1))
    record.outcomes = [spent] * 9
    record.broken = True
    watched = Watched(plan=BUDGET, record=record)
    watched.attempts(1, cost_usd=Decimal(1))
    await watched.look(2)
    assert watched.live().get("budget_ends_soon") is not CRITICAL
    record.broken = False
    await watched.look(6)
    assert watched.live()["budget_ends_soon"] is CRITICAL


async def test_what_was_spent_counts_once_though_the_record_tells_of_it_too() -> None:
    watched = Watched(plan=BUDGET)
    watched.attempts(1, cost_usd=Decimal(6))
    mine = Outcome("d", 1, "a/best", "coder", NOON, None, False, 0.1, cost_usd=Decimal(6))
    await watched.look()
    watched.record.outcomes = [mine]
    for _ in range(4):
        watched.clock.t += 3_600
        watched.attempts(1)
        await watched.look(2)
    assert watched.live().get("budget_ends_soon") is not CRITICAL, "6 of 10 USD, and not 12"


async def test_what_other_gateways_spent_counts_from_the_next_hour_on() -> None:
    watched = Watched(plan=BUDGET)
    watched.attempts(1, cost_usd=Decimal(1))
    await watched.look()
    theirs = Outcome("d", 1, "a/best", "coder", NOON, None, False, 0.1, cost_usd=Decimal(1))
    watched.record.outcomes = [theirs] * 12
    await watched.look()
    assert watched.live().get("budget_ends_soon") is not CRITICAL
    watched.clock.t += 3_600
    watched.attempts(1)
    await watched.look()
    assert watched.live()["budget_ends_soon"] is CRITICAL


async def test_a_fleet_that_streams_long_answers_is_not_slow_one_that_begins_late_is() -> None:
    watched = Watched()
    for _ in range(6):
        watched.attempts(50, streamed=True, first_token_s=0.3, total_s=90.0)
        await watched.look()
    assert not watched.live()
    for _ in range(6):
        watched.attempts(50, streamed=True, first_token_s=2.5, total_s=3.0)
        await watched.look()
    assert watched.live() == {"high_latency": CRITICAL}


async def test_what_is_usual_of_long_streams_is_their_first_token() -> None:
    """A relative rule: four times as long to the first token is news, a longer answer is none."""
    condition = Condition("wait_s", {WARNING: 3.0}, relative=True)
    twice = rule(condition, name="twice", scope=ScopeKind.MODEL)
    record = Record()
    at = NOON - timedelta(days=1)
    usual = Outcome("d", 1, "a/best", "coder", at, None, True, 60.0, 0.1)
    record.outcomes = [usual] * 100
    watched = Watched(plan=AlertPlan(rules={"twice": twice}), record=record)
    watched.attempts(60, streamed=True, first_token_s=0.1, total_s=600.0)
    await watched.look()
    assert "twice" not in watched.live()
    watched.attempts(60, streamed=True, first_token_s=0.4, total_s=60.0)
    await watched.look()
    assert watched.live() == {"twice": WARNING}


async def test_what_is_declared_no_longer_is_over_and_only_what_was_told_is_told_to_end() -> None:
    watched = Watched()
    watched.attempts(0, 30)
    await watched.look()
    assert watched.alert("model_failure").scope.id == "a/best"
    watched.world.registry.replace(watched.world.setup(NEXT))
    await watched.look(10)
    kinds = {each.scope.kind for each in watched.alerts.log.all() if each.is_live}
    assert not kinds & {ScopeKind.MODEL, ScopeKind.PROVIDER}
    assert watched.alert("model_failure").why == "no longer declared"
    about = [notice.rule for each in watched.told for notice in each.alerts]
    assert "model_failure" not in about
    assert any(each.count(NoticeState.RESOLVED) for each in watched.told)


async def test_alerts_of_an_agent_that_was_taken_away_are_over() -> None:
    watched = Watched(agents=[Agent("coder")])
    watched.attempts(0, 30)
    await watched.look()

    def of_agents() -> list[Alert]:
        return [each for each in watched.alerts.log.all() if each.scope.kind is ScopeKind.AGENT]

    assert {(each.scope.id, each.is_open) for each in of_agents()} == {("coder", True)}
    registry = watched.world.registry
    setup = registry.current.setup
    registry.replace(replace(setup, fleet=Fleet((), setup.fleet.models.values(), "v2")))
    await watched.look(2)
    assert {(each.is_open, each.why) for each in of_agents()} == {(False, "no longer declared")}


async def test_a_rule_of_ones_own_about_a_breaker_is_resolved_when_that_closes() -> None:
    mine = rule(Condition("breaker_open_s", {WARNING: 2}), name="brk", keep_firing_for_s=2)
    watched = Watched(plan=replace(PLAN, rules={"brk": mine}))
    health = watched.world.health
    health.reconfigure(BreakerPolicy(failures=1))
    health.failed(health.begin(BEST), UpstreamError(FailureKind.SERVER_ERROR))
    await watched.look(3)
    assert watched.live()["brk"] is WARNING
    health.forgive("a")
    await watched.look(2)
    assert "brk" not in watched.live()
    assert watched.alert("brk").why == "well again"
