"""Is what is served always one whole configuration, and is nothing closed that is in use?"""

from __future__ import annotations

from dataclasses import replace

from fakes import BEST, LAST, NEXT, World

from pointsman.engine.policy import Timeouts
from pointsman.engine.registry import CORRECTION_LIFE


async def test_a_replaced_configuration_keeps_its_connections_as_long_as_it_has_users() -> None:
    world = World(BEST)
    old = world.registry.current
    old.users += 1
    world.registry.replace(world.setup(NEXT, version="v2"))
    await world.registry.close_unused()
    assert world.providers["a"].closed == 0
    old.users -= 1
    await world.registry.close_unused()
    await world.registry.close_unused()
    assert world.providers["a"].closed == 1
    assert world.registry.fleet.version == "v2"


async def test_providers_that_are_still_served_or_used_are_not_closed() -> None:
    world = World(BEST, NEXT, LAST)
    first = world.registry.current
    first.users += 1
    world.registry.replace(world.setup(NEXT, version="v2"))
    world.registry.replace(world.setup(NEXT, LAST, version="v3"))
    await world.registry.close_unused()
    assert [p.closed for p in world.providers.values()] == [0, 0, 0]
    first.users -= 1
    await world.registry.close_unused()
    assert [p.closed for p in world.providers.values()] == [1, 0, 0]


async def test_closing_closes_what_is_served_and_what_is_still_in_use() -> None:
    world = World(BEST)
    world.registry.current.users += 1
    world.registry.replace(world.setup(NEXT, version="v2"))
    await world.registry.close()
    assert all(provider.closed for provider in world.providers.values())


def test_a_correction_changes_one_model_and_leaves_the_declaration_alone() -> None:
    world = World(BEST, NEXT)
    better = replace(BEST, context_window=100)
    world.registry.correct(better, world.clock.now())
    assert dict(world.registry.fleet.models) == {BEST.id: better, NEXT.id: NEXT}
    assert world.registry.corrected() == {BEST.id}
    (lesson,) = world.registry.lessons()
    assert lesson[:4] == (BEST.id, "context_window", 100, BEST.context_window)
    assert (lesson.at, lesson.until) == (world.clock.now(), world.clock.now() + CORRECTION_LIFE)
    assert world.registry.fleet.version == "v1"


def test_a_correction_lives_its_time_and_a_newer_one_lives_on() -> None:
    world = World(BEST, NEXT)
    now = world.clock.now()
    world.registry.correct(replace(BEST, context_window=100), now)
    world.registry.correct(replace(NEXT, context_window=100), now + CORRECTION_LIFE / 2)
    before = world.registry.current
    world.registry.forget_old_corrections(now + CORRECTION_LIFE / 2)
    assert world.registry.current is before, "nothing was old enough"
    world.registry.forget_old_corrections(now + CORRECTION_LIFE)
    assert world.registry.fleet.models[BEST.id] is BEST
    assert world.registry.corrected() == {NEXT.id}


def test_a_provider_may_have_timeouts_of_its_own() -> None:
    world = World()
    own = Timeouts(total_s=1.0)
    setup = world.setup(BEST, NEXT, timeouts={"a": own})
    assert setup.timeouts_of(BEST) is own
    assert setup.timeouts_of(NEXT) is setup.policy.timeouts
