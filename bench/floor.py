"""What is the least that a gateway on our stack can cost?

uvicorn + uvloop + httptools around a raw ASGI callable that hands the body to aiohttp and passes
the answer on as it comes. It decides nothing, checks nothing and remembers nothing: whatever
pointsman costs above this is the price of what pointsman does.
"""

from __future__ import annotations

import argparse
import gc
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import aiohttp
import uvicorn

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class Floor:
    """The ASGI application."""

    def __init__(self, upstream_url: str) -> None:
        self.url = f"{upstream_url}/chat/completions"
        self.session: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.live(receive, send)
            return
        body = await whole_body(receive)
        assert self.session is not None
        async with self.session.post(
            self.url, data=body, headers={"content-type": "application/json"}
        ) as answer:
            kind = answer.headers.get("content-type", "application/json").encode()
            headers = [(b"content-type", kind)]
            if answer.content_length is not None:
                await pass_on_whole(answer, headers, send)
                return
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            async for data in answer.content.iter_any():
                await send({"type": "http.response.body", "body": data, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def live(self, receive: Receive, send: Send) -> None:
        await receive()
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), auto_decompress=False
        )
        await send({"type": "lifespan.startup.complete"})
        # Same tuning as the gateway: what start-up made is never garbage.
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        await receive()
        await self.session.close()
        await send({"type": "lifespan.shutdown.complete"})


async def whole_body(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return body


async def pass_on_whole(
    answer: aiohttp.ClientResponse, headers: list[tuple[bytes, bytes]], send: Send
) -> None:
    body = await answer.read()
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def serve(make: Callable[[str], App], description: str | None) -> None:
    """Run the application that `make` builds for the address of an upstream."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args()
    uvicorn.run(
        make(given.upstream),
        host="127.0.0.1",
        port=given.port,
        loop="uvloop",
        http="httptools",
        log_level="error",
        access_log=False,
    )


if __name__ == "__main__":
    serve(Floor, __doc__)
