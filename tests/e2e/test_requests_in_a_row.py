"""What becomes of requests that share a connection when something happens to one of them?"""

from __future__ import annotations

import asyncio
import json
import signal

import pytest
from fleets import fleet
from gateway_process import GatewayProcess, Serve, chat_body
from raw_client import CHAT, chat_bytes, connected, request_bytes, unchunked
from scripted_upstream import CHUNKED, DONE, ScriptedUpstream, Wire, event

WITHIN_S = 15.0


async def test_a_refusal_is_not_written_into_an_answer_that_has_begun(serve: Serve) -> None:
    go_on = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.send(CHUNKED)
        await wire.events(event("one"))
        await go_on.wait()
        await wire.events(event("two"), event("", finish="stop"), DONE)
        await wire.send(b"0\r\n\r\n")

    async with ScriptedUpstream(script) as upstream, asyncio.timeout(WITHIN_S):
        gateway = serve(fleet(upstream.url, only=("first",)))
        async with connected(gateway) as client:
            await client.send(chat_bytes(stream=True))
            await client.until(b'"one"')
            await client.send(b"this is not HTTP\r\n\r\n")
            go_on.set()
            rest = await client.rest()
        assert b"HTTP/1.1" not in rest
        assert b'"two"' in rest
        assert rest.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")


async def test_what_was_asked_before_something_that_is_no_request_is_answered(
    gateway: GatewayProcess,
) -> None:
    async with connected(gateway) as client:
        await client.send(chat_bytes() * 2 + b"this is not HTTP\r\n\r\n")
        said = await client.rest()
    assert said.count(b"HTTP/1.1 200 OK") == 2
    assert said.count(b"HTTP/1.1") == 2


@pytest.mark.parametrize(
    "half", [b"POST /v1/chat/completions HTTP/1.1\r\nho", chat_bytes()[:-5]], ids=["head", "body"]
)
async def test_a_request_that_comes_too_slowly_does_not_cost_the_one_before_its_answer(
    serve: Serve, half: bytes
) -> None:
    go_on = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.send(CHUNKED)
        await wire.events(event("one"))
        await go_on.wait()
        await wire.events(event("two"), event("", finish="stop"), DONE)
        await wire.send(b"0\r\n\r\n")

    limits = {"header_timeout_s": 0.2, "body_timeout_s": 0.2}
    async with ScriptedUpstream(script) as upstream, asyncio.timeout(WITHIN_S):
        gateway = serve(fleet(upstream.url, only=("first",), limits=limits))
        async with connected(gateway) as client, connected(gateway) as later:
            await client.send(chat_bytes(stream=True))
            await client.until(b'"one"')
            await client.send(half)
            await later.send(half)
            assert b"HTTP/1.1 408" in await later.rest()  # so much time has passed
            go_on.set()
            rest = await client.rest()
        whole, end, then = rest.partition(b"data: [DONE]\n\n\r\n0\r\n\r\n")
        assert b"two" in whole
        assert end
        # Where it was read so late that the answer had ended, it is told that it was slow.
        assert not then or then.startswith(b"HTTP/1.1 408")


async def test_a_caller_that_leaves_with_more_sent_ahead_is_noticed_and_none_of_it_is_served(
    serve: Serve,
) -> None:
    called, let_go = asyncio.Event(), asyncio.Event()

    async def script(wire: Wire) -> None:
        called.set()
        await wire.gone()
        let_go.set()

    async with ScriptedUpstream(script) as upstream, asyncio.timeout(WITHIN_S):
        gateway = serve(fleet(upstream.url, only=("first",)))
        async with connected(gateway) as client:
            await client.send(chat_bytes() * 3)
            await called.wait()
            client.hang_up()
            await let_go.wait()
        assert await asyncio.to_thread(gateway.terminate) == 0
        assert upstream.requests == 1


async def test_a_long_request_sent_ahead_is_served_when_its_turn_comes(serve: Serve) -> None:
    first_called, go_on = asyncio.Event(), asyncio.Event()
    answer = json.dumps(
        {"id": "1", "model": "first", "choices": [{"message": {"content": "hello"}}]}
    ).encode()

    async def script(wire: Wire) -> None:
        first_called.set()
        await go_on.wait()
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        await wire.send(head % len(answer) + answer)

    async with ScriptedUpstream(script) as upstream, asyncio.timeout(WITHIN_S):
        gateway = serve(fleet(upstream.url, only=("first",)))
        async with connected(gateway) as client:
            await client.send(chat_bytes())
            await first_called.wait()
            long = chat_bytes({"connection": "close"}, user="x" * 3_000_000)
            sending = asyncio.create_task(client.send(long))
            go_on.set()
            data = await client.rest()
            await sending
        assert data.count(b"HTTP/1.1 200 OK") == 2


async def test_who_waits_for_an_answer_when_the_grace_is_over_is_told(serve: Serve) -> None:
    called = asyncio.Event()

    async def script(wire: Wire) -> None:
        called.set()
        await wire.gone()

    async with ScriptedUpstream(script) as upstream, asyncio.timeout(WITHIN_S):
        gateway = serve(fleet(upstream.url, only=("first",), server={"shutdown_grace_s": 1}))
        async with connected(gateway) as client:
            await client.send(chat_bytes())
            await called.wait()
            gateway.signal(signal.SIGTERM)
            said = await client.rest()
        assert said.startswith(b"HTTP/1.1 503 ")
        assert b'"shutting_down"' in said
        assert await asyncio.to_thread(gateway.wait) == 0


async def test_a_stream_to_http_1_0_has_no_chunks_and_ends_with_the_connection(
    gateway: GatewayProcess,
) -> None:
    body = json.dumps(chat_body(stream=True)).encode()
    async with connected(gateway) as client:
        await client.send(request_bytes(body, line=f"POST {CHAT} HTTP/1.0"))
        head, _, stream = (await client.rest()).partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head
    assert stream.startswith(b"data: {")
    assert stream.endswith(DONE)


async def test_head_tells_the_length_without_the_body(gateway: GatewayProcess) -> None:
    async with connected(gateway) as client:
        await client.send(request_bytes(b"", line="HEAD /livez HTTP/1.1"))
        head = await client.until(b"\r\n\r\n")
        assert b"content-length: 17\r\n" in head
        await client.send(request_bytes(b"", {"connection": "close"}, line="GET /livez HTTP/1.1"))
        assert unchunked(await client.rest())[:2] == (200, b'{"status":"live"}')


async def test_a_path_in_percent_signs_and_with_a_query_is_the_same_path(
    gateway: GatewayProcess,
) -> None:
    body = json.dumps(chat_body()).encode()
    line = "POST /v1/chat%2Fcompletions?api-version=1 HTTP/1.1"
    async with connected(gateway) as client:
        await client.send(request_bytes(body, {"connection": "close"}, line=line))
        assert unchunked(await client.rest())[0] == 200


async def test_an_offer_to_upgrade_behind_another_request_ends_the_connection(
    gateway: GatewayProcess,
) -> None:
    """Its body would be taken for another protocol's; served without it, it would say nothing."""
    offer = {"upgrade": "h2c", "connection": "upgrade"}
    body = json.dumps(chat_body()).encode()
    async with connected(gateway) as client:
        await client.send(request_bytes(body) + request_bytes(body, offer))
        said = await client.rest()
    assert said.count(b"HTTP/1.1 200 OK") == 1
    assert said.count(b"HTTP/1.1 ") == 1


async def test_a_tunnel_is_refused(gateway: GatewayProcess) -> None:
    async with connected(gateway) as client:
        await client.send(b"CONNECT example.com:443 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
        assert (await client.rest()).startswith(b"HTTP/1.1 4")
