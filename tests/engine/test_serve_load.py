"""Are providers' limits kept before they have to say so, and is who slows down left alone?"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from fakes import BEST, LAST, NEXT, PLAIN, World, model, soon_after
from scripted import After, Hold, Script, text, with_usage

from pointsman.core.decision import ReasonCode
from pointsman.core.eligibility import RESERVED_OUTPUT_TOKENS
from pointsman.core.errors import AttemptsSpent, FailureKind, NoEligibleModel, UpstreamError
from pointsman.core.fleet import Limits, Usage
from pointsman.engine.policy import Policy, RetryPolicy

TWICE = replace(BEST, limits=Limits(requests_per_min=2))
DOWN = UpstreamError(FailureKind.UNAVAILABLE, "down", status=503)


async def test_a_model_at_its_limit_is_skipped_before_it_refuses() -> None:
    world = World(TWICE, NEXT)
    models = [(await world.chat()).model.id for _ in range(3)]
    assert models == ["a/best", "a/best", "b/next"]
    (rejection,) = world.ledger.decisions[-1].rejections
    assert rejection.objection.code is ReasonCode.AT_LIMIT
    world.clock.t += 61.0
    assert (await world.chat()).model is TWICE


async def test_repeats_and_fallbacks_count_too() -> None:
    world = World(TWICE)
    world.fails("a/best", DOWN)
    await world.chat()
    assert world.load.utilisation(TWICE) == 1.0
    world = World(BEST, replace(NEXT, limits=Limits(requests_per_min=1)), LAST)
    world.fails("a/best", DOWN, times=4)
    assert (await world.chat()).model is not LAST
    assert (await world.chat()).model is LAST, "the standby had its one request"


async def test_a_repeat_that_would_pass_the_limit_is_not_made() -> None:
    once = replace(BEST, limits=Limits(requests_per_min=1))
    world = World(once, NEXT)
    world.fails("a/best", DOWN)
    assert (await world.chat()).model is NEXT
    assert world.calls_of("a/best") == 1


async def test_tokens_count_as_the_provider_reports_them() -> None:
    limited = replace(BEST, limits=Limits(tokens_per_min=2_000))
    world = World(limited, NEXT)
    world.script("a/best", Script(reads=(text(), with_usage(Usage(900, 600)))))
    assert (await world.chat()).model is limited
    assert world.load.utilisation(limited) == 0.75
    asks = world.ask(task=PLAIN._replace(prompt_tokens=400, max_output_tokens=101))
    assert (await world.chat(asks)).model is NEXT


async def test_what_never_reached_the_provider_is_not_counted() -> None:
    world = World(TWICE, NEXT)
    world.fails("a/best", UpstreamError(FailureKind.CONNECT_FAILED), times=2)
    await world.chat()
    assert world.load.utilisation(TWICE) == 0.0


async def test_a_caller_of_a_full_fleet_is_told_when_there_is_room() -> None:
    world = World(TWICE)
    for _ in range(2):
        await world.chat()
    world.clock.t += 20.0
    with pytest.raises(NoEligibleModel) as caught:
        await world.chat()
    assert caught.value.retry_after_s == soon_after(41.0)
    assert not caught.value.callers_fault


async def test_room_that_comes_soon_is_waited_for() -> None:
    world = World(TWICE, policy=Policy(band=0.0, retry=RetryPolicy(short_wait_s=2.0)))
    for _ in range(2):
        await world.chat()
    world.clock.t += 60.0
    assert (await world.chat()).model is TWICE
    assert world.clock.slept == [soon_after(1.0)]


async def test_who_slows_down_under_load_is_left_alone_with_the_next_request() -> None:
    world = World(BEST, NEXT, policy=Policy(band=1.0))
    world.load.answered("b/next", 1.0, streamed=False)
    world.script("a/best", Script(reads=(After(9.0, text()), with_usage())))
    assert (await world.chat()).model is BEST
    lease = world.load.lease(BEST)
    assert [(await world.chat()).model for _ in range(5)] == [NEXT] * 5
    lease.release()
    assert (await world.chat()).model is BEST, "its latency is a matter of its score"


async def test_a_model_that_lets_us_wait_in_vain_under_load_is_left_alone() -> None:
    world = World(BEST, NEXT, policy=Policy(band=1.0))
    late = After(20.0, UpstreamError(FailureKind.RESET, "gone"))
    world.script("a/best", Script(opens=late))
    await world.chat()
    world.load.lease(BEST)
    assert [(await world.chat()).model for _ in range(3)] == [NEXT] * 3


@pytest.mark.parametrize(
    "limits",
    [
        Limits(max_in_flight=7),
        Limits(requests_per_min=7),
        Limits(tokens_per_min=7 * (100 + RESERVED_OUTPUT_TOKENS)),
    ],
)
async def test_a_burst_never_passes_a_limit(limits: Limits) -> None:
    world = World(replace(BEST, limits=limits), replace(NEXT, limits=limits), policy=Policy())
    hold = Hold()
    world.script("a/best", *[Script(reads=(hold, text(), with_usage()))] * 1_000)
    world.script("b/next", *[Script(reads=(hold, text(), with_usage()))] * 1_000)
    asked = [asyncio.create_task(world.chat()) for _ in range(1_000)]
    await hold.reached.wait()
    await asyncio.sleep(0)
    for model_id in ("a/best", "b/next"):
        assert world.load.in_flight(model_id) == 7
        assert world.load.utilisation(world.registry.fleet.models[model_id]) == 1.0
    hold.go.set()
    results = await asyncio.gather(*asked, return_exceptions=True)
    served = [result for result in results if not isinstance(result, NoEligibleModel)]
    assert len(served) == world.calls == 14
    world.at_rest()


async def test_a_burst_never_passes_a_limit_by_falling_back() -> None:
    limited = replace(NEXT, limits=Limits(max_in_flight=3))
    world = World(BEST, limited, policy=Policy(band=0.0))
    world.fails("a/best", DOWN, times=5_000)
    hold = Hold()
    world.script("b/next", *[Script(reads=(hold, text(), with_usage()))] * 3)
    asked = [asyncio.create_task(world.chat()) for _ in range(200)]
    await hold.reached.wait()
    await asyncio.sleep(0)
    for _ in range(50):
        await asyncio.sleep(0)
        assert world.load.in_flight("b/next") <= 3
    hold.go.set()
    await asyncio.gather(*asked, return_exceptions=True)
    world.at_rest()


async def test_a_full_model_is_not_tried_in_panic_either() -> None:
    world = World(replace(BEST, limits=Limits(max_in_flight=1)))
    world.fails("a/best", UpstreamError(FailureKind.KEY_REJECTED, "no", status=401))
    with pytest.raises(AttemptsSpent):
        await world.chat()
    world.clock.t += 1.0
    assert (await world.chat()).decision.panic
    world.fails("a/best", UpstreamError(FailureKind.KEY_REJECTED, "no", status=401))
    with pytest.raises(AttemptsSpent):
        await world.chat()
    world.load.lease(world.registry.fleet.models["a/best"])
    with pytest.raises(NoEligibleModel):
        await world.chat()


async def test_a_burst_is_spread_over_the_near_best() -> None:
    models = [model(f"p/{number}", 0.8 - number / 100) for number in range(4)]
    world = World(*models, policy=Policy())
    served = [await world.serve() for _ in range(200)]
    carried = [world.load.in_flight(each.id) for each in models]
    assert min(carried) > 20, carried
    for each in served:
        await each.begun.close()
    assert (await world.chat()).model is models[0]
    world.at_rest()
