"""Does everybody meet the same luck, and is worth what it is said to be?"""

from __future__ import annotations

from statistics import mean

import pytest
from simulations.fleet_world import FAILS_AFTER, Request, Result, World, expected, utility
from simulations.lineup import LINEUP, all_of
from simulations.router_policies import ours
from simulations.scenarios import (
    SUCCESS,
    Arm,
    Event,
    Scenario,
    became,
    degrading,
    drifting,
    scaled,
    twenty,
)

from pointsman.core.fleet import Weights

ARM = Arm(quality=(0.9, 0.4), failure=0.2, latency_s=0.5, usd=0.01)
CALM = Scenario("calm", (ARM,), requests=4000, judged=0.5, types=2)


class Listener:
    """Chooses always the first, and keeps what it is told."""

    name = "listener"

    def __init__(self) -> None:
        self.heard: list[Result] = []
        self.asked: list[Request] = []
        self.known: list[int] = []

    def choose(self, request: Request) -> int:
        self.asked.append(request)
        self.known.append(len(self.heard))
        return 0

    def learn(self, result: Result) -> None:
        self.heard.append(result)


def listened(scenario: Scenario, seed: int = 1) -> Listener:
    listener = Listener()
    assert len(list(World(scenario, seed).steps(listener))) == scenario.requests
    return listener


def test_a_failure_is_worth_nothing_and_takes_less_time() -> None:
    listener = listened(CALM)
    failed = [result for result in listener.heard if not result.complete]
    assert len(failed) / len(listener.heard) == pytest.approx(0.2, abs=0.02)
    assert {result.utility for result in failed} == {0.0}
    assert {result.judged for result in failed} == {None}
    took_s = mean(result.latency_s for result in failed)
    whole_s = mean(result.latency_s for result in listener.heard if result.complete)
    assert took_s == pytest.approx(FAILS_AFTER * whole_s, rel=0.05)


def test_the_expected_worth_is_the_mean_of_what_was_worth_what() -> None:
    listener = listened(CALM)
    for kind in (0, 1):
        worths = [result.utility for result in listener.heard if result.request.kind == kind]
        assert mean(worths) == pytest.approx(expected(CALM, ARM, kind), abs=0.02)


def test_somebody_judges_as_many_answers_as_said() -> None:
    complete = [result for result in listened(CALM).heard if result.complete]
    told = [result.judged for result in complete if result.judged is not None]
    assert len(told) / len(complete) == pytest.approx(0.5, abs=0.03)


def test_an_answer_is_known_when_it_ends() -> None:
    slow = Scenario("slow", (Arm(latency_s=10.0, failure=0.0),), requests=300, spread=0.01)
    listener = listened(slow)
    assert listener.known[90] == 0
    assert listener.known[299] == pytest.approx(200, abs=3)


def test_worth_is_weighed_as_the_agent_weighs() -> None:
    scenario = Scenario("one", (ARM,), weights=Weights(0.5, 0.3, 0.2), budget_s=1.0)
    worth = utility(scenario, ARM, complete=True, good=True, latency_s=1.0)
    assert worth == pytest.approx(0.5 + 0.3 * 0.5 + 0.2 * 0.5)
    assert utility(scenario, ARM, complete=False, good=True, latency_s=1.0) == 0.0


def test_events_happen_when_they_are_due_and_stay() -> None:
    events = (Event(20, 0, became(failure=1.0)), Event(10, 1, scaled("latency_s", 5.0)))
    scenario = Scenario("events", (Arm(), Arm()), events, requests=30, weights=SUCCESS)
    steps = list(World(scenario, 1).steps(Listener()))
    assert [step.means[0] for step in steps[19:21]] == [pytest.approx(0.99 * 0.85), 0.0]
    assert [step.regret for step in steps[19:21]] == [0.0, pytest.approx(0.99 * 0.85)]


@pytest.mark.parametrize("name", list(LINEUP))
def test_everybody_meets_the_same_luck_and_the_same_seed_gives_the_same_run(name: str) -> None:
    scenario = Scenario("fleet", degrading(0).arms, requests=300, judged=1.0, agents=3, types=2)
    one, again = (list(World(scenario, 5).steps(LINEUP[name](scenario, 5))) for _ in range(2))
    assert one == again
    assert [step.means for step in one] == [
        step.means for step in World(scenario, 5).steps(Listener())
    ]


def test_the_router_tries_others_but_seldom() -> None:
    scenario = degrading(3)
    router = ours(scenario, 3)
    list(World(scenario, 3).steps(router))
    assert 0 < router.explored <= 0.02 * scenario.requests


def test_scenarios_differ_by_seed_and_only_by_that() -> None:
    assert drifting(1).arms == drifting(1).arms
    assert drifting(1).arms != drifting(2).arms
    assert len({scenario.name for scenario in twenty(0)}) == 20


def test_runs_come_back_in_order_from_any_number_of_processes() -> None:
    assert all_of(abs, [-3, 2, -1], jobs=1) == all_of(abs, [-3, 2, -1], jobs=2) == [3, 2, 1]
