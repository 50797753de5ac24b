"""Which numbers may rules look at, as they are now?"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from fakes import BEST, NEXT
from made_decisions import decided
from scripted import NOON
from watching_world import PLAN, Watched

from alerts_made import CRITICAL, ERROR, INFO, WARNING, at, attempt
from pointsman.core.admission import BreakerPolicy
from pointsman.core.alert_budget import Budget, Per, Spending
from pointsman.core.alert_conditions import Reading
from pointsman.core.alert_counts import Counts
from pointsman.core.alert_metrics import EVERYTHING, METRICS, Kind, Scope, ScopeKind
from pointsman.core.alert_usual import Usual
from pointsman.core.errors import FailureKind, UpstreamError
from pointsman.core.fleet import Agent, AgentStatus, Fleet, Source, Usage
from pointsman.engine.measured_gauges import Measured

CODER = Scope(ScopeKind.AGENT, "coder")
GENERAL = Scope(ScopeKind.CAPABILITIES, "general")
ALL = frozenset(name for name, metric in METRICS.items() if metric.kind is Kind.GAUGE)
AGENTS = [
    Agent("coder", requires=("general",)),
    Agent("mathematician", requires=("math",)),
    Agent("away", requires=("vision",), status=AgentStatus.OFFLINE),
]


def measured(counts: Counts | None = None, **more: Any) -> Measured:
    facts: dict[str, Any] = {"usual": {}, "spending": Spending((), NOON), **more}
    return Measured(counts or Counts(), **facts)


def read(
    watched: Watched, at_s: float = 0.0, made: Measured | None = None
) -> dict[Scope, dict[str, Reading]]:
    return taken(watched, at_s, made or measured(), ALL)


def taken(
    watched: Watched, at_s: float, made: Measured, wanted: frozenset[str]
) -> dict[Scope, dict[str, Reading]]:
    found: dict[Scope, dict[str, Reading]] = {}
    for _ in watched.gauges.reading(at(at_s), made, wanted, found):
        pass
    return found


def fail(watched: Watched, model: Any, times: int) -> None:
    health = watched.world.health
    health.reconfigure(BreakerPolicy(failures=times))
    for _ in range(times):
        health.failed(health.begin(model), UpstreamError(FailureKind.SERVER_ERROR))


def test_only_what_is_asked_for_is_read() -> None:
    watched = Watched(agents=AGENTS)
    assert taken(watched, 0, measured(), frozenset()) == {}
    asked = frozenset({"unwritten_records"})
    assert taken(watched, 0, measured(), asked) == {EVERYTHING: {"unwritten_records": Reading(0)}}


def test_reading_of_many_lets_others_run_at_each_of_them() -> None:
    counts = Counts()
    counts.fold(0.0, [attempt(agent=f"a{number}") for number in range(1_000)])
    found: dict[Scope, dict[str, Reading]] = {}
    steps = list(Watched().gauges.reading(at(1), measured(counts), ALL, found))
    assert len(steps) >= 2 * 1_000, "costs and caches of each agent"


def test_models_are_eligible_while_they_are_well() -> None:
    watched = Watched(agents=AGENTS)
    assert read(watched)[GENERAL]["eligible_models"] == Reading(2, 2)
    assert read(watched)[Scope(ScopeKind.CAPABILITIES, "math")]["eligible_models"].value == 0
    assert Scope(ScopeKind.CAPABILITIES, "vision") not in read(watched)
    fail(watched, BEST, 3)
    assert read(watched)[GENERAL]["eligible_models"] == Reading(1, 2, 0.0, "out: a/best")
    assert watched.gauges.members()["general"] == {"a/best", "b/next"}


def test_that_only_one_model_was_ever_declared_is_no_news() -> None:
    watched = Watched(agents=[Agent("sole", requires=("math",))])
    clever = replace(BEST, strengths={"math": 0.9})
    watched.world.registry.replace(watched.world.setup(clever, NEXT, agents=[AGENTS[1]]))
    assert Scope(ScopeKind.CAPABILITIES, "math") not in read(watched)
    fail(watched, clever, 3)
    assert read(watched)[Scope(ScopeKind.CAPABILITIES, "math")]["eligible_models"].value == 0


def test_a_breaker_is_open_since_it_was_first_seen_open() -> None:
    watched = Watched()
    fail(watched, BEST, 3)
    model = Scope(ScopeKind.MODEL, "a/best")
    assert read(watched, 10)[model]["breaker_open_s"] == Reading(0.0)
    assert read(watched, 70)[model]["breaker_open_s"] == Reading(60.0)
    watched.world.health.forgive("a")
    assert "breaker_open_s" not in read(watched, 80).get(model, {})


def test_a_correction_says_what_was_learned() -> None:
    watched = Watched()
    source = Source("learned from an answer of the provider")
    smaller = replace(BEST, context_window=2048, sources={"context_window": source})
    watched.world.registry.correct(smaller, NOON)
    found = read(watched)[Scope(ScopeKind.MODEL, "a/best")]["corrections"]
    assert found == Reading(1, 1, 0.0, "context_window")


def test_loads_are_those_of_the_moment() -> None:
    watched = Watched()
    limited = replace(BEST, limits=replace(BEST.limits, max_in_flight=4))
    watched.world.registry.replace(watched.world.setup(limited, NEXT))
    watched.world.load.lease(limited)
    found = read(watched)
    assert found[EVERYTHING]["requests_in_flight"].value == 1
    assert found[Scope(ScopeKind.MODEL, "a/best")]["utilisation"].value == 0.25
    assert "utilisation" not in found[Scope(ScopeKind.MODEL, "b/next")]


def test_a_store_that_fails_does_so_since_a_moment() -> None:
    watched = Watched()
    watched.ledger.failing_since = 20.0
    assert read(watched, 50)[EVERYTHING]["store_failing_s"] == Reading(30.0)


# Decisions -----------------------------------------------------------------------------------


def test_moves_are_counted_for_ten_minutes_with_their_commonest_reason() -> None:
    watched = Watched()
    watched.gauges.note([decided("b/next")] * 3 + [decided("a/best")], 0.0)
    watched.gauges.note([decided("b/next", band=None), decided("b/next", assignment_id=None)], 0.0)
    watched.gauges.note([decided("b/next", candidates=()), decided("b/next", "c/gone")], 5.0)
    watched.gauges.note([decided("b/next", rejections=())], 5.0)
    found = read(watched, 10)[CODER]["moves_off_assigned"]
    assert (found.value, found.window_s) == (4, 600.0)
    assert found.note.startswith("3 times moved because a/best could not serve")
    assert read(watched, 602)[CODER]["moves_off_assigned"].value == 1
    assert CODER not in read(watched, 700)


def test_exploration_is_a_share_of_the_last_decisions() -> None:
    watched = Watched()
    for number in range(600):
        watched.statistics.decided(decided("a/best", explored=number % 10 == 0))
    assert read(watched)[EVERYTHING]["explored_share"] == Reading(0.1, 600)


# Money ---------------------------------------------------------------------------------------


def counted(times: int = 30, **facts: Any) -> Counts:
    counts = Counts()
    counts.fold(0.0, [attempt(agent="coder", **facts) for _ in range(times)])
    return counts


def test_costs_are_those_of_the_last_half_hour_against_the_usual() -> None:
    counts = counted(cost=Decimal("0.03"))
    usual = {CODER: Usual(None, 0.01, None)}
    found = read(Watched(), 1, measured(counts, usual=usual))[CODER]
    assert found["spend_usd_per_h"].value == pytest.approx(1.8)
    assert found["cost_per_success_usd"].value == pytest.approx(0.03)
    assert found["cost_drift"].value == pytest.approx(3.0)
    assert found["cost_drift"].note == "$0.03 each, $0.01 usually"
    few = read(Watched(), 1, measured(counted(5), usual=usual))[CODER]
    assert set(few) == {"spend_usd_per_h"}


def test_budgets_are_used_up_and_what_has_no_price_is_named() -> None:
    counts = counted(cost=Decimal("0.1"))
    counts.fold(0.0, [attempt(agent="coder", cost=None)] * 4)
    spending = Spending([Budget(CODER, 10.0, Per.DAY)], NOON)
    for _ in range(30):
        spending.spend(attempt(agent="coder", cost=Decimal("0.1"))._replace(at=NOON))
    found = read(Watched(), 1, measured(counts, spending=spending))[CODER]
    assert found["budget_used"].value == pytest.approx(0.3)
    assert found["budget_lasts_h"].value == pytest.approx(7.0 / 6.0)
    assert found["budget_lasts_h"].note == "$3 of $10 a day"
    assert found["unpriced_under_budget"].value == 4
    empty = read(Watched(), 1, measured(spending=spending))[CODER]
    assert "unpriced_under_budget" not in empty


def test_under_a_budget_for_everything_the_models_without_a_price_are_named() -> None:
    counts = counted(4, cost=None)
    of_agent = Spending([Budget(CODER, 10, Per.DAY)], NOON)
    others = read(Watched(), 1, measured(counts, spending=of_agent))[EVERYTHING]
    assert "unpriced_under_budget" not in others
    for_all = Spending([Budget(EVERYTHING, 10, Per.DAY), Budget(EVERYTHING, 99, Per.MONTH)], NOON)
    found = read(Watched(), 1, measured(counts, spending=for_all))
    reading = found[EVERYTHING]["unpriced_under_budget"]
    assert (reading.value, reading.note) == (4, "without a price: p/m")
    assert found[Scope(ScopeKind.MODEL, "p/m")]["unpriced_under_budget"].value == 4


def test_cache_hits_are_a_share_of_enough_tokens_against_the_usual() -> None:
    counts = counted(usage=Usage(1_000, 1, cached_tokens=200))
    usual = {CODER: Usual(None, None, 0.8)}
    found = read(Watched(), 1, measured(counts, usual=usual))
    assert found[CODER]["cache_hit_rate"].value == pytest.approx(0.2)
    assert found[CODER]["cache_hits_kept"].value == pytest.approx(0.25)
    assert "cache_hits_kept" not in found[EVERYTHING]
    assert CODER not in read(Watched(), 1, measured(counted(0)))
    few = counted(3, usage=Usage(1_000, 1, cached_tokens=200))
    assert "cache_hit_rate" not in read(Watched(), 1, measured(few))[CODER]


# Each of the decision alerts fires -------------------------------------------------------------


async def test_an_agent_that_is_moved_off_its_model_is_told_of_with_the_reason() -> None:
    watched = Watched(plan=PLAN)
    for _ in range(12):
        watched.heard.decided(decided("b/next"))
    await watched.look()
    found = watched.alert("moved_off_assigned")
    assert found.severity is INFO
    assert "could not serve" in found.figures.note


async def test_a_budget_that_will_not_last_and_answers_without_a_price_are_told_of() -> None:
    plan = replace(PLAN, budgets=(Budget(CODER, 1.0, Per.DAY),))
    watched = Watched(plan=plan)
    watched.attempts(30, cost_usd=Decimal("0.03"))
    watched.attempts(1, cost_usd=None)
    await watched.look()
    assert watched.live()["budget_ends_soon"] is ERROR
    assert watched.live()["unpriced_under_budget"] is WARNING
    watched.attempts(10, cost_usd=Decimal("0.03"))
    await watched.look()
    assert watched.live()["budget_ends_soon"] is CRITICAL


async def test_costs_that_drift_and_a_cache_that_collapses_are_told_of() -> None:
    watched = Watched()
    usage = Usage(1_000, 10, cached_tokens=900)
    for _ in range(60):
        watched.attempts(1, cost_usd=Decimal("0.01"), usage=usage)
    watched.record.outcomes += watched.heard.outcomes()
    watched.clock.t += 7_200
    await watched.look()
    watched.watch._recall_s = float("-inf")
    await watched.look()
    watched.attempts(60, cost_usd=Decimal("0.04"), usage=usage._replace(cached_tokens=0))
    await watched.look()
    assert watched.live()["cost_drifts"] is ERROR
    assert watched.live()["cache_collapsed"] is WARNING


async def test_a_breaker_that_stays_open_and_a_correction_are_told_of() -> None:
    watched = Watched()
    fail(watched, BEST, 3)
    source = Source("learned from an answer of the provider")
    smaller = replace(NEXT, context_window=2048, sources={"context_window": source})
    watched.world.registry.correct(smaller, NOON)
    await watched.look(32)
    assert watched.live()["breaker_open"] is WARNING
    assert watched.live()["catalogue_corrected"] is INFO


async def test_exploring_beyond_the_cap_is_told_of() -> None:
    watched = Watched()
    for number in range(600):
        watched.statistics.decided(decided("a/best", explored=number % 10 == 0))
    await watched.look()
    assert watched.live()["explores_too_much"] is WARNING


def test_where_alerts_are_shared_only_who_was_seen_to_go_is_gone() -> None:
    watched = Watched(agents=[Agent("coder"), Agent("clerk")])
    gauges, registry = watched.gauges, watched.world.registry
    assert "elsewhere" not in gauges.declared()[ScopeKind.AGENT]
    assert "elsewhere" in gauges.declared(shared=True)[ScopeKind.AGENT]
    setup = registry.current.setup
    fleet = Fleet([Agent("clerk")], setup.fleet.models.values(), "v2")
    registry.replace(replace(setup, fleet=fleet))
    agents = gauges.declared(shared=True)[ScopeKind.AGENT]
    assert [name in agents for name in ("coder", "clerk", "elsewhere")] == [False, True, True]
