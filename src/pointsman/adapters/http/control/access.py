"""Who may use the control API, before anything of it runs?

The outer dispatcher has checked the key and left its role in the scope; without one nobody passes.
The application behind costs some 20 MB and a tenth of a second, so the first request builds it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from enum import StrEnum
from importlib import import_module
from typing import Any

import msgspec

from pointsman.adapters.http.control.source import ControlSource

ROLE_KEY = "pointsman.role"
PREFIX = "/api/v1/model-router"

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]


class Role(StrEnum):
    """What a key may do: change things, look at things, or only have requests served."""

    ADMIN = "admin"
    VIEWER = "viewer"
    CALLER = "caller"


_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_REFUSALS = {
    Role.ADMIN: "",
    Role.VIEWER: "This key may look but not change anything: an admin key is needed.",
    Role.CALLER: "This key may only have requests served: a viewer or admin key is needed.",
}


class ControlApi:
    """ASGI application for HTTP requests whose path starts with `PREFIX`.

    Expects `scope["pointsman.role"]` to hold a `Role` value.
    """

    def __init__(self, source: ControlSource, *, version: str) -> None:
        self._source = source
        self._version = version
        self._app: AsgiApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = _refusal(scope.get(ROLE_KEY), scope["method"])
        if refusal:
            await _refuse(send, refusal)
            return
        if self._app is None:
            self._app = self._build()
        await self._app(scope, receive, send)

    def _build(self) -> AsgiApp:
        routes = import_module("pointsman.adapters.http.control.routes")
        app: AsgiApp = routes.application(self._source, self._version)
        return app


def _refusal(role: object, method: str) -> str:
    if role == Role.ADMIN or (role == Role.VIEWER and method in _READS):
        return ""
    return _REFUSALS[Role.VIEWER if role == Role.VIEWER else Role.CALLER]


async def _refuse(send: Send, words: str) -> None:
    body = msgspec.json.encode(
        {
            "error": {
                "message": words,
                "type": "permission_error",
                "param": None,
                "code": "permission_denied",
            }
        }
    )
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
