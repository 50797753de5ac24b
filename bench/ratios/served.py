"""What does a request through the gateway cost, a stream, a look at the dashboard?

Processor time of the server's whole process tree, beside that of a minimal proxy on the same stack,
or of the gateway's own shortest answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection

from bench import gateway, servers
from bench.measure import Round, Shape, ask, median, one_round
from bench.ratios.ratio import Ratio
from bench.servers import Cores, Server
from pointsman.adapters.http.control import PREFIX

GAP_MS = 2.0
ROUND_S = 1.0
LOOKS = 150
LEAST_CPU_S = 0.4
"""So much of a server's time is measured at least: the kernel counts it in hundredths."""


def measured(turns: int) -> Iterator[Ratio]:
    cores = Cores.of_this_machine()
    with ExitStack() as stack:
        stack.enter_context(servers.machine_to_itself())
        upstream = servers.upstream(cores.upstream, GAP_MS)
        stack.callback(upstream.stop)
        url = f"http://127.0.0.1:{upstream.port}/v1"
        floor, ours = servers.floor(url, cores.server), gateway.start(url, cores.server)
        stack.callback(floor.stop)
        stack.callback(ours.stop)
        for name, shape, at_most in (
            ("gateway, a request", Shape(16, ROUND_S), 2.8),
            ("gateway, a stream of 20 chunks", Shape(16, ROUND_S, stream=True), 2.5),
        ):
            mine, least = _interleaved(ours, floor, cores, shape, turns)
            against = "a minimal proxy on the same stack"
            yield Ratio(name, mine, least, "µs", at_most, against)
        yield _dashboard(ours, turns)


def _interleaved(
    ours: Server, floor: Server, cores: Cores, shape: Shape, turns: int
) -> tuple[float, float]:
    """The median processor time per request of each, in microseconds."""
    for server in (ours, floor):
        ask(server, cores.load, Shape(shape.connections, ROUND_S / 2, shape.stream))
    rounds: tuple[list[Round], list[Round]] = ([], [])
    for _ in range(turns):
        for server, found in zip((ours, floor), rounds, strict=True):
            found.append(one_round(server, cores.load, shape))
    mine, least = (median(found, lambda each: each.cpu_us) for found in rounds)
    return mine, least


def _dashboard(ours: Server, turns: int) -> Ratio:
    """What an open page is sent every few seconds, as it is after the traffic before."""
    looks, shortest = [], []
    for _ in range(turns):
        looks.append(_cpu_us(ours, f"{PREFIX}/overview?range=1h"))
        shortest.append(_cpu_us(ours, f"{PREFIX}/stats"))
    against = "the call of the API that tells all counters"
    return Ratio("dashboard, an overview", min(looks), min(shortest), "µs", 40.0, against)


def _cpu_us(server: Server, path: str) -> float:
    """Processor time of one answer, in microseconds."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
    _times(connection, path, 1)
    count, before_s = 0, server.cpu_s()
    while (spent_s := server.cpu_s() - before_s) < LEAST_CPU_S:
        _times(connection, path, LOOKS // 10)
        count += LOOKS // 10
    connection.close()
    return 1e6 * spent_s / count


def _times(connection: HTTPConnection, path: str, count: int) -> None:
    for _ in range(count):
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {json.loads(body)}")
