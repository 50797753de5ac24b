"""Is a broken model left alone, tried again with care, and used when there is nothing else?"""

from __future__ import annotations

import pytest
from fakes import BEST, NEXT, World, model, read_all, soon_after
from scripted import Hold, Script, good, text

from pointsman.core.admission import BreakerPolicy, Circuit
from pointsman.core.decision import ReasonCode
from pointsman.core.errors import AttemptsSpent, FailureKind, NoEligibleModel, UpstreamError
from pointsman.engine.policy import Policy, RetryPolicy

DOWN = UpstreamError(FailureKind.UNAVAILABLE, "down", status=503)
FULL = UpstreamError(FailureKind.RATE_LIMITED, status=429)
WRONG = UpstreamError(FailureKind.INVALID_REQUEST, status=400)
KEY = UpstreamError(FailureKind.KEY_REJECTED, status=401)
ONCE = Policy(band=0.0, retry=RetryPolicy(per_model=1))


async def broken(world: World, name: str = "a/best") -> None:
    """Five requests meet a model that is down, which opens its breaker."""
    world.fails(name, DOWN, times=5)
    for _ in range(5):
        await world.chat()
    assert world.why_not(name) == "breaker_open"


def circuit(world: World, name: str = "a/best") -> Circuit:
    return world.health.condition(world.registry.fleet.models[name]).circuit


async def test_an_open_breaker_means_no_attempt_at_all() -> None:
    world = World(BEST, NEXT)
    await broken(world)
    for _ in range(100):
        assert (await world.chat()).model is NEXT
    assert world.calls_of("a/best") == 5
    codes = {r.objection.code for r in world.ledger.decisions[-1].rejections}
    assert codes == {ReasonCode.BREAKER_OPEN}
    assert world.health.circuits() == {"a/best": "open"}


async def test_no_fallback_leads_to_an_open_breaker_either() -> None:
    world = World(BEST, NEXT)
    await broken(world)
    world.fails("b/next", DOWN, times=2)
    with pytest.raises(AttemptsSpent):
        await world.serve()
    assert world.calls_of("a/best") == 5


async def test_a_stream_that_breaks_in_the_middle_counts() -> None:
    world = World(BEST, NEXT)
    for _ in range(5):
        world.script("a/best", Script(reads=(text(), DOWN)))
        with pytest.raises(UpstreamError):
            await world.chat()
    assert circuit(world) is Circuit.OPEN


async def test_one_probe_at_a_time_decides() -> None:
    world, hold = World(BEST, NEXT), Hold()
    await broken(world)
    world.clock.t += 5.0
    world.script("a/best", Script(reads=(text(), hold)))
    probe = await world.serve()
    assert probe.model is BEST
    for _ in range(3):
        assert (await world.chat()).model is NEXT
    assert circuit(world) is Circuit.PROBING
    hold.go.set()
    await read_all(probe.begun)
    assert circuit(world) is Circuit.CLOSED
    assert world.health.untroubled
    assert (await world.chat()).model is BEST


async def test_a_probe_that_fails_keeps_it_closed_to_traffic_for_longer() -> None:
    world = World(BEST, NEXT)
    await broken(world)
    for lasts_s in (5.0, 10.0, 20.0, 40.0, 80.0, 120.0, 120.0):
        world.clock.t += lasts_s - 0.25
        assert world.why_not("a/best") == "breaker_open"
        world.clock.t += 0.25
        assert world.why_not("a/best") == ""
        world.fails("a/best", DOWN)
        assert (await world.chat()).model is NEXT


async def test_a_late_success_does_not_close_it() -> None:
    world = World(BEST, NEXT)
    early = await world.serve()
    await broken(world)
    await read_all(early.begun)
    assert early.begun.outcome is not None
    assert early.begun.outcome.failure is None
    assert circuit(world) is Circuit.OPEN


async def test_while_a_probe_is_under_way_older_calls_decide_nothing() -> None:
    world, hold = World(BEST, NEXT), Hold()
    world.script("a/best", good(), Script(reads=(text(), DOWN)), good())
    well, badly, left = [await world.serve() for _ in range(3)]
    await broken(world)
    world.clock.t += 5.0
    world.script("a/best", Script(reads=(text(), hold)))
    probe = await world.serve()
    await read_all(well.begun)
    with pytest.raises(UpstreamError):
        await read_all(badly.begun)
    await left.begun.close()
    assert circuit(world) is Circuit.PROBING
    assert (await world.chat()).model is NEXT
    hold.go.set()
    await read_all(probe.begun)
    assert circuit(world) is Circuit.CLOSED
    world.at_rest()


async def test_when_every_breaker_is_open_the_one_due_first_is_tried_all_the_same() -> None:
    world = World(BEST, NEXT, policy=ONCE)
    await broken(world)
    world.clock.t += 1.0
    world.fails("b/next", DOWN, times=5)
    for _ in range(5):
        with pytest.raises(AttemptsSpent):
            await world.serve()
    served = await world.chat()
    assert served.model is BEST
    assert served.decision.panic
    assert world.tally.panic_decisions == 1
    assert [r.model_id for r in served.decision.rejections] == ["b/next"]
    assert circuit(world) is Circuit.CLOSED


async def test_a_panic_pick_is_one_at_a_time_as_well() -> None:
    world, hold = World(BEST, policy=ONCE), Hold()
    world.fails("a/best", DOWN, times=5)
    for _ in range(5):
        with pytest.raises(AttemptsSpent):
            await world.serve()
    world.script("a/best", Script(reads=(text(), hold)))
    probe = await world.serve()
    assert probe.decision.panic
    with pytest.raises(NoEligibleModel) as caught:
        await world.serve()
    assert caught.value.retry_after_s == soon_after(BreakerPolicy().open_s)
    await probe.begun.close()
    world.at_rest()


async def test_full_is_not_broken() -> None:
    world = World(BEST, NEXT)
    for _ in range(50):
        world.fails("a/best", FULL)
        await world.chat()
        world.clock.t += 100.0
    assert circuit(world) is Circuit.CLOSED
    assert world.health.circuits() == {}


async def test_a_full_model_is_never_a_panic_pick() -> None:
    world = World(BEST, policy=ONCE)
    world.fails("a/best", UpstreamError(FailureKind.OVERLOADED, retry_after_s=30.0))
    with pytest.raises(AttemptsSpent):
        await world.serve()
    with pytest.raises(NoEligibleModel) as caught:
        await world.serve()
    assert caught.value.retry_after_s == soon_after(30.0)
    assert world.calls == 1


async def test_what_callers_do_wrong_never_hurts_a_model() -> None:
    world = World(BEST, NEXT)
    for _ in range(50):
        world.fails("a/best", WRONG)
        with pytest.raises(AttemptsSpent) as caught:
            await world.serve()
        assert len(caught.value.failures) == 1
    assert world.health.untroubled
    assert world.calls_of("b/next") == 0


async def test_a_refused_key_takes_all_models_of_its_provider_out() -> None:
    siblings = [BEST, model("a/other", 0.85), NEXT]
    world = World(*siblings)
    world.fails("a/best", KEY)
    served = await world.chat()
    assert served.model is NEXT
    assert world.calls_of("a/other") == 0
    assert world.why_not("a/other") == world.why_not("a/best") == "unavailable"
    assert world.why_not("b/next") == ""


async def test_in_eight_hours_a_refused_key_is_tried_a_hundred_times_not_with_each_request() -> (
    None
):
    world = World(BEST, NEXT)
    world.fails("a/best", KEY, times=480)
    for _ in range(480):
        world.clock.t += 60.0
        assert (await world.chat()).model is NEXT
    assert world.calls_of("a/best") <= 105


async def test_if_nothing_else_is_left_a_refused_key_is_tried_again_and_forgiven() -> None:
    world = World(BEST)
    world.fails("a/best", KEY)
    with pytest.raises(AttemptsSpent):
        await world.serve()
    world.clock.t += 1.0
    assert (await world.chat()).decision.panic
    assert world.health.untroubled


async def test_a_refused_key_is_tried_no_more_than_once_a_second() -> None:
    world = World(BEST, model("a/other", 0.85), policy=ONCE)
    world.fails("a/best", KEY, times=9)
    world.fails("a/other", KEY, times=9)
    for _ in range(2):  # as if nothing were known of it, then because nothing else is left
        with pytest.raises(AttemptsSpent):
            await world.serve()
    for _ in range(20):
        with pytest.raises(NoEligibleModel) as caught:
            await world.serve()
        assert caught.value.retry_after_s is not None
    assert world.calls == 2
    world.clock.t += 1.0
    with pytest.raises(AttemptsSpent):
        await world.serve()
    with pytest.raises(NoEligibleModel):
        await world.serve()
    assert world.calls == 3


async def test_while_one_provider_is_left_alone_another_is_tried() -> None:
    world = World(BEST, NEXT, policy=ONCE)
    world.fails("a/best", KEY, times=9)
    world.fails("b/next", KEY, times=9)
    for _ in range(3):  # the first is turned away by both
        with pytest.raises(AttemptsSpent):
            await world.serve()
    with pytest.raises(NoEligibleModel):
        await world.serve()
    assert (world.calls_of("a/best"), world.calls_of("b/next")) == (2, 2)
