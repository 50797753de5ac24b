"""An upstream made of bytes: it says exactly what a test tells it to, when it is told to."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pointsman.core.fleet import Model
from pointsman.engine.ports import Answer, Call, Piece

MODEL = Model(id="house/fine-1", provider="house", upstream_name="fine-1-2025")


class Request(NamedTuple):
    """What arrived: the first line, the headers in lower case, the body."""

    line: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body)
        return document


class Wire:
    """The upstream's side of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *parts: bytes) -> None:
        """Send each part in a network write of its own."""
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            await asyncio.sleep(0)

    def reset(self) -> None:
        """Break the connection off with a reset instead of a clean end."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def gone(self) -> bool:
        """Wait until the other side has hung up."""
        try:
            return await self.reader.read(1) == b""
        except ConnectionError:
            return True


Script = Callable[[Request, Wire], Awaitable[None]]


class RawUpstream:
    """Serves each request by the script; counts connections and keeps the requests."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self.script = script
        self.tls = tls
        self.requests: list[Request] = []
        self.connections = 0
        self.open: set[Wire] = set()
        self.hung_up = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> RawUpstream:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, ssl=self.tls, backlog=2_000
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        assert self._server is not None
        scheme = "https" if self.tls else "http"
        return f"{scheme}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        wire = Wire(reader, writer)
        self.open.add(wire)
        try:
            while not writer.is_closing():
                await self.script(await self._request(reader), wire)
        except (asyncio.IncompleteReadError, ConnectionError, RuntimeError):
            self.hung_up.set()  # a RuntimeError is what uvloop says to a write after the end
        except asyncio.CancelledError:
            pass  # the test is over; the stream server would report this as an error
        finally:
            writer.close()
            self.open.discard(wire)
            self._tasks.discard(task)

    async def _request(self, reader: asyncio.StreamReader) -> Request:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:])}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        request = Request(head[0], headers, body)
        self.requests.append(request)
        return request


class FixedClock:
    """A clock that stands still at the start of 2026."""

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:  # noqa: ARG002 - time stands still
        await asyncio.sleep(0)


def call(
    fields: Mapping[str, bytes] | None = None, *, stream: bool = False, session: str | None = None
) -> Call:
    """A call with a message and the given fields, already encoded."""
    sent = {"messages": b'[{"role":"user","content":"hi"}]', **(fields or {})}
    return Call(MODEL, sent, stream, "req-1", connect_s=2.0, session=session)


def head(status: int = 200, **headers: str) -> bytes:
    """The start of a response; underscores in header names stand for hyphens."""
    lines = [f"HTTP/1.1 {status} Word"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def document(body: bytes, status: int = 200, **headers: str) -> bytes:
    """A whole response with its length."""
    return (
        head(status, content_type="application/json", content_length=str(len(body)), **headers)
        + body
    )


EVENTS = head(content_type="text/event-stream", transfer_encoding="chunked")
END = b"0\r\n\r\n"


def framed(data: bytes) -> bytes:
    """One chunk of chunked transfer coding."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(document: Mapping[str, Any] | bytes) -> bytes:
    data = (
        document
        if isinstance(document, bytes)
        else json.dumps(document, separators=(",", ":")).encode()
    )
    return b"data: " + data + b"\n\n"


def chunk(
    delta: Mapping[str, Any] | None = None, finish_reason: str | None = None, **more: Any
) -> dict[str, Any]:
    """A chunk as OpenAI sends it."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish_reason}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "fine-1-2025",
        "choices": [choice],
        **more,
    }


def completion(message: Mapping[str, Any] | None = None, **more: Any) -> bytes:
    """A whole answer as OpenAI sends it."""
    said = {"role": "assistant", "content": "hello"} if message is None else message
    return json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1700000000,
            "model": "fine-1-2025",
            "choices": [{"index": 0, "message": said, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12},
            **more,
        }
    ).encode()


async def pieces_of(answer: Answer) -> list[Piece]:
    """All pieces to the honest end."""
    pieces = []
    while (piece := await answer.read()) is not None:
        pieces.append(piece)
    return pieces


def documents_in(data: bytes) -> list[dict[str, Any]]:
    """The documents of the events in `data`."""
    return [json.loads(part.removeprefix(b"data: ")) for part in data.split(b"\n\n") if part]
