"""Are the right models on the list, in the right order, and is a list remembered safely?"""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes import BEST, LAST, NEXT, World, model

from pointsman.core.balance import near_best
from pointsman.core.capability import CapabilityScorer
from pointsman.core.chance import Draws
from pointsman.core.decision import Candidate, ReasonCode, Selection, Task
from pointsman.core.fleet import Agent, Fleet
from pointsman.engine.choose import Choice, Chooser
from pointsman.engine.policy import Policy, RetryPolicy, Timeouts
from pointsman.engine.shortlist import (
    MAX_ENTRIES,
    MAX_ORDERS,
    MAX_SHORTLISTS,
    NOBODY_ELSE,
    Shortlists,
)

ANYBODY, ANY, ANYTHING = Agent("a", requires=("general",)), Task(), Selection()


def choose(
    world: World, task: Task = ANY, selection: Selection = ANYTHING, session: str | None = None
) -> Choice:
    chooser = Chooser(world.load, world.health)
    return chooser.choose(world.registry.current, ANYBODY, task, selection, session, Draws(1))


def ids(choice: Choice) -> list[str]:
    return [candidate.model_id for candidate in choice.candidates]


def test_candidates_come_by_falling_score() -> None:
    choice = choose(World(LAST, BEST, NEXT))
    assert ids(choice) == ["a/best", "b/next", "c/last"]
    assert choice.rejections == ()


def test_the_band_is_drawn_around_the_best_of_those_that_are_able() -> None:
    world = World(
        model("p/full", 0.9, most=1), model("p/x", 0.70), model("p/y", 0.69), policy=Policy()
    )
    assert choose(world).propensity == 1.0
    world.load.lease(world.registry.fleet.models["p/full"])
    choice = choose(world)
    assert ids(choice) == ["p/x", "p/y"]
    assert [r.objection.code for r in choice.rejections] == [ReasonCode.AT_LIMIT]


def test_a_type_that_is_inferred_moves_models_and_keeps_none_out() -> None:
    skills = {"general": 0.8, "coding": 0.9, "reasoning": 0.9}
    coder = replace(model("p/coder"), strengths=skills)
    world = World(coder, model("p/other", 0.9))
    said, inferred = Task(type="coding"), Task(type="coding", type_probability=0.9)
    for _ in range(2):  # remembered apart, whichever came first
        assert ids(choose(world, inferred)) == ["p/coder", "p/other"]
        choice = choose(world, said)
        assert ids(choice) == ["p/coder"]
        assert [r.objection.code for r in choice.rejections] == [ReasonCode.MISSING_CAPABILITY]
        assert ids(choose(world)) == ["p/other", "p/coder"]


def test_a_decision_can_be_made_again_from_its_seed() -> None:
    world = World(*[model(f"p/{n}", 0.8) for n in range(8)], policy=Policy())
    made = [world.service.decide(world.ask()) for _ in range(30)]
    assert len({decision.candidates[0].model_id for decision in made}) > 4
    again = [world.service.decide(world.ask(), decision.seed) for decision in made]
    assert again == made, "also their ids, since no time has passed"


def test_deciding_again_leaves_what_follows_as_it_is() -> None:
    one, other = World(policy=Policy()), World(policy=Policy())
    one.service.decide(one.ask(), seed=7)
    assert one.service.decide(one.ask()) == other.service.decide(other.ask())


def test_the_chosen_one_comes_first_and_the_others_keep_their_order() -> None:
    world = World(*[model(f"p/{n}", 0.8) for n in range(4)], policy=Policy())
    for n in range(3):
        for _ in range(5):
            world.load.lease(world.registry.fleet.models[f"p/{n}"])
    seen = {tuple(ids(choose(world, session=f"s{n}"))) for n in range(50)}
    assert len(seen) == 4
    assert all(sorted(order[1:]) == list(order[1:]) for order in seen)


def test_a_pinned_model_shares_its_traffic_with_nobody_whatever_the_scores() -> None:
    world = World(model("p/poor", 0.0001), BEST, NEXT, policy=Policy(band=1.0))
    selection = Selection(pinned="p/poor", fallbacks=("a/best",))
    choice = choose(world, selection=selection)
    assert ids(choice) == ["p/poor", "a/best"]
    assert choice.propensity == 1.0


def test_the_band_of_a_pinned_model_holds_nobody_else() -> None:
    worst, perfect = Candidate("p/worst", 0.0, ()), Candidate("p/perfect", 1.0, ())
    assert near_best([worst, perfect], NOBODY_ELSE) == (1, 1)


def test_a_request_that_does_not_fit_some_models_goes_to_the_others() -> None:
    world = World(model("p/small", 0.9, window=1000), BEST)
    choice = choose(world, Task(prompt_tokens=5000))
    assert ids(choice) == ["a/best"]
    (rejection,) = choice.rejections
    assert rejection.objection.code is ReasonCode.CONTEXT_TOO_SMALL


def test_nobody_is_no_candidate() -> None:
    choice = choose(World(BEST), Task(needs=frozenset({"vision"})))
    assert choice.candidates == ()
    assert choice.propensity == 1.0
    assert choice.rejections[0].objection.code is ReasonCode.MISSING_CAPABILITY


def test_the_same_kind_of_request_is_worked_out_once() -> None:
    world = World()
    lists = world.registry.current.shortlists
    one = lists.of(ANYBODY, Task(prompt_tokens=1), Selection())
    assert lists.of(ANYBODY, Task(prompt_tokens=2), Selection()) is one
    assert lists.of(ANYBODY, Task(type="math"), Selection()) is not one
    assert one.starting_at(1) is one.starting_at(1)


@pytest.mark.parametrize("models", [1, 50, MAX_ENTRIES + 1])
def test_callers_who_vary_their_needs_at_will_cannot_fill_the_memory(models: int) -> None:
    fleet = Fleet((), [model(f"p/{number}") for number in range(models)], "v1")
    lists = Shortlists(fleet, CapabilityScorer(), 0.05)
    most = max(1, min(MAX_SHORTLISTS, MAX_ENTRIES // models))
    for number in range(most + 2):
        lists.of(ANYBODY, Task(min_context=number), Selection())
    assert len(lists._made) == most


def test_the_kind_of_request_that_was_not_asked_for_longest_is_forgotten_first() -> None:
    lists = World(BEST).registry.current.shortlists
    usual = lists.of(ANYBODY, Task(), Selection())
    rare = lists.of(ANYBODY, Task(type="math"), Selection())
    for number in range(2 * MAX_SHORTLISTS):
        lists.of(ANYBODY, Task(min_context=number + 1), Selection())
        assert lists.of(ANYBODY, Task(), Selection()) is usual
    assert lists.of(ANYBODY, Task(type="math"), Selection()) is not rare


def test_a_fleet_without_models_has_short_lists_too() -> None:
    lists = Shortlists(Fleet((), (), "v1"), CapabilityScorer(), 0.05)
    assert lists.of(ANYBODY, Task(), Selection()).candidates == ()


def test_in_a_large_band_not_every_order_is_remembered() -> None:
    world = World(*[model(f"p/{number}", 0.8) for number in range(MAX_ORDERS + 10)])
    shortlist = world.registry.current.shortlists.of(ANYBODY, ANY, Selection())
    for place in range(MAX_ORDERS + 10):
        order = shortlist.starting_at(place)
        assert order[0] is shortlist.candidates[place]
        assert sorted(order) == sorted(shortlist.candidates)
    assert len(shortlist._orders) == MAX_ORDERS


def test_what_no_model_has_prefers_none() -> None:
    world = World(BEST, model("p/zero", 0.0))
    lists = world.registry.current.shortlists
    plain = lists.of(ANYBODY, Task(prefers=frozenset({"general"})), Selection())
    odd = Task(prefers=frozenset({"general", "clairvoyance"}))
    assert lists.of(ANYBODY, odd, Selection()) is plain
    unheard = lists.of(ANYBODY, Task(prefers=frozenset({"clairvoyance"})), Selection())
    assert unheard is lists.of(ANYBODY, Task(), Selection())


@pytest.mark.parametrize(
    ("tokens", "output", "fits"),
    [
        (0, None, True),
        (500, 500, True),
        (501, 500, False),
        (488, None, True),
        (489, None, False),
        (1, 601, False),
    ],
)
def test_the_short_cut_says_what_the_long_way_would(
    tokens: int, output: int | None, fits: bool
) -> None:
    world = World(replace(model("p/limited", window=1000), max_output_tokens=600))
    shortlist = world.registry.current.shortlists.of(ANYBODY, ANY, Selection())
    task = Task(prompt_tokens=tokens, max_output_tokens=output)
    assert shortlist.all_take(task) == bool(choose(world, task).candidates) == fits


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Timeouts(connect_s=0),
        lambda: RetryPolicy(max_attempts=0),
        lambda: RetryPolicy(per_model=0),
        lambda: RetryPolicy(backoff_s=-1),
        lambda: Policy(band=1.5),
    ],
)
def test_a_senseless_policy_is_refused(wrong: object) -> None:
    assert callable(wrong)
    with pytest.raises(ValueError, match=r"."):
        wrong()
