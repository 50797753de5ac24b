"""What would another server, framework or client cost in the place of ours?

    python -m bench.choices.stack

The floor (`bench.floor`) with one part exchanged at a time, all in one run.
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import httpx
import uvicorn
from litestar import Litestar, Request, post
from litestar.response import Stream

from bench import servers
from bench.floor import Floor, Message, Receive, Send, whole_body
from bench.lean_floor import LeanFloor
from bench.measure import Shape, interleaved, median
from bench.report import cpu_us, p99_ms, per_second
from bench.servers import Cores, Server

VARIANTS = {
    "the floor: raw ASGI, httptools, uvloop, aiohttp": ("raw", "httptools", "uvloop", "tuned"),
    "our own client for aiohttp": ("lean", "httptools", "uvloop", "tuned"),
    "h11 for httptools": ("raw", "h11", "uvloop", "tuned"),
    "asyncio's loop for uvloop": ("raw", "httptools", "asyncio", "tuned"),
    "Python's own garbage collection": ("raw", "httptools", "uvloop", "untuned"),
    "a Litestar route for raw ASGI": ("litestar", "httptools", "uvloop", "tuned"),
    "httpx for aiohttp": ("httpx", "httptools", "uvloop", "tuned"),
}


class ByHttpx:
    """The floor with httpx as its client."""

    def __init__(self, upstream_url: str) -> None:
        self.url = f"{upstream_url}/chat/completions"
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
        self.client = httpx.AsyncClient(limits=limits, timeout=60)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = await whole_body(receive)
        kind = {"content-type": "application/json"}
        async with self.client.stream("POST", self.url, content=body, headers=kind) as answer:
            headers = [(b"content-type", answer.headers["content-type"].encode())]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            async for data in answer.aiter_raw():
                await send({"type": "http.response.body", "body": data, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def by_litestar(upstream_url: str) -> Litestar:
    """The floor's call behind a Litestar route."""
    floor = Floor(upstream_url)

    @post("/v1/chat/completions", status_code=200)
    async def chat(request: Request[Any, Any, Any]) -> Stream:
        assert floor.session is not None
        kind = {"content-type": "application/json"}
        answer = await floor.session.post(floor.url, data=await request.body(), headers=kind)

        async def passed_on() -> AsyncIterator[bytes]:
            async with answer:
                async for data in answer.content.iter_any():
                    yield data

        return Stream(passed_on(), media_type=answer.headers["content-type"])

    async def connect() -> None:
        floor.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)

    return Litestar([chat], on_startup=[connect], openapi_config=None)


def serve(given: argparse.Namespace) -> None:
    kind, http, loop, collection = given.variant.split(",")
    apps: dict[str, Callable[[str], Any]] = {
        "raw": Floor,
        "lean": LeanFloor,
        "httpx": ByHttpx,
        "litestar": by_litestar,
    }
    if collection == "untuned":
        gc.freeze = lambda: None
        gc.set_threshold = lambda *_: None
    uvicorn.run(
        apps[kind](given.upstream),
        host="127.0.0.1",
        port=given.port,
        loop=loop,
        http=http,
        log_level="error",
        access_log=False,
    )


def start(name: str, url: str, cores: frozenset[int]) -> Server:
    port = servers.free_port()
    arguments = ["-m", "bench.choices.stack", "--serve", "--variant", ",".join(VARIANTS[name])]
    arguments += ["--upstream", url, "--port", str(port)]
    return servers.started(name, [sys.executable, *arguments], cores, port=port)


def compare(rounds: int) -> None:
    cores = Cores.of_this_machine()
    direct = servers.upstream(cores.upstream, gap_ms=2)
    running = [start(name, f"http://127.0.0.1:{direct.port}/v1", cores.server) for name in VARIANTS]
    plain = interleaved(running, cores.load, Shape(16, 1.5), rounds=rounds)
    stream = interleaved(running, cores.load, Shape(16, 1.5, stream=True), rounds=rounds)
    print(f"{'':48}   RPS  CPU µs  p99 ms  CPU µs/stream")
    for name, found in plain.items():
        figures = f"{median(found, per_second):6,.0f}{median(found, cpu_us):8,.0f}"
        streamed = median(stream[name], cpu_us)
        print(f"{name:48}{figures}{median(found, p99_ms):8.2f}{streamed:15,.0f}")
    for server in [*running, direct]:
        server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("--variant", default="")
    parser.add_argument("--upstream", default="")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    if given.serve:
        serve(given)
    else:
        compare(given.rounds)


if __name__ == "__main__":
    main()
