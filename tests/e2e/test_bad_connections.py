"""What becomes of a connection that is too slow, too large, too many, or not HTTP at all?"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, suppress
from typing import Any

import pytest
from fleets import fleet
from gateway_process import Answer, GatewayProcess, chat_body, wait_until
from raw_client import CHAT, RawClient, chat_bytes, connected, request_bytes, unchunked
from simulated_upstream import SimulatedUpstream

LIMITS: dict[str, Any] = {
    "max_body_bytes": 8_192,
    "max_header_bytes": 4_096,
    "header_timeout_s": 0.3,
    "body_timeout_s": 0.3,
    "idle_timeout_s": 0.5,
    "max_connections": 24,
}
HELLO = json.dumps(chat_body()).encode()


@pytest.fixture(scope="module")
def strict_gateway(
    simulator: SimulatedUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    folder = tmp_path_factory.mktemp("strict")
    with GatewayProcess(folder, fleet(simulator.url, limits=LIMITS)) as gateway:
        yield gateway


@pytest.fixture
async def strict(strict_gateway: GatewayProcess) -> AsyncIterator[GatewayProcess]:
    """A gateway with low limits, which must serve on after each test."""
    yield strict_gateway
    assert (await asyncio.to_thread(strict_gateway.chat)).status == 200
    assert "failed inside" not in strict_gateway.log


def parsed(data: bytes) -> Answer:
    """The one answer in `data`, after which the connection was closed."""
    head, _, _ = data.partition(b"\r\n\r\n")
    lines = [line.partition(b": ") for line in head.split(b"\r\n")[1:]]
    headers = {name.decode().lower(): value.decode() for name, _, value in lines}
    assert {"x-request-id", "date"} <= headers.keys(), data
    status, body, ended_well = unchunked(data)
    assert ended_well, data
    return Answer(status, headers, body)


async def answered(client: RawClient, data: bytes) -> Answer:
    """The answer to `data`; the connection ends with it."""
    await client.send(data)
    return parsed(await client.rest())


CLOSE = {"connection": "close"}
BEFORE = {"x-request-id": "before"}

NOT_HTTP = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,
    b"hello\r\n\r\n",
    b"GET\r\n\r\n",
    b"\x00" * 100 + b"\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"POST / HTTP/1.1\r\nno colon here\r\n\r\n",
    request_bytes(HELLO, {"content-length": "-5"}),
    request_bytes(HELLO, {"content-length": "many"}),
    request_bytes(HELLO, {"transfer-encoding": "chunked"}),
    request_bytes(HELLO, {"x-request-id": "a\r\n b"}).replace(b"\r\n b", b"\x00b"),
]


@pytest.mark.parametrize("data", NOT_HTTP, ids=lambda data: repr(data)[:30])
async def test_what_is_not_http_is_refused_in_the_usual_shape(
    strict: GatewayProcess, data: bytes
) -> None:
    async with connected(strict) as client:
        answer = await answered(client, data)
    assert answer.status == 400
    assert answer.error["code"] == "invalid_http"
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET / HTTP/1.1\r\nx-request-id: mine-1\r\nx: y\r\nno colon here\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nx-request-id: mine-1\r\n" + b"x: y\r\n" * 800, 431),
        (b"GET / HTTP/1.1\r\nx-request-id: mine-1\r\nhost:", 408),
    ],
    ids=["no HTTP", "too large", "too slow"],
)
async def test_what_is_refused_before_it_is_a_request_keeps_its_id_and_is_found_in_the_log(
    strict: GatewayProcess, data: bytes, status: int
) -> None:
    before = len(strict.log)
    async with connected(strict) as client:
        # What went before on the connection has lent it nothing.
        await client.send(request_bytes(b"", BEFORE, line="GET /livez HTTP/1.1"))
        await client.until(b"}")
        answer = await answered(client, data)
    assert (answer.status, answer.headers["x-request-id"]) == (status, "mine-1")
    await asyncio.to_thread(wait_until, lambda: '"request_id": "mine-1"' in strict.log[before:])


async def test_what_says_no_id_of_its_own_is_given_one(strict: GatewayProcess) -> None:
    given = []
    for _ in range(2):
        async with connected(strict) as client:
            await client.send(request_bytes(b"", BEFORE, line="GET /livez HTTP/1.1"))
            await client.until(b"}")
            given.append((await answered(client, b"hello\r\n\r\n")).headers["x-request-id"])
    first, second = given
    assert len({first, second, "before"}) == 3
    assert first[:4] == second[:4] == "req_"


@pytest.mark.parametrize("headers", [{"x-a": "y" * 5_000}, {f"x-{n}": "y" for n in range(900)}])
async def test_a_head_over_the_limit_is_refused(
    strict: GatewayProcess, headers: dict[str, str]
) -> None:
    async with connected(strict) as client:
        answer = await answered(client, request_bytes(HELLO, headers))
    assert (answer.status, answer.error["code"]) == (431, "headers_too_large")


async def test_a_head_that_never_ends_is_refused_at_the_limit(strict: GatewayProcess) -> None:
    async with connected(strict) as client:
        answer = await answered(client, b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 800)
    assert answer.status == 431


async def test_a_body_over_the_limit_is_refused_by_its_length(strict: GatewayProcess) -> None:
    async with connected(strict) as client:
        await client.send(request_bytes(b"{", {"content-length": "1000000"}))
        refusal = await client.until(b"}}")
        assert refusal.startswith(b"HTTP/1.1 413 ")
        assert b"request_too_large" in refusal
        assert b"8192 bytes" in refusal
        assert await client.rest() == b""


async def test_a_body_over_the_limit_is_refused_when_it_comes_in_chunks(
    strict: GatewayProcess,
) -> None:
    line = f"POST {CHAT} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
    async with connected(strict) as client:
        await client.send(line.encode() + (b"400\r\n" + b" " * 1024 + b"\r\n") * 9)
        assert (await client.until(b"}}")).startswith(b"HTTP/1.1 413 ")


async def test_a_body_without_end_is_not_read_for_ever(strict: GatewayProcess) -> None:
    line = f"POST {CHAT} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
    async with connected(strict) as client:
        await client.send(line.encode())
        sent, far_too_much = 0, 50_000_000
        with suppress(ConnectionError):
            while sent < far_too_much:
                await client.send(b"400\r\n" + b" " * 1024 + b"\r\n")
                sent += 1024
        assert sent < far_too_much


def test_who_sends_a_huge_body_before_it_reads_hears_the_reason(
    gateway: GatewayProcess,
) -> None:
    answer = gateway.chat(user="x" * (30 << 20))
    assert (answer.status, answer.error["code"]) == (413, "request_too_large")
    assert gateway.chat().status == 200


async def test_a_body_in_chunks_within_the_limit_is_served(strict: GatewayProcess) -> None:
    head = f"POST {CHAT} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in HELLO) + b"0\r\n\r\n"
    async with connected(strict) as client:
        data = head.encode() + b"transfer-encoding: chunked\r\n\r\n" + chunks
        assert (await answered(client, data)).status == 200


@pytest.mark.parametrize("sent", [b"P", b"POST / HTTP/1.1\r\nhost: local"])
async def test_a_head_that_does_not_arrive_is_timed_out(
    strict: GatewayProcess, sent: bytes
) -> None:
    async with connected(strict) as client:
        answer = await answered(client, sent)
    assert (answer.status, answer.error["code"]) == (408, "request_timeout")
    assert "head" in answer.error["message"]


async def test_a_head_that_drips_is_timed_out(strict: GatewayProcess) -> None:
    async with connected(strict) as client:
        await client.send(b"GET / HTTP/1.1\r\nx: ")

        async def drip() -> None:
            while True:
                await client.send(b"x")
                await asyncio.sleep(0.02)  # this is what a slow client does

        dripping = asyncio.create_task(drip())
        answer = parsed(await client.rest())
        dripping.cancel()
        await asyncio.gather(dripping, return_exceptions=True)
    assert answer.status == 408


async def test_a_body_that_does_not_arrive_is_timed_out(strict: GatewayProcess) -> None:
    async with connected(strict) as client:
        answer = await answered(client, request_bytes(HELLO, {"content-length": "5000"}))
    assert (answer.status, answer.error["code"]) == (408, "request_timeout")
    assert "body" in answer.error["message"]


async def test_a_caller_that_leaves_in_its_own_body_is_no_error(strict: GatewayProcess) -> None:
    seen = len(strict.log)
    async with connected(strict) as client:
        await client.send(request_bytes(HELLO, {"content-length": "5000"}))
    assert (await asyncio.to_thread(strict.chat)).status == 200
    assert "Traceback" not in strict.log[seen:]


async def test_a_connection_that_says_nothing_is_closed(strict: GatewayProcess) -> None:
    async with connected(strict) as client:
        assert await client.rest() == b""


async def test_a_connection_that_falls_silent_is_closed(strict: GatewayProcess) -> None:
    async with connected(strict) as client:
        assert (await answered(client, chat_bytes())).status == 200


async def test_requests_sent_ahead_are_answered_in_their_order(strict: GatewayProcess) -> None:
    async with connected(strict) as client:
        last = chat_bytes({"x-request-id": "three", **CLOSE})
        middle = chat_bytes({"x-request-id": "two"}, stream=True)
        await client.send(chat_bytes({"x-request-id": "one"}) + middle + last)
        data = await client.rest()
    places = [data.index(b"x-request-id: " + name) for name in (b"one", b"two", b"three")]
    assert places == sorted(places)
    assert data.count(b"HTTP/1.1 200 OK") == 3


async def test_http_1_0_is_answered_and_closed(strict: GatewayProcess) -> None:
    async with connected(strict) as client:
        answer = await answered(client, request_bytes(HELLO, line=f"POST {CHAT} HTTP/1.0"))
    assert answer.status == 200
    assert json.loads(answer.body)["choices"]


async def test_who_waits_for_leave_to_send_its_body_gets_it(strict: GatewayProcess) -> None:
    async with connected(strict) as client:
        whole = request_bytes(HELLO, {"expect": "100-continue", **CLOSE})
        await client.send(whole.removesuffix(HELLO))
        assert b"100 Continue" in await client.until(b"\r\n\r\n")
        assert (await answered(client, HELLO)).status == 200


async def test_a_flood_of_connections_is_turned_away_with_a_reason(
    strict: GatewayProcess,
) -> None:
    async with AsyncExitStack() as all_others:
        for _ in range(LIMITS["max_connections"]):
            client = await all_others.enter_async_context(connected(strict))
            await client.send(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n")
            assert b"live" in await client.until(b"}")
        async with connected(strict) as client:
            answer = parsed(await client.rest())
    assert (answer.status, answer.error["code"]) == (503, "too_many_connections")
    assert answer.headers["retry-after"] == "1"


STRANGERS = [
    {"host": "evil.example"},
    {"host": "127.0.0.1.evil.example"},
    {"host": "localhost.evil.example:80"},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"host": "localhost", "origin": "http://192.168.1.1"},
    {"host": "[::ffff:8.8.8.8]"},
]
NEIGHBOURS = [
    {"host": "localhost:8080"},
    {"host": "[::1]:8080"},
    {"host": "127.8.9.1"},
    {"origin": "http://localhost:3000"},
    {"host": "app.localhost", "origin": "http://127.0.0.1"},
]


@pytest.mark.parametrize("headers", STRANGERS, ids=str)
async def test_without_keys_no_page_of_a_stranger_is_served(
    strict: GatewayProcess, headers: dict[str, str]
) -> None:
    async with connected(strict) as client:
        answer = await answered(client, chat_bytes({**headers, **CLOSE}))
    assert (answer.status, answer.error["code"]) == (403, "loopback_only")


@pytest.mark.parametrize("headers", NEIGHBOURS, ids=str)
async def test_without_keys_this_machine_is_served_under_any_of_its_names(
    strict: GatewayProcess, headers: dict[str, str]
) -> None:
    async with connected(strict) as client:
        assert (await answered(client, chat_bytes({**headers, **CLOSE}))).status == 200


CHUNKED = {"transfer-encoding": "chunked"}


def chunked_request(trailers: bytes = b"", **headers: str) -> bytes:
    fields = {"host": "127.0.0.1", **CHUNKED, **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode()
    body = b"%x\r\n%b\r\n0\r\n%b\r\n" % (len(HELLO), HELLO, trailers)
    return f"POST {CHAT} HTTP/1.1\r\n".encode() + head + b"\r\n" + body


async def test_fields_behind_a_body_are_not_taken_for_headers(strict: GatewayProcess) -> None:
    async with connected(strict) as client:
        await client.send(chunked_request(b"host: evil.example\r\nx-request-id: mine\r\n"))
        head = await client.until(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert b"x-request-id: mine" not in head


async def test_endless_fields_behind_a_body_end_the_connection(strict: GatewayProcess) -> None:
    async with connected(strict) as client:
        flood = b"".join(b"x%d: y\r\n" % n for n in range(2_000))
        with suppress(ConnectionError):
            await client.send(chunked_request(flood))
        said = await client.rest()
    assert b"HTTP/1.1 431" in said or b"HTTP/1.1 200" in said
    assert said.count(b"HTTP/1.1") <= 2


async def test_requests_queue_on_one_connection_only_up_to_a_bound(strict: GatewayProcess) -> None:
    async with connected(strict) as client:
        with suppress(ConnectionError):
            await client.send(b"GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n" * 1_000)
        said = await client.rest()
    assert said.count(b"HTTP/1.1 200") <= 17
    assert b"HTTP/1.1 429" in said


@pytest.mark.parametrize("apart", [False, True])
async def test_an_offer_to_upgrade_is_ignored(strict: GatewayProcess, apart: bool) -> None:
    """As the HTTP client of Java makes it with every request."""
    offer = {
        "connection": "Upgrade, HTTP2-Settings",
        "upgrade": "h2c",
        "http2-settings": "AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA",
    }
    head, end, body = request_bytes(HELLO, offer).partition(b"\r\n\r\n")
    async with connected(strict) as client:
        await client.send(head + end)
        if apart:
            await asyncio.sleep(0.05)
        await client.send(body)
        assert (await client.until(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("cut", [1, 4, 9])
async def test_an_offer_that_two_packets_share_is_ignored(strict: GatewayProcess, cut: int) -> None:
    data = request_bytes(HELLO, {"connection": "Upgrade", "upgrade": "h2c"})
    place = data.index(b"\r\nupgrade:") + cut
    async with connected(strict) as client:
        await client.send(data[:place])
        await asyncio.sleep(0.05)
        await client.send(data[place:])
        assert (await client.until(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")


async def test_a_transfer_coding_that_is_not_understood_is_refused(strict: GatewayProcess) -> None:
    async with connected(strict) as client:
        await client.send(chunked_request().replace(b": chunked", b": gzip, chunked"))
        assert (await client.until(b"\r\n\r\n")).startswith(b"HTTP/1.1 415")


@pytest.mark.parametrize("path", ["/v1/models", "/livez", "/"])
@pytest.mark.parametrize("hosts", [0, 2])
async def test_a_request_that_does_not_name_one_host_is_refused(
    strict: GatewayProcess, path: str, hosts: int
) -> None:
    named = "host: localhost\r\n" * hosts
    data = f"GET {path} HTTP/1.1\r\n{named}connection: close\r\n\r\n"
    async with connected(strict) as client:
        answer = await answered(client, data.encode())
    assert (answer.status, answer.error["code"]) == (400, "invalid_http")
    assert "Host" in answer.error["message"]


async def test_http_1_0_need_not_name_its_host(strict: GatewayProcess) -> None:
    async with connected(strict) as client:
        answer = await answered(client, b"GET /livez HTTP/1.0\r\n\r\n")
    assert answer.status == 200
