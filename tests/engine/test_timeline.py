"""How has it gone, step by step: is each attempt in its step, once, for whoever is meant?"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from scripted import FakeClock

from pointsman.core.decision import Outcome
from pointsman.core.errors import FailureKind
from pointsman.core.told_apart import OTHER
from pointsman.engine import timeline_slots as module
from pointsman.engine.timeline import SCALES, Timeline
from pointsman.engine.timeline_slots import Narrowing, agent_side, model_side

FINE, COARSE = SCALES


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def timeline(clock: FakeClock) -> Timeline:
    return Timeline(clock)


def outcome(
    clock: FakeClock, agent: str = "a", model: str = "m", *, ago_s: float = 0.0, attempt: int = 1
) -> Outcome:
    at = clock.now() - timedelta(seconds=ago_s)
    return Outcome("dec", attempt, model, agent, at, None, False, 0.5, cost_usd=Decimal("0.01"))


async def attempts(timeline: Timeline, whose: Narrowing) -> int:
    sums, _ = await timeline.whole(FINE, whose)
    return sums.period.counts.attempts


async def test_each_attempt_is_in_the_step_in_which_it_ended(
    timeline: Timeline, clock: FakeClock
) -> None:
    for _ in range(3):
        timeline.ended(outcome(clock))
        clock.t += 10
    await timeline.turn()
    points = await timeline.points(FINE)
    assert [point.sums.requests for point in points] == [0] * 26 + [1, 1, 1, 0]
    assert points[-1].at_s == int(clock.now().timestamp())
    assert (await timeline.points(COARSE))[-1].sums.requests == 3


async def test_steps_before_anything_was_known_lasted_no_time(
    timeline: Timeline, clock: FakeClock
) -> None:
    clock.t += 14
    lasted = [point.lasted_s for point in await timeline.points(FINE)]
    assert lasted == [0.0] * 28 + [10.0, 4.0]


async def test_a_step_lasted_as_long_as_something_is_known_of_it_or_not_long_enough_for_a_rate(
    clock: FakeClock,
) -> None:
    clock.t += 7  # the process began in the midst of a step
    timeline = Timeline(clock)
    clock.t += 4
    assert [point.lasted_s for point in await timeline.points(FINE)][-2:] == [3.0, 0.0]
    clock.t += 1
    assert [point.lasted_s for point in await timeline.points(FINE)][-2:] == [3.0, 2.0]


async def test_only_the_steps_that_were_not_over_then_are_told_again(
    timeline: Timeline, clock: FakeClock
) -> None:
    clock.t += 95
    since_s = clock.now().timestamp() - 25
    points = await timeline.points(FINE, since_s=since_s)
    assert [point.at_s - int(since_s) for point in points] == [0, 10, 20]


async def test_what_each_agent_does_on_each_model_is_told_over_all_steps(
    timeline: Timeline, clock: FakeClock
) -> None:
    for pair in (("a", "m"), ("a", "n"), ("b", "m")):
        timeline.ended(outcome(clock, *pair))
    await timeline.turn()
    clock.t += 40
    timeline.ended(outcome(clock, "a", "m"))
    await timeline.turn()
    found = await timeline.pairs(FINE)
    told = {pair: sums.period.counts.attempts for pair, sums in found.items()}
    assert told == {("a", "m"): 2, ("a", "n"): 1, ("b", "m"): 1}
    only = Narrowing(agents=frozenset("a"))
    assert set(await timeline.pairs(FINE, only)) == {("a", "m"), ("a", "n")}
    assert set(await timeline.pairs(FINE, Narrowing(models=frozenset("n")))) == {("a", "n")}


async def test_what_is_asked_for_is_narrowed_to_agents_and_models(
    timeline: Timeline, clock: FakeClock
) -> None:
    for agent, model in (("a", "m"), ("a", "n"), ("b", "m")):
        timeline.ended(outcome(clock, agent, model))
    await timeline.turn()
    assert await attempts(timeline, Narrowing()) == 3
    assert await attempts(timeline, Narrowing(agents=frozenset("a"))) == 2
    assert await attempts(timeline, Narrowing(models=frozenset("m"))) == 2
    assert await attempts(timeline, Narrowing(frozenset("a"), frozenset("m"))) == 1
    assert await attempts(timeline, Narrowing(frozenset("ab"), frozenset("mn"))) == 3
    assert await attempts(timeline, Narrowing(agents=frozenset())) == 0


async def test_each_agent_and_each_model_has_its_own_sums(
    timeline: Timeline, clock: FakeClock
) -> None:
    for agent, model in (("a", "m"), ("a", "n"), ("b", "m")):
        timeline.ended(outcome(clock, agent, model))
    await timeline.turn()
    models = await timeline.by(FINE, model_side, Narrowing())
    assert {name: sums.requests for name, sums in models.items()} == {"m": 2, "n": 1}
    of_a = await timeline.by(FINE, agent_side, Narrowing(agents=frozenset("a")))
    assert {name: sums.requests for name, sums in of_a.items()} == {"a": 2}
    on_n = await timeline.by(FINE, agent_side, Narrowing(models=frozenset("n")))
    assert list(on_n) == ["a"]


async def test_second_attempts_are_fallbacks_and_no_requests(
    timeline: Timeline, clock: FakeClock
) -> None:
    failed = outcome(clock)._replace(failure=FailureKind.RESET, cost_usd=None)
    for each in (failed, outcome(clock, attempt=2), outcome(clock)):
        timeline.ended(each)
    await timeline.turn()
    sums, _ = await timeline.whole(FINE)
    assert (sums.requests, sums.fallbacks, sums.period.counts.attempts) == (2, 1, 3)


async def test_the_stretch_before_is_known_once_it_has_been_lived_through(
    timeline: Timeline, clock: FakeClock
) -> None:
    timeline.ended(outcome(clock))
    await timeline.turn()
    _, known_s = await timeline.whole(FINE, before=True)
    assert known_s == 0.0
    clock.t += 595
    sums, known_s = await timeline.whole(FINE, before=True)
    assert (sums.requests, known_s) == (1, 300.0)


async def test_what_was_recalled_is_part_of_the_course(
    timeline: Timeline, clock: FakeClock
) -> None:
    timeline.recalled(outcome(clock, ago_s=200))
    await timeline.turn()
    sums, known_s = await timeline.whole(FINE)
    assert (sums.requests, known_s) == (1, 200.0)
    assert timeline.since == clock.now() - timedelta(seconds=200)


async def test_old_steps_are_packed_without_losing_anything_and_then_forgotten(
    timeline: Timeline, clock: FakeClock
) -> None:
    timeline.ended(outcome(clock))
    await timeline.turn()
    clock.t += 60
    await timeline.turn()
    timeline.ended(outcome(clock, ago_s=60))  # told late, of a step that is packed
    await timeline.turn()
    sums, _ = await timeline.whole(FINE)
    assert (sums.requests, sums.period.total().count) == (2, 2)
    clock.t += 3 * COARSE.length_s
    await timeline.turn()
    assert (await timeline.whole(COARSE, before=True))[0].requests == 0
    assert not await timeline.by(COARSE, model_side, Narrowing())


async def test_beyond_the_most_that_is_told_apart_all_share_one_place(
    timeline: Timeline, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_AGENTS", 1)
    for number in range(3):
        timeline.ended(outcome(clock, f"a{number}"))
    await timeline.turn()
    agents = await timeline.by(FINE, agent_side, Narrowing())
    assert {name: sums.requests for name, sums in agents.items()} == {"a0": 1, OTHER: 2}
    assert await attempts(timeline, Narrowing()) == 3


async def test_a_model_is_told_whole_however_many_agents_ask_it(
    timeline: Timeline, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_PAIRS", 5)
    for number in range(9):
        for model in ("m", "n"):
            timeline.ended(outcome(clock, f"a{number}", model))
    await timeline.turn()
    clock.t += 40
    await timeline.turn()  # and packed
    for model in ("m", "n"):
        assert await attempts(timeline, Narrowing(models=frozenset({model}))) == 9
    agents = await timeline.by(FINE, agent_side, Narrowing())
    assert {name: sums.requests for name, sums in agents.items()} == {
        f"a{number}": 2 for number in range(9)
    }
    pairs = await timeline.pairs(FINE)
    assert {pair: sums.requests for pair, sums in pairs.items()} == {
        **{("a0", model): 1 for model in "mn"},
        **{("a1", model): 1 for model in "mn"},
        ("a2", "m"): 1,
        (OTHER, "m"): 6,
        (OTHER, "n"): 7,
    }
    on_n = await timeline.by(FINE, agent_side, Narrowing(models=frozenset("n")))
    assert sum(sums.requests for sums in on_n.values()) == 9


async def test_who_asks_again_is_told_what_has_come_since_be_it_of_a_step_long_over(
    timeline: Timeline, clock: FakeClock
) -> None:
    async def told() -> tuple[int, int]:
        await timeline.turn()
        models = await timeline.by(FINE, model_side, Narrowing())
        pairs = await timeline.pairs(FINE)
        return models["m"].requests, pairs["a", "m"].requests

    for ago_s in (100, 0):
        timeline.ended(outcome(clock, ago_s=ago_s))
    assert await told() == (2, 2)
    assert await told() == (2, 2)
    timeline.ended(outcome(clock))
    assert await told() == (3, 3)
    timeline.ended(outcome(clock, ago_s=100))
    assert await told() == (4, 4)
    clock.t += 250  # the first of them are too old by now
    assert await told() == (2, 2)


async def test_whoever_is_asked_for_their_own_sums_are_told(
    timeline: Timeline, clock: FakeClock
) -> None:
    """More choices than are remembered, each asked for twice."""
    names = [f"a{number}" for number in range(6)]
    for count, name in enumerate(names, 1):
        for _ in range(count):
            timeline.ended(outcome(clock, name, ago_s=60))
    await timeline.turn()
    for _ in range(2):
        for count, name in enumerate(names, 1):
            only = Narrowing(agents=frozenset({name}))
            assert (await timeline.by(FINE, model_side, only))["m"].requests == count


async def test_models_beyond_the_most_share_one_place_and_agents_keep_theirs(
    timeline: Timeline, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_MODELS", 2)
    for model in "mnop":
        timeline.ended(outcome(clock, "a", model))
    await timeline.turn()
    models = await timeline.by(FINE, model_side, Narrowing(agents=frozenset("a")))
    assert {name: sums.requests for name, sums in models.items()} == {"m": 1, "n": 1, OTHER: 2}
    assert await attempts(timeline, Narrowing(agents=frozenset("a"))) == 4


async def test_many_attempts_are_counted_while_others_are_served(clock: FakeClock) -> None:
    timeline = Timeline(clock)
    for _ in range(450):
        timeline.ended(outcome(clock))
    await timeline.turn()
    assert await attempts(timeline, Narrowing()) == 450
