"""What do we bear from a caller's connection before and beside its request?

The server underneath has no bound on headers, waits for ever on a connection that says nothing, and
answers what it cannot read in plain text. This protocol adds the bounds: on the head of a request,
on how long it may take to arrive, on a caller that does not read its answer, and on the number of
connections. Timers exist only while a connection is in one of these states: a request that arrives
whole and is read at once costs none.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from pointsman.adapters.http.replies import Header, Reply, come_back_in

BODY_BYTES_PER_S = 64 * 1024
"""The slowest a body may come in the long run, beyond the time that every body is allowed."""

UNWANTED_BODIES = 4
"""How many times the largest body is read, and dropped, of one that has been refused."""


MOST_PIPELINED = 16
"""Requests that may wait on one connection behind the one that is being answered."""

_TOO_MANY_AT_ONCE = Reply(
    429,
    f"More than {MOST_PIPELINED} requests wait on this connection; await answers in between.",
    "rate_limit_error",
    "too_many_pipelined_requests",
)
_UPGRADE = re.compile(rb"(?i)(\r\n)upgrade:")


@dataclass(frozen=True, slots=True)
class EdgeLimits:
    """What the gateway accepts from its callers, in bytes, seconds and connections."""

    max_body_bytes: int = 20 * 1024 * 1024
    max_header_bytes: int = 32 * 1024
    header_timeout_s: float = 10.0
    body_timeout_s: float = 30.0
    write_timeout_s: float = 60.0
    idle_timeout_s: float = 75.0
    max_connections: int = 4096


class EdgeProtocol(HttpToolsProtocol):
    """HTTP/1.1 for one connection, within `limits` (set by `edge_protocol`)."""

    limits = EdgeLimits()

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._in_head = True
        self._in_body = False
        self._head_bytes = 0
        self._body_bytes = 0
        self._trailer_bytes = 0
        self._began = 0.0
        self._arrival_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    # Arrival.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.limits.max_connections:
            reply = Reply(
                503,
                f"All {self.limits.max_connections} connections are in use.",
                "server_error",
                "too_many_connections",
                headers=come_back_in(1.0),
            )
            self._refuse(reply)
            return
        # A connection that never says anything is closed like one that has fallen silent.
        self._arm(self.limits.idle_timeout_s)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        self.resume_writing()
        self.pipeline.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self._in_head:
            if not self._head_bytes:
                self._disarm()
                self._began = self.loop.time()
            self._head_bytes += len(data)
            if b"pgrade:" in data:
                data = _without_upgrade(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > self.limits.max_header_bytes:
            self._refuse(self._head_too_large())
        elif self._in_head and self._head_bytes:
            self._arm(self.limits.header_timeout_s)
        elif self._in_body:
            self._arm(self.limits.body_timeout_s)
        else:
            self._disarm()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._in_body = True, False

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:
            super().on_header(name, value)
            return
        # A field behind the body. Nothing of ours wants one, and it must never pass for a header
        # (RFC 9110, 6.5.1), so it is only counted.
        self._trailer_bytes += len(name) + len(value) + 4
        if self._trailer_bytes > self.limits.max_header_bytes:
            self._refuse(self._head_too_large())

    def on_headers_complete(self) -> None:
        if len(self.pipeline) >= MOST_PIPELINED:
            self._refuse(_TOO_MANY_AT_ONCE)
            return
        if self._head_bytes > self.limits.max_header_bytes and self._head_is_too_large():
            self._refuse(self._head_too_large())
            return
        self._in_head, self._in_body = False, True
        self._head_bytes = self._body_bytes = self._trailer_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        cycle = self._current()
        if cycle is None:
            return
        if cycle.response_complete and self._body_bytes > self._most_read_bytes():
            self.transport.close()
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_head, self._in_body = True, False
        if self._current() is not None:
            super().on_message_complete()

    def _current(self) -> RequestResponseCycle | None:
        """The request under way or last answered; none before the first, whatever its type says."""
        return self.cycle

    def _most_read_bytes(self) -> int:
        """How much of a body is read that has been answered already, so that its sender hears."""
        return UNWANTED_BODIES * self.limits.max_body_bytes

    def on_response_complete(self) -> None:
        # Asked for anew each time, since a reload may change it.
        self.timeout_keep_alive = self.limits.idle_timeout_s  # type: ignore[assignment]
        super().on_response_complete()

    # Too slow.

    def _arm(self, allowed_s: float) -> None:
        """See to it that the connection is looked at when its time may be up."""
        if self._arrival_timer is None and not self.transport.is_closing():
            self._arrival_timer = self.loop.call_later(allowed_s, self._arrival_is_due)

    def _disarm(self) -> None:
        if self._arrival_timer is not None:
            self._arrival_timer.cancel()
            self._arrival_timer = None

    def _arrival_is_due(self) -> None:
        self._arrival_timer = None
        if self._in_head and not self._head_bytes:
            # Idle: after the last answer the server underneath keeps the time.
            if self._current() is None:
                self.transport.close()
            return
        allowed_s = self.limits.header_timeout_s
        if self._in_body:
            allowed_s = self.limits.body_timeout_s + self._body_bytes / BODY_BYTES_PER_S
        left_s = self._began + allowed_s - self.loop.time()
        if left_s > 0:
            self._arm(left_s + 0.001)
            return
        part = "body" if self._in_body else "head"
        message = f"The {part} of the request did not arrive within {allowed_s:.0f} s."
        self._refuse(Reply(408, message, "invalid_request_error", "request_timeout"))

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._write_timer is None:
            self._write_timer = self.loop.call_later(
                self.limits.write_timeout_s, self.transport.abort
            )

    def resume_writing(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
        super().resume_writing()

    # Refusals below the application.

    def send_400_response(self, msg: str) -> None:
        """What could not be read as HTTP is refused in the same shape as everything else."""
        self._refuse(Reply(400, msg, "invalid_request_error", "invalid_http"))

    def _head_is_too_large(self) -> bool:
        """Asked when more has come than a head may hold, which may be the body."""
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        return size > self.limits.max_header_bytes

    def _head_too_large(self) -> Reply:
        message = f"The head of the request is larger than {self.limits.max_header_bytes} bytes."
        return Reply(431, message, "invalid_request_error", "headers_too_large")

    def _refuse(self, reply: Reply) -> None:
        """Answer, unless an answer has begun, and close."""
        self._disarm()
        if self.transport.is_closing():
            return
        cycle = self._current()
        # In a head the cycle is that of the request before; in a body it is this request's own.
        unanswered = (
            cycle is None
            or not cycle.response_started
            or (cycle.response_complete and not self._in_body)
        )
        if unanswered:
            self.transport.write(_raw(reply))
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.close()


def edge_protocol(limits: EdgeLimits) -> type[EdgeProtocol]:
    """The protocol with these limits, as a class, since the server makes the instances."""
    return type("LimitedEdgeProtocol", (EdgeProtocol,), {"limits": limits})


def _without_upgrade(data: bytes) -> bytes:
    """The bytes with the offer to upgrade made unreadable, length kept, in the head alone.

    A server may ignore the offer (RFC 9110, 7.8); Java's HTTP client makes it with every request.
    The parser underneath would take the body for the new protocol.
    """
    head, end, body = data.partition(b"\r\n\r\n")
    return _UPGRADE.sub(rb"\1x-upgrd:", head) + end + body


def _raw(reply: Reply) -> bytes:
    body = reply.body()
    headers: tuple[Header, ...] = (
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        *reply.headers,
    )
    lines = b"".join(b"%b: %b\r\n" % header for header in headers)
    return STATUS_LINE[reply.status] + lines + b"\r\n" + body
