"""Who may use the control API, before anything of it runs?

The outer dispatcher has checked the key and left it in the scope; without one nobody passes. The
application behind costs some 20 MB and a quarter of a second, so the first request builds it, in a
thread: whoever asks a model in the meantime is not kept waiting.
"""

from __future__ import annotations

import asyncio
import re
from importlib import import_module
from urllib.parse import parse_qs

from pointsman.adapters.http.asgi import AsgiApp, Receive, Scope, Send
from pointsman.adapters.http.auth import KEY_IN_SCOPE, Key, Role, require
from pointsman.adapters.http.control.events import PATH as EVENTS
from pointsman.adapters.http.control.events import Events
from pointsman.adapters.http.control.slashes import unparted
from pointsman.adapters.http.control.source import ControlSource
from pointsman.core.errors import AccessDenied

PREFIX = "/api/v1/model-router"

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_FOR_SHOW = re.compile(r"/route|/weights/preview|/decisions/[^/]+/again").fullmatch
_TRIED_DRY = frozenset({"/auto-assign-all", "/drains"})
_JUDGING = re.compile(r"/decisions/[^/]+/feedback").fullmatch


class ControlApi:
    """ASGI application for HTTP requests whose path starts with `PREFIX`.

    Expects `scope[KEY_IN_SCOPE]` to hold the `Key` that the request showed. Raises `AccessDenied`
    when that is not enough.
    """

    def __init__(self, source: ControlSource, *, version: str) -> None:
        self._source = source
        self._version = version
        self._events = Events(source)
        self._app: AsgiApp | None = None
        self._building = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["path"] = unparted(scope["raw_path"]) or scope["path"]
        path = scope["path"].removeprefix(PREFIX)
        _admit(scope.get(KEY_IN_SCOPE), scope["method"], path, scope.get("query_string", b""))
        if (scope["method"], path) == ("GET", EVENTS):
            await self._events(scope, receive, send)
            return
        app = self._app or await self._built()
        await app(scope, receive, send)

    async def _built(self) -> AsgiApp:
        """Those who come while it is being built wait for that one."""
        async with self._building:
            if self._app is None:
                self._app = await asyncio.to_thread(self._build)
        return self._app

    def _build(self) -> AsgiApp:
        routes = import_module("pointsman.adapters.http.control.routes")
        app: AsgiApp = routes.application(self._source, self._version)
        return app


def _admit(key: object, method: str, path: str, query: bytes) -> None:
    """Viewers may look, callers judge what they were answered, only admins change anything else."""
    if not isinstance(key, Key):
        raise AccessDenied("No API key was checked for this request.", known=False)
    shown = _FOR_SHOW(path) or (path in _TRIED_DRY and _is_dry(query))
    if method in _READS or (method == "POST" and shown):
        require(key, Role.VIEWER, Role.ADMIN)
    elif method == "POST" and _JUDGING(path):
        require(key, Role.CALLER, Role.ADMIN)
    else:
        require(key, Role.ADMIN)


def _is_dry(query: bytes) -> bool:
    """Whether a plan is only asked for: said once, and in so many letters."""
    return parse_qs(query.decode("latin-1"), keep_blank_values=True).get("dry_run") == ["true"]
