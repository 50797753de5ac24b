"""Can one request be taken for two, by us or by a proxy before us that reads it differently?

What could be read in two ways is refused and the connection closed, so that nothing which stands
behind it is ever taken for a request (RFC 9112, 11.2).
"""

from __future__ import annotations

import json

import pytest
from gateway_process import GatewayProcess, chat_body
from raw_client import CHAT, connected

BODY = json.dumps(chat_body()).encode()
SIZE = str(len(BODY))
HIDDEN = b"GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
NOTHING = b"0\r\n\r\n"

FRAMED_IN_TWO_WAYS = {
    "both, the length first": (["content-length: 4", "transfer-encoding: chunked"], NOTHING),
    "both, the chunks first": ([f"transfer-encoding: chunked\r\ncontent-length: {SIZE}"], BODY),
    "two lengths": ([f"content-length: {SIZE}", "content-length: 0"], BODY),
    "the same length twice": ([f"content-length: {SIZE}"] * 2, BODY),
    "a list of lengths": ([f"content-length: {SIZE}, {SIZE}"], BODY),
    "a length with a sign": ([f"content-length: +{SIZE}"], BODY),
    "a length below nought": (["content-length: -1"], BODY),
    "a length in hexadecimal": (["content-length: 0x10"], BODY),
    "a length with a gap": (["content-length: 1 0"], BODY),
    "no number for a length": (["content-length: "], BODY),
    "a length beyond all numbers": (["content-length: " + "9" * 30], BODY),
    "chunks twice": (["transfer-encoding: chunked"] * 2, NOTHING),
    "chunks not last": (["transfer-encoding: chunked, identity"], NOTHING),
    "no coding at all": ([f"transfer-encoding: identity\r\ncontent-length: {SIZE}"], BODY),
    "nearly chunks": (["transfer-encoding: xchunked"], NOTHING),
    "chunks behind a control character": (["transfer-encoding: \x0bchunked"], NOTHING),
}
LINES_IN_TWO_WAYS = {
    "a folded line": (["x-a: b\r\n c", f"content-length: {SIZE}"], BODY),
    "a folded coding": (["transfer-encoding:\r\n chunked"], NOTHING),
    "a gap before the colon": ([f"content-length : {SIZE}"], BODY),
    "a gap in a name": (["x y: 1", f"content-length: {SIZE}"], BODY),
    "a line feed alone": (["x: y\nz: w", f"content-length: {SIZE}"], BODY),
    "a carriage return alone": (["x: y\rz: w", f"content-length: {SIZE}"], BODY),
    "a zero byte": (["x: y\0", f"content-length: {SIZE}"], BODY),
}
CHUNKED = ["transfer-encoding: chunked"]
CHUNKS_IN_TWO_WAYS = {
    "a line feed in an extension": (CHUNKED, b"5;a\nb\r\nhello\r\n0\r\n\r\n"),
    "a line feed behind a size": (CHUNKED, b"5\nhello\r\n0\r\n\r\n"),
    "a size with 0x": (CHUNKED, b"0x5\r\nhello\r\n0\r\n\r\n"),
    "a size below nought": (CHUNKED, b"-5\r\nhello\r\n0\r\n\r\n"),
    "a size beyond all numbers": (CHUNKED, b"f" * 17 + b"\r\nhello\r\n0\r\n\r\n"),
    "a size with a gap": (CHUNKED, b"5 \r\nhello\r\n0\r\n\r\n"),
    "more than the size": (CHUNKED, b"5\r\nhello world\r\n0\r\n\r\n"),
}
IN_TWO_WAYS = {**FRAMED_IN_TWO_WAYS, **LINES_IN_TWO_WAYS, **CHUNKS_IN_TWO_WAYS}


async def statuses(gateway: GatewayProcess, sent: bytes) -> list[int]:
    """The status of every answer until the gateway closes the connection."""
    async with connected(gateway) as client:
        await client.send(sent)
        said = await client.rest()
    lines = (line for line in said.split(b"\r\n") if line.startswith(b"HTTP/1.1 "))
    return [int(line.split()[1]) for line in lines]


def posted(lines: list[str], body: bytes) -> bytes:
    head = "".join(f"{line}\r\n" for line in (f"POST {CHAT} HTTP/1.1", "host: 127.0.0.1", *lines))
    return head.encode("latin-1") + b"\r\n" + body


@pytest.mark.parametrize(("lines", "body"), IN_TWO_WAYS.values(), ids=IN_TWO_WAYS)
async def test_what_can_be_read_in_two_ways_is_refused_and_ends_the_connection(
    gateway: GatewayProcess, lines: list[str], body: bytes
) -> None:
    assert await statuses(gateway, posted(lines, body) + HIDDEN) == [400]


async def test_a_head_in_line_feeds_alone_is_refused(gateway: GatewayProcess) -> None:
    sent = posted([f"content-length: {SIZE}"], b"").replace(b"\r\n", b"\n") + BODY
    assert await statuses(gateway, sent + HIDDEN) == [400]


async def test_who_shows_two_keys_is_refused(gateway: GatewayProcess) -> None:
    """A proxy that checks the first must not let the second in."""
    lines = ["authorization: Bearer a", "authorization: Bearer b", "connection: close"]
    assert await statuses(gateway, posted([*lines, f"content-length: {SIZE}"], BODY)) == [400]


@pytest.mark.parametrize("version", ["2.0", "1.9", "0.9"])
async def test_another_version_of_http_is_refused(gateway: GatewayProcess, version: str) -> None:
    sent = HIDDEN.replace(b"HTTP/1.1", f"HTTP/{version}".encode())
    assert await statuses(gateway, sent) == [400]


NO_HOSTS = (
    *("evil.example@localhost", "user@evil.example", "localhost/evil", "http://localhost"),
    *("localhost, evil.example", "localhost#x", "localhost?x", "local host", "<localhost>"),
    "localhost\\@evil.example",
)
HOSTS = ("localhost", "LOCALHOST:80", "127.0.0.1:8080", "[::1]:8080", "a.localhost")


@pytest.mark.parametrize(
    ("host", "status"), [*((host, 400) for host in NO_HOSTS), *((host, 200) for host in HOSTS)]
)
async def test_what_is_more_than_a_host_and_a_port_is_refused(
    gateway: GatewayProcess, host: str, status: int
) -> None:
    """What stands before or behind it, or a second one, would be read in two ways."""
    sent = f"GET /livez HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
    assert await statuses(gateway, sent.encode()) == [status]
