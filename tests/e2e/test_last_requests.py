"""Who asks in the moment in which a gateway stops: is what was sent answered, whoever was first?

A proxy does not send a second time what it has sent to a connection that stood. So none that stands
is closed over a request, however shortly before the stop it was made.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time

from fleets import fleet
from gateway_process import GatewayProcess, Serve, wait_until
from raw_client import RawClient, chat_bytes, connected, unchunked
from scripted_upstream import CHUNKED, DONE, ScriptedUpstream, Wire, event
from simulated_upstream import SimulatedUpstream

LIVE = b"GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
ALIVE = b'{"status":"live"}'


def refuses(gateway: GatewayProcess) -> bool:
    """Whether it has heard of the stop."""
    try:
        os.kill(gateway.pid, 0)
        gateway.get("/livez")
    except OSError:
        return True
    return False


async def stopping(gateway: GatewayProcess) -> None:
    gateway.signal(signal.SIGTERM)
    await asyncio.to_thread(wait_until, lambda: refuses(gateway), what="the stop")


async def test_a_connection_that_was_kept_is_answered_once_more_and_told_the_end(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url))
    async with connected(gateway) as used, connected(gateway) as unused:
        await used.send(LIVE)
        assert b"connection: close" not in await used.until(ALIVE)
        await stopping(gateway)
        for client in (used, unused):
            await client.send(chat_bytes())
            answer = await client.rest()
            assert unchunked(answer)[0] == 200
            assert b"connection: close" in answer
    assert await asyncio.to_thread(gateway.wait) == 0


async def test_a_connection_that_asks_nothing_more_keeps_a_stop_waiting_for_a_moment_only(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url))
    async with connected(gateway) as client:
        await client.send(LIVE)
        await client.until(ALIVE)
        begun = time.monotonic()
        assert await asyncio.to_thread(gateway.terminate) == 0
    assert time.monotonic() - begun < 3.0


async def begun_before(gateway: GatewayProcess, client: RawClient) -> bytes:
    await client.send(chat_bytes(stream=True))
    return await client.until(b'"one"')


async def test_behind_a_stream_that_promised_to_keep_the_connection_one_more_is_served(
    serve: Serve,
) -> None:
    go_on = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.send(CHUNKED)
        await wire.events(event("one"))
        await go_on.wait()
        await wire.events(event(finish="stop"), DONE)
        await wire.send(b"0\r\n\r\n")

    async with ScriptedUpstream(script) as scripted:
        gateway = serve(fleet(scripted.url, only=("first",)))
        async with connected(gateway) as client:
            assert b"connection: close" not in await begun_before(gateway, client)
            await stopping(gateway)
            go_on.set()
            await client.until(DONE)
            await client.until(b"0\r\n\r\n")
            await client.send(LIVE)
            answer = await client.rest()
        assert answer.endswith(ALIVE)
        assert b"connection: close" in answer
        assert await asyncio.to_thread(gateway.wait) == 0
