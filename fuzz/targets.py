"""What must hold, whatever bytes come?

They come of upstreams, of callers, of files and of the database. A target takes bytes and raises
nothing. What the code promises to raise for bad input is its answer; anything else is a defect, and
so is an answer that depends on where a packet ends.
"""

from __future__ import annotations

import asyncio
import re
import struct
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from types import MappingProxyType

import msgspec
from uvicorn.server import ServerState

from fuzz.transports import Kept, given, in_pieces
from pointsman.adapters.http.bounds import EdgeLimits
from pointsman.adapters.http.edge import edge_protocol
from pointsman.adapters.http.exchange import Exchange
from pointsman.adapters.http.wire import chat_request
from pointsman.adapters.providers.breaks import Broken
from pointsman.adapters.providers.chunks import ChunkTranslator, whole_stream
from pointsman.adapters.providers.completion import as_document, as_events
from pointsman.adapters.providers.events import EventDecoder
from pointsman.adapters.providers.failures import ODD, words_of
from pointsman.adapters.providers.http_connection import HttpConnection
from pointsman.adapters.providers.splice import Naming, Splicer
from pointsman.adapters.providers.usage import normalised
from pointsman.adapters.stores.assignment_rows import unpacked
from pointsman.app.config import parse
from pointsman.core.errors import ConfigError, RequestError, UpstreamError
from pointsman.core.period import Period
from pointsman.core.quantiles import Sketch

_LOOP = asyncio.new_event_loop()
_STATUS = re.compile(rb"HTTP/1\.1 \d{3} ")
_FINAL = re.compile(rb"HTTP/1\.1 [2-5]\d\d ")
_DAMAGED = (ValueError, IndexError, OverflowError, struct.error, zlib.error, msgspec.MsgspecError)
"""What reading a packed figure raises when its bytes are not those that were written."""


class _Noon:
    def now(self) -> datetime:
        return datetime(2026, 11, 23, 12, tzinfo=UTC)

    def monotonic(self) -> float:
        return 1000.0

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0 * seconds)


def events(data: bytes) -> None:
    """Server-sent events are the same wherever a read ends."""

    def read(*reads: bytes) -> tuple[list[bytes], str]:
        decoder, found = EventDecoder(limit=65_536), []
        try:
            for each in reads:
                found += decoder.feed(each)
            found += decoder.finish()
        except UpstreamError as error:
            return [], error.kind.name
        return found, ""

    assert read(data) == read(*in_pieces(data))
    assert read(data)[0] == [] or b"\r" not in b"".join(read(data)[0])


def chat(data: bytes) -> None:
    """A request is read, or refused; what is passed on is JSON again."""
    try:
        request = chat_request(data, previewed=True)
    except RequestError as error:
        assert error.message
        return
    parts = (msgspec.json.encode(name) + b":" + raw for name, raw in request.fields.items())
    whole = b"{" + b",".join(parts) + b"}"
    with suppress(RequestError):  # what stood in `models` or `messages` may be all there was
        chat_request(whole)


def _naming() -> Naming:
    return Naming("house/fine-1", "req_1", _Noon())


def _translator() -> ChunkTranslator:
    return ChunkTranslator(Splicer(_naming()), done_required=True)


def answers(data: bytes) -> None:
    """An upstream's answer, plain or streamed, is passed on or fails with a kind."""
    for read in (as_document, as_events):
        with suppress(UpstreamError, *ODD):  # who reads these takes ODD for a failure of theirs
            piece = read(data, _naming())
            assert piece.data
    with suppress(UpstreamError):
        piece = whole_stream(data, _translator())
        assert piece.data.endswith(b"\n\n") or not piece.data
    words = words_of(data)
    assert words is not None
    with suppress(msgspec.DecodeError):
        normalised(data)


def streams(data: bytes) -> None:
    """A stream fails or ends alike wherever a read ends."""

    def read(*reads: bytes) -> tuple[bytes, bool]:
        decoder, translator, out = EventDecoder(), _translator(), b""
        try:
            for each in reads:
                piece = translator.take(decoder.feed(each))
                out += piece.data if piece else b""
                if translator.complete:
                    return out, True
                if translator.failure:
                    return out, False
            return out + translator.end(decoder.finish()).data, True
        except UpstreamError:
            return out, False

    whole, pieces = read(data), read(*in_pieces(data))
    assert whole[1] == pieces[1]
    if whole[1]:
        assert whole[0] == pieces[0]


class _Nobody:
    """A pool that keeps nothing."""

    def opened(self, connection: HttpConnection) -> None:
        """It stands."""

    def put_back(self, connection: HttpConnection) -> None:
        connection.abandon()

    def lost(self, connection: HttpConnection) -> None:
        """It is gone."""


async def _answered(data: bytes, *, whole: bool) -> tuple[int, bytes, str]:
    connection = HttpConnection(_Nobody(), "up:80", asyncio.get_running_loop())
    transport = Kept(connection)
    connection.connection_made(transport)
    asking = asyncio.create_task(connection.exchange(b"GET / HTTP/1.1\r\n\r\n", b""))
    await asyncio.sleep(0)
    await given(connection, transport, data, whole=whole)
    connection.eof_received()
    transport.close()
    said = b""
    try:
        response = await asking
        while part := await response.read_some():
            said += part
    except Broken as broken:
        return 0, b"", broken.transport.value
    return response.status, said, ""


def responses(data: bytes) -> None:
    """Our client takes an answer for the same wherever a packet ends, or breaks it off."""
    whole = _LOOP.run_until_complete(_answered(data, whole=True))
    pieces = _LOOP.run_until_complete(_answered(data, whole=False))
    assert whole == pieces, (whole, pieces)


async def _served(data: bytes, *, whole: bool) -> tuple[list[tuple[str, bytes, bytes]], bytes]:
    asked: list[tuple[str, bytes, bytes]] = []

    async def serve(exchange: Exchange) -> None:
        try:
            body = await exchange.body()
        except RequestError:
            body = b"refused"
        asked.append((exchange.head.method, exchange.head.target, body))
        await exchange.answer(200, b"", b"ok")

    limits = EdgeLimits(max_body_bytes=4096, max_header_bytes=2048)
    protocol = edge_protocol(serve, limits)(ServerState())
    transport = Kept(protocol)
    protocol.connection_made(transport)
    await given(protocol, transport, data, whole=whole)
    transport.close()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return asked, bytes(transport.written)


def requests(data: bytes) -> None:
    """Our server sees the same requests wherever a packet ends, and never answers twice."""
    whole, said = _LOOP.run_until_complete(_served(data, whole=True))
    pieces, said_to_pieces = _LOOP.run_until_complete(_served(data, whole=False))
    shorter, longer = sorted((whole, pieces), key=len)
    # What is no HTTP ends the connection at once, so of one read less may have been answered.
    assert longer[: len(shorter)] == shorter
    for asked, answer in ((whole, said), (pieces, said_to_pieces)):
        assert not answer or _STATUS.match(answer)
        assert len(_FINAL.findall(answer)) <= len(asked) + 1


def configuration(data: bytes) -> None:
    """A file is a configuration, or its mistakes are told: nothing else comes of it."""
    text = data.decode("utf-8", "replace")
    try:
        parse(text, {"HOME": "/nonexistent"})
    except ConfigError as error:
        assert error.problems
        assert str(error)


def figures(data: bytes) -> None:
    """Packed figures that are damaged are told, at once and in little memory."""
    with suppress(*_DAMAGED):
        sketch, _ = Sketch.unpacked(data)
        again, _ = Sketch.unpacked(sketch.packed())
        assert again.packed() == sketch.packed()
    with suppress(*_DAMAGED):
        Period.unpacked(data)
    with suppress(ValueError, msgspec.MsgspecError):
        unpacked(data)


TARGETS: Mapping[str, Callable[[bytes], None]] = MappingProxyType(
    {
        each.__name__: each
        for each in (
            events, chat, answers, streams, responses, requests, configuration, figures,
        )
    }
)  # fmt: skip
