"""How do requests and responses go over one HTTP/1.1 connection, one after the other?

llhttp (by httptools) reads the responses. What follows an answer without having been asked for
closes the connection: it could be taken for the answer to somebody else's request.
"""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

import httptools

from pointsman.adapters.providers.breaks import Broken, Unanswered
from pointsman.adapters.providers.http_response import (
    HIGH_WATER_BYTES,
    MAX_HEAD_BYTES,
    Response,
    Unacceptable,
)
from pointsman.core.evidence import Transport

_SLICE_BYTES = 64 * 1024
_SWITCHING_PROTOCOLS = 101


class Keeper(Protocol):
    """Where connections wait between requests."""

    def opened(self, connection: HttpConnection) -> None:
        """The connection stands."""

    def put_back(self, connection: HttpConnection) -> None:
        """The connection is free for the next request."""

    def lost(self, connection: HttpConnection) -> None:
        """The connection is closed for good."""


class HttpConnection(asyncio.Protocol):
    """One connection to `place` (`host:port`). Carries one exchange at a time."""

    __slots__ = (
        "_keeper",
        "_lines",
        "_loop",
        "_parser",
        "_place",
        "_reading_paused",
        "_reason",
        "_response",
        "_sending",
        "_silent_bytes",
        "_transport",
        "_writing_paused",
        "idle_since",
    )
    _parser: httptools.HttpResponseParser

    def __init__(self, keeper: Keeper, place: str, loop: asyncio.AbstractEventLoop) -> None:
        self._keeper = keeper
        self._place = place
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._response: Response | None = None
        self._lines: list[tuple[bytes, bytes]] = []
        self._reason = b""
        # Bytes since anything came of them: bounds heads, trailers and chunk extensions alike.
        self._silent_bytes = 0
        self._sending = False
        self._writing_paused = False
        self._reading_paused = False
        self.idle_since = 0.0

    def rested(self, at_most_s: float) -> bool:
        """Whether it stands, and has not been idle for longer than this."""
        if self._transport is None or self._transport.is_closing():
            return False
        return self._loop.time() - self.idle_since < at_most_s

    async def exchange(self, head: bytes, body: bytes) -> Response:
        """Send a request and return once the head of its response has come.

        Raises `Broken`, of which `Unanswered` when not a byte came. Cancelled, it hangs up.
        """
        transport = self._transport
        if transport is None:
            raise self._unanswered()
        response = self._response = Response(self, self._loop)
        self._silent_bytes = 0
        try:
            if len(body) <= _SLICE_BYTES:
                transport.write(head + body)
            else:
                await self._send_in_slices(transport, response, head, body)
            while not response.begun():
                await response.news()
        except BaseException:
            response.close()
            raise
        return response

    async def _send_in_slices(
        self, transport: asyncio.Transport, response: Response, head: bytes, body: bytes
    ) -> None:
        """Send a large body as fast as it is read.

        Some upstreams answer before they have read all (413, say); then the rest is not sent, and
        the connection is of no further use.
        """
        self._sending = True
        view = memoryview(body)
        transport.write(head + view[:_SLICE_BYTES])
        for start in range(_SLICE_BYTES, len(body), _SLICE_BYTES):
            while self._writing_paused and not response.settled:
                await response.news()
            if response.settled:
                return
            transport.write(view[start : start + _SLICE_BYTES])
        self._sending = False

    def abandon(self) -> None:
        """Close at once; an exchange under way is not told."""
        self._response = None
        if self._transport is not None:
            # Closing gently would keep a TLS connection open until the other side agrees.
            self._transport.abort()

    def break_off(self, failure: Broken) -> None:
        """Close at once; an exchange under way fails with this."""
        response = self._response
        self.abandon()
        if response is not None:
            response.fail(failure)

    def resume_reading(self) -> None:
        if self._reading_paused and self._transport is not None:
            self._reading_paused = False
            self._transport.resume_reading()

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._parser = httptools.HttpResponseParser(self)
        self._keeper.opened(self)

    def data_received(self, data: bytes) -> None:
        response = self._response
        if response is None:
            self.abandon()
            return
        self._silent_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as fault:
            # The parser wraps what our own callbacks raise.
            self.break_off(self._malformed(str(fault.__context__ or fault)))
            return
        if self._silent_bytes > MAX_HEAD_BYTES:
            self.break_off(self._malformed("a head or trailer that is too large"))
            return
        if response.passed_on():
            return
        if response.buffered_bytes > HIGH_WATER_BYTES:
            self._pause_reading(response)
        response.wake()

    def eof_received(self) -> None:
        response = self._response
        if response is not None and response.status and not response.measured:
            self._response = None
            response.end()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is None:
            return
        self._transport = None
        # The parser holds our methods: without this the two would be left to the collector.
        del self._parser
        self._keeper.lost(self)
        response, self._response = self._response, None
        if response is not None:
            response.fail(self._loss(response, exc))

    def pause_writing(self) -> None:
        self._writing_paused = True

    def resume_writing(self) -> None:
        self._writing_paused = False
        if self._response is not None:
            self._response.wake()

    # What the parser calls

    def on_message_begin(self) -> None:
        if self._response is None or self._response.status:
            raise Unacceptable("more came than was asked for")
        self._lines = []
        self._reason = b""

    def on_status(self, reason: bytes) -> None:
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        self._lines.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status == _SWITCHING_PROTOCOLS:
            raise Unacceptable("it changes to a protocol that was not asked for")
        # Any other 1xx is an interim response, and the real one follows (RFC 9110, 15.2).
        if status >= 200 and self._response is not None:
            self._silent_bytes = 0
            self._response.begin(status, self._reason, self._lines)

    def on_body(self, data: bytes) -> None:
        self._silent_bytes = 0
        if self._response is not None:
            self._response.take(data)

    def on_message_complete(self) -> None:
        response = self._response
        if response is None or not response.status:
            return
        self._silent_bytes = 0
        self._response = None
        response.end()
        if self._sending or not self._parser.should_keep_alive():
            self.abandon()
            return
        self.resume_reading()
        self.idle_since = self._loop.time()
        self._keeper.put_back(self)

    def _pause_reading(self, response: Response) -> None:
        if self._transport is not None and not (response.ended or self._reading_paused):
            self._reading_paused = True
            self._transport.pause_reading()

    def _malformed(self, message: str) -> Broken:
        return Broken(Transport.MALFORMED, f"{self._place}: {message}")

    def _unanswered(self) -> Unanswered:
        return Unanswered(f"{self._place} closed the connection without an answer")

    def _loss(self, response: Response, exc: Exception | None) -> Broken:
        if not response.status and not self._silent_bytes:
            return self._unanswered()
        if exc is not None:
            return Broken(Transport.RESET, f"{self._place} broke the connection off: {exc}")
        if not response.status:
            return Broken(Transport.RESET, f"{self._place} closed the connection in a head")
        return Broken(Transport.TRUNCATED, f"{self._place} closed the connection in an answer")
