"""Is a request tried again on the right model, after the right wait, and never too often?"""

from __future__ import annotations

import pytest
from fakes import BEST, NEXT, World, model, read_all, soon_after
from scripted import After, FakeClock, Hold, RealClock, Script, text

from pointsman.core.admission import BreakerPolicy
from pointsman.core.decision import Selection
from pointsman.core.errors import AttemptsSpent, FailureKind, NoEligibleModel, UpstreamError
from pointsman.engine.policy import Policy, RetryPolicy

DOWN = UpstreamError(FailureKind.UNAVAILABLE, "down", status=503)


def full(retry_after_s: float | None = None) -> UpstreamError:
    return UpstreamError(FailureKind.RATE_LIMITED, status=429, retry_after_s=retry_after_s)


def retrying(**more: float) -> Policy:
    return Policy(band=0.0, retry=RetryPolicy(**more))  # type: ignore[arg-type]


async def test_a_short_retry_after_is_waited_for_and_the_same_model_asked_again() -> None:
    world = World()
    world.fails("a/best", full(1.5))
    served = await world.chat()
    assert served.model is BEST
    assert world.clock.slept == [soon_after(1.5)]
    assert world.calls_of("b/next") == 0
    assert world.why_not("a/best") == "", "a success after it ends the rest"


async def test_a_long_retry_after_sends_the_request_to_the_next_model() -> None:
    world = World()
    world.fails("a/best", full(30.0))
    assert (await world.chat()).model is NEXT
    assert world.clock.slept == []
    world.clock.t += 29.9
    assert (await world.chat()).model is NEXT, "and the others leave it alone as long as it asked"
    world.clock.t += 0.2
    assert (await world.chat()).model is BEST


async def test_a_long_retry_after_without_a_standby_is_the_end() -> None:
    world = World(BEST)
    world.fails("a/best", full(30.0))
    with pytest.raises(AttemptsSpent) as caught:
        await world.serve()
    assert caught.value.last.retry_after_s == 30.0
    with pytest.raises(NoEligibleModel) as later:
        await world.serve()
    assert later.value.retry_after_s == soon_after(30.0)
    assert world.calls == 1


async def test_a_rest_that_ends_soon_is_waited_for_before_deciding() -> None:
    world = World(BEST)
    world.fails("a/best", full(4.0))
    with pytest.raises(AttemptsSpent):
        await world.serve()
    world.clock.t += 2.5
    assert (await world.chat()).model is BEST
    assert world.clock.slept == [soon_after(1.5)]
    assert len(world.ledger.decisions) == 2, "one for each request"


async def test_but_not_beyond_the_callers_deadline() -> None:
    world = World(BEST)
    world.fails("a/best", full(4.0))
    with pytest.raises(AttemptsSpent):
        await world.serve()
    world.clock.t += 2.5
    with pytest.raises(NoEligibleModel):
        await world.serve(world.ask(deadline_s=1.0))
    assert world.clock.slept == []


async def test_a_retry_after_beyond_the_deadline_sends_the_request_to_the_next_model() -> None:
    world = World()
    world.fails("a/best", full(1.5))
    assert (await world.chat(world.ask(deadline_s=1.0))).model is NEXT
    assert world.clock.slept == []


async def test_a_failure_without_a_standby_is_repeated_after_a_growing_pause() -> None:
    world = World(BEST, policy=retrying(max_attempts=4, per_model=4, backoff_s=0.2))
    world.fails("a/best", DOWN, times=3)
    assert (await world.chat()).model is BEST
    for number, slept in enumerate(world.clock.slept):
        assert 0.1 * 2**number <= slept <= 0.3 * 2**number
    assert len(world.clock.slept) == 3


async def test_without_a_standby_a_503_is_asked_again_when_it_said() -> None:
    world = World(BEST)
    world.fails("a/best", UpstreamError(FailureKind.UNAVAILABLE, status=503, retry_after_s=1.25))
    await world.chat()
    assert world.clock.slept == [soon_after(1.25)]


async def test_one_model_is_tried_only_so_often() -> None:
    world = World(BEST, policy=retrying(max_attempts=9, per_model=2))
    world.fails("a/best", DOWN, times=9)
    with pytest.raises(AttemptsSpent):
        await world.serve()
    assert world.calls == 2


async def test_after_moving_on_the_next_model_has_its_own_tries() -> None:
    world = World(BEST, NEXT, policy=retrying(max_attempts=9, per_model=2))
    world.fails("a/best", DOWN, times=9)
    world.fails("b/next", DOWN, times=9)
    with pytest.raises(AttemptsSpent) as caught:
        await world.serve()
    tried = [outcome.model_id for outcome, _ in caught.value.failures]
    assert tried == ["a/best", "b/next", "b/next"]


async def test_a_broken_fleet_is_repeated_on_a_budget() -> None:
    world = World(
        BEST,
        policy=Policy(
            retry=RetryPolicy(budget_floor=3, budget_ratio=0.1, backoff_s=0.0),
            breaker=BreakerPolicy(failures=10_000, window=10_000),
        ),
    )
    world.fails("a/best", DOWN, times=1000)
    for _ in range(50):
        with pytest.raises(AttemptsSpent):
            await world.serve()
    assert world.calls - 50 <= 3 + 0.1 * 50
    world.at_rest()


async def test_without_budget_a_short_retry_after_moves_on_instead() -> None:
    world = World(policy=retrying(budget_floor=0, budget_ratio=0.0))
    world.fails("a/best", full(1.0))
    assert (await world.chat()).model is NEXT


async def test_a_new_configuration_has_its_own_budget() -> None:
    world = World(BEST, policy=retrying(budget_floor=0, budget_ratio=0.0))
    world.fails("a/best", DOWN)
    with pytest.raises(AttemptsSpent):
        await world.serve()
    world.registry.replace(world.setup(BEST, policy=retrying(budget_floor=5)))
    world.fails("a/best", DOWN)
    assert (await world.chat()).model is BEST


async def test_a_deadline_ends_the_attempt_that_is_under_way() -> None:
    world = World(clock=RealClock())
    world.script("a/best", Script(opens=Hold()))
    with pytest.raises(AttemptsSpent) as caught:
        await world.serve(world.ask(deadline_s=0.02))
    assert caught.value.last.kind is FailureKind.DEADLINE
    assert world.calls == 1
    assert world.health.untroubled, "the deadline is the caller's own"
    world.at_rest()


async def test_a_spent_deadline_starts_no_further_attempt() -> None:
    world = World()
    world.script("a/best", Script(opens=After(5.0, DOWN)))
    with pytest.raises(AttemptsSpent) as caught:
        await world.serve(world.ask(deadline_s=5.0))
    assert len(caught.value.failures) == world.calls == 1


async def test_a_pause_beyond_the_deadline_is_not_begun() -> None:
    world = World(BEST, policy=retrying(backoff_s=10.0))
    world.fails("a/best", DOWN)
    with pytest.raises(AttemptsSpent):
        await world.serve(world.ask(deadline_s=4.0))
    assert world.clock.slept == []


class BusyClock(FakeClock):
    """While somebody sleeps, something else happens."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: list[object] = []

    async def passes(self, seconds: float) -> None:
        for happens in self.meanwhile:
            assert callable(happens)
            happens()
        self.meanwhile.clear()
        await super().passes(seconds)


async def test_a_breaker_that_opens_during_the_wait_ends_it_elsewhere() -> None:
    clock = BusyClock()
    world = World(BEST, NEXT, clock=clock)

    def others_fail() -> None:
        for _ in range(5):
            world.health.failed(world.health.begin(BEST), DOWN)

    clock.meanwhile.append(others_fail)
    world.fails("a/best", full(1.0))
    served = await world.chat()
    assert served.model is NEXT
    assert world.calls_of("a/best") == 1


async def test_a_model_that_fills_up_during_the_wait_is_not_overfilled() -> None:
    clock = BusyClock()
    only = model("a/best", 0.9, most=1)
    world = World(only, clock=clock)
    clock.meanwhile.append(lambda: world.load.lease(only))
    world.fails("a/best", full(1.0))
    with pytest.raises(AttemptsSpent):
        await world.serve()
    assert world.calls == 1


async def test_a_breaker_that_opens_with_this_failure_is_not_probed_by_its_repeat() -> None:
    world = World(BEST, policy=Policy(breaker=BreakerPolicy(failures=1)))
    world.fails("a/best", DOWN, times=2)
    with pytest.raises(AttemptsSpent):
        await world.serve()
    assert world.calls == 1
    assert world.why_not("a/best") == "breaker_open"


async def test_a_late_success_does_not_cut_short_the_rest_that_was_asked_for() -> None:
    world = World()
    early = await world.serve()
    world.clock.t += 1.0
    world.fails("a/best", full(60.0))
    assert (await world.chat()).model is NEXT
    await read_all(early.begun)
    assert early.begun.outcome is not None
    assert early.begun.outcome.failure is None
    assert world.why_not("a/best") == "resting"
    assert (await world.chat()).model is NEXT


async def test_a_narrowed_choice_is_fallen_back_within() -> None:
    world = World()
    world.fails("a/best", DOWN)
    only = Selection(only=frozenset({"a/best", "c/last"}))
    assert (await world.chat(world.ask(selection=only))).model.id == "c/last"


async def test_what_has_begun_is_never_tried_again() -> None:
    world = World(BEST)
    world.script("a/best", Script(reads=(text(), DOWN)))
    served = await world.serve()
    with pytest.raises(UpstreamError):
        await read_all(served.begun)
    assert world.calls == 1
    assert world.clock.slept == []
