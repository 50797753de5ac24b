"""Are the faults of the wire real, and is a client that hangs up seen?"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest

from pointsman.adapters.providers.simulated import connection
from pointsman.adapters.providers.simulated.in_thread import reliable_simulator, running
from pointsman.adapters.providers.simulated.journal import Entry
from pointsman.adapters.providers.simulated.server import Simulator

CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def app() -> Simulator:
    return reliable_simulator(seed=5)


@pytest.fixture(scope="module")
def base_url(app: Simulator) -> Iterator[str]:
    with running(app) as url:
        yield url


@pytest.fixture
async def http(base_url: str, app: Simulator) -> AsyncIterator[aiohttp.ClientSession]:
    app.journal.clear()
    app.models.orders.revoke()
    async with aiohttp.ClientSession(base_url) as session:
        yield session


def body(*, stream: bool = True, **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": "Tell me of signals"}]
    return {"model": "swift-mini", "stream": stream, "messages": messages, **more}


async def fetched(
    http: aiohttp.ClientSession, fault: str, *, stream: bool = True
) -> tuple[aiohttp.ClientResponse, bytes, bool]:
    """The response, the bytes that came, and whether the body ended as HTTP says it must."""
    headers = {"x-simulate-fault": fault}
    received = b""
    async with http.post(CHAT, json=body(stream=stream), headers=headers) as response:
        try:
            async for part in response.content.iter_any():
                received += part
        except aiohttp.ClientError:
            return response, received, False
        return response, received, True


async def ended(app: Simulator, count: int = 1) -> Entry:
    """The last entry of the journal once so many requests have come to their end."""
    until = time.monotonic() + 5
    while sum(bool(entry.ended and entry.total_s) for entry in app.journal.entries) < count:
        assert time.monotonic() < until
        await asyncio.sleep(0.002)
    return app.journal.entries[-1]


async def test_a_client_that_hangs_up_while_streaming_is_seen_with_what_it_got(
    http: aiohttp.ClientSession, app: Simulator
) -> None:
    headers = {"x-simulate-fault": "stall;after=3"}
    async with http.post(CHAT, json=body(), headers=headers) as response:
        seen = b""
        while seen.count(b"data: ") < 4:
            seen += await response.content.readany()
        response.close()
    entry = await ended(app)
    assert entry.hung_up
    assert entry.chunks_sent == 3
    assert entry.bytes_sent == len(seen)
    assert app.models.in_flight("swift-mini") == 0


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_hangs_up_while_waiting_is_seen(
    http: aiohttp.ClientSession, app: Simulator, stream: bool
) -> None:
    headers = {"x-simulate-latency": "first=30"}
    with pytest.raises(TimeoutError):
        async with (
            asyncio.timeout(0.1),
            http.post(CHAT, json=body(stream=stream), headers=headers) as response,
        ):
            await response.read()
    entry = await ended(app)
    assert entry.hung_up
    assert entry.chunks_sent == 0


async def test_a_cut_falls_on_the_byte_that_was_ordered(http: aiohttp.ClientSession) -> None:
    for at_byte in (0, 1, 100, 999):
        response, received, whole = await fetched(http, f"cut;bytes={at_byte}")
        assert (response.status, len(received), whole) == (200, at_byte, False)
    response, received, whole = await fetched(http, "cut;bytes=40", stream=False)
    assert (len(received), whole) == (40, False)
    assert int(response.headers["content-length"]) > 40


async def test_a_cut_after_chunks_falls_within_the_next_event(
    http: aiohttp.ClientSession, app: Simulator
) -> None:
    _, received, whole = await fetched(http, "cut;after=2")
    assert not whole
    assert received.count(b'"content":"') in (3, 4)
    entry = await ended(app)
    assert (entry.chunks_sent, entry.ended, entry.fault) == (2, "fault", "cut")


async def test_a_cut_after_the_last_chunk_leaves_the_end_incomplete(
    http: aiohttp.ClientSession,
) -> None:
    _, received, whole = await fetched(http, "cut;after=10000")
    assert not whole
    assert b"[DONE]" not in received


async def test_an_early_end_is_proper_http_but_no_answer(http: aiohttp.ClientSession) -> None:
    _, received, whole = await fetched(http, "early_end;after=2")
    assert whole
    assert received.endswith(b"\n\n")
    assert b'finish_reason":"' not in received
    _, document, whole = await fetched(http, "early_end", stream=False)
    assert whole
    assert not is_json(document)


async def test_broken_json_comes_in_proper_http(http: aiohttp.ClientSession) -> None:
    for fault in ("malformed;after=0", "malformed;after=2", "malformed;after=10000"):
        _, received, whole = await fetched(http, fault)
        assert whole
        events = [event for event in received.split(b"\n\n") if event]
        broken = [e for e in events if e != b"data: [DONE]" and not is_json(e[6:])]
        assert len(broken) == 1, fault


def is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


async def test_empty_and_foreign_bodies_come_with_a_success(http: aiohttp.ClientSession) -> None:
    for stream in (True, False):
        response, received, whole = await fetched(http, "empty_body", stream=stream)
        assert (response.status, received, whole) == (200, b"", True)
        response, received, _ = await fetched(http, "wrong_type", stream=stream)
        assert response.headers["content-type"].startswith("text/html")
    _, received, _ = await fetched(http, "empty")
    assert b'finish_reason":"stop"' in received
    assert b"[DONE]" in received
    _, received, _ = await fetched(http, "no_done")
    assert b'finish_reason":"stop"' in received
    assert b"[DONE]" not in received


async def test_an_error_within_a_stream_is_its_last_event(http: aiohttp.ClientSession) -> None:
    _, received, whole = await fetched(http, "stream_error;after=1")
    assert whole
    assert b'{"error":' in received.split(b"\n\n")[-2]
    _, document, _ = await fetched(http, "stream_error", stream=False)
    assert "error" in json.loads(document)


async def test_a_plain_answer_that_stalls_never_ends(
    http: aiohttp.ClientSession, app: Simulator
) -> None:
    for fault in ("stall", "stall_first"):
        headers = {"x-simulate-fault": fault}
        timeout = aiohttp.ClientTimeout(total=0.1)
        with pytest.raises(TimeoutError):
            async with http.post(
                CHAT, json=body(stream=False), headers=headers, timeout=timeout
            ) as response:
                await response.read()
    assert (await ended(app, 2)).hung_up


async def test_a_stream_that_stalls_first_has_sent_its_headers(
    http: aiohttp.ClientSession,
) -> None:
    headers = {"x-simulate-fault": "stall_first"}
    async with http.post(CHAT, json=body(), headers=headers) as response:
        assert response.status == 200
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(response.content.readany(), 0.05)


async def test_a_very_long_stream_arrives_whole_though_all_of_it_is_due_at_once(
    http: aiohttp.ClientSession, app: Simulator
) -> None:
    async with http.post(CHAT, json=body(n=16)) as response:
        received = await response.read()
    entry = await ended(app)
    assert len(received) == entry.bytes_sent > 200_000
    assert received.count(b'"delta":{"content":"') == entry.chunks_sent
    assert received.endswith(b"data: [DONE]\n\n")


async def test_latency_by_header_is_kept_to(http: aiohttp.ClientSession, app: Simulator) -> None:
    headers = {"x-simulate-latency": "first=0.1,between=0.01"}
    async with http.post(CHAT, json=body(max_tokens=10), headers=headers) as response:
        await response.read()
    assert (await ended(app)).total_s == pytest.approx(0.19, abs=0.09)


async def test_faults_are_switched_on_for_a_model_and_off_again(
    http: aiohttp.ClientSession,
) -> None:
    async def status() -> tuple[int, str | None]:
        async with http.post(CHAT, json=body(stream=False)) as response:
            return response.status, response.headers.get("retry-after-ms")

    control = {"model": "swift-mini", "fault": "rate_limited", "retry_after": 1.25, "count": 2}
    async with http.put("/simulate/faults", json=control) as response:
        assert response.status == 200
    assert [await status() for _ in range(3)] == [(429, "1250"), (429, "1250"), (200, None)]
    lasting = {"model": "swift-mini", "fault": "status", "status": 503}
    for withdraw in ({"model": "swift-mini", "fault": None}, None):
        async with http.put("/simulate/faults", json=lasting):
            assert [await status() for _ in range(2)] == [(503, None)] * 2
        if withdraw:
            await http.put("/simulate/faults", json=withdraw)
        else:
            await http.delete("/simulate/faults")
        assert await status() == (200, None)


async def test_a_wrong_order_is_refused(http: aiohttp.ClientSession) -> None:
    for control, status in [
        ({"model": "nobody", "fault": "cut"}, 404),
        ({"model": "swift-mini", "fault": "earthquake"}, 400),
        ({"model": "swift-mini", "fault": "cut", "when": 1}, 400),
        ({"model": "swift-mini", "fault": "cut", "count": 0}, 400),
        ({"model": "swift-mini", "fault": "status", "status": 200}, 400),
    ]:
        async with http.put("/simulate/faults", json=control) as response:
            assert response.status == status
            assert (await response.json())["error"]["message"]


async def test_the_log_shows_what_came_without_credentials(http: aiohttp.ClientSession) -> None:
    headers = {"authorization": "Bearer secret-key", "x-custom": "kept"}
    async with http.post(CHAT, json=body(stream=False), headers=headers) as response:
        await response.read()
    async with http.get("/simulate/log") as response:
        log = await response.json()
    (entry,) = log["requests"]
    assert entry["headers"]["x-custom"] == "kept"
    assert "secret-key" not in json.dumps(log)
    assert json.loads(entry["body"]) == body(stream=False)
    assert entry["body_bytes"] == len(entry["body"])
    assert (entry["model"], entry["status"], entry["ended"]) == ("swift-mini", 200, "complete")
    await http.delete("/simulate/log")
    async with http.get("/simulate/log") as response:
        assert (await response.json())["requests"] == []


async def test_it_says_that_it_lives_and_what_it_does_not_know(
    http: aiohttp.ClientSession,
) -> None:
    async with http.get("/livez") as response:
        assert await response.json() == {"status": "ok"}
    async with http.get("/nowhere") as response:
        assert response.status == 404
    async with http.post(CHAT, data=b"{") as response:
        assert response.status == 400
    async with http.post(CHAT, json={"messages": []}) as response:
        assert (await response.json())["error"]["param"] == "model"


async def test_a_body_beyond_all_measure_is_refused(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MOST_BODY_BYTES", 1000)
    async with http.post("/simulate/log", data=b"x" * 2000) as response:
        assert response.status == 413


async def test_a_client_that_leaves_before_its_body_is_complete_is_seen(
    base_url: str, http: aiohttp.ClientSession, app: Simulator
) -> None:
    host, port = base_url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await ended(app)).hung_up
