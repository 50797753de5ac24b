"""How does one request come in on a connection, and how does its answer go out?

An answer that is whole leaves in one write, head and body together: two writes would be two system
calls. A stream's head leaves with its first bytes. A piece costs a task switch only when the caller
has fallen behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from typing import Protocol

from pointsman.adapters.http.heads import RequestHead
from pointsman.adapters.http.replies import JSON, Header, Reply, lines_of
from pointsman.core.errors import RequestError

_CHUNKED = b"transfer-encoding: chunked\r\n"
_CLOSE = b"connection: close\r\n"
_PROCEED = b"HTTP/1.1 100 Continue\r\n\r\n"
_LAST_CHUNK = b"0\r\n\r\n"


class Line(Protocol):
    """What an exchange uses of the connection that it is on."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...

    @property
    def transport(self) -> asyncio.Transport: ...

    @property
    def usual_lines(self) -> bytes:
        """The headers of every answer of this server, as they are sent."""

    @property
    def client(self) -> tuple[str, int] | None: ...

    @property
    def server(self) -> tuple[str, int | None] | None: ...

    @property
    def max_body_bytes(self) -> int: ...

    @property
    def writing_paused(self) -> bool: ...

    @property
    def stopping(self) -> bool:
        """Whether the server has been told to stop."""

    async def drain(self) -> None:
        """Wait until the caller has read enough for more to be written."""

    def answered(self, exchange: Exchange) -> None:
        """The answer is written, as far as the exchange is concerned."""


class Exchange:
    """One request and its answer.

    The connection calls `feed`, `arrived` and `leave`; everything else is for whoever answers.
    `started` is true once bytes of the answer may have left, `over` once all have, and `left` when
    the caller has gone before that. Then `when_left` has been called: unless somebody says
    otherwise it cancels the task that answers. What is written afterwards is dropped.
    `when_stopping` is called when the server stops (see `endless`).

    `request_id` is what every answer says, so it is set before there is one.
    """

    __slots__ = (
        "_body",
        "_chunked",
        "_complete",
        "_enough",
        "_limit",
        "_line",
        "head",
        "headers",
        "keep_alive",
        "left",
        "over",
        "request_id",
        "size",
        "started",
        "task",
        "when_left",
        "when_stopping",
    )

    def __init__(self, line: Line, head: RequestHead, *, keep_alive: bool) -> None:
        self._line = line
        self.head = head
        self.headers = dict(head.fields)
        self.keep_alive = keep_alive
        self.request_id = ""
        self.task: asyncio.Task[None] | None = None
        self.when_left: Callable[[], object] | None = None
        self.when_stopping: Callable[[], object] | None = None
        self.size = 0
        self._body: bytes | bytearray = b""
        self._complete = False
        self._enough: asyncio.Future[None] | None = None
        self._limit = 0
        self._chunked = False
        self.started = self.over = self.left = False

    @property
    def line(self) -> Line:
        return self._line

    # Arrival.

    def feed(self, data: bytes) -> None:
        """More of the body has come."""
        if not self.size:
            self._body = data
        elif isinstance(self._body, bytes):
            self._body = bytearray(self._body)
            self._body += data
        else:
            # Not a list of parts: in chunks of two bytes that would be 25 times the body.
            self._body += data
        self.size += len(data)
        if self._enough is not None and self.size > self._limit:
            self._wake()

    def arrived(self) -> None:
        """The body is complete."""
        self._complete = True
        if self._enough is not None:
            self._wake()

    def leave(self) -> None:
        """The caller has gone, or is sent away: nobody waits for an answer any more."""
        if self.over or self.left:
            return
        self.left = True
        if self.when_left is not None:
            self.when_left()

    def endless(self, end: Callable[[], object]) -> None:
        """The answer has no end of its own: `end` is called once the server stops, or has."""
        self.when_stopping = end
        if self._line.stopping:
            end()

    async def body(self) -> bytes:
        """The whole body. Raises `RequestError` when it is encoded, or larger than we take."""
        headers, limit = self.headers, self._line.max_body_bytes
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise _unsupported("A compressed body is not accepted; send it plain.")
        if headers.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
            raise _unsupported("No transfer coding but 'chunked' is understood.")
        if not self._complete:
            length = headers.get(b"content-length", b"0")
            if length.isdigit() and int(length) > limit:
                raise _too_large(limit)
            await self._until_enough(limit)
        if self.size > limit:
            raise _too_large(limit)
        whole = self._body = bytes(self._body)
        return whole

    async def _until_enough(self, limit: int) -> None:
        """Wait until the body is complete, or known to be too large."""
        if self.size > limit:
            return
        if self.headers.get(b"expect", b"").lower() == b"100-continue" and not self.size:
            self._line.transport.write(_PROCEED)
        self._limit = limit
        self._enough = self._line.loop.create_future()
        try:
            await self._enough
        finally:
            self._enough = None

    def _wake(self) -> None:
        if self._enough is not None and not self._enough.done():
            self._enough.set_result(None)

    # Answer.

    async def answer(self, status: int, lines: bytes, body: bytes) -> None:
        """The whole answer at once; without its body for HEAD.

        `lines` are headers as they are sent, each with its line's end: those with values from
        elsewhere are made by `lines_of`, which looks for lines that a value would add.
        """
        head = self.opening(status, b"%bcontent-length: %d\r\n" % (lines, len(body)))
        if self._line.writing_paused:
            await self._line.drain()
        self._send(head if self.head.method == "HEAD" else head + body)
        self.finish()

    async def refuse(self, reply: Reply, headers: tuple[Header, ...] = ()) -> None:
        """An error. The rest of the request is left to the connection, which reads and drops it:
        if we closed, a client that is still sending would see a reset instead of this answer.
        """
        lines = lines_of((JSON, *headers, *reply.headers))
        await self.answer(reply.status, lines, reply.body())

    async def begin(self, lines: bytes, first: bytes) -> None:
        """The head of an answer whose length is not known, with its first bytes."""
        head = self.opening(200, lines, measured=False)
        await self.write(head + self._framed(first))

    async def more(self, data: bytes) -> None:
        """More of an answer that has begun."""
        await self.write(self._framed(data))

    def more_now(self, data: bytes) -> bool:
        """More of an answer that has begun, if there is a caller, who has read what came before."""
        line = self._line
        if line.writing_paused or self.left:
            return False
        # `_send` what is `_framed`, without two calls for every piece of every stream.
        if data:
            line.transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)
        return True

    async def end(self, last: bytes) -> None:
        """The last bytes of an answer that has begun."""
        await self.write(self._framed(last) + (_LAST_CHUNK if self._chunked else b""))
        self.finish()

    def break_off(self, last: bytes) -> None:
        """The last bytes of an answer that has begun and is given up, whoever does not read it."""
        self._send(self._framed(last) + (_LAST_CHUNK if self._chunked else b""))
        self.cut()

    def cut(self) -> None:
        """Let go of the connection, so that what has begun does not look complete."""
        self._line.transport.close()

    # The parts of an answer, for whoever puts it together differently.

    def opening(self, status: int, lines: bytes, *, measured: bool = True) -> bytes:
        """The head of the answer. `measured`: it has no body, or `lines` say how long that is."""
        if not measured:
            # Before HTTP/1.1 nothing but the connection's end can end such a body.
            self._chunked = self.head.version != "1.0"
            self.keep_alive = self.keep_alive and self._chunked
        return b"%b%b%bx-request-id: %b\r\n%b%b\r\n" % (
            _status_line(status),
            self._line.usual_lines,
            lines,
            self.request_id.encode(),
            _CHUNKED if self._chunked else b"",
            b"" if self.keep_alive else _CLOSE,
        )

    async def write(self, data: bytes) -> None:
        """Send bytes as they are, once the caller has read enough of those before."""
        if self._line.writing_paused:
            await self._line.drain()
        self._send(data)

    def finish(self) -> None:
        """All has been written."""
        self.over = True
        if not self.keep_alive:
            self._line.transport.close()
        self._line.answered(self)

    def _send(self, data: bytes) -> None:
        self.started = True
        if data and not self.left:
            self._line.transport.write(data)

    def _framed(self, data: bytes) -> bytes:
        if not self._chunked or not data:
            return data  # an empty chunk would be the last
        return b"%x\r\n%b\r\n" % (len(data), data)


@lru_cache(maxsize=128)
def _status_line(status: int) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return b"HTTP/1.1 %d %b\r\n" % (status, phrase.encode())


def raw(reply: Reply, request_id: str, usual_lines: bytes) -> bytes:
    """A refusal as bytes, for where there is no exchange; the connection closes after it."""
    body = reply.body()
    named = (b"x-request-id", request_id.encode())
    length = (b"content-length", b"%d" % len(body))
    lines = lines_of((JSON, named, length, *reply.headers))
    return _status_line(reply.status) + usual_lines + lines + _CLOSE + b"\r\n" + body


def _unsupported(words: str) -> RequestError:
    return RequestError(words, code="unsupported_media_type")


def _too_large(limit: int) -> RequestError:
    return RequestError(
        f"The body is larger than the {limit} bytes that this gateway takes.",
        code="request_too_large",
    )
