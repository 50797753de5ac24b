"""How does a test use the HTTP client alone, against bytes on a real socket?"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType

import pytest
from raw_upstream import RawUpstream, Request, Script, Wire

from pointsman.adapters.providers.http_heads import address_of
from pointsman.adapters.providers.http_response import Response
from pointsman.adapters.providers.transport import BREAKS, Channel, failure_of
from pointsman.core.errors import UpstreamError

CONNECT_S = 2.0
OK = b"HTTP/1.1 200 OK\r\n"
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


def says(body: bytes, *lines: bytes) -> bytes:
    """A whole response with its length, and these header lines."""
    more = b"".join(line + b"\r\n" for line in lines)
    return OK + b"content-length: %d\r\n%b\r\n%b" % (len(body), more, body)


@asynccontextmanager
async def channel(
    script: Script, headers: Mapping[str, str] = NO_HEADERS, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[Channel, RawUpstream]]:
    """A channel to an upstream that follows the script."""
    async with RawUpstream(script, tls) as upstream:
        made = Channel(address_of(upstream.url), headers)
        try:
            yield made, upstream
        finally:
            await made.close()


async def asked(
    made: Channel, body: bytes = b"{}", headers: Mapping[str, str] | None = None
) -> Response:
    return await made.post(b"/ask", body, headers, CONNECT_S)


async def body_of(response: Response) -> bytes:
    """All of the body, to its honest end."""
    parts = []
    while part := await response.read_some():
        parts.append(part)
    return b"".join(parts)


async def answer_to(made: Channel, body: bytes = b"{}") -> bytes:
    return await body_of(await asked(made, body))


async def fault_in(made: Channel) -> UpstreamError:
    """What is wrong with the answer, wherever it shows."""
    with pytest.raises((UpstreamError, *BREAKS)) as caught:
        await answer_to(made)
    fault = caught.value
    return fault if isinstance(fault, UpstreamError) else failure_of(fault)


async def until(condition: asyncio.Event) -> None:
    await asyncio.wait_for(condition.wait(), 15)


def in_turn(*scripts: Script) -> Script:
    """Each request is served by the next script, the last one serves all that follow."""
    left = list(scripts)

    async def script(request: Request, wire: Wire) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(request, wire)

    return script
