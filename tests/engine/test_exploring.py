"""Are a few requests spent on learning, never those that may not be, and is it said how likely?"""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from fakes import ANYTHING, PLAIN, LearningScorer, World, model
from scripted import NOON

from pointsman.core.adaptive import AdaptiveScorer
from pointsman.core.decision import Decision, Feedback, Selection, Task
from pointsman.core.exploration import Exploration, ExplorationPolicy
from pointsman.core.fleet import Agent
from pointsman.engine.policy import Policy
from pointsman.engine.serve import Ask

CURIOUS = Agent("curious", requires=("general",))
CONTENT = Agent("content", requires=("general",), explore=False)
FLEET = [model(f"p/{n}", strength) for n, strength in enumerate((0.9, 0.88, 0.75, 0.7, 0.3))]
CHANCE = 0.25


def world(*, explores: bool = True, seed: int = 1) -> World:
    return World(
        *FLEET,
        agents=[CURIOUS, CONTENT],
        policy=Policy(),
        seed=seed,
        scorer=AdaptiveScorer(),
        exploration=Exploration(ExplorationPolicy(chance=CHANCE)) if explores else None,
    )


async def paid_for(one: World) -> Ask:
    """A request that may be spent on learning, when a trial has been paid for."""
    ask = one.ask("curious")
    while all(abs(p - round(p)) < 1e-9 for p in stated(one, ask).values()):
        await one.chat(ask)
    return ask


def stated(one: World, ask: Ask, seeds: int = 60) -> dict[str, float]:
    """Who is chosen for `ask` with any of so many seeds, and how likely that is said to be."""
    made = [one.service.decide(ask, seed * 0x9E37_79B9) for seed in range(seeds)]
    return {decision.candidates[0].model_id: decision.propensity for decision in made}


def any_request(one: World, random: Random) -> Ask:
    return one.ask(
        random.choice(["curious", "curious", "content"]),
        task=PLAIN._replace(in_tool_loop=random.random() < 0.3),
        selection=random.choice([ANYTHING, ANYTHING, Selection(pinned="p/3")]),
    )


async def test_of_many_requests_few_are_spent_and_only_such_as_may_be() -> None:
    one, random = world(), Random(5)
    entitled = explored = 0
    for _ in range(20_000):
        ask = any_request(one, random)
        one.clock.t += 0.01
        await one.chat(ask)
        decision = one.ledger.decisions[-1]
        may_be = ask.agent.explore and not ask.task.in_tool_loop and not ask.selection.pinned
        entitled += may_be
        explored += decision.explored
        assert may_be or not decision.explored
        assert explored <= 0.02 * entitled
    assert explored > 0.015 * entitled, "there is much to learn here"
    one.at_rest()


async def test_the_stated_propensities_of_all_who_may_be_chosen_sum_to_one() -> None:
    one = world()
    ask = await paid_for(one)
    offered = stated(one, ask, 400)
    assert sum(offered.values()) == pytest.approx(1.0)
    assert len(offered) > 1


async def test_who_is_tried_out_is_so_as_often_as_is_said() -> None:
    one = world()
    ask = await paid_for(one)
    seen: Counter[str] = Counter()
    explored, random = 0, Random(3)
    for _ in range(4_000):
        decision = one.service.decide(ask, random.getrandbits(64))
        seen[decision.candidates[0].model_id] += 1
        explored += decision.explored
    for model_id, probable in stated(one, ask, 400).items():
        assert seen[model_id] / 4_000 == pytest.approx(probable, abs=0.03)
    assert explored / 4_000 == pytest.approx(CHANCE, abs=0.03)


async def test_one_who_is_near_the_best_and_tried_out_has_both_chances() -> None:
    one = World(
        *[model(f"p/{n}", 0.8) for n in range(2)],
        policy=Policy(),
        scorer=AdaptiveScorer(),
        exploration=Exploration(ExplorationPolicy(chance=CHANCE)),
    )
    ask = one.ask()
    while len(probable := stated(one, ask)) < 2:
        await one.chat(ask)
    assert sum(probable.values()) == pytest.approx(1.0)


async def test_what_is_asked_is_what_would_be_done() -> None:
    one, random = world(), Random(6)
    explored = 0
    for _ in range(1_500):
        ask = any_request(one, random)
        state = one.service._random.getstate()
        seed = one.service._random.getrandbits(64)
        asked = one.service.decide(ask, seed)
        one.service._random.setstate(state)
        await one.chat(ask)
        assert one.ledger.decisions[-1] == asked
        explored += asked.explored
    assert explored > 5


async def test_asking_is_not_paid_for_with_requests_and_pays_for_none() -> None:
    one, other = world(), world()
    for _ in range(400):
        for _ in range(3):
            one.service.decide(one.ask("curious"), 7)
        await one.chat(one.ask("curious"))
        await other.chat(other.ask("curious"))
    assert one.ledger.decisions == other.ledger.decisions
    assert any(decision.explored for decision in one.ledger.decisions)


async def test_without_exploration_nobody_is_tried_out() -> None:
    one = world(explores=False)
    for _ in range(300):
        await one.chat(one.ask("curious"))
    assert not any(decision.explored for decision in one.ledger.decisions)
    assert {chosen(each) for each in one.ledger.decisions} <= {"p/0", "p/1"}


def chosen(decision: Decision) -> str:
    return decision.candidates[0].model_id


async def test_a_request_that_only_one_can_take_is_spent_on_nothing() -> None:
    one = World(
        model("p/large", 0.5, window=100_000),
        model("p/small", 0.9),
        scorer=AdaptiveScorer(),
        exploration=Exploration(),
    )
    for _ in range(300):
        await one.chat(one.ask(task=Task(prompt_tokens=50_000)))
    assert not any(decision.explored for decision in one.ledger.decisions)
    assert len(stated(one, one.ask())) == 1, "nothing was saved up either"


async def test_who_is_tried_out_is_one_that_can_take_the_request() -> None:
    one = World(
        model("p/full", 0.9, most=1),
        *FLEET,
        policy=Policy(),
        scorer=AdaptiveScorer(),
        exploration=Exploration(),
    )
    one.load.lease(one.registry.fleet.models["p/full"])
    for _ in range(400):
        await one.chat(one.ask())
    explored = {chosen(each) for each in one.ledger.decisions if each.explored}
    assert explored
    assert "p/full" not in explored


def test_what_somebody_says_of_an_answer_reaches_the_scorer() -> None:
    scorer = LearningScorer()
    said = Feedback("dec_1", "curious", "p/0", None, NOON, rating=5)
    World(scorer=scorer).service.judge(said)
    assert scorer.praised == [said]
