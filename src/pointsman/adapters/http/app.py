"""Which part of the gateway answers a request?

One table from path to callable, dispatched before any framework. What no part answers, and what
goes wrong in one, gets an answer of the same shape as every other error.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import lru_cache
from ipaddress import ip_address
from random import Random
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from pointsman.adapters.http.asgi import (
    AsgiApp,
    Message,
    Receive,
    Scope,
    Send,
    send_reply,
    send_whole,
)
from pointsman.adapters.http.auth import KeyRing, Role, require
from pointsman.adapters.http.control import KEY_IN_SCOPE, PREFIX
from pointsman.adapters.http.identity import request_id_of
from pointsman.adapters.http.replies import JSON, Reply, reply_to
from pointsman.core.errors import AccessDenied, PointsmanError

CHAT = "/v1/chat/completions"
MODELS = "/v1/models"

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
    chat: AsgiApp
    models: Callable[[tuple[str, ...]], Mapping[str, dict[str, Any]]]
    control: AsgiApp
    metrics: Callable[[str], tuple[bytes, bytes]]
    readiness: Callable[[], Readiness]


class Application:
    """The gateway as one ASGI application."""

    def __init__(self, parts: Parts, random: Random) -> None:
        self._parts = parts
        self._random = random
        self._routes: dict[str, tuple[str, AsgiApp]] = {
            CHAT: ("POST", parts.chat),
            MODELS: ("GET", self._models),
            "/livez": ("GET", self._live),
            "/readyz": ("GET", self._ready),
            "/health": ("GET", self._ready),
            "/metrics": ("GET", self._metrics),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live_and_die(receive, send)
            return
        routed = scope["path"] == CHAT and scope["method"] == "POST"
        try:
            # The gateway gives its answers their names itself.
            await self._dispatch(scope, receive, send if routed else self._naming(scope, send))
        except PointsmanError as error:
            reply = reply_to(error)
            facts = {"path": scope["path"], "status": reply.status, "code": reply.code}
            log.info("request refused", extra=facts)
            await send_reply(self._naming(scope, send), reply)
        except Exception:  # here a request ends: its mistake must not take others along
            log.exception("a request failed inside the gateway", extra={"path": scope["path"]})
            await _apologise(self._naming(scope, send))

    def _naming(self, scope: Scope, send: Send) -> Send:
        """`send`, with the request's id among the headers of whatever answers."""
        request_id = request_id_of(dict(scope["headers"]), self._random)
        header = (b"x-request-id", request_id.encode())

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), header]}
            await send(message)

        return named

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if self._parts.keys().empty:
            _only_from_here(scope)
        method, app = self._routes.get(path, ("", None))
        if app is not None:
            if scope["method"] != method and (scope["method"], method) != ("HEAD", "GET"):
                await send_reply(send, _wrong_method(scope["method"], path, method))
                return
            await app(scope, receive, send)
        elif path == PREFIX or path.startswith(PREFIX + "/"):
            scope[KEY_IN_SCOPE] = self._parts.keys().holder(dict(scope["headers"]))
            await self._parts.control(scope, receive, send)
        elif path.startswith(MODELS + "/"):
            await self._model(scope, send)
        else:
            await send_reply(send, _no_such_path(path))

    async def _models(self, scope: Scope, _receive: Receive, send: Send) -> None:
        found = self._parts.models(self._agents_of_caller(scope))
        await _send_json(send, {"object": "list", "data": list(found.values())})

    async def _model(self, scope: Scope, send: Send) -> None:
        name = scope["path"].removeprefix(MODELS + "/")
        entry = self._parts.models(self._agents_of_caller(scope)).get(name)
        if entry is not None:
            await _send_json(send, entry)
            return
        words = f"The model {name[:120]!r} does not exist here. GET {MODELS} lists what there is."
        kind = "invalid_request_error"
        await send_reply(send, Reply(404, words, kind, "model_not_found", "model"))

    def _agents_of_caller(self, scope: Scope) -> tuple[str, ...]:
        return self._parts.keys().holder(dict(scope["headers"])).agents

    async def _live(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await _send_json(send, {"status": "live"})

    async def _ready(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        readiness = self._parts.readiness()
        word = "ready" if readiness.ready else "not ready"
        body = {"status": word, **readiness.details}
        await _send_json(send, body, 200 if readiness.ready else 503)

    async def _metrics(self, scope: Scope, _receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        key = self._parts.keys().holder(headers)
        require(key, Role.VIEWER, Role.ADMIN)
        body, kind = self._parts.metrics(headers.get(b"accept", b"").decode("latin-1"))
        await send_whole(send, 200, body, ((b"content-type", kind),))

    async def _live_and_die(self, receive: Receive, send: Send) -> None:
        """The server's lifespan: start, wait for the end, stop."""
        await receive()
        try:
            async with self._parts.running():
                await send({"type": "lifespan.startup.complete"})
                await receive()
        except PointsmanError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.shutdown.complete"})


def _only_from_here(scope: Scope) -> None:
    """Without keys, nobody but this machine is served, not even through its own browser.

    A page of another origin, or a name that was rebound to a loopback address, would otherwise
    spend the operator's money. Raises `AccessDenied`.
    """
    named = (value for name, value in scope["headers"] if name in (b"host", b"origin"))
    peer = scope.get("client")
    if (peer is None or is_loopback(peer[0])) and all(map(_is_here, named)):
        return
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


async def _apologise(send: Send) -> None:
    """Tell the caller, unless an answer has begun: then the server has to cut the connection."""
    words = "Something failed inside the gateway; its log has the details."
    await send_reply(send, Reply(500, words, "server_error", "internal_error"))


async def _send_json(send: Send, value: object, status: int = 200) -> None:
    await send_whole(send, status, msgspec.json.encode(value), (JSON,))


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
