"""What is the least that a gateway can cost with our own HTTP client?

The same proxy as `bench.floor`, asking the upstream by the client that pointsman uses instead of
aiohttp. It shows how much of a difference to the floor is the client's and not the routing's.
"""

from __future__ import annotations

import gc

from bench.floor import Message, Receive, Send, serve, whole_body
from pointsman.adapters.providers.http_heads import address_of
from pointsman.adapters.providers.http_response import Response
from pointsman.adapters.providers.transport import Channel, read_at_most

MAX_BODY_BYTES = 64 * 1024 * 1024
CONNECT_S = 10.0


class LeanFloor:
    """The ASGI application."""

    def __init__(self, upstream_url: str) -> None:
        address = address_of(upstream_url)
        self.target = f"{address.path}/chat/completions".encode()
        self.channel = Channel(address, {"content-type": "application/json"})

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.live(receive, send)
            return
        body = await whole_body(receive)
        answer = await self.channel.post(self.target, body, None, CONNECT_S)
        kind = answer.header(b"content-type").encode()
        headers = [(b"content-type", kind)]
        if answer.header(b"content-length"):
            await pass_on_whole(answer, headers, send)
            return
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        while data := await answer.read_some():
            await send({"type": "http.response.body", "body": data, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        # Same tuning as the gateway: what start-up made is never garbage.
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        await receive()
        await self.channel.close()
        await send({"type": "lifespan.shutdown.complete"})


async def pass_on_whole(answer: Response, headers: list[tuple[bytes, bytes]], send: Send) -> None:
    body = await read_at_most(answer, MAX_BODY_BYTES) or b""
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


if __name__ == "__main__":
    serve(LeanFloor, __doc__)
