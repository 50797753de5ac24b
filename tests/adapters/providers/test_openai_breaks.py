"""Does the adapter tell the truth about what broke on a real socket?"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from raw_upstream import (
    FixedClock,
    RawUpstream,
    Request,
    Wire,
    call,
    completion,
    document,
    head,
    pieces_of,
)
from reaching import (
    WHOLE_STREAM,
    failing,
    provider,
    saying,
    saying_then_closing,
    saying_then_resetting,
)

from pointsman.adapters.providers import openai, transport
from pointsman.adapters.providers.openai import OpenAIProvider
from pointsman.adapters.providers.presets import Endpoint, Quirks
from pointsman.core.errors import FailureKind as Kind
from pointsman.core.errors import UpstreamError
from pointsman.engine.ports import Call


async def test_each_way_to_break_has_its_name() -> None:
    body = completion()
    short = head(content_length=str(len(body))) + body[:-20]
    cases = [
        (saying_then_closing(), call(), {Kind.RESET}),
        (saying_then_resetting(), call(), {Kind.RESET}),
        (saying_then_closing(b"HTTP/1.1 20"), call(), {Kind.RESET, Kind.MALFORMED}),
        (saying(b"this is not http at all\r\n\r\n"), call(), {Kind.MALFORMED}),
        (saying_then_closing(short), call(), {Kind.TRUNCATED}),
        (saying_then_resetting(short), call(), {Kind.RESET, Kind.TRUNCATED}),
        (saying_then_closing(head(connection="close"), body[:-20]), call(), {Kind.TRUNCATED}),
    ]
    for script, made, kinds in cases:
        assert (await failing(script, made)).kind in kinds


async def failing_at(url: str, made: Call) -> Kind:
    house = OpenAIProvider(Endpoint("house", url), FixedClock())
    try:
        with pytest.raises(UpstreamError) as caught:
            await house.open(made)
        return caught.value.kind
    finally:
        await house.close()


async def test_an_address_without_a_server_a_name_or_tls_is_told_apart() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"plain words, not a handshake")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    assert await failing_at(f"https://127.0.0.1:{port}", call()) is Kind.TLS_FAILED
    server.close()
    await server.wait_closed()
    assert await failing_at(f"http://127.0.0.1:{port}", call()) is Kind.CONNECT_FAILED
    assert await failing_at("http://nobody.invalid", call()) is Kind.NAME_UNRESOLVED


async def test_a_host_that_never_shakes_hands_is_given_up_in_time() -> None:
    async with RawUpstream(saying()) as upstream:
        url = upstream.url.replace("http:", "https:")
        assert await failing_at(url, call()._replace(connect_s=0.05)) is Kind.CONNECT_TIMEOUT


async def test_a_stale_pooled_connection_costs_one_silent_retry() -> None:
    served = 0

    async def script(_: Request, wire: Wire) -> None:
        nonlocal served
        served += 1
        if served == 2:
            wire.reset()
            return
        await wire.send(document(completion()))

    async with provider(script) as (house, upstream):
        for _ in range(2):
            await pieces_of(await house.open(call()))
        assert served == 3
        assert upstream.connections == 2


async def test_a_new_connection_that_breaks_is_not_tried_again() -> None:
    async def script(_: Request, wire: Wire) -> None:
        wire.reset()

    async with provider(script) as (house, upstream):
        with pytest.raises(UpstreamError):
            await house.open(call())
        assert len(upstream.requests) == 1


# Breaking off


async def test_abort_wakes_a_pending_read_and_the_upstream_sees_it() -> None:
    class Late(Exception):
        pass

    async def script(_: Request, wire: Wire) -> None:
        await wire.send(*WHOLE_STREAM[:2])
        assert await wire.gone()
        raise ConnectionError

    async with provider(script) as (house, upstream):
        answer = await house.open(call(stream=True))
        await answer.read()
        pending = asyncio.ensure_future(answer.read())
        await asyncio.sleep(0.01)
        reason = Late()
        answer.abort(reason)
        answer.abort(RuntimeError("a second reason does not count"))
        for attempt in (pending, answer.read()):
            with pytest.raises(Late) as caught:
                await attempt
            assert caught.value is reason
        await asyncio.wait_for(upstream.hung_up.wait(), 5)
        await answer.close()


async def test_abort_with_an_upstream_error_raises_that_very_error() -> None:
    async def script(_: Request, wire: Wire) -> None:
        await wire.send(head(content_length="100"))
        await wire.gone()

    async with provider(script) as (house, _):
        answer = await house.open(call())
        pending = asyncio.ensure_future(answer.read())
        await asyncio.sleep(0.01)
        reason = UpstreamError(Kind.FIRST_TOKEN_TIMEOUT)
        answer.abort(reason)
        for attempt in (pending, answer.read()):
            with pytest.raises(UpstreamError) as caught:
                await attempt
            assert caught.value is reason


async def test_abort_after_the_end_leaves_the_connection_in_the_pool() -> None:
    async with provider(saying(document(completion()))) as (house, upstream):
        answer = await house.open(call())
        await pieces_of(answer)
        answer.abort(RuntimeError("late"))
        await pieces_of(await house.open(call()))
        assert upstream.connections == 1


async def test_closing_an_unfinished_answer_hangs_up_at_once() -> None:
    async def script(_: Request, wire: Wire) -> None:
        await wire.send(*WHOLE_STREAM[:2])
        assert await wire.gone()
        raise ConnectionError

    async with provider(script) as (house, upstream):
        answer = await house.open(call(stream=True))
        await answer.close()
        await answer.close()
        await asyncio.wait_for(upstream.hung_up.wait(), 5)


@pytest.mark.parametrize("said", [b"", head(500, content_length="9") + b"{"])
async def test_cancelling_a_call_hangs_up_too(said: bytes) -> None:
    async def script(_: Request, wire: Wire) -> None:
        await wire.send(said)
        assert await wire.gone()
        raise ConnectionError

    async with provider(script) as (house, upstream):
        pending = asyncio.ensure_future(house.open(call()))
        await asyncio.sleep(0.05)
        pending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pending
        await asyncio.wait_for(upstream.hung_up.wait(), 5)


# Probing


@pytest.mark.parametrize(
    "body", [b'{"object":"list","data":[{"id":"models/a"},{"id":"b"}]}', b'[{"id":"a"},{"id":"b"}]']
)
async def test_a_probe_lists_the_upstream_names(body: bytes) -> None:
    async with provider(saying(document(body)), Quirks(model_prefix="models/")) as (
        house,
        upstream,
    ):
        assert await house.probe() == ["a", "b"]
    assert upstream.requests[0].line == "GET /v1/models HTTP/1.1"


async def test_a_probe_fails_as_a_call_does(monkeypatch: pytest.MonkeyPatch) -> None:
    for script, kind in (
        (saying(document(b"nothing", 401)), Kind.KEY_REJECTED),
        (saying(document(b"nothing")), Kind.MALFORMED),
        (saying_then_closing(), Kind.RESET),
        (saying_then_closing(head(content_length="9"), b"{"), Kind.TRUNCATED),
    ):
        async with provider(script) as (house, _):
            with pytest.raises(UpstreamError) as caught:
                await house.probe()
            assert caught.value.kind is kind
    monkeypatch.setattr(openai, "_PROBE_S", 0.05)

    async def silent(_: Request, wire: Wire) -> None:
        await wire.gone()

    async with provider(silent) as (house, _):
        with pytest.raises(UpstreamError) as caught:
            await house.probe()
        assert caught.value.kind is Kind.TOTAL_TIMEOUT


async def test_an_upstream_that_lists_nothing_is_not_asked() -> None:
    async with provider(saying(), replace(Quirks(), models_path=None)) as (house, upstream):
        assert await house.probe() == ()
        assert upstream.connections == 0


async def test_an_unknown_break_of_the_client_is_still_an_upstream_error() -> None:
    assert transport.failure_of(OSError("odd")).kind is Kind.CONNECT_FAILED
    assert transport.failure_of(ConnectionResetError()).message == "ConnectionResetError"
