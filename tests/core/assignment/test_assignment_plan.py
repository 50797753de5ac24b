"""Does a plan say what it is worth, what it costs, and why somebody has no model?"""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_fleets import BLIND, TOO_WEAK, agents, expected, models, problem

from pointsman.core.assignment.limits import Limit, LimitKind, Rooms, limits_of
from pointsman.core.assignment.plan import Method, excesses, plan_of, words_of
from pointsman.core.assignment.problem import (
    AgentNeeds,
    Apart,
    Load,
    ModelRoom,
    Problem,
    Rules,
    ShareOf,
)

BUSY = Load(60.0, 900.0, 100.0)


def rooms_of(stated: Problem) -> Rooms:
    return Rooms(stated, limits_of(stated))


def only(stated: Problem, kind: LimitKind) -> Limit:
    (limit,) = (limit for limit in limits_of(stated) if limit.kind is kind)
    return limit


def test_a_model_carries_requests_tokens_what_is_in_flight_and_one_agent_alone() -> None:
    room = ModelRoom("p/m", "p", 60.0, 60_000.0, 1.0, exclusive=True)
    stated = problem([[0.5]], models=(room,), agents=agents(1, BUSY))
    used = {limit.kind: (limit.use(0, 0), limit.capacity) for limit in limits_of(stated)}
    assert used == {
        LimitKind.REQUESTS: (60.0, 60.0),
        LimitKind.TOKENS: (60_000.0, 60_000.0),
        # 60 requests a minute of one second each: one under way at any time.
        LimitKind.IN_FLIGHT: (1.0, 1.0),
        LimitKind.EXCLUSIVE: (1.0, 1.0),
    }
    assert rooms_of(stated).fits(0, 0)


@pytest.mark.parametrize(("share_of", "capacity"), [(ShareOf.AGENTS, 1.0), (ShareOf.LOAD, 31.0)])
def test_a_share_is_of_agents_or_of_their_requests(share_of: ShareOf, capacity: float) -> None:
    needs = (*agents(1, BUSY), AgentNeeds("b", Load(2.0)))
    rules = Rules(provider_shares={"provider-0": 0.5}, share_of=share_of)
    stated = problem([[0.5, 0.5], [0.5, 0.5]], agents=needs, rules=rules)
    assert only(stated, LimitKind.PROVIDER_SHARE).capacity == capacity


def test_a_latency_that_is_unknown_is_taken_for_the_longest_that_is_known() -> None:
    scores = [[0.5, 0.5]]
    waits = expected(scores, latency=[[2.0, None]])
    stated = problem(scores, expected=waits, rules=Rules(mean_latency_s=3.0))
    limit = only(stated, LimitKind.LATENCY)
    assert [limit.use(0, model) for model in (0, 1)] == [2.0, 2.0]


def test_only_leaving_a_model_that_one_could_stay_on_is_a_move() -> None:
    needs = (
        AgentNeeds("new"),
        AgentNeeds("stands", current=0),
        AgentNeeds("lost", current=0),
        AgentNeeds("put", current=0, manual=1),
    )
    stated = problem(
        [[0.5, 0.5]] * 4,
        agents=needs,
        bars=[{}, {}, {0: TOO_WEAK}, {}],
        rules=Rules(max_moves=1),
    )
    limit = only(stated, LimitKind.MOVES)
    assert [limit.use(agent, 1) for agent in range(4)] == [0.0, 1.0, 0.0, 0.0]


def test_room_that_is_given_back_is_there_again() -> None:
    stated = problem([[0.5]] * 2, models=(ModelRoom("p/m", "p", exclusive=True),))
    rooms = rooms_of(stated)
    rooms.take(0, 0)
    assert not rooms.fits(1, 0)
    assert [rooms.limits[number].kind for number in rooms.in_the_way(1, 0)] == ["exclusive"]
    rooms.give_back(0, 0)
    assert rooms.fits(1, 0)
    assert not list(rooms.in_the_way(1, 0))


def test_what_is_reserved_for_others_is_not_free() -> None:
    stated = problem([[0.5]], rules=Rules(budget_usd_per_day=20.0))
    rooms = rooms_of(stated)
    assert rooms.fits(0, 0, [5.0])
    assert not rooms.fits(0, 0, [6.0])


def test_kept_apart_binds_members_only() -> None:
    rules = Rules(apart=(Apart("pair", frozenset({0, 1})),))
    rooms = rooms_of(problem([[0.5], [0.5], [0.5]], models=models("p"), rules=rules))
    rooms.take(0, 0)
    assert not rooms.fits(1, 0)
    assert rooms.fits(2, 0)


def test_a_plan_says_score_cost_and_for_whom_no_price_is_known() -> None:
    scores = [[0.9], [0.3]]
    needs = (
        AgentNeeds("a", Load(1.0), importance=2.0, current=0),
        AgentNeeds("b", Load(1.0), manual=0),
    )
    usd = expected(scores, usd=[[0.01], [None]])
    plan = plan_of(problem(scores, agents=needs, expected=usd), [0, 0], Method.GREEDY)
    assert plan.placed == 2
    assert plan.value == pytest.approx(2.1)
    assert plan.mean_score == pytest.approx(0.7)
    assert plan.usd_per_day == pytest.approx(14.4)
    assert plan.unpriced == (1,)


def test_a_plan_for_nobody_is_worth_nothing() -> None:
    plan = plan_of(problem([]), [], Method.GREEDY)
    assert (plan.value, plan.mean_score, plan.usd_per_day) == (0.0, 0.0, 0.0)


def test_each_reason_against_an_agent_is_said_once_with_the_models_it_is_about() -> None:
    rooms = (
        *models("p", "p", "p"),
        ModelRoom("p/full", "p", requests_per_min=0.5),
        ModelRoom("p/free", "p"),
    )
    stated = problem([[0.5] * 5], models=rooms, bars=[{0: TOO_WEAK, 1: TOO_WEAK, 2: BLIND}])
    (left,) = plan_of(stated, [None], Method.GREEDY).unplaced
    assert left.reasons == (
        "too weak: p/model-0, p/model-1",
        "cannot see: p/model-2",
        "no room in the requests per minute of p/full: p/full",
        "is kept for agents that need it more: p/free",
    )


def test_a_long_list_of_models_is_cut() -> None:
    stated = problem([[0.5] * 7], bars=[dict.fromkeys(range(7), BLIND)])
    (left,) = plan_of(stated, [None], Method.GREEDY).unplaced
    assert left.reasons[0].endswith("provider-4/model-4 and 2 more")


def test_without_models_that_is_the_reason() -> None:
    stated = problem([[]], agents=agents(1), models=())
    assert plan_of(stated, [None], Method.GREEDY).unplaced[0].reasons == ("there is no model",)


def test_what_people_decided_is_reported_where_it_is_too_much_and_binds_nobody_else() -> None:
    needs = (AgentNeeds("a", BUSY, manual=0), AgentNeeds("b", Load(0.0)), *agents(1))
    room = ModelRoom("p/m", "p", requests_per_min=50.0)
    stated = problem([[0.5]] * 3, agents=needs, models=(room,))
    plan = plan_of(stated, [0, 0, None], Method.GREEDY)
    assert plan.notes == ("manual assignments alone exceed the requests per minute of p/m by 10",)
    assert excesses(stated, plan.chosen) == ()
    within = replace(stated, models=(replace(room, requests_per_min=60.0),))
    assert plan_of(within, [0, 0, None], Method.GREEDY).notes == ()


def test_every_rule_that_a_choice_breaks_is_named() -> None:
    room = ModelRoom("p/m", "p", requests_per_min=1.5)
    stated = problem([[0.5]] * 3, models=(room,), bars=[{}, {}, {0: BLIND}])
    assert excesses(stated, [0, 0, 0]) == (
        "agent-2 may not stand on p/m",
        "the requests per minute of p/m exceeded by 1.5",
    )


def test_every_kind_of_limit_has_words() -> None:
    for kind in LimitKind:
        assert "x" in words_of(Limit(kind, "x", 1.0, ()))
