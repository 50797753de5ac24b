"""What does an upstream look like that is never the bottleneck?

A bare asyncio protocol that answers every POST with the same prepared bytes. Events of a stream are
written one by one, `--gap-ms` apart, because a model's tokens arrive one by one: without the gap a
slow reader finds many in one read and looks cheaper than it is.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import cast

import httptools
import uvloop

from bench.wire import plain_answer, stream_events

_ANSWER = plain_answer()
PLAIN = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    % len(_ANSWER)
) + _ANSWER
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)


def _framed(events: list[bytes]) -> list[bytes]:
    framed = [b"%x\r\n%b\r\n" % (len(event), event) for event in events]
    framed[0] = STREAM_HEAD + framed[0]
    framed[-1] += b"0\r\n\r\n"
    return framed


STREAMS = {usage: _framed(stream_events(usage)) for usage in (False, True)}


class Upstream(asyncio.Protocol):
    """One connection."""

    def __init__(self, gap_s: float) -> None:
        self.gap_s = gap_s
        self.body = bytearray()
        self.parser = httptools.HttpRequestParser(self)
        self.loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        body = bytes(self.body).replace(b" ", b"")
        self.body.clear()
        if b'"stream":true' not in body:
            self.transport.write(PLAIN)
            return
        self.write_next(STREAMS[b'"include_usage":true' in body], 0)

    def write_next(self, events: list[bytes], index: int) -> None:
        if self.transport.is_closing():
            return
        self.transport.write(events[index])
        if index + 1 < len(events):
            self.loop.call_later(self.gap_s, self.write_next, events, index + 1)


async def serve(port: int, gap_s: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Upstream(gap_s), "127.0.0.1", port)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--gap-ms", type=float, default=2.0)
    given = parser.parse_args()
    uvloop.run(serve(given.port, given.gap_ms / 1000))


if __name__ == "__main__":
    main()
