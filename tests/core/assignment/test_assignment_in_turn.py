"""Do agents that choose one after the other end where the arithmetic says, within the limits?"""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_fleets import BLIND, agents, best_of_all, expected, models, problem, random_fleet

from pointsman.core.assignment import greedy as in_turn
from pointsman.core.assignment.greedy import CROWDING, balanced, greedy
from pointsman.core.assignment.plan import excesses
from pointsman.core.assignment.problem import AgentNeeds, Load, ModelRoom, Problem, Rules
from pointsman.core.capability import Requirements, capability_score
from pointsman.core.fleet import Model

SEEDS = st.integers(0, 2**32)

GOLDEN_MODELS = (
    Model(
        "local/llama3-70b",
        "local",
        "llama3-70b",
        strengths={
            "coding": 0.90,
            "math": 0.85,
            "reasoning": 0.95,
            "general": 0.95,
            "multilingual": 0.80,
            "long_context": 0.85,
            "high_accuracy": 0.90,
        },
        context_window=8192,
    ),
    Model(
        "local/mistral-7b",
        "local",
        "mistral-7b",
        strengths={
            "coding": 0.80,
            "math": 0.75,
            "reasoning": 0.85,
            "general": 0.85,
            "multilingual": 0.70,
            "long_context": 0.95,
            "low_latency": 0.85,
        },
        context_window=32768,
    ),
    Model(
        "local/tinyllama-1b",
        "local",
        "tinyllama-1b",
        strengths={"general": 0.70, "reasoning": 0.60, "low_latency": 0.95, "coding": 0.50},
        context_window=2048,
    ),
)
GOLDEN_AGENTS = {
    "gpu_1": Requirements(("coding", "reasoning"), ("high_accuracy", "long_context"), 4096),
    "gpu_2": Requirements(("general", "reasoning"), ("multilingual", "long_context"), 4096),
    "cpu_1": Requirements(("general",), ("low_latency",), 2048),
}


def golden(copies: int = 1) -> Problem:
    names = [name for name in GOLDEN_AGENTS for _ in range(copies)]
    scores = [
        [capability_score(GOLDEN_AGENTS[name], model) for model in GOLDEN_MODELS] for name in names
    ]
    rooms = tuple(ModelRoom(model.id, model.provider) for model in GOLDEN_MODELS)
    needs = tuple(AgentNeeds(f"{name}-{number}") for number, name in enumerate(names))
    return Problem(needs, rooms, scores, [{} for _ in names], expected(scores))


def test_the_golden_fleet_stands_where_its_capabilities_say() -> None:
    stated = golden()
    plan = greedy(stated)
    placed = {
        name: (GOLDEN_MODELS[model].upstream_name, round(100 * stated.scores[agent][model], 2))
        for agent, (name, model) in enumerate(zip(GOLDEN_AGENTS, plan.chosen, strict=True))
        if model is not None
    }
    assert placed == {
        "gpu_1": ("llama3-70b", 92.25),
        "gpu_2": ("llama3-70b", 93.00),
        "cpu_1": ("mistral-7b", 86.50),
    }


def test_balanced_takes_five_points_off_for_every_agent_that_is_there() -> None:
    assert CROWDING == 0.05
    # The second sees 0.90 - 0.05 against 0.84, the third 0.90 - 0.10 against 0.84.
    assert balanced(problem([[0.90, 0.84]] * 3)).chosen == (0, 0, 1)


def test_balanced_never_drops_an_agent() -> None:
    plan = balanced(golden(34))
    assert plan.placed == 102
    assert len(Counter(plan.chosen)) == 3


def test_among_equals_the_earlier_model_wins() -> None:
    assert greedy(problem([[0.5, 0.5, 0.5]])).chosen == (0,)


def test_a_manual_assignment_stands_and_counts() -> None:
    needs = (AgentNeeds("a"), AgentNeeds("b", manual=0))
    rooms = (ModelRoom("p/m", "p", exclusive=True), ModelRoom("p/n", "p"))
    stated = problem([[0.9, 0.1], [0.2, 0.9]], agents=needs, models=rooms)
    assert greedy(stated).chosen == (1, 0)
    crowded = problem([[0.90, 0.86], [0.2, 0.9]], agents=needs)
    assert balanced(crowded).chosen == (1, 0)


def test_a_switch_is_made_only_for_more_than_it_costs() -> None:
    stays = AgentNeeds("stays", current=0, switch_cost=0.10)
    goes = AgentNeeds("goes", current=0, switch_cost=0.04)
    stated = problem([[0.80, 0.85]] * 2, agents=(stays, goes))
    assert greedy(stated).chosen == (0, 1)


def test_the_first_to_choose_leave_of_the_budget_what_the_others_need() -> None:
    scores = [[0.9, 0.5]] * 3
    usd = expected(scores, usd=[[0.03, 0.01]] * 3)
    # A cent per request and minute is 14.4 dollars a day: three cheap ones, and one step up.
    stated = problem(scores, expected=usd, rules=Rules(budget_usd_per_day=5 * 14.4))
    assert greedy(stated).chosen == (0, 1, 1)


def test_a_budget_that_is_too_small_for_all_serves_as_many_as_it_can() -> None:
    scores = [[0.9, 0.5]] * 3
    usd = expected(scores, usd=[[0.03, 0.01]] * 3)
    stated = problem(scores, expected=usd, rules=Rules(budget_usd_per_day=2 * 14.4))
    assert greedy(stated).placed == 2


def test_one_that_can_stand_elsewhere_moves_on_for_one_that_cannot() -> None:
    rooms = tuple(ModelRoom(f"p/{n}", "p", exclusive=True) for n in range(3))
    # Whoever comes first takes the only place of whoever comes last, twice over.
    stated = problem(
        [[0.9, 0.8, 0.0], [0.0, 0.9, 0.8], [0.9, 0.0, 0.0]],
        models=rooms,
        bars=[{2: BLIND}, {0: BLIND}, {1: BLIND, 2: BLIND}],
    )
    assert greedy(stated).chosen == (1, 2, 0)


def test_manual_ones_never_move_on() -> None:
    rooms = (ModelRoom("p/m", "p", exclusive=True), ModelRoom("p/n", "p"))
    needs = (AgentNeeds("a", manual=0), AgentNeeds("b"))
    stated = problem([[0.9, 0.9]] * 2, models=rooms, agents=needs, bars=[{}, {1: BLIND}])
    assert greedy(stated).chosen == (0, None)


def test_who_was_left_out_comes_first_in_the_next_run() -> None:
    # The large one is left out behind two small ones that no single move makes room from.
    needs = (*agents(2, Load(1.0)), AgentNeeds("large", Load(2.0)))
    rooms = (ModelRoom("p/m", "p", 2.0), ModelRoom("p/n", "p", 2.0))
    stated = problem(
        [[0.9, 0.8], [0.9, 0.8], [0.9, 0.0]], models=rooms, agents=needs, bars=[{}, {}, {1: BLIND}]
    )
    plan = greedy(stated)
    assert plan.placed == 3
    assert plan.chosen == (1, 1, 0)


def test_asking_others_to_move_on_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_turn, "MOST_STEPS", 1)
    rooms = (ModelRoom("p/m", "p", 2.0), ModelRoom("p/n", "p", 1.0))
    plan = greedy(problem([[0.9, 0.8]] * 4, models=rooms))
    assert plan.placed == 3


def test_nobody_is_no_problem() -> None:
    assert greedy(problem([])).chosen == ()
    assert balanced(problem([[]], agents=agents(1), models=models())).chosen == (None,)


@settings(deadline=None)
@given(SEEDS)
def test_no_limit_is_ever_broken_and_the_best_is_never_beaten(seed: int) -> None:
    stated = random_fleet(seed, 5, 3)
    best = best_of_all(stated)
    for plan in (greedy(stated), balanced(stated)):
        assert excesses(stated, plan.chosen) == ()
        assert (plan.placed, plan.value) <= (best.placed, best.value + 1e-9)


@settings(deadline=None)
@given(SEEDS)
def test_the_same_problem_gets_the_same_plan(seed: int) -> None:
    for strategy in (greedy, balanced):
        assert strategy(random_fleet(seed, 6, 4)) == strategy(random_fleet(seed, 6, 4))
