"""How does the simulator speak to one client, and how does it notice that the client left?"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]

TRANSPORT = "simulated.transport"
MOST_BODY_BYTES = 64 * 1024 * 1024

_MOST_HELD_BYTES = 64 * 1024
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class TransportInScope(HttpToolsProtocol):
    """uvicorn's protocol, with its transport in the scope, so that a connection can be broken."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: {"transport": self.transport}}


class HungUp(Exception):
    """The client has closed the connection."""


class BodyTooLarge(Exception):
    """The request is larger than `MOST_BODY_BYTES`."""


class Connection:
    """One request on one connection. All methods raise `HungUp` once the client has left."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.bytes_sent = 0
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._receive = receive
        self._send = send
        self._gone: asyncio.Task[None] | None = None

    async def body(self) -> bytes:
        """The whole body; from here on the client is watched."""
        parts: list[bytes] = []
        more, length = True, 0
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise HungUp
            parts.append(message.get("body", b""))
            length += len(parts[-1])
            more = message.get("more_body", False) and length <= MOST_BODY_BYTES
        self._gone = asyncio.create_task(self._until_gone())
        if length > MOST_BODY_BYTES:
            raise BodyTooLarge
        return b"".join(parts)

    async def wait(self, seconds: float | None) -> None:
        """Let time pass, for ever when `seconds` is None."""
        if self._gone is None:
            raise RuntimeError("read the body first")
        if seconds is None or seconds > 0:
            await self.flush()
            await asyncio.wait({self._gone}, timeout=seconds)
        if self._gone.done():
            raise HungUp

    async def begin(self, status: int, headers: Headers) -> None:
        await self.wait(0)
        await self._send(
            {"type": "http.response.start", "status": status, "headers": list(headers)}
        )

    async def write(self, data: bytes) -> None:
        """Part of the body; it leaves, together with what else is due, before the next wait."""
        await self.wait(0)
        self._held.append(data)
        self._held_bytes += len(data)
        if self._held_bytes > _MOST_HELD_BYTES:
            await self.flush()

    async def flush(self) -> None:
        """Send what is written."""
        data = self._taken()
        if data:
            await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def finish(self, data: bytes = b"") -> None:
        await self.wait(0)
        # the server reports the end of the answer as a disconnect as well
        self.release()
        last = self._taken() + data
        self.bytes_sent += len(data)
        await self._send({"type": "http.response.body", "body": last, "more_body": False})

    async def answer(self, status: int, body: bytes, headers: Headers) -> None:
        """Headers and body of a whole answer at once."""
        length = (b"content-length", b"%d" % len(body))
        await self.begin(status, [*headers, length])
        await self.finish(body)

    async def drop(self, *, reset: bool) -> None:
        """Break the connection: with a reset, or by closing it after what was written."""
        await self.flush()
        transport = self.scope["extensions"][TRANSPORT]["transport"]
        if reset:
            plug = transport.get_extra_info("socket")
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            transport.abort()
        else:
            transport.close()
        if self._gone is not None:
            await asyncio.wait({self._gone})

    def release(self) -> None:
        """Stop watching. Idempotent."""
        if self._gone is not None:
            self._gone.cancel()

    def _taken(self) -> bytes:
        data = b"".join(self._held)
        self._held.clear()
        self._held_bytes = 0
        self.bytes_sent += len(data)
        return data

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
