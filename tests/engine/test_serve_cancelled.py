"""When the caller leaves: does it cost the upstream nothing more, and nobody their good name?"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

import pytest
from fakes import BEST, NEXT, World, read_all
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import Hold, Script, Step, good, preamble, refused, text

from pointsman.core.admission import Circuit
from pointsman.core.errors import AttemptsSpent, Blame, FailureKind, NoEligibleModel, UpstreamError
from pointsman.engine.serve import Ask

T = TypeVar("T")
DOWN = UpstreamError(FailureKind.UNAVAILABLE, "down", status=503)


async def left(task: asyncio.Task[T]) -> None:
    """The caller of this task leaves."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def chat_and_leave(world: World, reached: asyncio.Event, ask: Ask | None = None) -> None:
    """Begin a request, and leave it as soon as it has got so far."""
    task = asyncio.create_task(world.chat(ask))
    await reached.wait()
    await left(task)


@pytest.mark.parametrize("where", ["opening", "first piece", "streaming"])
async def test_leaving_ends_the_attempt_and_blames_the_caller(where: str) -> None:
    world, hold = World(), Hold()
    scripts = {
        "opening": Script(opens=hold),
        "first piece": Script(reads=(preamble(), hold)),
        "streaming": Script(reads=(text(), hold)),
    }
    world.script("a/best", scripts[where])
    await chat_and_leave(world, hold.reached)
    (outcome,) = world.ledger.outcomes
    assert outcome.failure is FailureKind.CANCELLED
    assert outcome.failure.blames is Blame.CALLER
    assert world.health.untroubled
    world.at_rest()


async def test_leaving_while_the_answer_is_being_closed_changes_nothing_of_its_outcome() -> None:
    world, hold = World(), Hold()
    world.script("a/best", good())
    served = await world.serve()
    world.providers["a"].answers[0].hold_close = hold
    task = asyncio.create_task(read_all(served.begun))
    await hold.reached.wait()
    await left(task)
    assert world.ledger.outcomes[0].failure is None
    world.at_rest()


async def test_leaving_while_a_failed_answer_is_being_closed_keeps_its_failure() -> None:
    world, hold = World(), Hold()
    world.script("a/best", Script(reads=(text(), DOWN)))
    served = await world.serve()
    world.providers["a"].answers[0].hold_close = hold
    task = asyncio.create_task(read_all(served.begun))
    await hold.reached.wait()
    await left(task)
    assert [o.failure for o in world.ledger.outcomes] == [FailureKind.UNAVAILABLE]
    world.at_rest()


async def test_leaving_before_anything_is_decided_leaves_nothing() -> None:
    world = World(BEST)
    world.fails("a/best", UpstreamError(FailureKind.OVERLOADED))
    with pytest.raises(AttemptsSpent):
        await world.serve(world.ask(deadline_s=0.01))
    world.clock.held = True
    task = asyncio.create_task(world.serve())
    await world.clock.asleep.wait()
    await left(task)
    assert len(world.ledger.decisions) == 1
    world.at_rest()


async def test_leaving_between_two_attempts_leaves_the_first_one_told() -> None:
    world = World(BEST)
    world.fails("a/best", DOWN)
    world.clock.held = True
    task = asyncio.create_task(world.serve())
    await world.clock.asleep.wait()
    await left(task)
    assert [o.failure for o in world.ledger.outcomes] == [FailureKind.UNAVAILABLE]
    world.at_rest()


async def test_leaving_a_probe_lets_the_next_request_probe() -> None:
    world, hold = World(BEST, NEXT), Hold()
    world.fails("a/best", DOWN, times=5)
    for _ in range(5):
        await world.chat()
    world.clock.t += 5.0
    world.script("a/best", Script(opens=hold))
    await chat_and_leave(world, hold.reached)
    assert world.health.condition(BEST).circuit is Circuit.OPEN
    assert (await world.chat()).model is BEST
    assert world.health.condition(BEST).circuit is Circuit.CLOSED
    world.at_rest()


Drawn = str | UpstreamError | None
KINDS = [k for k in FailureKind if k is not FailureKind.CANCELLED]
ERRORS = st.builds(
    UpstreamError,
    st.sampled_from(KINDS),
    retry_after_s=st.none() | st.floats(0, 5),
    status=st.none() | st.just(500),
)
READS = st.lists(st.sampled_from(["text", "preamble", "hold"]) | ERRORS, max_size=4)
SCRIPTS = st.tuples(st.none() | st.just("hold") | ERRORS, READS)
REQUESTS = st.lists(
    st.tuples(st.integers(0, 40), st.none() | st.floats(0.5, 20)), min_size=1, max_size=6
)


def as_script(drawn: tuple[Drawn, list[Drawn]]) -> Script:
    made: dict[str, Callable[[], Step]] = {"text": text, "preamble": preamble, "hold": Hold}

    def step(what: Drawn) -> Step:
        return made[what]() if isinstance(what, str) else what

    opens, reads = drawn
    return Script(step(opens), [step(read) for read in reads])


@settings(max_examples=150, deadline=None)
@given(
    scripts=st.dictionaries(
        st.sampled_from(["a/best", "b/next", "c/last"]), st.lists(SCRIPTS, max_size=6)
    ),
    requests=REQUESTS,
)
def test_whatever_happens_every_attempt_has_one_outcome_and_nothing_is_held(
    scripts: dict[str, list[tuple[Drawn, list[Drawn]]]],
    requests: list[tuple[int, float | None]],
) -> None:
    """Random scripts, callers that leave after random turns of the loop, all at the same time."""

    async def one(world: World, turns: int, deadline_s: float | None) -> None:
        task = asyncio.create_task(world.chat(world.ask(deadline_s=deadline_s)))
        for _ in range(turns):
            await asyncio.sleep(0)
        if not task.done():
            task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            expected = (UpstreamError, AttemptsSpent, NoEligibleModel, type(None))
            assert isinstance(task.exception(), expected)

    async def everything() -> None:
        world = World()
        for name, drawn in scripts.items():
            world.script(name, *map(as_script, drawn))
        await asyncio.gather(*(one(world, *request) for request in requests))
        world.at_rest()
        attempts = Counter((o.decision_id, o.attempt) for o in world.ledger.outcomes)
        assert set(attempts.values()) <= {1}, "exactly one outcome each"
        known = {decision.id for decision in world.ledger.decisions}
        assert {o.decision_id for o in world.ledger.outcomes} <= known

    asyncio.run(everything())


async def test_a_caller_who_leaves_after_a_failure_is_told_apart_from_it() -> None:
    world, hold = World(), Hold()
    world.script("a/best", refused(DOWN))
    world.script("b/next", Script(reads=(text(), hold)))
    await chat_and_leave(world, hold.reached)
    assert [(o.model_id, o.failure) for o in world.ledger.outcomes] == [
        ("a/best", FailureKind.UNAVAILABLE),
        ("b/next", FailureKind.CANCELLED),
    ]
    world.at_rest()
