"""Does a stream flow piece by piece, and is everybody let go when the caller leaves?"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fleets import fleet
from gateway_process import GatewayProcess, Serve, wait_until
from raw_client import chat_bytes, connected
from scripted_upstream import CHUNKED, DONE, ScriptedUpstream, Wire, event

WITHIN_S = 15.0


async def the_only_outcome(gateway: GatewayProcess) -> dict[str, Any]:
    """The outcome of the only decision so far, once it is there."""

    def found() -> Any:
        (decision,) = gateway.control("/decisions")["decisions"]
        return gateway.decision(decision["decision_id"])["outcomes"]

    (outcome,) = await asyncio.to_thread(wait_until, found)
    result: dict[str, Any] = outcome
    return result


async def is_blamed_on_nobody(gateway: GatewayProcess) -> bool:
    outcome = await the_only_outcome(gateway)
    (model,) = (await asyncio.to_thread(gateway.control, "/models"))["models"]
    assert model["in_flight"] == 0, model
    return (outcome["failure"], outcome["blames"]) == ("cancelled", "caller")


async def test_the_first_chunk_is_sent_on_before_the_second_exists(serve: Serve) -> None:
    first_has_arrived = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.send(CHUNKED)
        await wire.events(event("one"))
        await first_has_arrived.wait()
        await wire.events(event("two"), event(finish="stop"), DONE)
        await wire.send(b"0\r\n\r\n")

    async with ScriptedUpstream(script) as upstream, asyncio.timeout(WITHIN_S):
        gateway = serve(fleet(upstream.url, only=("first",)))
        async with connected(gateway) as client:
            await client.send(chat_bytes({"connection": "close"}, stream=True))
            await client.until(b'"one"')
            first_has_arrived.set()
            rest = await client.rest()
            assert b'"two"' in rest
            assert rest.endswith(DONE + b"\r\n0\r\n\r\n")


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
async def test_a_caller_that_leaves_a_stream_is_noticed_upstream_before_the_next_chunk(
    serve: Serve, reset: bool
) -> None:
    seen = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.send(CHUNKED)
        await wire.events(event("one"))
        await wire.gone()
        seen.set()

    async with ScriptedUpstream(script) as upstream, asyncio.timeout(WITHIN_S):
        gateway = serve(fleet(upstream.url, only=("first",)))
        async with connected(gateway) as client:
            await client.send(chat_bytes(stream=True))
            await client.until(b'"one"')
            client.hang_up(reset=reset)
            await seen.wait()
        assert await is_blamed_on_nobody(gateway)


@pytest.mark.parametrize("head", [b"", CHUNKED], ids=["nothing", "head"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_a_caller_that_leaves_before_the_first_token_is_noticed_upstream(
    serve: Serve, head: bytes, stream: bool
) -> None:
    called, seen = asyncio.Event(), asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.send(head)
        called.set()
        await wire.gone()
        seen.set()

    async with ScriptedUpstream(script) as upstream, asyncio.timeout(WITHIN_S):
        gateway = serve(fleet(upstream.url, only=("first",)))
        async with connected(gateway) as client:
            await client.send(chat_bytes(stream=stream))
            await called.wait()
            client.hang_up()
            await seen.wait()
        assert await is_blamed_on_nobody(gateway)
        assert upstream.requests == 1


async def test_a_caller_that_shuts_down_its_sending_side_has_left(serve: Serve) -> None:
    called, seen = asyncio.Event(), asyncio.Event()

    async def script(wire: Wire) -> None:
        called.set()
        await wire.gone()
        seen.set()

    async with ScriptedUpstream(script) as upstream, asyncio.timeout(WITHIN_S):
        gateway = serve(fleet(upstream.url, only=("first",)))
        async with connected(gateway) as client:
            await client.send(chat_bytes())
            await called.wait()
            client.writer.write_eof()
            await seen.wait()
            assert await client.rest() == b""
        assert await is_blamed_on_nobody(gateway)


async def test_a_caller_that_leaves_during_a_back_off_is_not_called_for_again(serve: Serve) -> None:
    called = asyncio.Event()

    async def script(wire: Wire) -> None:
        called.set()
        await wire.send(b"HTTP/1.1 429 Slow\r\nretry-after: 5\r\ncontent-length: 0\r\n\r\n")

    async with ScriptedUpstream(script) as upstream, asyncio.timeout(WITHIN_S):
        waiting = {"short_wait_s": 10.0}
        gateway = serve(fleet(upstream.url, only=("first",), routing=waiting))
        async with connected(gateway) as client:
            await client.send(chat_bytes())
            await called.wait()
            await the_only_outcome(gateway)
            client.hang_up()
        await asyncio.sleep(5.2)  # longer than the back-off: what must not happen has no event
        assert upstream.requests == 1


async def test_a_caller_that_does_not_read_is_cut_off_and_the_upstream_let_go(
    serve: Serve,
) -> None:
    seen = asyncio.Event()
    long = event("x" * 50_000)

    async def script(wire: Wire) -> None:
        await wire.send(CHUNKED)
        try:
            while True:
                await wire.events(long)
        except ConnectionError:
            seen.set()
            raise

    async with ScriptedUpstream(script) as upstream, asyncio.timeout(WITHIN_S):
        limits = {"write_timeout_s": 0.3}
        gateway = serve(fleet(upstream.url, only=("first",), limits=limits))
        async with connected(gateway, receive_buffer=4096) as client:
            client.writer.transport.pause_reading()  # type: ignore[attr-defined] # not in typeshed
            await client.send(chat_bytes(stream=True))
            await seen.wait()
        assert await is_blamed_on_nobody(gateway)


async def test_a_caller_that_reads_slowly_but_steadily_is_borne_with(serve: Serve) -> None:
    async def script(wire: Wire) -> None:
        await wire.send(CHUNKED)
        for _ in range(40):
            await wire.events(event("x" * 50_000))
        await wire.events(event(finish="stop"), DONE)
        await wire.send(b"0\r\n\r\n")

    async with ScriptedUpstream(script) as upstream, asyncio.timeout(WITHIN_S):
        limits = {"write_timeout_s": 1}
        gateway = serve(fleet(upstream.url, only=("first",), limits=limits))
        async with connected(gateway, receive_buffer=65_536) as client:
            await client.send(chat_bytes({"connection": "close"}, stream=True))
            size, last = 0, b""
            while data := await client.reader.read(65_536):
                await asyncio.sleep(0.02)  # this is what a slow reader does
                size, last = size + len(data), data
        assert size > 2_000_000
        assert last.endswith(b"0\r\n\r\n")
