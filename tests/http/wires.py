"""What does a connection look like to an exchange, without a socket?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import cast

from pointsman.adapters.http.exchange import Exchange
from pointsman.adapters.http.heads import RequestHead


class Recorded(asyncio.Transport):
    """A transport that keeps what is written, write by write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

    def close(self) -> None:
        self.closed = True


class RecordedLine:
    """A connection whose caller reads when it is told to."""

    def __init__(self, max_body_bytes: int = 1_000) -> None:
        self.loop = asyncio.get_running_loop()
        self.transport = cast("asyncio.Transport", Recorded())
        self.usual_lines = b"date: today\r\n"
        self.max_body_bytes = max_body_bytes
        self.client: tuple[str, int] | None = ("127.0.0.1", 5)
        self.server: tuple[str, int | None] | None = ("127.0.0.1", 80)
        self.read = asyncio.Event()
        self.writing_paused = self.stopping = False
        self.ended: list[Exchange] = []

    async def drain(self) -> None:
        await self.read.wait()
        self.writing_paused = False

    def answered(self, exchange: Exchange) -> None:
        self.ended.append(exchange)

    @property
    def recorded(self) -> Recorded:
        return cast("Recorded", self.transport)

    @property
    def sent(self) -> bytes:
        return b"".join(self.recorded.writes)


def an_exchange(
    line: RecordedLine,
    headers: Mapping[bytes, bytes] | None = None,
    *,
    method: str = "POST",
    version: str = "1.1",
    keep_alive: bool = True,
) -> Exchange:
    fields = list((headers or {}).items())
    head = RequestHead(method, b"/a?b=c", "/a", version, fields)
    return Exchange(line, head, keep_alive=keep_alive)
