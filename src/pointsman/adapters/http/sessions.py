"""Who has signed in with a browser, which cannot show a key with everything it asks for?

A key of an admin or a viewer is exchanged for a cookie that scripts cannot read, that is sent to
the control API alone, and only by pages of this gateway. What it stands for is kept as hashes, over
restarts too; a key that is taken out of the configuration takes its sessions along at once.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from pointsman.adapters.http.auth import ANYBODY, Key, KeyRing, Role, require, secrets_shown
from pointsman.adapters.http.exchange import Exchange
from pointsman.adapters.http.replies import JSON, Header, Reply, lines_of
from pointsman.adapters.http.session_file import Session, SessionFile, new_name
from pointsman.core.errors import AccessDenied

PATH = "/api/v1/model-router"
SESSION = PATH + "/session"
COOKIE = b"pointsman_session_"
"""How the name of the cookie begins. A browser keeps one cookie of a name for all ports of a host,
so the rest of it is the gateway's own: two on one machine would sign each other out."""
_BOUND = b"__Host-"
"""Browsers keep a cookie of such a name only from this host, by TLS, for all paths (RFC 6265bis,
4.1.3.2): none that another host or plain HTTP sets can take its place."""

LASTS_S = 12 * 3600
MOST_SESSIONS = 1_000

_HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})
_NO_STORE: Header = (b"cache-control", b"no-store")


class Clocks(NamedTuple):
    """Seconds that never run backwards, and seconds since 1970."""

    monotonic: Callable[[], float]
    wall: Callable[[], float]


class Sessions:
    """The sessions of one gateway. Without a `file` they end with the process."""

    def __init__(
        self,
        keys: Callable[[], KeyRing],
        clocks: Clocks,
        *,
        version: str,
        file: SessionFile | None = None,
    ) -> None:
        self._keys = keys
        self._wall = clocks.wall
        self._version = version
        self._file = file
        self._cookie = COOKIE + (file.name() if file is not None else new_name()).encode()
        self._writing = asyncio.Lock()
        self._sessions = file.read() if file is not None else {}

    def holder(self, exchange: Exchange) -> Key:
        """The key that a request of the control API shows, or has signed in with.

        Raises `AccessDenied`, also where another page would have a signed-in browser change things.
        """
        ring, headers = self._keys(), exchange.headers
        if ring.empty or secrets_shown(headers):
            return ring.holder(headers)
        key = self._signed_in(exchange)
        if key is None:
            return ring.holder(headers)  # which says what is missing
        if exchange.head.method not in _HARMLESS and not _is_of_our_page(exchange):
            raise AccessDenied(
                "A session changes things only from the dashboard's own page. Programs show a key "
                "as 'Authorization: Bearer <key>'.",
                known=True,
                code="foreign_origin",
            )
        return key

    async def answer(self, exchange: Exchange) -> None:
        """GET says who is signed in, POST signs in with the key it shows, DELETE signs out."""
        method = exchange.head.method
        if method == "POST":
            await self._sign_in(exchange)
        elif method == "DELETE":
            if self._sessions.pop(_hash_of(self._token(exchange)), None) is not None:
                await self._write(leaving=True)
            await self._tell(exchange, None, (self._set_cookie(exchange, "", lasts_s=0),))
        elif method in ("GET", "HEAD"):
            await self._tell(exchange, self._signed_in(exchange))
        else:
            await exchange.refuse(_WRONG_METHOD)

    async def _sign_in(self, exchange: Exchange) -> None:
        ring = self._keys()
        if ring.empty:
            await self._tell(exchange, None)
            return
        key = ring.holder(exchange.headers)
        require(key, Role.VIEWER, Role.ADMIN)
        token = secrets.token_urlsafe(32)
        self._keep(_hash_of(token.encode()), Session(key.digest, self._wall() + LASTS_S))
        await self._write()
        await self._tell(exchange, key, (self._set_cookie(exchange, token, lasts_s=LASTS_S),))

    async def _write(self, *, leaving: bool = False) -> None:
        """What is written last is what holds, whoever else signs in meanwhile.

        Where that somebody is `leaving` cannot be written, all others have to come in anew after a
        restart: what was kept would let in who has left.
        """
        if self._file is None:
            return
        async with self._writing:
            kept = await asyncio.to_thread(self._file.write, dict(self._sessions))
            if leaving and not kept:
                await asyncio.to_thread(self._file.keep_none)

    def _keep(self, name: bytes, session: Session) -> None:
        now = self._wall()
        self._sessions = {n: each for n, each in self._sessions.items() if each.ends_at > now}
        while len(self._sessions) >= MOST_SESSIONS:
            self._sessions.pop(next(iter(self._sessions)))
        self._sessions[name] = session

    def _signed_in(self, exchange: Exchange) -> Key | None:
        session = self._sessions.get(_hash_of(self._token(exchange)))
        if session is None or session.ends_at <= self._wall():
            return None
        key = self._keys().known(session.key_digest)
        return key if key is not None and key.role is not Role.CALLER else None

    def _token(self, exchange: Exchange) -> bytes:
        found = {}
        for pair in exchange.headers.get(b"cookie", b"").split(b";"):
            name, _, value = pair.strip().partition(b"=")
            found[name] = value
        return found.get(_BOUND + self._cookie) or found.get(self._cookie, b"")

    def _set_cookie(self, exchange: Exchange, token: str, *, lasts_s: int) -> Header:
        """Bound to this host where the browser has come by TLS, which somebody before us may have
        taken off.
        """
        name, path, rest = self._cookie, PATH.encode(), b""
        if exchange.headers.get(b"origin", b"").startswith(b"https:"):
            name, path, rest = _BOUND + name, b"/", b"; Secure"
        value = b"%b=%b; Path=%b; Max-Age=%d; HttpOnly; SameSite=Strict%b"
        return b"set-cookie", value % (name, token.encode(), path, lasts_s, rest)

    async def _tell(
        self, exchange: Exchange, key: Key | None, more: tuple[Header, ...] = ()
    ) -> None:
        open_to_all = self._keys().empty
        who = ANYBODY if open_to_all else key
        body = {
            "keys_configured": not open_to_all,
            "signed_in": who is not None,
            "name": None if key is None else key.name,
            "role": None if who is None else who.role.value,
            "version": self._version,
        }
        lines = lines_of([JSON, _NO_STORE, *more])
        await exchange.answer(200, lines, msgspec.json.encode(body))


def _hash_of(token: bytes) -> bytes:
    return sha256(token).digest()


def _is_of_our_page(exchange: Exchange) -> bool:
    """Whether a page of this gateway asks. Browsers say so, and pages cannot make them lie."""
    site = exchange.headers.get(b"sec-fetch-site")
    if site is not None:
        return site == b"same-origin"
    origin = exchange.headers.get(b"origin", b"").decode("latin-1")
    try:
        return bool(origin) and urlsplit(origin).netloc.encode() == exchange.headers.get(b"host")
    except ValueError:
        return False


_WRONG_METHOD = Reply(
    405,
    f"{SESSION} takes GET, POST and DELETE.",
    "invalid_request_error",
    "method_not_allowed",
    headers=((b"allow", b"GET, POST, DELETE"),),
)
