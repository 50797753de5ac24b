"""How does an ASGI application answer one of our exchanges?

What is asked often is answered without ASGI's messages (`exchange`); this is the way to an
application that speaks nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from pointsman.adapters.http.exchange import Exchange
from pointsman.adapters.http.replies import lines_of

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

ENDLESS_IN_SCOPE = "pointsman.endless"
"""A function to be called by an answer without an end of its own, so that it hears of a stop."""

_BODILESS = frozenset({204, 304})


class AsgiExchange:
    """An exchange as ASGI sees it (HTTP, spec 2.3). The body is read before, and given whole.

    A caller that leaves is told to whoever receives; it cancels nothing, so that a change under way
    is not left half made. So is the end of the answer: who listens for the one beside sending would
    else listen for ever. And so is a stop of the server, to answers that say they have no end.
    """

    def __init__(self, exchange: Exchange, body: bytes) -> None:
        self._exchange = exchange
        self._body: bytes | None = body
        self._gone = asyncio.Event()
        self._open_ended = False
        exchange.when_left = self._gone.set

    def scope(self, **more: object) -> Scope:
        """The request; `more` is added for the application."""
        head, line = self._exchange.head, self._exchange.line
        raw_path, _, query = head.target.partition(b"?")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": head.version,
            "server": line.server,
            "client": line.client,
            "scheme": "http",
            "method": head.method,
            "root_path": "",
            "path": head.path,
            "raw_path": raw_path,
            "query_string": query,
            "headers": head.fields,
            "state": {},
            ENDLESS_IN_SCOPE: self._endless,
            **more,
        }

    async def receive(self) -> Message:
        body, self._body = self._body, None
        if body is not None:
            return {"type": "http.request", "body": body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._start(message["status"], message.get("headers", ()))
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        exchange = self._exchange
        if exchange.head.method == "HEAD":
            body = b""
        if self._open_ended:
            await (exchange.more(body) if more else exchange.end(body))
        else:
            await exchange.write(body)
            if not more:
                exchange.finish()
        if not more:
            self._gone.set()

    def _endless(self) -> None:
        self._exchange.endless(self._gone.set)

    async def _start(self, status: int, headers: Any) -> None:
        exchange = self._exchange
        given = [(bytes(name).lower(), bytes(value)) for name, value in headers]
        measured = status in _BODILESS or any(name == b"content-length" for name, _ in given)
        self._open_ended = not measured and exchange.head.method != "HEAD"
        opening = exchange.opening(status, lines_of(given), measured=not self._open_ended)
        await exchange.write(opening)
