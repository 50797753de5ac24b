"""How does a body get to a receiver by HTTP, and what did it answer?

One request on one connection, no redirect followed, no proxy, the address checked and kept. What
a receiver sends is bounded; how long it takes is for the caller to bound.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import httptools

from pointsman.adapters.notifiers.addresses import Resolve, allowed, resolved
from pointsman.core.delivery import asked_wait_s, objection
from pointsman.core.errors import NotifyError
from pointsman.version import VERSION

MAX_ANSWER_BYTES = 65_536
MAX_SAID_CHARS = 200
MIN_HIDDEN_CHARS = 6
MASK = "***"

_CHUNK = 16_384
_PATH = frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%:/?@!$&'()*+,;="
)


class Reply(NamedTuple):
    """A final answer. Names of headers are in small letters; the body may be cut."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def address_fault(url: str) -> str:
    """What is wrong with an address to post to, in words that hold nothing of it; '' if nothing."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna")
        sound = parts.scheme in ("http", "https") and host and parts.port != 0
    except ValueError:
        sound = False
    if not sound or parts.username is not None:
        return "this is no address of http or https without a login"
    if not _PATH.issuperset(f"{parts.path}?{parts.query}"):
        return "an address has no blanks and nothing beyond ASCII in its path"
    return ""


class Poster:
    """Posts to one origin. Nothing it raises or shows holds any part of the path or of a secret.

    `url` is of http or https, without a login. `secrets` are further words that a receiver may
    repeat to us and that must not be shown. Raises `ValueError` for another url.
    """

    def __init__(
        self,
        url: str,
        now: Callable[[], datetime],
        *,
        allow_private: bool,
        secrets: Iterable[str] = (),
        resolve: Resolve = resolved,
    ) -> None:
        if fault := address_fault(url):
            raise ValueError(fault)
        parts = urlsplit(url)
        self._host = (parts.hostname or "").encode("idna").decode()
        self._secure = parts.scheme == "https"
        self._port = parts.port or (443 if self._secure else 80)
        self._path = parts.path + (f"?{parts.query}" if parts.query else "")
        self._now = now
        self._allow_private = allow_private
        self._resolve = resolve
        self._hidden = _hidden(parts.path, parts.query, secrets)

    def __repr__(self) -> str:
        return f"Poster({self.place})"

    @property
    def place(self) -> str:
        """`host:port`, the part of the address that may be shown."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{host}:{self._port}"

    async def post(self, body: bytes, headers: Mapping[str, str], *, below: str = "") -> Reply:
        """Post a body; `below` is a path under that of the address.

        Returns what was accepted with a status of 2xx. Raises `NotifyError` for everything else.
        """
        reply = await self._exchange(self._head(len(body), headers, below) + body)
        asked = reply.headers.get("retry-after")
        error = objection(
            reply.status,
            self.said(reply.body),
            None if asked is None else asked_wait_s(asked, self._now()),
        )
        if error is not None:
            raise error
        return reply

    def said(self, body: bytes) -> str:
        """What a receiver said in an answer, in one line without what must not be shown."""
        text = " ".join(body.decode("utf-8", "replace").split())
        for secret in self._hidden:
            text = text.replace(secret, MASK)
        return text if len(text) <= MAX_SAID_CHARS else text[: MAX_SAID_CHARS - 1] + "…"

    def _head(self, length: int, headers: Mapping[str, str], below: str) -> bytes:
        path = (self._path.rstrip("/") + below if below else self._path) or "/"
        usual = {
            "Host": self.place if self._port not in (80, 443) else self.place.rpartition(":")[0],
            "User-Agent": f"pointsman/{VERSION}",
            "Content-Type": "application/json",
            "Content-Length": str(length),
            "Connection": "close",
        }
        lines = [f"POST {path} HTTP/1.1"]
        for name, value in {**usual, **headers}.items():
            if not value.isprintable():
                raise NotifyError(f"the header {name} holds a line break", misconfigured=True)
            lines.append(f"{name}: {value}")
        return "\r\n".join([*lines, "", ""]).encode("utf-8")

    async def _exchange(self, request: bytes) -> Reply:
        reader, writer = await self._connected()
        try:
            writer.write(request)
            # Who answers before it has read everything is heard all the same.
            with suppress(ConnectionError):
                await writer.drain()
            return await self._answer(reader)
        except (OSError, ssl.SSLError) as error:
            raise NotifyError(f"{self.place} broke the connection: {_reason(error)}") from error
        finally:
            writer.transport.abort()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        addresses = await allowed(
            self._host, self._port, allow_private=self._allow_private, resolve=self._resolve
        )
        secure: dict[str, Any] = {}
        if self._secure:
            secure = {"ssl": _trusting(), "server_hostname": self._host}
        problem: Exception | None = None
        for address in addresses:
            try:
                return await asyncio.open_connection(address, self._port, **secure)
            except ssl.SSLError as error:
                words = f"TLS with {self.place} failed: {_reason(error)}"
                raise NotifyError(words, misconfigured=True) from error
            except OSError as error:
                problem = error
        assert problem is not None  # noqa: S101 - there is at least one address
        raise NotifyError(f"no connection to {self.place}: {_reason(problem)}") from problem

    async def _answer(self, reader: asyncio.StreamReader) -> Reply:
        answer = _Answer()
        while not answer.done:
            data = await reader.read(_CHUNK)
            if not data:
                break
            try:
                answer.feed(data)
            except httptools.HttpParserError as error:
                raise NotifyError(f"{self.place} answered with something else than HTTP") from error
        if not answer.status:
            raise NotifyError(f"{self.place} closed the connection without an answer")
        return Reply(answer.status, answer.headers, bytes(answer.body))


class _Answer:
    """Takes an HTTP answer apart as it comes; interim ones (1xx) are passed over."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._heads: dict[str, str] = {}
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.body = bytearray()
        self.done = False
        # Heads count too: a receiver may send them without end.
        self._left = 2 * MAX_ANSWER_BYTES

    def feed(self, data: bytes) -> None:
        self._left -= len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.status, self.done = 101, True
        self.done = self.done or self._left < 0

    def on_header(self, name: bytes, value: bytes) -> None:
        self._heads[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status >= 200:
            self.status, self.headers = status, self._heads
        self._heads = {}

    def on_body(self, body: bytes) -> None:
        self.body += body[: MAX_ANSWER_BYTES - len(self.body)]
        self.done = self.done or len(self.body) >= MAX_ANSWER_BYTES

    def on_message_complete(self) -> None:
        self.done = self.done or self.status > 0


@cache
def _trusting() -> ssl.SSLContext:
    """The system's certificates, or those that SSL_CERT_FILE and SSL_CERT_DIR name."""
    return ssl.create_default_context()


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return (
        getattr(error, "strerror", None) or getattr(error, "reason", None) or type(error).__name__
    )


def _hidden(path: str, query: str, secrets: Iterable[str]) -> list[str]:
    """What is not to be shown, the longest first: of an address, any part may be a token."""
    parts = [path, query, *path.split("/"), *(pair.partition("=")[2] for pair in query.split("&"))]
    words = {*parts, *map(unquote, parts), *secrets}
    return sorted((word for word in words if len(word) >= MIN_HIDDEN_CHARS), key=len, reverse=True)
