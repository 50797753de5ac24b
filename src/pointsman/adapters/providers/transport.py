"""How are bytes exchanged with an upstream, and what broke on the way?

The one door to our own HTTP client: above it there are only requests, responses and
`UpstreamError`s. Timeouts other than that of connecting are the engine's: no timer is armed here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.request import getproxies, proxy_bypass

from pointsman.adapters.providers.breaks import Broken
from pointsman.adapters.providers.failures import broken
from pointsman.adapters.providers.http_heads import Address, Heads, address_of, basic
from pointsman.adapters.providers.http_pool import HttpPool
from pointsman.adapters.providers.http_response import Response
from pointsman.core.blame import Transport
from pointsman.core.errors import UpstreamError

_LINGER_S = 1.0

BREAKS = (Broken, OSError, TimeoutError)
"""Everything the HTTP client raises when the upstream or the way to it fails."""


class Channel:
    """The connections to one upstream. Opens them in the loop of its first request.

    `headers` go with every request; those given with a request are added to them. Raises
    ValueError when the address is none, or a header cannot be sent.
    """

    __slots__ = ("_heads", "_pool")

    def __init__(
        self, origin: Address, headers: Mapping[str, str], proxy: Address | None = None
    ) -> None:
        fixed = dict(headers)
        prefix = ""
        if origin.login is not None and "authorization" not in {name.lower() for name in fixed}:
            fixed["authorization"] = basic(origin.login)
        if proxy is not None and not origin.secure:
            # A proxy passes plain requests on by their whole address (RFC 9112, 3.2.2).
            prefix = f"http://{origin.host_header}"
            if proxy.login is not None:
                fixed["proxy-authorization"] = basic(proxy.login)
        self._heads = Heads(origin.host_header, fixed, prefix)
        self._pool = HttpPool(origin, proxy)

    async def post(
        self, target: bytes, body: bytes, headers: Mapping[str, str] | None, connect_s: float
    ) -> Response:
        """Send a body and return once a status has come. Raises `UpstreamError`."""
        head = self._heads.post(target, len(body), headers)
        try:
            return await self._pool.exchange(head, body, connect_s)
        except BREAKS as fault:
            raise failure_of(fault) from fault

    async def get(self, target: bytes, connect_s: float) -> Response:
        """Ask and return once a status has come. Raises `UpstreamError`."""
        try:
            return await self._pool.exchange(self._heads.get(target), b"", connect_s)
        except BREAKS as fault:
            raise failure_of(fault) from fault

    def linger(self, response: Response) -> None:
        """Give the connection of a complete answer back to the pool once its last bytes are in.

        They follow the end of the answer at once, as a rule; the caller does not wait for them. An
        upstream that keeps on talking is cut off.
        """
        response.linger(_LINGER_S)

    async def close(self) -> None:
        """Let go of all connections. Idempotent."""
        await self._pool.close()


def environment_proxy(origin: Address) -> Address | None:
    """The proxy that the environment names for this address, None when it names none."""
    if proxy_bypass(origin.host):
        return None
    named = getproxies().get("https" if origin.secure else "http")
    if not named:
        return None
    return address_of(named if "://" in named else f"http://{named}")


def failure_of(fault: BaseException) -> UpstreamError:
    """The failure that an error of the HTTP client stands for."""
    if isinstance(fault, Broken):
        transport = fault.transport
    elif isinstance(fault, TimeoutError):
        transport = Transport.TOTAL_TIMEOUT
    elif isinstance(fault, ConnectionError):
        transport = Transport.RESET
    else:
        transport = Transport.CONNECT
    return broken(transport, str(fault) or type(fault).__name__)


async def read_at_most(response: Response, limit: int) -> bytes | None:
    """The body, decompressed, or None when it is larger than `limit` bytes.

    Reads piece by piece, so that a small body cannot unpack into a large one.
    """
    parts: list[bytes] = []
    size = 0
    while size <= limit:
        part = await response.read_some()
        if not part:
            return b"".join(parts) if len(parts) != 1 else parts[0]
        parts.append(part)
        size += len(part)
    response.close()
    return None


async def excerpt(response: Response, limit: int, within_s: float) -> bytes:
    """What came of a body within the time, at most `limit` bytes; then the connection is let go."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(within_s):
            while size < limit and (part := await response.read_some()):
                parts.append(part)
                size += len(part)
    except BREAKS:
        pass  # what was said before the break is all there is
    finally:
        response.close()
    return b"".join(parts)[:limit]
