"""Is a response read to its honest end, whatever its form, and refused when it has none?"""

from __future__ import annotations

import asyncio
import gzip
import random
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from channels import OK, answer_to, asked, body_of, channel, fault_in, says, until
from raw_upstream import END, Request, Wire, framed
from reaching import saying, saying_then_closing

from pointsman.adapters.providers import unpacking
from pointsman.adapters.providers.http_heads import address_of
from pointsman.adapters.providers.transport import Channel
from pointsman.core.errors import FailureKind as Kind
from pointsman.core.errors import UpstreamError

CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "parts",
    [
        [says(b"hello")],
        [CHUNKED + framed(b"hel") + framed(b"lo") + END],
        [CHUNKED, b"3;ext=1\r\nhel\r\n2\r\nlo\r\n0\r\ntrailer: x\r\n\r\n"],
        [b"HTTP/1.1 100 Continue\r\n\r\n", says(b"hello")],
        [b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 100 C\r\n\r\n" + says(b"hello")],
        [OK + b"\r\nhel", b"lo"],
        [b"HTTP/1.0 200 OK\r\n\r\nhello"],
        [b"HTTP/1.1 200\r\n\r\nhello"],
    ],
    ids=["length", "chunks", "trailer", "interim", "interims", "until-end", "1.0", "bare"],
)
async def test_a_body_is_whole_in_every_form(parts: list[bytes]) -> None:
    single_bytes = [bytes([byte]) for part in parts for byte in part]
    for said in (parts, single_bytes):
        async with channel(saying_then_closing(*said)) as (made, _):
            assert await answer_to(made) == b"hello"


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
async def test_a_status_without_a_body_needs_no_length(status: bytes) -> None:
    async with channel(saying(b"HTTP/1.1 " + status + b"\r\n\r\n")) as (made, up):
        for _ in range(2):
            assert await answer_to(made) == b""
        assert up.connections == 1


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (b"", Kind.RESET),
        (b"HTTP/1.1 200 OK\r\nconte", Kind.RESET),
        (OK + b"content-length: 6\r\n\r\nhello", Kind.TRUNCATED),
        (CHUNKED + b"6\r\nhello", Kind.TRUNCATED),
        (CHUNKED + framed(b"hello"), Kind.TRUNCATED),
        (CHUNKED + framed(b"hello") + b"0\r\n", Kind.TRUNCATED),
        (CHUNKED + b"zz\r\n", Kind.MALFORMED),
        (b"SSH-2.0-OpenSSH_9.6\r\n", Kind.MALFORMED),
        (b"HTTP/1.1 20x OK\r\n\r\n", Kind.MALFORMED),
        (OK + b"no colon\r\n\r\n", Kind.MALFORMED),
        (OK + b"content-length: 1, 2\r\n\r\n", Kind.MALFORMED),
        (OK + b"content-length: 1\r\ncontent-length: 2\r\n\r\n", Kind.MALFORMED),
        (OK + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n", Kind.MALFORMED),
        (OK + b"transfer-encoding: gzip, chunked\r\n\r\n", Kind.MALFORMED),
        (b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", Kind.MALFORMED),
        (OK + b"x: " + b"y" * 100_000 + b"\r\n\r\n", Kind.MALFORMED),
        (OK + b"x: y\r\n" * 1_000 + b"\r\n", Kind.MALFORMED),
    ],
)
async def test_a_response_that_is_cut_or_no_http_is_never_taken_for_one(
    said: bytes, kind: Kind
) -> None:
    async with channel(saying_then_closing(said)) as (made, up):
        fault = await fault_in(made)
        assert fault.kind is kind
        assert up.url.removeprefix("http://") in fault.message


@pytest.mark.parametrize(
    "start",
    [OK + b"x: ", b"HTTP/1.1 103 E\r\n\r\n" + OK + b"x: ", CHUNKED + framed(b"a") + b"0\r\nx: "],
)
async def test_a_head_or_trailer_without_end_is_refused(start: bytes) -> None:
    async def script(_: Request, wire: Wire) -> None:
        await wire.send(start)
        while True:
            await wire.send(b"y" * 10_000)

    async with channel(script) as (made, _):
        assert (await fault_in(made)).kind is Kind.MALFORMED


async def test_what_came_before_a_cut_can_be_read() -> None:
    async with channel(saying_then_closing(says(b"hello")[:-2])) as (made, _):
        response = await asked(made)
        await asyncio.sleep(0.02)
        assert await response.read_some() == b"hel"


# Compressed, although nobody asked for it


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        (b"gzip", gzip.compress(b"hello")),
        (b"X-GZIP", gzip.compress(b"hel") + gzip.compress(b"lo")),
        (b"deflate", zlib.compress(b"hello")),
        (b"deflate", _raw_deflate(b"hello")),
        (b"identity", b"hello"),
    ],
    ids=["gzip", "two-members", "deflate", "bare-deflate", "identity"],
)
async def test_a_compressed_body_is_unpacked_as_it_comes(coding: bytes, packed: bytes) -> None:
    parts = [framed(bytes([byte])) for byte in packed]
    head = OK + b"transfer-encoding: chunked\r\ncontent-encoding: " + coding + b"\r\n\r\n"
    async with channel(saying(head, *parts, END)) as (made, _):
        assert await answer_to(made) == b"hello"
    whole = says(packed, b"content-encoding: " + coding)
    async with channel(saying(whole)) as (made, _):
        assert await answer_to(made) == b"hello"


@pytest.mark.parametrize(
    ("coding", "body", "kind"),
    [
        (b"gzip", gzip.compress(b"hello")[:-3], Kind.TRUNCATED),
        (b"gzip", b"hello", Kind.MALFORMED),
        (b"gzip", gzip.compress(b"hello") + b"more", Kind.MALFORMED),
        (b"br", b"\x0b\x02\x80hello\x03", Kind.MALFORMED),
        (b"zstd", b"(\xb5/\xfd", Kind.MALFORMED),
    ],
    ids=["cut", "not-packed", "more-behind", "brotli", "zstandard"],
)
async def test_what_cannot_be_unpacked_is_a_failure(coding: bytes, body: bytes, kind: Kind) -> None:
    async with channel(saying(says(body, b"content-encoding: " + coding))) as (made, _):
        fault = await fault_in(made)
    assert fault.kind is kind
    assert kind is Kind.TRUNCATED or coding.decode() in fault.message


async def test_an_empty_body_is_empty_in_every_coding() -> None:
    async with channel(saying(says(b"", b"content-encoding: br"))) as (made, _):
        assert await answer_to(made) == b""


async def test_a_small_body_does_not_unpack_without_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "_MOST_BYTES", 2_000_000)
    monkeypatch.setattr(unpacking, "_MOST_RATIO", 10_000)
    bomb = says(gzip.compress(b" " * 5_000_000), b"content-encoding: gzip")
    async with channel(saying(bomb)) as (made, _):
        response = await asked(made)
        assert len(await response.read_some()) <= 64 * 1024
        assert (await fault_in(made)).kind is Kind.MALFORMED


@pytest.mark.parametrize(
    "packed",
    [gzip.compress(b" " * 20_000_000), gzip.compress(b"") * 10_000],
    ids=["ratio", "empty"],
)
async def test_little_that_unpacks_to_much_or_nothing_is_refused(packed: bytes) -> None:
    async with channel(saying(says(packed, b"content-encoding: gzip"))) as (made, _):
        assert (await fault_in(made)).kind is Kind.MALFORMED


async def test_others_have_their_turn_while_a_body_is_unpacked() -> None:
    body = random.Random(1).randbytes(20_000) * 100
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    packed = says(gzip.compress(body), b"content-encoding: gzip")
    async with channel(saying(packed)) as (made, _):
        response = await asked(made)
        counting = asyncio.create_task(count())
        assert await body_of(response) == body
        counting.cancel()
    assert turns >= len(body) // (64 * 1024)


# Flow


async def test_an_upstream_that_is_faster_than_its_reader_is_held_back() -> None:
    sent = 0

    async def script(_: Request, wire: Wire) -> None:
        nonlocal sent
        await wire.send(CHUNKED)
        for _chunk in range(2_000):
            await wire.send(framed(b"x" * 10_000))
            sent += 10_000
        await wire.send(END)

    async with channel(script) as (made, up):
        response = await asked(made)
        await asyncio.sleep(0.3)
        held_back_at = sent
        assert response.buffered_bytes < 2_000_000
        assert held_back_at < 19_000_000
        assert len(await body_of(response)) == sent == 20_000_000
        assert len(await answer_to(made)) == 20_000_000
        assert up.connections == 1


async def test_a_large_body_is_sent_as_fast_as_it_is_read() -> None:
    body = random.Random(7).randbytes(5_000_000)

    async def slowly(request: Request, wire: Wire) -> None:
        assert request.body == body
        await wire.send(says(b"ok"))

    async with channel(slowly) as (made, up):
        for _ in range(2):
            assert await answer_to(made, body) == b"ok"
        assert up.connections == 1


Served = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def channel_to(served: Served) -> AsyncIterator[Channel]:
    """A channel to an upstream that need not read what it is sent."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        try:
            await served(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    made = Channel(address_of(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"), {})
    try:
        yield made
    finally:
        await made.close()
        server.close()
        await server.wait_closed()


async def _hang_up(reader: asyncio.StreamReader) -> None:
    """Read until the other side has hung up."""
    try:
        while await reader.read(1_000_000):
            pass
    except ConnectionError:
        pass


async def test_an_upstream_that_answers_before_it_has_read_all_is_heard() -> None:
    connections = 0
    hung_up = asyncio.Event()

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig")
        await asyncio.sleep(0.05)
        await _hang_up(reader)
        hung_up.set()

    async with channel_to(refuse) as made:
        for _ in range(2):
            response = await asyncio.wait_for(asked(made, b"x" * 50_000_000), 5)
            assert (response.status, await body_of(response)) == (413, b"big")
        await until(hung_up)
        # What is left of the body can never be taken for the next request.
        assert connections == 2


async def test_a_peer_that_stops_reading_can_be_given_up() -> None:
    accepted, given_up, hung_up = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def stare(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        accepted.set()
        await given_up.wait()
        await _hang_up(reader)
        hung_up.set()

    async with channel_to(stare) as made:
        asking = asyncio.create_task(asked(made, b"x" * 50_000_000))
        await until(accepted)
        await asyncio.sleep(0.05)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        given_up.set()
        await until(hung_up)


async def test_a_peer_that_breaks_off_in_the_middle_of_a_large_body_is_told() -> None:
    async def leave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with channel_to(leave) as made:
        with pytest.raises(UpstreamError) as caught:
            await asked(made, b"x" * 50_000_000)
        assert caught.value.kind is Kind.RESET
