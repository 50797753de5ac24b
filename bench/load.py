"""How fast does a server answer N connections that each ask again as soon as they are answered?

A closed loop of raw connections in a process of its own, cheap enough not to measure itself. Every
answer is read to its end and checked (`wire.fault`); a wrong one counts as an error and ends the
connection. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import cast

import httptools
import uvloop

from bench.wire import fault, request_body

MAX_ERRORS = 20


@dataclass
class Tally:
    """What has happened so far. Times in seconds."""

    ends_at: float
    max_requests: int
    begun: int = 0
    total_s: list[float] = field(default_factory=list)
    first_s: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)

    def may_begin(self) -> bool:
        if self.begun >= self.max_requests or time.perf_counter() >= self.ends_at:
            return False
        if self.errors.total() >= MAX_ERRORS:
            return False
        self.begun += 1
        return True


@dataclass(frozen=True)
class Report:
    """The result of one run; percentiles in milliseconds, `first` of the answer's first byte."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    first_p50_ms: float
    first_p99_ms: float
    errors: Mapping[str, int]

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds if self.seconds else 0.0


class Connection(asyncio.Protocol):
    """One caller. `finished` is set once it has nothing more to ask or its connection is lost."""

    def __init__(self, request: bytes, stream: bool, tally: Tally) -> None:
        self.request = request
        self.stream = stream
        self.tally = tally
        self.finished = asyncio.get_running_loop().create_future()
        self.asking = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.ask()

    def ask(self) -> None:
        if not self.tally.may_begin():
            self.transport.close()
            return
        self.parser = httptools.HttpResponseParser(self)
        self.body: list[bytes] = []
        self.asking = True
        self.first_at = 0.0
        self.asked_at = time.perf_counter()
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        if not self.first_at:
            self.first_at = time.perf_counter()
        self.body.append(body)

    def on_message_complete(self) -> None:
        now = time.perf_counter()
        self.asking = False
        wrong = fault(self.parser.get_status_code(), b"".join(self.body), self.stream)
        if wrong:
            self.tally.errors[wrong] += 1
            self.transport.close()
            return
        self.tally.total_s.append(now - self.asked_at)
        self.tally.first_s.append(self.first_at - self.asked_at)
        self.ask()

    def connection_lost(self, _exc: Exception | None) -> None:
        if self.asking:
            self.tally.errors["connection lost"] += 1
        if not self.finished.done():
            self.finished.set_result(None)


async def caller(port: int, request: bytes, stream: bool, tally: Tally) -> None:
    """Keep one connection asking until the run is over, connecting again when it is lost."""
    loop = asyncio.get_running_loop()
    while tally.may_begin():
        tally.begun -= 1
        try:
            _, connection = await loop.create_connection(
                lambda: Connection(request, stream, tally), "127.0.0.1", port
            )
        except OSError as error:
            tally.errors[f"connect: {error.strerror}"] += 1
            return
        await connection.finished


def percentile_ms(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


async def run(given: argparse.Namespace) -> Report:
    body = request_body(given.model, given.stream)
    lines = [
        f"POST {given.path} HTTP/1.1",
        f"host: 127.0.0.1:{given.port}",
        "content-type: application/json",
        f"content-length: {len(body)}",
        *given.header,
    ]
    request = "\r\n".join([*lines, "", ""]).encode() + body
    began = time.perf_counter()
    tally = Tally(began + given.seconds, given.requests)
    calls = [caller(given.port, request, given.stream, tally) for _ in range(given.connections)]
    await asyncio.gather(*calls)
    return Report(
        requests=len(tally.total_s),
        seconds=time.perf_counter() - began,
        p50_ms=percentile_ms(tally.total_s, 0.5),
        p99_ms=percentile_ms(tally.total_s, 0.99),
        first_p50_ms=percentile_ms(tally.first_s, 0.5),
        first_p99_ms=percentile_ms(tally.first_s, 0.99),
        errors=dict(tally.errors),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", default="/v1/chat/completions")
    parser.add_argument("--model", default="auto")
    parser.add_argument("--header", action="append", default=[])
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--requests", type=int, default=10**9)
    parser.add_argument("--stream", action="store_true")
    given = parser.parse_args()
    # A collection here would look like a slow server.
    gc.disable()
    print(json.dumps(asdict(uvloop.run(run(given)))))


if __name__ == "__main__":
    main()
