"""Does a server that is told to stop take the connections that the system has taken for it?"""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
import time
from collections.abc import Callable

import uvicorn

from pointsman.adapters.http.bounds import EdgeLimits
from pointsman.adapters.http.edge import edge_protocol
from pointsman.adapters.http.exchange import Exchange
from pointsman.app.stopping import Grace, StoppingServer

ASKED = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n"


async def greet(exchange: Exchange) -> None:
    await exchange.answer(200, b"", b"hello")


async def nothing(_scope: object, _receive: object, _send: object) -> None:
    """No application: all is answered by the protocol."""


def server(give_up: Callable[[str], None]) -> StoppingServer:
    config = uvicorn.Config(
        nothing, http=edge_protocol(greet, EdgeLimits()), lifespan="off", log_config=None
    )
    config.load()
    grace = Grace(time.monotonic)
    made = StoppingServer(config, grace=grace, grace_s=lambda: 600.0, give_up=give_up)
    made.lifespan = config.lifespan_class(config)
    return made


def test_a_third_signal_amid_a_line_of_the_log_ends_the_process_all_the_same() -> None:
    """Whoever gives up writes to the log, too, and whoever was interrupted may hold its lock."""
    held, given_up = threading.Lock(), threading.Event()

    def giving_up(_reason: str) -> None:
        if held.acquire(timeout=5.0):
            given_up.set()

    stopping = server(giving_up)
    for _ in range(2):
        stopping.handle_exit(signal.SIGTERM, None)
    with held:
        stopping.handle_exit(signal.SIGTERM, None)
    assert given_up.wait(5.0)


def all_of(plug: socket.socket) -> bytes:
    with plug:
        return b"".join(iter(lambda: plug.recv(65_536), b""))


async def test_who_waits_to_be_taken_is_taken_and_answered() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setblocking(False)
    given_up: list[str] = []
    stopping = server(given_up.append)
    await stopping.startup([listening])
    address = listening.getsockname()
    plugs = [socket.create_connection(address, timeout=5.0) for _ in range(8)]
    for plug in plugs:  # nothing is awaited: the loop has not seen any of them
        plug.sendall(ASKED)
    reading = [asyncio.create_task(asyncio.to_thread(all_of, plug)) for plug in plugs]
    await stopping.shutdown([listening])
    for answer in await asyncio.gather(*reading):
        assert answer.endswith(b"hello")
    assert not given_up
