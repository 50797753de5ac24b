"""How are bytes given to a protocol without a socket, in pieces of any size?"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from random import Random
from typing import Any


class Kept(asyncio.Transport):
    """A transport that keeps what is written. Nothing comes once it is closed."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self._protocol = protocol
        self._closing = False
        self.written = bytearray()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._closing:
            self.written += data

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    abort = close

    def pause_reading(self) -> None:
        """All that is given comes all the same, as what was on its way would."""

    def resume_reading(self) -> None:
        """See `pause_reading`."""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("127.0.0.1", 5), "sockname": ("127.0.0.1", 80)}.get(name, default)


def in_pieces(data: bytes) -> Iterator[bytes]:
    """The data in pieces whose sizes follow from it."""
    random, at = Random(len(data) ^ sum(data[:64])), 0
    while at < len(data):
        size = random.choice((1, 1, 2, 3, 7, 64, 1500))
        yield data[at : at + size]
        at += size


async def given(protocol: asyncio.Protocol, transport: Kept, data: bytes, *, whole: bool) -> None:
    """Give the data, whole or in pieces, with turns of the loop between."""
    for piece in [data] if whole else in_pieces(data):
        if transport.is_closing():
            break
        protocol.data_received(piece)
        await asyncio.sleep(0)
    for _ in range(20):
        await asyncio.sleep(0)
