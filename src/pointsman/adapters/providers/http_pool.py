"""Which connection carries the next request?"""

from __future__ import annotations

import asyncio

from pointsman.adapters.providers.breaks import Broken, Unanswered
from pointsman.adapters.providers.dialing import Dialer
from pointsman.adapters.providers.http_connection import HttpConnection
from pointsman.adapters.providers.http_heads import Address
from pointsman.adapters.providers.http_response import Response
from pointsman.core.evidence import Transport

_IDLE_S = 30.0


class HttpPool:
    """The connections to one origin. There is no limit to them: models have limits.

    The one that was used last is used next, so that those a burst has left over grow old and go.
    """

    __slots__ = ("_closed", "_dialer", "_idle", "_open", "_origin", "_sweep")

    def __init__(self, origin: Address, proxy: Address | None = None) -> None:
        self._dialer = Dialer(origin, proxy)
        self._origin = origin
        self._idle: list[HttpConnection] = []
        self._open: set[HttpConnection] = set()
        self._sweep: asyncio.TimerHandle | None = None
        self._closed: asyncio.Future[None] | None = None

    async def exchange(self, head: bytes, body: bytes, connect_s: float) -> Response:
        """Send a request and return once the head of its response has come. Raises `Broken`."""
        connection = self._take()
        if connection is not None:
            try:
                return await connection.exchange(head, body)
            except Unanswered:
                # A pooled connection that the upstream had closed meanwhile: it has not read the
                # request, so one more try is safe. On a new connection it would not be.
                pass
        connection = await self._dial(connect_s)
        return await connection.exchange(head, body)

    async def close(self) -> None:
        """Break all exchanges off, and return when all connections are closed. Idempotent."""
        self._dialer.close()
        self._idle.clear()
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for connection in tuple(self._open):
            connection.break_off(Broken(Transport.RESET, f"{self._origin.place} is not used now"))
        if self._open:
            if self._closed is None:
                self._closed = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._closed)

    def opened(self, connection: HttpConnection) -> None:
        self._open.add(connection)

    def put_back(self, connection: HttpConnection) -> None:
        self._idle.append(connection)
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(_IDLE_S, self._close_old)

    def lost(self, connection: HttpConnection) -> None:
        self._open.discard(connection)
        if self._closed is not None and not self._open:
            self._closed.set_result(None)
            self._closed = None

    def _take(self) -> HttpConnection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.rested(_IDLE_S):
                return connection
            connection.abandon()
        return None

    async def _dial(self, connect_s: float) -> HttpConnection:
        connection = HttpConnection(self, self._origin.place, asyncio.get_running_loop())
        await self._dialer.dial(connection, connect_s)
        return connection

    def _close_old(self) -> None:
        """Close what has been idle for too long; the list runs from the oldest to the newest."""
        loop = asyncio.get_running_loop()
        self._sweep = None
        limit = loop.time() - _IDLE_S
        while self._idle and self._idle[0].idle_since <= limit:
            self._idle.pop(0).abandon()
        if self._idle:
            self._sweep = loop.call_at(self._idle[0].idle_since + _IDLE_S, self._close_old)
