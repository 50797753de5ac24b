"""An upstream that sends exactly the bytes that a test tells it to, at the moment it says."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, Self

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
TO_THE_END = HEAD + b"connection: close\r\n\r\n"
DONE = b"data: [DONE]\n\n"


def event(
    text: str | None = None, *, finish: str | None = None, index: int = 0, **delta: Any
) -> bytes:
    """One event of a stream, as an upstream words it."""
    said = delta if text is None else {"content": text, **delta}
    chunk = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "first",
        "choices": [{"index": index, "delta": said, "finish_reason": finish}],
    }
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def http_chunks(parts: Sequence[bytes]) -> list[bytes]:
    """The parts in HTTP's chunked framing, without its end."""
    return [b"%x\r\n%b\r\n" % (len(part), part) for part in parts]


class Wire:
    """The upstream's side of one connection, after it has read a request."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def events(self, *events: bytes) -> None:
        """Each event in an HTTP chunk of its own."""
        await self.send(b"".join(http_chunks(events)))

    async def gone(self) -> None:
        """Wait until the other side has hung up."""
        try:
            while await self._reader.read(65_536):
                pass
        except ConnectionError:
            return

    def reset(self) -> None:
        plug = self._writer.get_extra_info("socket")
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


Script = Callable[[Wire], Awaitable[None]]


class ScriptedUpstream:
    """Runs the script for each request, then closes the connection."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self.url = ""
        self.requests = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length:")[2].split()[0])
            await reader.readexactly(length)
            self.requests += 1
            await self._script(Wire(reader, writer))
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            self._serving.discard(task)
            writer.close()
