"""How does a page hear, again and again, how the fleet does?

Server-sent events. Each is the overview as it is when the reader can take it, made for that reader
alone: nothing waits in a queue, so one that reads slowly is told less often and costs no memory.
The id of an event is the instant it tells of. Who comes back with it (`Last-Event-ID`) is sent the
points of the course that were not over then, and so misses none and gets none twice. Which agents
there are, of which there may be thousands, is told once and again when the configuration changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple
from urllib.parse import parse_qsl

import msgspec

from pointsman.adapters.http.asgi import ENDLESS_IN_SCOPE, Receive, Scope, Send
from pointsman.adapters.http.auth import Key, Role, require
from pointsman.adapters.http.control.alert_pages import open_alerts
from pointsman.adapters.http.control.overview_query import RANGES, OverviewQuery
from pointsman.adapters.http.control.overview_views import overview_body
from pointsman.adapters.http.control.source import ControlSource
from pointsman.core.errors import AccessDenied, RequestError, StoreError

PATH = "/events"
HOLDER_IN_SCOPE = "pointsman.holder"
"""Who asks, asked again: a function that raises `AccessDenied` once it is nobody any more."""

MOST_READERS = 100
HEARTBEAT_S = 10.0
COME_BACK_MS = 1000

_CADENCE = range(1, 61)
_ENDS = ("start", "end")
_YES_OR_NO = ("true", "false")
_FILTERS = ("agent_id", "kind", "model_id", "provider")
_MOST_CHARS = 256
_HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)


class Wish(NamedTuple):
    """What a reader wants to hear, how often, and from when on.

    Of the configuration `roster_of` it knows the agents already; `alerts`: those open, too.
    """

    query: OverviewQuery
    every_s: int
    since_s: float
    roster_of: str = ""
    alerts: bool = False


class _Reader:
    """What somebody has been told, and what of that has changed."""

    def __init__(self, source: ControlSource, wish: Wish) -> None:
        self._source = source
        self._wish = wish
        self._since_s = wish.since_s
        self._roster_of = wish.roster_of
        self._alerts = b""

    async def news(self) -> bytes:
        """The events that are due now."""
        try:
            return await self._overview() + await self._open_alerts()
        except StoreError:
            return b"event: trouble\ndata: {}\n\n"  # the page says that it is out of date

    async def _overview(self) -> bytes:
        now_s = self._source.now().timestamp()
        body = await overview_body(self._source, self._wish.query, self._since_s, self._roster_of)
        self._since_s, self._roster_of = now_s, body.config_version
        return b"id: %.3f\nevent: overview\ndata: %b\n\n" % (now_s, msgspec.json.encode(body))

    async def _open_alerts(self) -> bytes:
        if not self._wish.alerts:
            return b""
        told = msgspec.json.encode(await open_alerts(self._source))
        if told == self._alerts:
            return b""
        self._alerts = told
        return b"event: alerts\ndata: %b\n\n" % told


class Events:
    """The stream of events, for at most `MOST_READERS` at once."""

    def __init__(self, source: ControlSource) -> None:
        self._source = source
        self._readers = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises `RequestError` before anything is sent.

        Ends when whoever listens has signed out, or their key is not known any more.
        """
        wish = wish_of(scope["query_string"], dict(scope["headers"]))
        if self._readers >= MOST_READERS:
            raise RequestError(
                f"{MOST_READERS} pages are listening already; close some.", code="too_many_readers"
            )
        self._readers += 1
        scope.get(ENDLESS_IN_SCOPE, _nothing)()
        gone = asyncio.ensure_future(_gone(receive))
        try:
            await self._tell(wish, scope.get(HOLDER_IN_SCOPE), gone, send)
        finally:
            gone.cancel()
            self._readers -= 1

    async def _tell(
        self,
        wish: Wish,
        holder: Callable[[], Key] | None,
        gone: asyncio.Future[None],
        send: Send,
    ) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await _send(send, b"retry: %d\n\n" % COME_BACK_MS)
        reader = _Reader(self._source, wish)
        while not gone.done() and _may_look(holder):
            await _send(send, await reader.news())
            await _rest(wish.every_s, gone, send)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _nothing() -> None:
    """Below another server there is nobody to tell."""


def _may_look(holder: Callable[[], Key] | None) -> bool:
    """Whether whoever listens still may: they may have signed out, or lost their key."""
    try:
        if holder is not None:
            require(holder(), Role.VIEWER, Role.ADMIN)
    except AccessDenied:
        return False
    return True


async def _rest(seconds: float, gone: asyncio.Future[None], send: Send) -> None:
    """Wait, and let those between us and the page know now and then that there is somebody."""
    while seconds > 0 and not gone.done():
        await asyncio.wait({gone}, timeout=min(seconds, HEARTBEAT_S))
        seconds -= HEARTBEAT_S
        if seconds > 0:
            await _send(send, b":\n\n")


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(send: Send, data: bytes) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": True})


def wish_of(query_string: bytes, headers: Mapping[bytes, bytes]) -> Wish:
    """Raises `RequestError` for what is misspelt or out of bounds."""
    given = parse_qsl(query_string.decode("latin-1"), keep_blank_values=True)
    known = ("range", "every", "roster", "alerts", *_ENDS, *_FILTERS)
    for name, value in given:
        if name not in known:
            words = f"{name}: no such query parameter; known here: {', '.join(known)}."
            raise RequestError(words, param=name, code="unknown_parameter")
        if not 0 < len(value) <= _MOST_CHARS:
            words = f"{name}: takes 1 to {_MOST_CHARS} characters."
            raise RequestError(words, param=name, code="invalid_value")
    values = dict(given)
    length = values.get("range", RANGES[0])
    if length not in RANGES:
        words = f"range: {length!r} is none of {', '.join(RANGES)}."
        raise RequestError(words, param="range", code="invalid_value")
    filters = {name: values.get(name) for name in _FILTERS}
    start, end = (_instant(name, values.get(name)) for name in _ENDS)
    query = OverviewQuery(length, **filters, start=start, end=end).checked()
    every_s, roster_of = _every(values.get("every", "5")), values.get("roster", "")
    return Wish(query, every_s, _since(headers), roster_of, _yes("alerts", values.get("alerts")))


def _yes(name: str, text: str | None) -> bool:
    if text not in (None, *_YES_OR_NO):
        words = f"{name}: {text!r} is neither of {', '.join(_YES_OR_NO)}."
        raise RequestError(words, param=name, code="invalid_value")
    return text == "true"


def _instant(name: str, text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError:
        words = f"{name}: {text!r} is no instant; as in 2026-03-01T12:00:00Z."
        raise RequestError(words, param=name, code="invalid_value") from None


def _every(text: str) -> int:
    if not text.isdecimal() or int(text[:4]) not in _CADENCE:
        words = f"every: {text!r} is not a whole number of seconds from 1 to {_CADENCE[-1]}."
        raise RequestError(words, param="every", code="invalid_value")
    return int(text)


def _since(headers: Mapping[bytes, bytes]) -> float:
    """The instant that the reader has heard of last, 0 when it says none that we understand."""
    try:
        return max(0.0, float(headers.get(b"last-event-id", b"0")))
    except ValueError:
        return 0.0
