"""How are bytes exchanged with an upstream, and what broke on the way?

The only place that knows the HTTP client's errors. Timeouts other than that of connecting are the
engine's: no timer is armed per read here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextvars import ContextVar
from functools import partial
from io import BytesIO
from urllib.request import getproxies, proxy_bypass

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientRequest
from aiohttp.tracing import Trace
from yarl import URL

from pointsman.adapters.providers.failures import broken
from pointsman.core.blame import Transport
from pointsman.core.errors import UpstreamError

_IDLE_S = 30.0
_DNS_TTL_S = 60
_LINGER_S = 1.0
_BODY_IN_ONE_WRITE = 1 << 20
_fresh: ContextVar[bool] = ContextVar("fresh", default=False)

_FAILURES: tuple[tuple[type[BaseException], Transport], ...] = (
    (aiohttp.ConnectionTimeoutError, Transport.CONNECT_TIMEOUT),
    (aiohttp.ClientConnectorDNSError, Transport.DNS),
    (aiohttp.ClientConnectorCertificateError, Transport.TLS),
    (aiohttp.ClientSSLError, Transport.TLS),
    (aiohttp.ServerFingerprintMismatch, Transport.TLS),
    (aiohttp.ClientConnectorError, Transport.CONNECT),
    (aiohttp.ClientHttpProxyError, Transport.CONNECT),
    (aiohttp.ClientPayloadError, Transport.TRUNCATED),
    (aiohttp.ClientResponseError, Transport.MALFORMED),
    (aiohttp.ClientConnectionError, Transport.RESET),
    (ConnectionError, Transport.RESET),
    (TimeoutError, Transport.TOTAL_TIMEOUT),
)
BREAKS = (aiohttp.ClientError, OSError, TimeoutError)
"""Everything the HTTP client raises when the upstream or the way to it fails."""

_STALE = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionResetError)


class _Pool(aiohttp.TCPConnector):
    """Connections without a limit of their own (models have limits), which says when it dials."""

    async def _create_connection(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - the signature is aiohttp's
    ) -> ResponseHandler:
        _fresh.set(True)
        return await super()._create_connection(req, traces, timeout)


class Channel:
    """The connections to one upstream. Opens them in the loop of its first request.

    `headers` go with every request; those given with a request are added to them.
    """

    __slots__ = ("_headers", "_lingering", "_proxy", "_session", "_timeouts")

    def __init__(self, headers: Mapping[str, str], proxy: str | None = None) -> None:
        self._headers = headers
        self._session: aiohttp.ClientSession | None = None
        self._timeouts: dict[float, aiohttp.ClientTimeout] = {}
        self._proxy = proxy
        self._lingering: dict[aiohttp.ClientResponse, asyncio.TimerHandle] = {}

    async def post(
        self, url: URL, body: bytes, headers: Mapping[str, str] | None, connect_s: float
    ) -> aiohttp.ClientResponse:
        """Send a body and return once a status has come. Raises `UpstreamError`."""
        _fresh.set(False)
        try:
            try:
                return await self._send("POST", url, headers, connect_s, body)
            except _STALE as fault:
                # A pooled connection that the upstream had closed meanwhile: it has not read the
                # request, so one more try is safe. On a new connection it would not be.
                if _fresh.get() or isinstance(fault, aiohttp.ClientConnectorError):
                    raise
                return await self._send("POST", url, headers, connect_s, body)
        except BREAKS as fault:
            raise failure_of(fault) from fault

    async def get(self, url: URL, connect_s: float) -> aiohttp.ClientResponse:
        """Ask and return once a status has come. Raises `UpstreamError`."""
        try:
            return await self._send("GET", url, None, connect_s, None)
        except BREAKS as fault:
            raise failure_of(fault) from fault

    def linger(self, response: aiohttp.ClientResponse) -> None:
        """Give the connection of a complete answer back to the pool once its last bytes are in.

        They follow the end of the answer at once, as a rule; the caller does not wait for them. An
        upstream that keeps on talking is cut off.
        """
        if response.content.is_eof():
            return
        loop = asyncio.get_running_loop()
        self._lingering[response] = loop.call_later(_LINGER_S, self._let_go, response)
        response.content.on_eof(partial(self._let_go, response))

    def _let_go(self, response: aiohttp.ClientResponse) -> None:
        timer = self._lingering.pop(response, None)
        if timer is not None:
            timer.cancel()
        if not response.content.is_eof():
            response.close()

    async def close(self) -> None:
        """Let go of all connections. Idempotent."""
        for response in tuple(self._lingering):
            self._let_go(response)
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _send(
        self,
        method: str,
        url: URL,
        headers: Mapping[str, str] | None,
        connect_s: float,
        body: bytes | None,
    ) -> aiohttp.ClientResponse:
        session = self._session or self._opened()
        timeout = self._timeouts.get(connect_s)
        if timeout is None:
            # Keyed by a configured figure; forgotten when it changes, so it stays small.
            self._timeouts = {connect_s: aiohttp.ClientTimeout(total=None, connect=connect_s)}
            timeout = self._timeouts[connect_s]
        data = body if body is None or len(body) <= _BODY_IN_ONE_WRITE else BytesIO(body)
        return await session.request(
            method, url, data=data, headers=headers, timeout=timeout, allow_redirects=False
        )

    def _opened(self) -> aiohttp.ClientSession:
        connector = _Pool(limit=0, keepalive_timeout=_IDLE_S, ttl_dns_cache=_DNS_TTL_S)
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "pointsman", **self._headers},
            proxy=self._proxy,
        )
        return self._session


def environment_proxy(url: URL) -> str | None:
    """The proxy that the environment names for this address, None when it names none.

    Read once: the HTTP client would ask a thread for it at every request, and mix in the passwords
    of a netrc file.
    """
    if url.host is None or proxy_bypass(url.host):
        return None
    return getproxies().get(url.scheme)


def failure_of(fault: BaseException) -> UpstreamError:
    """The failure that an error of the HTTP client stands for."""
    known = (transport for kind, transport in _FAILURES if isinstance(fault, kind))
    transport = next(known, Transport.CONNECT)
    if transport is Transport.TRUNCATED and "ConnectionResetError" in str(fault):
        transport = Transport.RESET
    return broken(transport, str(fault) or type(fault).__name__)


async def read_at_most(response: aiohttp.ClientResponse, limit: int) -> bytes | None:
    """The body, decompressed, or None when it is larger than `limit` bytes.

    Reads piece by piece, so that a small body cannot unpack into a large one.
    """
    content = response.content
    parts: list[bytes] = []
    size = 0
    while size <= limit:
        part = await content.readany()
        if not part:
            return b"".join(parts) if len(parts) != 1 else parts[0]
        parts.append(part)
        size += len(part)
    response.close()
    return None


async def excerpt(response: aiohttp.ClientResponse, limit: int, within_s: float) -> bytes:
    """What came of a body within the time, at most `limit` bytes; then the connection is let go."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(within_s):
            while size < limit and (part := await response.content.readany()):
                parts.append(part)
                size += len(part)
    except BREAKS:
        pass  # what was said before the break is all there is
    finally:
        if not response.content.is_eof():
            response.close()
    return b"".join(parts)[:limit]
