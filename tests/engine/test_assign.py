"""Is the fleet's problem what the configuration, the prices and the scorer say?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from pointsman.core.adaptive import AdaptiveScorer
from pointsman.core.assignment.duty import Duty, Expectations, FleetRules, KeptApart
from pointsman.core.assignment.optimal import optimal
from pointsman.core.assignment.problem import Apart, Bar, BarCode, Load, ShareOf
from pointsman.core.capability import CapabilityScorer
from pointsman.core.decision import Candidate, Estimate, Outcome, Selection, Task
from pointsman.core.fleet import (
    FREE,
    Agent,
    AgentStatus,
    Fleet,
    Limits,
    Model,
    Price,
    PriceState,
    Rate,
)
from pointsman.engine.assign import Stated, stated

DEAR = Price(PriceState.KNOWN, Rate(Decimal(10)), Rate(Decimal(20)))
LARGE = Model(
    "lab/large",
    "lab",
    "large",
    strengths={"coding": 0.9, "general": 0.9},
    context_window=8_000,
    price=DEAR,
    limits=Limits(4, 60, 90_000),
)
SMALL = Model("shop/small", "shop", "small", strengths={"general": 0.7}, price=FREE)
CODER = Agent("coder", requires=("coding",), task_types=("coding",))
CLERK = Agent("clerk", requires=("general",))
LOAD = Load(2.0, 1000.0, 500.0)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def of(
    *agents: Agent,
    duties: dict[str, Duty] | None = None,
    rules: FleetRules = FleetRules(),  # noqa: B008 - a value
    standing: dict[str, str] | None = None,
) -> Stated:
    fleet = Fleet(agents, (LARGE, SMALL), "v1")
    expectations = Expectations(duties or {}, rules)
    return stated(fleet, expectations, CapabilityScorer(), standing=standing)


def test_agents_that_are_declared_and_online_are_assigned() -> None:
    away = Agent("away", status=AgentStatus.OFFLINE)
    found = of(CODER, CLERK, away)
    assert [agent.id for agent in found.agents] == ["coder", "clerk"]
    assert [needs.id for needs in found.problem.agents] == ["coder", "clerk"]
    assert [room.id for room in found.problem.models] == ["lab/large", "shop/small"]


def test_the_default_agent_counts_once_somebody_declares_it() -> None:
    assert of(Agent("default")).agents[0].id == "default"
    assert of().agents == ()


def test_a_model_that_lacks_what_is_required_is_out_and_nobody_can_decide_otherwise() -> None:
    bar = of(CODER).problem.bar(0, 1)
    assert bar is not None
    assert (bar.code, bar.remedy) == (BarCode.INCAPABLE, "")
    assert "coding" in bar.words


def test_what_is_not_allowed_somebody_could_allow() -> None:
    bar = of(replace(CLERK, allow=frozenset({"shop/small"}))).problem.bar(0, 0)
    assert bar is not None
    assert (bar.code, bar.remedy) == (BarCode.NOT_ALLOWED, "let clerk use lab/large")


def test_a_pinned_model_is_a_persons_decision() -> None:
    problem = of(replace(CLERK, pinned="shop/small")).problem
    assert problem.agents[0].manual == 1
    bar = problem.bar(0, 0)
    assert bar is not None
    assert (bar.code, bar.remedy) == (BarCode.NOT_PINNED, "unpin clerk")


def test_a_model_out_of_service_is_out_for_everybody_until_somebody_puts_it_back() -> None:
    able = {**LARGE.strengths, "reasoning": 0.9}
    out = replace(LARGE, drained=True, strengths=able)
    fleet = Fleet((CODER, CLERK), (out, SMALL), "v1")
    problem = stated(fleet, Expectations(), AdaptiveScorer()).problem
    bars = [problem.bar(agent, 0) for agent in (0, 1)]
    assert [bar and (bar.code, bar.remedy) for bar in bars] == [
        (BarCode.UNAVAILABLE, "put lab/large back into service")
    ] * 2


def test_all_that_keeps_an_agent_off_a_model_is_told_and_must_be_lifted() -> None:
    picky = replace(CLERK, deny=frozenset({"lab/large"}))
    drained = replace(LARGE, drained=True)
    duties = {"clerk": Duty(quality_floor=1.0), "coder": Duty(quality_floor=1.0)}
    fleet = Fleet((picky, CODER), (drained, replace(SMALL, drained=True)), "v1")
    problem = stated(fleet, Expectations(duties), CapabilityScorer()).problem
    bar = problem.bar(0, 0)
    assert bar is not None
    assert (bar.code, bar.words) == (
        BarCode.UNAVAILABLE,
        (
            "drained: a person has taken it out of service; on the deny list of agent clerk; "
            "its quality of 0.93 is below the floor of 1.00"
        ),
    )
    assert bar.remedy == (
        "put lab/large back into service and let clerk use lab/large and "
        "lower the quality floor of clerk"
    )
    lacking = problem.bar(1, 1)
    assert lacking is not None
    assert "out of service; lacks coding, reasoning; its quality" in lacking.words
    assert lacking.remedy == "", "what it lacks it lacks also when it is back in service"


def test_a_model_that_is_out_of_service_and_unpriced_is_told_as_both() -> None:
    unknown = replace(LARGE, drained=True, price=Price(PriceState.UNKNOWN))
    rules = Expectations(rules=FleetRules(budget_usd_per_day=1.0))
    problem = stated(Fleet((CLERK,), (unknown,), "v1"), rules, CapabilityScorer()).problem
    bar = problem.bar(0, 0)
    assert bar is not None
    assert bar.words.endswith(
        "out of service; the price of lab/large is unknown, and the fleet has a budget"
    )


def test_what_an_agent_sends_must_fit() -> None:
    large = Duty(Load(1.0, 7_000.0, 2_000.0))
    bar = of(CLERK, duties={"clerk": large}).problem.bar(0, 0)
    assert bar is not None
    assert bar.code is BarCode.CONTEXT_TOO_SMALL
    assert bar.words == "holds 8000 tokens, 9000 are expected"


def test_no_plan_gives_an_agent_a_model_with_less_context_than_it_wants() -> None:
    wanting = replace(CLERK, min_context=16_000)
    stands = stated(Fleet((wanting,), (LARGE,), "v1"), Expectations(), CapabilityScorer())
    bar = stands.problem.bar(0, 0)
    assert bar == Bar(
        BarCode.CONTEXT_TOO_SMALL,
        "holds 8000 tokens, clerk wants 16000 at least",
        "lower the min_context of clerk",
        0.5,
    )
    assert optimal(stands.problem).chosen == (None,)
    unknown = replace(LARGE, context_window=None)
    for model in (unknown, replace(LARGE, context_window=16_000)):
        assert stated(
            Fleet((wanting,), (model,), "v1"), Expectations(), CapabilityScorer()
        ).problem.open_models(0) == [0]


def test_a_quality_floor_keeps_weaker_models_out_by_so_much() -> None:
    bar = of(CLERK, duties={"clerk": Duty(quality_floor=0.9)}).problem.bar(0, 1)
    assert bar is not None
    assert bar.code is BarCode.BELOW_QUALITY_FLOOR
    assert bar.amount == pytest.approx(0.9 - (0.7 * 0.7 + 0.2 + 0.1))
    assert bar.remedy == "lower the quality floor of clerk"


class Timed(CapabilityScorer):
    """A scorer that knows how long the large model takes, and nothing of the other."""

    def score(self, agent: Agent, task: Task, selection: Selection, model: Model) -> Candidate:
        found = super().score(agent, task, selection, model)
        latency_s = 3.0 if model is LARGE else None
        return found._replace(estimate=Estimate(0.9, 1.0, 0.9, latency_s, None, 5.0, 0.1))


def test_a_latency_ceiling_keeps_out_what_is_known_to_be_slower() -> None:
    expectations = Expectations({"clerk": Duty(latency_ceiling_s=2.0)})
    problem = stated(Fleet((CLERK,), (LARGE, SMALL), "v1"), expectations, Timed()).problem
    bar = problem.bar(0, 0)
    assert bar is not None
    assert (bar.code, bar.amount) == (BarCode.OVER_LATENCY_BUDGET, 0.5)
    assert bar.words == "its 3.00 s to the first token are over the ceiling of 2 s"
    assert bar.remedy == "raise the latency ceiling of clerk"
    assert problem.bar(0, 1) is None


def test_a_request_costs_what_its_load_costs_at_the_models_price() -> None:
    problem = of(CLERK, duties={"clerk": Duty(LOAD)}).problem
    assert problem.expected.usd_per_request[0] == [pytest.approx(0.02), 0.0]
    assert problem.usd_per_day(0, 0) == pytest.approx(2 * 1440 * 0.02)


def test_a_price_that_is_unknown_stays_unknown() -> None:
    fleet = Fleet((CLERK,), (Model("lab/new", "lab", "new"),), "v1")
    problem = stated(fleet, Expectations(), CapabilityScorer()).problem
    assert problem.expected.usd_per_request == [[None]]


def test_a_model_carries_what_its_limits_say_and_may_be_for_one_alone() -> None:
    room, other = of(CLERK, rules=FleetRules(exclusive=frozenset({"lab/large"}))).problem.models
    assert (room.in_flight, room.requests_per_min, room.tokens_per_min) == (4, 60, 90_000)
    assert room.exclusive
    assert not other.exclusive


def test_rules_are_about_the_agents_that_are_there() -> None:
    rules = FleetRules(
        budget_usd_per_day=5.0,
        provider_shares={"lab": 0.5},
        share_of=ShareOf.LOAD,
        apart=(KeptApart("pair", frozenset({"clerk", "gone"}), 2),),
        mean_latency_s=1.5,
    )
    found = of(CODER, CLERK, rules=rules).problem.rules
    assert found.budget_usd_per_day == 5.0
    assert found.provider_shares == {"lab": 0.5}
    assert found.share_of is ShareOf.LOAD
    assert found.apart == (Apart("pair", frozenset({1}), 2),)
    assert found.mean_latency_s == 1.5


def test_an_agent_stands_where_it_stood_unless_that_is_gone() -> None:
    found = of(CODER, CLERK, standing={"coder": "lab/large", "clerk": "lab/gone"}).problem
    assert [needs.current for needs in found.agents] == [0, None]


def test_a_duty_says_weight_fallbacks_and_what_switching_costs() -> None:
    needs = of(
        CLERK, duties={"clerk": Duty(LOAD, 2.0, fallbacks=3, switch_cost=0.1)}
    ).problem.agents[0]
    assert (needs.load, needs.importance, needs.fallbacks, needs.switch_cost) == (LOAD, 2.0, 3, 0.1)


def test_without_measured_latency_a_model_is_busy_as_long_as_usual() -> None:
    problem = of(CLERK, duties={"clerk": Duty(LOAD)}).problem
    assert problem.expected.duration_s == [[10.5, 10.5]]
    assert problem.expected.latency_s == [[None, None]]


def outcome(*, streamed: bool) -> Outcome:
    return Outcome(
        "dec_1", 1, "lab/large", "clerk", NOON, None, streamed, 4.0, 0.5 if streamed else None
    )


def test_what_was_seen_is_in_the_problem() -> None:
    scorer = AdaptiveScorer()
    for _ in range(200):
        scorer.learn(outcome(streamed=True))
        scorer.learn(outcome(streamed=False))
    scorer.tick(NOON.timestamp() + 1.0)
    fleet = Fleet((CLERK,), (LARGE, SMALL), "v1")
    found = stated(fleet, Expectations(), scorer)
    latency = found.problem.expected.latency_s[0][0]
    assert latency == pytest.approx(0.5, rel=0.2)
    assert found.problem.expected.duration_s[0][0] == pytest.approx(4.0, rel=0.2)
    estimate = found.candidates[0](0).estimate
    assert estimate is not None
    assert estimate.evidence > 10
    assert optimal(found.problem).placed == 1
