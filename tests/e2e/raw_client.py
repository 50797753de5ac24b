"""A client that knows only bytes: it can be slow, leave early, and send what no library would."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from gateway_process import GatewayProcess, chat_body

CHAT = "/v1/chat/completions"


def request_bytes(
    body: bytes, headers: Mapping[str, str] | None = None, *, line: str = f"POST {CHAT} HTTP/1.1"
) -> bytes:
    """A request as bytes; `headers` replace the usual ones of the same name."""
    usual = {"host": "127.0.0.1", "content-type": "application/json"}
    given = {**usual, "content-length": str(len(body)), **(headers or {})}
    fields = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"{line}\r\n{fields}\r\n".encode("latin-1") + body


def chat_bytes(headers: Mapping[str, str] | None = None, **fields: Any) -> bytes:
    return request_bytes(json.dumps(chat_body(**fields)).encode(), headers)


class RawClient:
    """One connection to the gateway."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def until(self, words: bytes) -> bytes:
        """All that comes up to and including `words`."""
        return await self.reader.readuntil(words)

    async def rest(self) -> bytes:
        """All that comes until the gateway closes or breaks the connection."""
        parts = []
        try:
            while data := await self.reader.read(65_536):
                parts.append(data)
        except ConnectionError:
            pass
        return b"".join(parts)

    def hang_up(self, *, reset: bool = False) -> None:
        if reset:
            plug = self.writer.get_extra_info("socket")
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.writer.transport.abort()
        self.writer.close()


@asynccontextmanager
async def connected(
    gateway: GatewayProcess, *, receive_buffer: int | None = None
) -> AsyncIterator[RawClient]:
    plug = socket.socket()
    if receive_buffer:
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    plug.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(plug, (gateway.host, gateway.port))
    except OSError:
        plug.close()
        raise
    reader, writer = await asyncio.open_connection(sock=plug, limit=2**20)
    client = RawClient(reader, writer)
    try:
        yield client
    finally:
        client.hang_up()


def unchunked(answer: bytes) -> tuple[int, bytes, bool]:
    """(status, body, whether the body ended as HTTP wants it) of an answer's bytes."""
    head, _, rest = answer.partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    if b"transfer-encoding: chunked" not in head.lower():
        length = int(head.lower().partition(b"content-length:")[2].split()[0])
        return status, rest[:length], len(rest) >= length
    parts: list[bytes] = []
    while rest:
        size, found, rest = rest.partition(b"\r\n")
        length = int(size, 16) if found else -1
        if length <= 0:
            return status, b"".join(parts), length == 0
        parts.append(rest[:length])
        rest = rest[length + 2 :]
    return status, b"".join(parts), False
