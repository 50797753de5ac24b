"""Does the provider give its pieces when they are due, no sooner, and the same for a seed?"""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from pointsman.adapters.providers.simulated.faults import Fault, Order, Orders
from pointsman.adapters.providers.simulated.personas import FLEET, Pace, Persona
from pointsman.adapters.providers.simulated.provider import TICK_S, SimulatedProvider
from pointsman.core.errors import FailureKind, UpstreamError
from pointsman.engine.ports import Call, Piece

EVEN = Persona(
    "even",
    strengths={"function_calling": 0.9},
    pace=Pace(1.0, first_token_sigma=0.0, tokens_per_s=10, tokens_per_s_sigma=0.0),
    max_in_flight=2,
)


class LeapingClock:
    """Time that passes only by sleeping, and then at once."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.elapsed_s)

    def monotonic(self) -> float:
        return self.elapsed_s

    async def sleep(self, seconds: float) -> None:
        self.elapsed_s += seconds
        await asyncio.sleep(0)


def call(persona: Persona = EVEN, *, stream: bool = True, **more: object) -> Call:
    body = {"messages": [{"role": "user", "content": "Of trains"}], "max_tokens": 20, **more}
    fields = {name: msgspec.json.encode(value) for name, value in body.items()}
    return Call(persona.model, fields, stream=stream, request_id="r", connect_s=1.0)


async def timed(provider: SimulatedProvider, clock: LeapingClock, asked: Call) -> list[float]:
    answer = await provider.open(asked)
    times = []
    while await answer.read() is not None:
        times.append(clock.elapsed_s)
    return times


async def test_the_first_token_and_every_further_one_come_when_they_are_due() -> None:
    clock = LeapingClock()
    provider = SimulatedProvider({"even": EVEN}, seed=1, clock=clock)
    times = await timed(provider, clock, call())
    assert times[0] == pytest.approx(1.0, abs=0.01)
    assert len(times) == 20
    assert (times[-1] - times[0]) / 19 == pytest.approx(0.1, rel=0.25)


async def test_a_plain_answer_comes_when_its_last_token_would() -> None:
    clock = LeapingClock()
    provider = SimulatedProvider({"even": EVEN}, seed=1, clock=clock)
    streamed = await timed(provider, clock, call())
    clock.elapsed_s = 0.0
    again = SimulatedProvider({"even": EVEN}, seed=1, clock=clock)
    assert await timed(again, clock, call(stream=False)) == [pytest.approx(streamed[-1])]


async def test_tokens_that_are_due_together_share_a_piece() -> None:
    clock = LeapingClock()
    hasty = replace(EVEN, pace=replace(EVEN.pace, tokens_per_s=1000))
    times = await timed(SimulatedProvider({"even": hasty}, seed=1, clock=clock), clock, call(hasty))
    assert len(times) < 5
    assert times[1] - times[0] == pytest.approx(TICK_S)


async def test_a_time_scale_stretches_everything_and_zero_takes_no_time() -> None:
    async def last(time_scale: float) -> float:
        clock = LeapingClock()
        provider = SimulatedProvider({"even": EVEN}, seed=1, clock=clock, time_scale=time_scale)
        return (await timed(provider, clock, call()))[-1]

    assert await last(2.0) == pytest.approx(2 * await last(1.0))
    assert await last(0.0) == 0.0


async def test_the_same_seed_and_requests_give_the_same_bytes_at_the_same_times() -> None:
    async def run(seed: int) -> list[tuple[float, Piece | str]]:
        clock = LeapingClock()
        personas = {persona.name: persona for persona in FLEET}
        provider = SimulatedProvider(personas, seed=seed, clock=clock)
        seen: list[tuple[float, Piece | str]] = []
        for number in range(60):
            asked = call(FLEET[number % len(FLEET)], stream=number % 3 > 0)
            try:
                answer = await provider.open(asked)
                while (piece := await answer.read()) is not None:
                    seen.append((clock.elapsed_s, piece))
            except UpstreamError as error:
                seen.append((clock.elapsed_s, str(error)))
        return seen

    assert await run(7) == await run(7)
    assert await run(7) != await run(8)


async def test_beyond_its_limit_a_model_refuses_until_a_place_is_free() -> None:
    provider = SimulatedProvider({"even": EVEN}, seed=1, clock=LeapingClock())
    first, second = await provider.open(call()), await provider.open(call())
    with pytest.raises(UpstreamError) as caught:
        await provider.open(call())
    assert caught.value.kind is FailureKind.RATE_LIMITED
    assert caught.value.retry_after_s == 1.0
    await first.close()
    third = await provider.open(call())
    second.abort(UpstreamError(FailureKind.DEADLINE))
    await third.close()
    assert provider.models.in_flight("even") == 0


async def test_refused_and_cancelled_calls_leave_no_place_taken() -> None:
    orders = Orders()
    provider = SimulatedProvider({"even": EVEN}, seed=1, clock=RealWait(), orders=orders)
    orders.place("even", Order(Fault.SERVER_ERROR), 1)
    opening = asyncio.create_task(provider.open(call()))
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    with pytest.raises(UpstreamError) as caught:
        await provider.open(call(n=0))
    assert caught.value.kind is FailureKind.INVALID_REQUEST
    assert caught.value.param == "n"
    assert provider.models.in_flight("even") == 0


class RealWait(LeapingClock):
    """Sleeps until it is cancelled."""

    async def sleep(self, seconds: float) -> None:
        self.elapsed_s += seconds
        await asyncio.get_running_loop().create_future()


async def test_a_plain_answer_that_stalls_is_woken_by_abort() -> None:
    provider = SimulatedProvider({"even": EVEN}, seed=1, clock=RealWait(), time_scale=0)
    provider.models.orders.place("even", Order(Fault.STALL))
    answer = await provider.open(call(stream=False))
    reading = asyncio.create_task(answer.read())
    await asyncio.sleep(0)
    answer.abort(TimeoutError("too long"))
    with pytest.raises(TimeoutError):
        await reading
    assert not reading.cancelled()


async def test_an_abort_that_meets_the_end_of_a_wait_is_still_raised() -> None:
    clock = LeapingClock()
    provider = SimulatedProvider({"even": EVEN}, seed=1, clock=clock)
    answer = await provider.open(call())
    reading = asyncio.create_task(answer.read())
    await asyncio.sleep(0)
    answer.abort(TimeoutError("just then"))
    with pytest.raises(TimeoutError):
        await reading


async def test_of_two_aborts_the_first_gives_the_reason() -> None:
    provider = SimulatedProvider({"even": EVEN}, seed=1, clock=LeapingClock())
    answer = await provider.open(call())
    reading = asyncio.create_task(answer.read())
    await asyncio.sleep(0)
    answer.abort(TimeoutError("first"))
    answer.abort(ValueError("second"))
    await answer.close()
    with pytest.raises(TimeoutError):
        await reading


async def test_an_answer_without_a_word_still_ends_honestly() -> None:
    provider = SimulatedProvider({"even": EVEN}, seed=1, clock=LeapingClock())
    answer = await provider.open(call(stop="This"))
    piece = await answer.read()
    assert piece is not None
    assert b'"finish_reason":"stop"' in piece.data
    assert piece.usage is not None
    assert piece.usage.completion_tokens == 0
    assert await answer.read() is None


async def test_several_choices_and_tool_calls_stream_side_by_side() -> None:
    provider = SimulatedProvider({"even": EVEN}, seed=1, clock=LeapingClock(), time_scale=0)
    tools = [{"type": "function", "function": {"name": "look"}}]
    for more in ({"n": 2}, {"n": 2, "tools": tools, "tool_choice": "required"}):
        answer = await provider.open(call(**more))
        piece = await answer.read()
        assert piece is not None
        events = [json.loads(part[6:]) for part in piece.data.split(b"\n\n") if part]
        ends = {event["choices"][0]["index"]: event["choices"][0] for event in events}
        assert set(ends) == {0, 1}
        assert all(end["finish_reason"] for end in ends.values())


async def test_a_repeated_long_prompt_is_billed_as_cached() -> None:
    provider = SimulatedProvider({"even": EVEN}, seed=1, clock=LeapingClock(), time_scale=0)
    messages = [{"role": "user", "content": "the same long question " * 100}]
    cached = []
    for _ in range(2):
        answer = await provider.open(call(messages=messages))
        piece = await answer.read()
        assert piece is not None
        assert piece.usage is not None
        cached.append(piece.usage.cached_tokens)
    assert cached == [0, 576]


async def test_a_closed_provider_connects_no_more() -> None:
    provider = SimulatedProvider({"even": EVEN}, seed=1, clock=LeapingClock())
    await provider.close()
    with pytest.raises(UpstreamError) as caught:
        await provider.open(call())
    assert caught.value.kind is FailureKind.CONNECT_FAILED
