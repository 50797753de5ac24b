"""What do we bear from a caller's connection before and beside its request?

One connection: its requests come in through the parser, each becomes an `Exchange`, and one after
the other is answered. Bounds are kept on the head of a request, on how long it may take to arrive,
on a caller that does not read its answer, on what waits behind it, and on the number of
connections. A request that arrives whole and is read at once costs no timer: the one for silence
is set anew only when it goes off, the others exist only while a connection is slow.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import replace
from random import Random
from typing import Any, cast

import httptools
from uvicorn.protocols.utils import get_local_addr, get_remote_addr
from uvicorn.server import ServerState

from pointsman.adapters.http.bounds import (
    BODY_BYTES_PER_S,
    LAST_REQUEST_S,
    MOST_WAITING_BYTES,
    UNWANTED_BODIES,
    EdgeLimits,
)
from pointsman.adapters.http.exchange import Exchange, raw
from pointsman.adapters.http.heads import Offers, RequestHead, path_of, size_of
from pointsman.adapters.http.identity import request_id_of
from pointsman.adapters.http.refusals import (
    MOST_PIPELINED,
    NOT_HTTP,
    STOPPING,
    TOO_MANY_AT_ONCE,
    head_too_large,
    too_many_connections,
    too_slow,
)
from pointsman.adapters.http.replies import Header, Reply, lines_of

log = logging.getLogger(__name__)

Serve = Callable[[Exchange], Coroutine[Any, Any, None]]
"""Answers one request. It sees to its own failures; what it leaves unanswered is cut."""


class EdgeProtocol(asyncio.Protocol):
    """HTTP/1.1 for one connection, within `limits`; `serve` answers (see `edge_protocol`).

    The server above reaches it through its `connections` and `tasks`, and by `shutdown`.
    """

    limits = EdgeLimits()
    random = Random()  # noqa: S311 - names of requests
    serve: Serve

    def __init__(
        self,
        server_state: ServerState,
        _loop: asyncio.AbstractEventLoop | None = None,
        **_unused: object,
    ) -> None:
        self.loop = _loop or asyncio.get_running_loop()
        self.transport: asyncio.Transport
        self.client: tuple[str, int] | None = None
        self.server: tuple[str, int | None] | None = None
        self._state = server_state
        self._parser = httptools.HttpRequestParser(self)
        # Else what is sent ahead behind "connection: close" would refuse what came before it.
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._in_head, self._in_body = True, False
        self._target = b""
        self._fields: list[Header] = []
        self._offers = Offers()
        self._head_bytes = 0
        self._body_bytes = 0
        self._trailer_bytes = 0
        self._began_at: float | None = None
        self._arriving: Exchange | None = None
        self._answering: Exchange | None = None
        self._waiting: deque[Exchange] = deque()
        self.stopping = False
        self._usual: tuple[list[Header], bytes] = [], b""
        self._reading_paused = False
        self._writable = asyncio.Event()
        self._writable.set()
        self.writing_paused = False
        self._idle_since = 0.0
        self._idle_timer: asyncio.TimerHandle | None = None
        self._arrival_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    # Arrival.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.client = get_remote_addr(self.transport)
        self.server = get_local_addr(self.transport)
        self._state.connections.add(self)  # type: ignore[arg-type]  # it names its own two only
        if len(self._state.connections) > self.limits.max_connections:
            self._refuse(too_many_connections(self.limits.max_connections))
            return
        # A connection that never says anything is closed like one that has fallen silent.
        self._rest()

    def connection_lost(self, _exc: Exception | None) -> None:
        self._state.connections.discard(self)
        self._disarm()
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        self._let_go()
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self._in_head:
            self._head_bytes += len(data)
            data = self._offers.taken_out(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._read_no_further()
        except httptools.HttpParserError:
            # What was asked before is answered; what follows cannot be told apart any more.
            if self._answering is None or self._arriving is not None:
                self._refuse(NOT_HTTP)
            self._disarm()
            self._read_no_further()
            return
        if self._in_head and self._head_bytes > self.limits.max_header_bytes:
            self._refuse(head_too_large(self.limits.max_header_bytes))
        elif self._in_head and self._head_bytes:
            self._arm(self.limits.header_timeout_s)
        elif self._in_body:
            self._arm(self.limits.body_timeout_s)
        elif self._arrival_timer is not None:
            self._disarm()

    def on_message_begin(self) -> None:
        self._in_head, self._in_body = True, False
        self._target = b""
        self._fields = []

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:
            self._fields.append((name.lower(), value))
            return
        # A field behind the body. Nothing of ours wants one, and it must never pass for a header
        # (RFC 9110, 6.5.1), so it is only counted.
        self._trailer_bytes += len(name) + len(value) + 4
        if self._trailer_bytes > self.limits.max_header_bytes:
            self._refuse(head_too_large(self.limits.max_header_bytes))

    def on_headers_complete(self) -> None:
        if self.transport.is_closing():
            return
        if len(self._waiting) >= MOST_PIPELINED:
            self._refuse(TOO_MANY_AT_ONCE)
            return
        most = self.limits.max_header_bytes
        # More has come than a head may hold, which may be the body.
        if self._head_bytes > most and size_of(self._target, self._fields) > most:
            self._refuse(head_too_large(most))
            return
        self._in_head, self._in_body = False, True
        self._head_bytes = self._body_bytes = self._trailer_bytes = 0
        parser, version = self._parser, self._parser.get_http_version()
        if parser.should_upgrade():
            # Sent ahead, so the offer is still in it, and the parser would give its body away.
            raise ValueError("an offer to upgrade behind another request")
        head = RequestHead(
            parser.get_method().decode("ascii"),
            self._target,
            path_of(self._target),
            version,
            self._fields,
        )
        stays = parser.should_keep_alive() and version != "1.0" and not self.stopping
        exchange = self._arriving = Exchange(self, head, keep_alive=stays)
        if self._answering is None:
            self._begin(exchange)
        else:
            self._waiting.append(exchange)

    def on_body(self, body: bytes) -> None:
        exchange = self._arriving
        if exchange is None:
            return
        self._body_bytes += len(body)
        if not exchange.over:
            exchange.feed(body)
            if exchange.task is None and exchange.size > MOST_WAITING_BYTES:
                self._pause_reading()
        elif self._body_bytes > UNWANTED_BODIES * self.limits.max_body_bytes:
            # So much of a refused body has been read that its sender has had time to hear.
            self.transport.close()

    def on_message_complete(self) -> None:
        self._in_head, self._in_body = True, False
        self._fields = []
        self._began_at = None
        if self._arriving is not None:
            self._arriving.arrived()
            self._arriving = None

    def _read_no_further(self) -> None:
        """Close once what has been asked is answered: what follows is no request of ours."""
        last = self._waiting[-1] if self._waiting else self._answering
        if last is not None:
            last.keep_alive = False

    # Answers, one after the other.

    def _begin(self, exchange: Exchange) -> None:
        self._answering = exchange
        exchange.task = self.loop.create_task(self._answer(exchange))
        self._state.tasks.add(exchange.task)

    async def _answer(self, exchange: Exchange) -> None:
        try:
            if not exchange.left:
                # From here on there is somebody to hear of a cancellation.
                exchange.when_left = exchange.task.cancel if exchange.task else None
                await self.serve(exchange)
        except asyncio.CancelledError:
            # Either the caller has left, or a stop has run out of patience: nobody to tell of it.
            if not exchange.left:
                self._refuse(STOPPING)
        finally:
            if exchange.task is not None:
                self._state.tasks.discard(exchange.task)
                exchange.task = None
            if not exchange.over:
                self.transport.close()

    def answered(self, _exchange: Exchange) -> None:
        self._state.total_requests += 1
        self._answering = None
        if self.transport.is_closing():
            return
        if self._reading_paused:
            self._reading_paused = False
            self.transport.resume_reading()
        if self._waiting:
            self._begin(self._waiting.popleft())
        else:
            self._rest()

    def shutdown(self) -> None:
        """Close once what has been asked is answered, and told that nothing more is.

        Who was told otherwise, or nothing yet, may have sent a request: a moment is left for it.
        """
        self.stopping = True
        self.limits = replace(self.limits, idle_timeout_s=LAST_REQUEST_S)
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None
        if self._answering is None:
            self._rest()
            return
        if self._answering.when_stopping is not None:
            self._answering.when_stopping()
        if not self._waiting and not self._answering.started:
            self._answering.keep_alive = False

    @property
    def usual_lines(self) -> bytes:
        headers = self._state.default_headers
        if self._usual[0] is not headers:  # The server above makes a new list each second.
            self._usual = headers, lines_of(headers)
        return self._usual[1]

    @property
    def max_body_bytes(self) -> int:
        return self.limits.max_body_bytes

    # Too slow.

    def _rest(self) -> None:
        """From now on nothing is under way."""
        self._idle_since = self.loop.time()
        if self._idle_timer is None:
            self._idle_timer = self.loop.call_later(self.limits.idle_timeout_s, self._idle_is_due)

    def _idle_is_due(self) -> None:
        self._idle_timer = None
        if self._answering is not None or self._in_body or self._head_bytes:
            return  # Something is under way; the next rest sets the timer again.
        left_s = self._idle_since + self.limits.idle_timeout_s - self.loop.time()
        if left_s > 0:
            self._idle_timer = self.loop.call_later(left_s + 0.001, self._idle_is_due)
        else:
            self.transport.close()

    def _arm(self, allowed_s: float) -> None:
        """See to it that the connection is looked at when its time may be up."""
        if self._began_at is None:
            self._began_at = self.loop.time()
        if self._arrival_timer is None and not self.transport.is_closing():
            self._arrival_timer = self.loop.call_later(allowed_s, self._arrival_is_due)

    def _disarm(self) -> None:
        if self._arrival_timer is not None:
            self._arrival_timer.cancel()
            self._arrival_timer = None

    def _arrival_is_due(self) -> None:
        self._arrival_timer = None
        if self._began_at is None:
            return
        if self._reading_paused:  # It is not the caller who is slow.
            self._began_at = self.loop.time()
        allowed_s = self.limits.header_timeout_s
        if self._in_body:
            allowed_s = self.limits.body_timeout_s + self._body_bytes / BODY_BYTES_PER_S
        left_s = self._began_at + allowed_s - self.loop.time()
        if left_s > 0:
            self._arm(left_s + 0.001)
        elif self._answering not in (None, self._arriving):
            self._wait_no_longer()
        else:
            self._refuse(too_slow("body" if self._in_body else "head", allowed_s))

    def _wait_no_longer(self) -> None:
        """A request comes too slowly behind others: those are answered, none of it is heard."""
        if self._arriving is not None:
            self._waiting.remove(self._arriving)
            self._arriving = None
        self._began_at = None
        self._read_no_further()

    def _pause_reading(self) -> None:
        if not self._reading_paused:
            self._reading_paused = True
            self.transport.pause_reading()

    def pause_writing(self) -> None:
        self.writing_paused = True
        self._writable.clear()
        if self._write_timer is None:
            self._write_timer = self.loop.call_later(
                self.limits.write_timeout_s, self.transport.abort
            )

    def resume_writing(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
        self.writing_paused = False
        self._writable.set()

    async def drain(self) -> None:
        await self._writable.wait()

    # Refusals below the application.

    def _refuse(self, reply: Reply) -> None:
        """Answer, unless an answer has begun, and close."""
        self._disarm()
        if self.transport.is_closing():
            return
        refused = self._answering or self._arriving
        if refused is None or not refused.started:
            headers = dict(self._fields) if refused is None else refused.headers
            request_id = refused.request_id if refused is not None else ""
            request_id = request_id or request_id_of(headers, self.random)
            self.transport.write(raw(reply, request_id, self.usual_lines))
            facts = {"request_id": request_id, "status": reply.status, "code": reply.code}
            log.info("request refused", extra=facts)
        self._let_go()
        self.transport.close()

    def _let_go(self) -> None:
        """No request of this connection wants an answer any more."""
        self._waiting.clear()
        if self._answering is not None:
            self._answering.leave()


def edge_protocol(serve: Serve, limits: EdgeLimits) -> type[EdgeProtocol]:
    """The protocol with these limits, as a class, since the server makes the instances."""
    return type(
        "LimitedEdgeProtocol", (EdgeProtocol,), {"serve": staticmethod(serve), "limits": limits}
    )
