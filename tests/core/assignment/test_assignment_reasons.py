"""Is what is said of a plan what happens when it is tried?"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_fleets import (
    BLIND,
    TOO_WEAK,
    best_of_all,
    bound_by_everything,
    expected,
    models,
    problem,
    random_fleet,
)

from pointsman.core.assignment.easing import RaisedLimit, eased, words_of_easing
from pointsman.core.assignment.explanation import (
    Alternative,
    Explanation,
    Wish,
    explained,
    words_of_explanation,
)
from pointsman.core.assignment.limits import LimitKind, limits_of
from pointsman.core.assignment.optimal import Effort, optimal
from pointsman.core.assignment.plan import Method, plan_of, words_of_gap
from pointsman.core.assignment.problem import AgentNeeds, Load, ModelRoom, Problem, Rules
from pointsman.core.assignment.relaxation import relaxation
from pointsman.core.assignment.shadow import Shadow, shadows, words_of_shadow
from pointsman.core.assignment.stability import Move

SEEDS = st.integers(0, 2**32)
PROVEN = Effort(gap=0.0)
A_CENT_A_DAY = 14.4


def on_a_budget(count: int, dollars: float) -> Problem:
    scores = [[0.9, 0.5]] * count
    usd = expected(scores, usd=[[0.03, 0.01]] * count)
    rules = Rules(budget_usd_per_day=dollars)
    return problem(scores, expected=usd, rules=rules, models=models("dear", "cheap"))


def test_more_money_is_said_in_dollars_agents_and_points() -> None:
    stated = on_a_budget(2, 2 * A_CENT_A_DAY)
    (more,) = shadows(stated, optimal(stated))
    assert words_of_shadow(stated, more) == (
        "29 USD per day more for the fleet: agent-0 to dear/model-0 (+40 points)"
    )


def test_more_room_for_one_without_a_place_comes_first() -> None:
    rooms = (ModelRoom("p/m", "p", 1.0), ModelRoom("p/n", "p", 1.0))
    stated = problem([[0.9, 0.5], [0.9, 0.5], [0.9, 0.0]], models=rooms, bars=[{}, {}, {1: BLIND}])
    first = shadows(stated, optimal(stated))[0]
    assert first.placed == 1
    assert "(1 more placed, +" in words_of_shadow(stated, first)


def test_where_nothing_is_in_the_way_more_brings_nothing() -> None:
    stated = problem([[0.9, 0.5]], rules=Rules(budget_usd_per_day=1000.0))
    assert shadows(stated, optimal(stated)) == ()


def test_a_wider_limit_that_helps_nobody_is_not_named() -> None:
    # Both limits are in the way, so that neither helps alone.
    rooms = (ModelRoom("p/m", "p", 0.5, 500.0), ModelRoom("p/n", "p"))
    stated = problem([[0.9, 0.5]], models=rooms)
    assert shadows(stated, optimal(stated)) == ()


@settings(deadline=None)
@given(SEEDS)
def test_what_more_of_a_limit_brings_is_what_the_best_plan_is_then(seed: int) -> None:
    stated = random_fleet(seed, 4, 3)
    plan = optimal(stated, PROVEN)
    for shadow in shadows(stated, plan, PROVEN):
        best = best_of_all(eased(stated, [shadow.more]))
        assert plan.placed + shadow.placed == best.placed
        assert plan.value + shadow.gain == pytest.approx(best.value, abs=1e-7)
        assert words_of_shadow(stated, shadow)


def shadow_of(stated: Problem, kind: LimitKind, step: float) -> str:
    limit = next(limit for limit in limits_of(stated) if limit.kind is kind)
    more = RaisedLimit(kind, limit.subject, limit.capacity, limit.capacity + step)
    return words_of_shadow(stated, Shadow(more, 0, 0.1, (Move(0, 0, None, None),)))


def test_every_kind_of_limit_has_words_for_more_of_it() -> None:
    stated = bound_by_everything()
    steps = {
        LimitKind.REQUESTS: "1 requests per minute more on p/m",
        LimitKind.TOKENS: "1 tokens per minute more on p/m",
        LimitKind.IN_FLIGHT: "1 requests more in flight on p/m",
        LimitKind.EXCLUSIVE: "1 agent more on p/m",
        LimitKind.PROVIDER_SHARE: "50 % more of the fleet on q",
        LimitKind.APART: "1 agent more, pair on p",
        LimitKind.BUDGET: "1 USD per day more for the fleet",
        LimitKind.LATENCY: "0.25 s more of mean latency for the fleet",
        LimitKind.MOVES: "1 moves more for the fleet",
    }
    said = {kind: shadow_of(stated, kind, 1.0) for kind in LimitKind}
    assert said == {
        kind: f"{words}: agent-0 to no model (+10 points)" for kind, words in steps.items()
    }
    none = replace(stated, rules=replace(stated.rules, provider_shares={"q": 0.0}))
    assert shadow_of(none, LimitKind.PROVIDER_SHARE, 1.0).startswith("100 % more of the fleet on q")


def test_many_agents_are_named_by_their_number() -> None:
    stated = on_a_budget(6, 6 * A_CENT_A_DAY)
    more = RaisedLimit(LimitKind.BUDGET, "fleet", 86.4, 300.0)
    moved = tuple(Move(agent, 1, 0, 0.4) for agent in range(6))
    assert "agent-3 and 2 more to dear/model-0" in words_of_shadow(
        stated, Shadow(more, 0, 2.4, moved)
    )


def test_an_agent_is_told_its_score_its_wish_what_is_in_the_way_and_the_next_best() -> None:
    stated = on_a_budget(2, 4 * A_CENT_A_DAY)
    plan = optimal(stated)
    assert plan.chosen == (0, 1)
    assert words_of_explanation(stated, explained(stated, plan, 1)) == (
        "agent-1 stands on cheap/model-1: score 50.00",
        "dear/model-0 is worth 40.00 points more to it; no room in the budget per day of the fleet",
        "next best is dear/model-0: the fleet would lose 0.00 points, and 1 other agent would move",
    )
    assert words_of_explanation(stated, explained(stated, plan, 0))[1] == (
        "no model that it may use is worth more to it"
    )


@pytest.mark.parametrize(
    ("room", "easing", "shadow"),
    [
        (
            ModelRoom("p/m", "p", in_flight=0.25),
            "takes 1 instead of 0.25",
            "1 requests more in flight on p/m",
        ),
        (
            ModelRoom("p/m", "p", requests_per_min=10.5),
            "takes 12 instead of 10.5",
            "2 requests per minute more",
        ),
        (
            ModelRoom("p/m", "p", tokens_per_min=9_000.5),
            "takes 10200 instead of 9000.5",
            "1200 tokens per minute",
        ),
    ],
)
def test_what_is_written_down_in_whole_numbers_is_advised_in_these(
    room: ModelRoom, easing: str, shadow: str
) -> None:
    load = Load(12.0, 600.0, 250.0) if room.in_flight is None else Load(20.0, 0.0, 0.0)
    needs = (AgentNeeds("a", load),)
    alone = problem([[0.9]], agents=needs, models=(room,))
    (found,) = relaxation(alone).easings
    assert easing in words_of_easing(alone, found)
    rooms = (room, ModelRoom("q/n", "q"))
    either = problem([[0.9, 0.5]], agents=needs, models=rooms)
    (more,) = shadows(either, optimal(either))
    assert words_of_shadow(either, more).startswith(shadow)


def test_who_has_nowhere_else_to_go_is_told_so() -> None:
    stated = problem([[0.9, 0.5]], bars=[{1: BLIND}])
    said = words_of_explanation(stated, explained(stated, optimal(stated), 0))
    assert said[-1] == "nowhere else would it have a place"


def test_who_has_no_model_is_told_what_it_could_have_and_why_not() -> None:
    stated = problem([[0.9]], models=(ModelRoom("p/m", "p", 0.5),))
    assert words_of_explanation(stated, explained(stated, optimal(stated), 0)) == (
        "agent-0 has no model",
        "p/m would be worth 90.00 points to it; no room in the requests per minute of p/m",
    )


def test_who_may_use_no_model_is_told_what_keeps_it_off_each() -> None:
    stated = problem([[0.9, 0.8, 0.7]], bars=[{0: BLIND, 1: TOO_WEAK, 2: BLIND}])
    assert words_of_explanation(stated, explained(stated, optimal(stated), 0)) == (
        "agent-0 has no model",
        "cannot see: provider-0/model-0, provider-2/model-2",
        "too weak: provider-1/model-1",
    )


@pytest.mark.parametrize(
    ("gap", "words"),
    [
        (0.0, "proven best"),
        (2e-5, "within 0.01% of the best there is"),
        (0.0123, "within 1.23% of the best there is"),
    ],
)
def test_what_is_proved_of_a_plan_is_said_and_no_more(gap: float, words: str) -> None:
    assert words_of_gap(gap) == words


def test_what_a_person_decided_needs_no_other_reason() -> None:
    stated = problem([[0.9, 0.5]], agents=(AgentNeeds("a", manual=1),))
    assert words_of_explanation(stated, explained(stated, optimal(stated), 0)) == (
        "a stands on provider-1/model-1: score 50.00; a person put it there",
    )


def test_an_agent_on_a_model_that_it_may_not_have_by_now_is_told_so() -> None:
    stated = problem([[0.9, 0.5]], bars=[{0: BLIND}])
    said = explained(stated, plan_of(stated, [0], Method.OPTIMAL), 0)
    assert words_of_explanation(stated, said) == (
        "agent-0 stands on provider-0/model-0: score 90.00",
        "by now it may not have provider-0/model-0: cannot see",
        "next best is provider-1/model-1: the fleet would lose 40.00 points",
    )
    held = replace(stated, agents=(AgentNeeds("a", manual=0),))
    assert words_of_explanation(held, explained(held, optimal(held), 0)) == (
        "a stands on provider-0/model-0: score 90.00; a person put it there",
        "by now it may not have provider-0/model-0: cannot see",
    )


def test_a_plan_that_is_not_optimal_is_not_excused() -> None:
    stated = problem([[0.9, 0.5]])
    said = explained(stated, plan_of(stated, [1], Method.GREEDY), 0)
    assert said.wishes == (Wish(0, 0.9 - 0.5, ()),)
    assert words_of_explanation(stated, said)[1].endswith("the plan does not use it")


def test_that_others_would_lose_their_place_is_said() -> None:
    said = Explanation(0, 0, False, (), Alternative(1, 0.5, 2, ()))
    assert words_of_explanation(problem([[0.9, 0.5]]), said)[-1] == (
        "next best is provider-1/model-1: the fleet would lose 50.00 points "
        "and the place of 2 agents"
    )


@settings(deadline=None)
@given(SEEDS)
def test_the_loss_of_the_next_best_is_what_the_fleet_loses_without_the_best(seed: int) -> None:
    stated = random_fleet(seed, 4, 3)
    plan = optimal(stated, PROVEN)
    for agent, model in enumerate(plan.chosen):
        said = explained(stated, plan, agent, PROVEN)
        assert words_of_explanation(stated, said)
        if said.alternative is None or model is None:
            continue
        bars = [dict(row) for row in stated.bars]
        bars[agent][model] = BLIND
        best = best_of_all(replace(stated, bars=bars))
        assert plan.placed - said.alternative.left_out == best.placed
        assert plan.value - said.alternative.loss == pytest.approx(best.value, abs=1e-7)
