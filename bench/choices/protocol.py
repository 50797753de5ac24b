"""What does a server's protocol cost a request, without a socket and without an answer to find?

The protocol of uvicorn around a raw ASGI callable, and ours around an exchange. Both are given the
same request as bytes and send the same headers and bytes back.

python -m bench.choices.protocol
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, MutableMapping
from typing import Any

import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from bench.wire import plain_answer, request_body, stream_events
from pointsman.adapters.http.bounds import EdgeLimits
from pointsman.adapters.http.edge import edge_protocol
from pointsman.adapters.http.exchange import Exchange
from pointsman.adapters.http.replies import lines_of

ANSWER = plain_answer()
EVENTS = stream_events(usage=False)
HEADERS = [
    (b"content-type", b"application/json"),
    (b"x-request-id", b"req_0123456789abcdef01234567"),
    *((b"x-pointsman-fact-%d" % n, b"some value") for n in range(5)),
]
REQUESTS, ROUNDS = 300, 40

Message = MutableMapping[str, Any]


class Nowhere(asyncio.Transport):
    """A transport that counts its writes and throws them away."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 5), "sockname": ("127.0.0.1", 6)})
        self.writes = 0

    def write(self, _data: bytes | bytearray | memoryview) -> None:
        self.writes += 1

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


async def over_asgi(_scope: Message, receive: Any, send: Any) -> None:
    message = await receive()
    assert not message["more_body"]
    length = (b"content-length", b"%d" % len(ANSWER))
    if b'"stream":true' not in message["body"].replace(b" ", b""):
        headers = [*HEADERS, length]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": ANSWER, "more_body": False})
        return
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    for event in EVENTS:
        await send({"type": "http.response.body", "body": event, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def over_an_exchange(exchange: Exchange) -> None:
    exchange.request_id = "req_0123456789abcdef01234567"
    lines = lines_of([header for header in HEADERS if header[0] != b"x-request-id"])
    body = await exchange.body()
    if b'"stream":true' not in body.replace(b" ", b""):
        await exchange.answer(200, lines, ANSWER)
        return
    first, *others = EVENTS
    await exchange.begin(lines, first)
    for event in others:
        await exchange.more(event)
    await exchange.end(b"")


async def cost_us(make: Callable[[ServerState], Any], data: bytes) -> tuple[float, int]:
    """CPU per request in µs, the least of all rounds, and the writes per request."""
    state = ServerState()
    state.default_headers = [(b"date", b"Mon, 23 Nov 2026 12:00:00 GMT")]
    protocol, transport = make(state), Nowhere()
    protocol.connection_made(transport)

    async def round_us() -> float:
        began = time.thread_time()
        for _ in range(REQUESTS):
            protocol.data_received(data)
            (answering,) = state.tasks
            await answering
            await asyncio.sleep(0)
        return (time.thread_time() - began) / REQUESTS * 1e6

    await round_us()
    gc.collect()
    gc.disable()
    transport.writes = 0
    least = min([await round_us() for _ in range(ROUNDS)])
    return least, transport.writes // (REQUESTS * ROUNDS)


async def main() -> None:
    loop = asyncio.get_running_loop()
    config = uvicorn.Config(over_asgi, ws="none", lifespan="off", log_config=None, access_log=False)
    ours = edge_protocol(over_an_exchange, EdgeLimits())
    ways: dict[str, Callable[[ServerState], Any]] = {
        "uvicorn's, raw ASGI": lambda state: HttpToolsProtocol(config, state, {}, loop),
        "ours": lambda state: ours(state, loop),
    }
    for stream in (False, True):
        body = request_body("auto", stream)
        head = (
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:8080\r\n"
            b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
        )
        print(f"a stream of {len(EVENTS)} events" if stream else "a plain answer")
        for name, make in ways.items():
            least, writes = await cost_us(make, head + body)
            print(f"  {name:24}{least:8.1f} µs{writes:6} writes")


if __name__ == "__main__":
    uvloop.run(main())
