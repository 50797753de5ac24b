"""What must every provider do, whatever stands behind it?

A test module plugs in an implementation by deriving from `ProviderContract` and giving it the
fixture `upstream`.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from provider_reading import (
    Upstream,
    call,
    events_in,
    failure_of,
    finish_reasons,
    nothing_in_flight,
    pieces_of,
)

from pointsman.adapters.providers.simulated.faults import Fault, Order
from pointsman.core.errors import FailureKind, UpstreamError
from pointsman.core.fleet import Model

STREAMED_OR_NOT = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])

WEATHER_TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            },
            "required": ["city", "unit"],
        },
    },
}


class ProviderContract:
    """The promises of `engine.ports.Provider`. Derive, and give the fixture `upstream`."""

    async def test_a_plain_answer_is_one_document_and_then_the_end(
        self, upstream: Upstream
    ) -> None:
        answer = await upstream.provider.open(call(upstream.model, stream=False))
        piece = await answer.read()
        assert piece is not None
        document = json.loads(piece.data)
        assert document["object"] == "chat.completion"
        assert document["model"] == upstream.model.id
        assert document["choices"][0]["message"]["content"]
        assert piece.usable
        assert piece.upstream_model == upstream.model.upstream_name
        assert piece.usage is not None
        assert piece.usage.completion_tokens == document["usage"]["completion_tokens"] > 0
        assert await answer.read() is None
        await answer.close()

    async def test_a_streamed_answer_is_whole_events_of_one_answer(
        self, upstream: Upstream
    ) -> None:
        answer = await upstream.provider.open(call(upstream.model, stream=True))
        pieces = await pieces_of(answer)
        events = [event for piece in pieces for event in events_in(piece.data)]
        assert {event["model"] for event in events} == {upstream.model.id}
        assert {event["object"] for event in events} == {"chat.completion.chunk"}
        assert len({event["id"] for event in events}) == 1
        assert events[0]["choices"][0]["delta"]["role"] == "assistant"
        deltas = [event["choices"][0]["delta"] for event in events]
        assert "".join(delta.get("content") or "" for delta in deltas)
        assert finish_reasons(pieces) == ["stop"]
        assert any(piece.usable for piece in pieces)
        assert sum(piece.completion_chars for piece in pieces) > 0
        assert upstream.model.upstream_name in {piece.upstream_model for piece in pieces}
        await answer.close()

    @pytest.mark.parametrize("asked", [None, True, False], ids=["unasked", "asked", "declined"])
    async def test_usage_is_reported_once_and_never_among_the_events(
        self, upstream: Upstream, asked: bool | None
    ) -> None:
        options: dict[str, Any] = {}
        if asked is not None:
            options["stream_options"] = {"include_usage": asked}
        answer = await upstream.provider.open(call(upstream.model, stream=True, **options))
        pieces = await pieces_of(answer)
        reported = [piece for piece in pieces if piece.usage is not None]
        assert len(reported) == 1
        assert reported[0].usage_json is not None
        usage = json.loads(reported[0].usage_json)
        assert reported[0].usage is not None
        assert usage["completion_tokens"] == reported[0].usage.completion_tokens > 0
        data = b"".join(piece.data for piece in pieces)
        assert b"[DONE]" not in data
        assert not [event for event in events_in(data) if event.get("usage")]
        assert all(event["choices"] for event in events_in(data))

    async def test_a_streamed_tool_call_arrives_complete_and_in_order(
        self, upstream: Upstream
    ) -> None:
        asked = call(
            upstream.model,
            stream=True,
            text="use get_weather for Cairo",
            tools=[WEATHER_TOOL],
            tool_choice="required",
        )
        pieces = await pieces_of(await upstream.provider.open(asked))
        events = [event for piece in pieces for event in events_in(piece.data)]
        deltas = [event["choices"][0]["delta"] for event in events]
        calls = [part for delta in deltas for part in delta.get("tool_calls", ())]
        assert calls[0]["function"]["name"] == "get_weather"
        assert calls[0]["id"]
        assert {part["index"] for part in calls} == {0}
        arguments = json.loads("".join(part["function"]["arguments"] for part in calls))
        assert arguments["unit"] in ("celsius", "fahrenheit")
        assert finish_reasons(pieces) == ["tool_calls"]
        assert any(piece.usable for piece in pieces)

    @STREAMED_OR_NOT
    async def test_an_error_status_is_raised_before_any_answer(
        self, upstream: Upstream, stream: bool
    ) -> None:
        upstream.show(Order(Fault.SERVER_ERROR))
        with pytest.raises(UpstreamError) as caught:
            await upstream.provider.open(call(upstream.model, stream=stream))
        assert caught.value.kind is FailureKind.SERVER_ERROR
        assert caught.value.status == 500
        assert caught.value.message
        await nothing_in_flight(upstream)

    async def test_a_rate_limit_carries_how_long_to_wait(self, upstream: Upstream) -> None:
        error = await failure_of(
            upstream, Order(Fault.RATE_LIMITED, retry_after_s=2.5), stream=True
        )
        assert error.kind is FailureKind.RATE_LIMITED
        assert error.retry_after_s == pytest.approx(2.5, abs=0.51)
        assert error.status == 429

    async def test_an_overloaded_upstream_is_told_from_a_broken_one(
        self, upstream: Upstream
    ) -> None:
        error = await failure_of(upstream, Order(Fault.OVERLOADED), stream=False)
        assert error.kind in (FailureKind.OVERLOADED, FailureKind.UNAVAILABLE)

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (401, FailureKind.KEY_REJECTED),
            (403, FailureKind.KEY_FORBIDDEN),
            (422, FailureKind.UNPROCESSABLE),
            (502, FailureKind.BAD_GATEWAY),
            (504, FailureKind.GATEWAY_TIMEOUT),
        ],
    )
    async def test_a_status_says_who_has_to_react(
        self, upstream: Upstream, status: int, kind: FailureKind
    ) -> None:
        error = await failure_of(upstream, Order(Fault.STATUS, status=status), stream=True)
        assert (error.kind, error.status) == (kind, status)

    async def test_a_model_the_upstream_does_not_have_is_not_found(
        self, upstream: Upstream
    ) -> None:
        other = Model("sim/nobody", upstream.model.provider, "nobody")
        with pytest.raises(UpstreamError) as caught:
            await upstream.provider.open(call(other, stream=True))
        assert caught.value.kind is FailureKind.MODEL_NOT_FOUND

    async def test_a_prompt_beyond_the_window_is_told_as_such(self, upstream: Upstream) -> None:
        asked = call(upstream.model, stream=True, text="long " * 120_000)
        with pytest.raises(UpstreamError) as caught:
            await upstream.provider.open(asked)
        assert caught.value.kind is FailureKind.CONTEXT_TOO_LONG
        assert caught.value.upstream_code == "context_length_exceeded"
        assert caught.value.param == "messages"

    @STREAMED_OR_NOT
    async def test_a_connection_reset_before_the_answer_is_told(
        self, upstream: Upstream, stream: bool
    ) -> None:
        error = await failure_of(upstream, Order(Fault.RESET), stream=stream)
        assert error.kind is FailureKind.RESET

    @pytest.mark.parametrize("after", [0, 1, 3, 10_000])
    async def test_a_stream_cut_anywhere_never_looks_complete(
        self, upstream: Upstream, after: int
    ) -> None:
        error = await failure_of(upstream, Order(Fault.CUT, after=after), stream=True)
        assert error.kind is FailureKind.TRUNCATED

    @pytest.mark.parametrize("at_byte", [0, 1, 5, 150, 301, 777])
    async def test_a_stream_cut_within_an_event_never_looks_complete(
        self, upstream: Upstream, at_byte: int
    ) -> None:
        error = await failure_of(upstream, Order(Fault.CUT, at_byte=at_byte), stream=True)
        assert error.kind is FailureKind.TRUNCATED

    @pytest.mark.parametrize("after", [1, 3, 10_000])
    async def test_a_stream_that_ends_before_it_says_so_is_truncated(
        self, upstream: Upstream, after: int
    ) -> None:
        error = await failure_of(upstream, Order(Fault.EARLY_END, after=after), stream=True)
        assert error.kind is FailureKind.TRUNCATED

    async def test_a_plain_answer_cut_short_is_truncated(self, upstream: Upstream) -> None:
        error = await failure_of(upstream, Order(Fault.CUT), stream=False)
        assert error.kind is FailureKind.TRUNCATED

    @STREAMED_OR_NOT
    async def test_an_answer_with_nothing_in_it_is_a_failure(
        self, upstream: Upstream, stream: bool
    ) -> None:
        error = await failure_of(upstream, Order(Fault.EMPTY), stream=stream)
        assert error.kind is FailureKind.EMPTY

    @STREAMED_OR_NOT
    async def test_a_success_without_a_single_byte_is_a_failure(
        self, upstream: Upstream, stream: bool
    ) -> None:
        error = await failure_of(upstream, Order(Fault.EMPTY_BODY), stream=stream)
        assert error.kind in (FailureKind.EMPTY, FailureKind.TRUNCATED, FailureKind.MALFORMED)

    @STREAMED_OR_NOT
    @pytest.mark.parametrize("fault", [Fault.MALFORMED, Fault.WRONG_TYPE])
    async def test_an_answer_that_cannot_be_read_is_malformed(
        self, upstream: Upstream, fault: Fault, stream: bool
    ) -> None:
        error = await failure_of(upstream, Order(fault, after=2), stream=stream)
        assert error.kind is FailureKind.MALFORMED

    @pytest.mark.parametrize("after", [0, 2, 10_000])
    async def test_an_error_reported_within_the_stream_is_raised(
        self, upstream: Upstream, after: int
    ) -> None:
        error = await failure_of(upstream, Order(Fault.STREAM_ERROR, after=after), stream=True)
        assert error.kind is FailureKind.STREAM_ERROR

    @pytest.mark.parametrize("order", [Order(Fault.STALL_FIRST), Order(Fault.STALL, after=2)])
    async def test_abort_wakes_a_read_that_waits_and_stays_in_force(
        self, upstream: Upstream, order: Order
    ) -> None:
        upstream.show(order)
        answer = await upstream.provider.open(call(upstream.model, stream=True))
        reading = asyncio.create_task(pieces_of(answer))
        await asyncio.wait({reading}, timeout=0.05)
        assert not reading.done()
        reason = UpstreamError(FailureKind.STALLED, "nothing came for too long")
        answer.abort(reason)
        with pytest.raises(UpstreamError) as caught:
            await asyncio.wait_for(reading, 1)
        assert caught.value is reason
        with pytest.raises(UpstreamError) as again:
            await answer.read()
        assert again.value is reason
        await answer.close()
        await nothing_in_flight(upstream)

    async def test_abort_between_reads_is_raised_by_the_next(self, upstream: Upstream) -> None:
        answer = await upstream.provider.open(call(upstream.model, stream=True))
        reason = UpstreamError(FailureKind.TOTAL_TIMEOUT)
        answer.abort(reason)
        with pytest.raises(UpstreamError) as caught:
            await answer.read()
        assert caught.value is reason
        await answer.close()

    async def test_closing_in_the_middle_lets_the_upstream_go_and_is_idempotent(
        self, upstream: Upstream
    ) -> None:
        upstream.show(Order(Fault.STALL, after=1))
        answer = await upstream.provider.open(call(upstream.model, stream=True))
        assert upstream.in_flight() == 1
        assert await answer.read() is not None
        await answer.close()
        await answer.close()
        await nothing_in_flight(upstream)

    async def test_cancelling_a_read_is_never_swallowed(self, upstream: Upstream) -> None:
        upstream.show(Order(Fault.STALL, after=1))
        answer = await upstream.provider.open(call(upstream.model, stream=True))
        reading = asyncio.create_task(pieces_of(answer))
        await asyncio.wait({reading}, timeout=0.02)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await answer.close()
        await nothing_in_flight(upstream)

    async def test_a_cancellation_wins_over_an_abort_at_the_same_time(
        self, upstream: Upstream
    ) -> None:
        upstream.show(Order(Fault.STALL, after=1))
        answer = await upstream.provider.open(call(upstream.model, stream=True))
        reading = asyncio.create_task(pieces_of(answer))
        await asyncio.wait({reading}, timeout=0.02)
        reading.cancel()
        answer.abort(UpstreamError(FailureKind.STALLED))
        with pytest.raises(asyncio.CancelledError):
            await reading
        await answer.close()

    async def test_answers_at_the_same_time_do_not_mix(self, upstream: Upstream) -> None:
        words = [f"zebra{letter}" for letter in "abcdefgh"]
        calls = [call(upstream.model, stream=True, text=f"of {word}") for word in words]
        answers = await asyncio.gather(*(upstream.provider.open(each) for each in calls))
        read = await asyncio.gather(*(pieces_of(answer) for answer in answers))
        for word, pieces in zip(words, read, strict=True):
            events = [event for piece in pieces for event in events_in(piece.data)]
            deltas = [event["choices"][0]["delta"] for event in events]
            text = "".join(delta.get("content") or "" for delta in deltas)
            assert word in text
            assert not [other for other in words if other != word and other in text]
        await nothing_in_flight(upstream)

    async def test_a_probe_lists_what_the_upstream_offers(self, upstream: Upstream) -> None:
        assert upstream.model.upstream_name in await upstream.provider.probe()

    async def test_closing_the_provider_is_idempotent(self, upstream: Upstream) -> None:
        await upstream.provider.close()
        await upstream.provider.close()
