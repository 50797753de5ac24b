"""Which part of the gateway answers a request?

One table from path to callable, asked before any framework. What no part answers, and what goes
wrong in one, gets an answer of the same shape as every other error.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import lru_cache, partial
from ipaddress import ip_address
from random import Random
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from pointsman.adapters.http.asgi import AsgiApp, AsgiExchange, Receive, Scope, Send
from pointsman.adapters.http.auth import KEY_HEADERS, Key, KeyRing, Role, require, secrets_shown
from pointsman.adapters.http.control import HOLDER_IN_SCOPE, KEY_IN_SCOPE, PREFIX
from pointsman.adapters.http.dashboard import ASSETS, PAGE
from pointsman.adapters.http.exchange import Exchange
from pointsman.adapters.http.guesses import Guesses
from pointsman.adapters.http.identity import OUR_HEADERS, request_id_of
from pointsman.adapters.http.replies import JSON, Reply, lines_of, reply_to
from pointsman.adapters.http.sessions import SESSION, Sessions
from pointsman.core.errors import AccessDenied, PointsmanError, RequestError

CHAT = "/v1/chat/completions"
MODELS = "/v1/models"
FOR_ALERT_TOOLS = "/api/v2/"
"""What speaks Alertmanager's API (amtool, Karma, Grafana) asks below this; see `control`."""

_ADDRESSES = frozenset({b"host", b"origin"})
_ONCE = (b"host", *KEY_HEADERS, *OUR_HEADERS)
_VERSIONS = ("1.1", "1.0")
_NO_HOST = re.compile(rb'[\s/@?#\\,<>"]').search
"""What no host holds: a part of a URL before or behind it, or a second one (RFC 9110, 7.2)."""
_OUR_MISTAKE = Reply(
    500,
    "Something failed inside the gateway; its log has the details.",
    "server_error",
    "internal_error",
)

Answer = Callable[[Exchange], Awaitable[None]]

log = logging.getLogger(__name__)


class Readiness(NamedTuple):
    """Whether the gateway takes requests, and what it would say about itself."""

    ready: bool
    details: Mapping[str, Any]


class Parts(NamedTuple):
    """What the application is made of. `running` is entered at start and left at shutdown.

    `models` gives the entries of `/v1/models` that a key's agents may see.
    """

    running: Callable[[], AbstractAsyncContextManager[None]]
    keys: Callable[[], KeyRing]
    sessions: Sessions
    guesses: Guesses
    chat: Answer
    models: Callable[[tuple[str, ...]], Mapping[str, dict[str, Any]]]
    control: AsgiApp
    dashboard: Answer
    metrics: Callable[[str], Awaitable[tuple[bytes, bytes]]]
    readiness: Callable[[], Readiness]


class Application:
    """The gateway: `answer` for each request, and ASGI for the server's life span."""

    def __init__(self, parts: Parts, random: Random) -> None:
        self._parts = parts
        self._random = random
        self._routes: dict[str, tuple[str, Answer]] = {
            CHAT: ("POST", parts.chat),
            MODELS: ("GET", self._models),
            "/livez": ("GET", self._live),
            "/readyz": ("GET", self._ready),
            "/health": ("GET", self._ready),
            "/metrics": ("GET", self._metrics),
        }

    async def answer(self, exchange: Exchange) -> None:
        """Answer a request, whatever it is, and whatever goes wrong."""
        exchange.request_id = request_id_of(exchange.headers, self._random)
        try:
            _reads_one_way(exchange)
            if self._parts.keys().empty:
                _only_from_here(exchange)
            await self._dispatched(exchange)
        except PointsmanError as error:
            reply = await self._reply_to(exchange, error)
            facts = {
                "request_id": exchange.request_id,
                "path": exchange.head.path,
                "status": reply.status,
                "code": reply.code,
            }
            log.info("request refused", extra=facts)
            await _last_words(exchange, reply)
        except Exception:  # here a request ends: its mistake must not take others along
            facts = {"request_id": exchange.request_id, "path": exchange.head.path}
            log.exception("a request failed inside the gateway", extra=facts)
            await _last_words(exchange, _OUR_MISTAKE)

    async def _reply_to(self, exchange: Exchange, error: PointsmanError) -> Reply:
        """What the error is told as; who shows one unknown key after the other is told to wait."""
        refused = isinstance(error, AccessDenied) and not error.known
        refusal = None
        if refused and secrets_shown(exchange.headers):
            client = exchange.line.client
            refusal = await self._parts.guesses.refusal(client[0] if client else "")
        return refusal or reply_to(error)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The server's life span: start, wait for the end, stop."""
        assert scope["type"] == "lifespan"  # noqa: S101 - requests come as exchanges
        await receive()
        try:
            async with self._parts.running():
                await send({"type": "lifespan.startup.complete"})
                await receive()
        except PointsmanError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.shutdown.complete"})

    def _dispatched(self, exchange: Exchange) -> Awaitable[None]:
        path, used = exchange.head.path, exchange.head.method
        method, answer = self._routes.get(path, ("", None))
        if answer is not None:
            if used != method and (used, method) != ("HEAD", "GET"):
                return exchange.refuse(_wrong_method(used, path, method))
            return answer(exchange)
        if path == SESSION:
            return self._parts.sessions.answer(exchange)
        if path == PREFIX or path.startswith((PREFIX + "/", FOR_ALERT_TOOLS)):
            return self._control(exchange)
        if path.startswith(MODELS + "/"):
            return self._model(exchange)
        if path == PAGE or path.startswith(ASSETS):
            return self._parts.dashboard(exchange)
        return exchange.refuse(_no_such_path(path))

    async def _control(self, exchange: Exchange) -> None:
        holder = partial(self._parts.sessions.holder, exchange)
        known = {KEY_IN_SCOPE: holder(), HOLDER_IN_SCOPE: holder}
        asgi = AsgiExchange(exchange, await exchange.body())
        await self._parts.control(asgi.scope(**known), asgi.receive, asgi.send)

    async def _models(self, exchange: Exchange) -> None:
        found = self._parts.models(self._key_of(exchange).agents)
        await _send_json(exchange, {"object": "list", "data": list(found.values())})

    async def _model(self, exchange: Exchange) -> None:
        name = exchange.head.path.removeprefix(MODELS + "/")
        entry = self._parts.models(self._key_of(exchange).agents).get(name)
        if entry is not None:
            await _send_json(exchange, entry)
            return
        words = f"The model {name[:120]!r} does not exist here. GET {MODELS} lists what there is."
        kind = "invalid_request_error"
        await exchange.refuse(Reply(404, words, kind, "model_not_found", "model"))

    def _key_of(self, exchange: Exchange) -> Key:
        return self._parts.keys().holder(exchange.headers)

    async def _live(self, exchange: Exchange) -> None:
        await _send_json(exchange, {"status": "live"})

    async def _ready(self, exchange: Exchange) -> None:
        readiness = self._parts.readiness()
        word = "ready" if readiness.ready else "not ready"
        body = {"status": word, **readiness.details}
        await _send_json(exchange, body, 200 if readiness.ready else 503)

    async def _metrics(self, exchange: Exchange) -> None:
        require(self._key_of(exchange), Role.VIEWER, Role.ADMIN)
        wanted = exchange.headers.get(b"accept", b"").decode("latin-1")
        body, kind = await self._parts.metrics(wanted)
        await exchange.answer(200, lines_of([(b"content-type", kind)]), body)


def _reads_one_way(exchange: Exchange) -> None:
    """Raises `RequestError` for a head that a proxy before us might read differently.

    One host is named, as HTTP/1.1 wants it (RFC 9112, 3.2), and what says who calls is said once.
    """
    head, given = exchange.head, exchange.headers
    if head.version not in _VERSIONS:
        words = f"HTTP/{head.version} is not spoken here; HTTP/1.1 is."
        raise RequestError(words, code="invalid_http")
    if b"host" not in given and head.version == "1.1":
        words = "A request has one Host header, as HTTP/1.1 wants it, and not none."
        raise RequestError(words, code="invalid_http")
    if _NO_HOST(given.get(b"host", b"")):
        words = "The Host header is a name or an address, with a port or without, and nothing else."
        raise RequestError(words, code="invalid_http")
    if len(given) == len(head.fields):
        return
    for once in _ONCE:
        values = [value for name, value in head.fields if name == once]
        # What is said twice, word for word, reads one way; but who is asked is not said twice.
        if len(values if once == b"host" else set(values)) > 1:
            words = f"A request has one {once.decode().title()} header, and not {len(values)}."
            raise RequestError(words, code="invalid_http")


def _only_from_here(exchange: Exchange) -> None:
    """Without keys, nobody but this machine is served, not even through its own browser.

    A page of another origin, or a name that was rebound to a loopback address, would otherwise
    spend the operator's money. Raises `AccessDenied`.
    """
    peer = exchange.line.client
    here = peer is None or is_loopback(peer[0])
    for name, value in exchange.head.fields:
        if name in _ADDRESSES:
            here = here and _is_here(value)
    if not here:
        raise AccessDenied(
            "This gateway has no keys, so it serves this machine only, under a loopback address. "
            "Configure keys to serve others.",
            known=True,
            code="loopback_only",
        )


@lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """True for a name or an address that only this machine can mean."""
    name = host.lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


@lru_cache(maxsize=256)
def _is_here(address: bytes) -> bool:
    """True when a Host or Origin header names this machine's loopback."""
    text = address.decode("latin-1")
    try:
        return is_loopback(urlsplit(text if "//" in text else f"//{text}").hostname or "")
    except ValueError:
        return False


async def _last_words(exchange: Exchange, reply: Reply) -> None:
    """Tell the caller, unless an answer has begun: then only a cut says that it is not whole."""
    if exchange.started:
        exchange.cut()
    else:
        await exchange.refuse(reply)


async def _send_json(exchange: Exchange, value: object, status: int = 200) -> None:
    await exchange.answer(status, lines_of([JSON]), msgspec.json.encode(value))


def _wrong_method(used: str, path: str, wanted: str) -> Reply:
    return Reply(
        405,
        f"{used} is not possible on {path}; use {wanted}.",
        "invalid_request_error",
        "method_not_allowed",
        headers=((b"allow", wanted.encode()),),
    )


def _no_such_path(path: str) -> Reply:
    known = f"/v1/chat/completions, {MODELS}, {PREFIX}/…, /livez, /readyz, /health, /metrics"
    words = f"There is nothing at {path[:200]!r}. What there is: {known}."
    return Reply(404, words, "invalid_request_error", "not_found")
