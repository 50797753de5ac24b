"""What do callers notice of a long outage of the database, and how soon is it made up for?

The whole length, ten minutes at 200 rows a second, is for `make prove`; a few seconds of it are
always run. Latencies are printed, and judged only where there are enough of them.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import NamedTuple

import pytest
from fleets import fleet
from gateway_process import GatewayProcess, Serve, chat_body, wait_until
from simulated_upstream import SimulatedUpstream

from database_server import DatabaseServer, NoDatabaseServer
from pointsman.adapters.stores.postgres.address import address_of
from pointsman.adapters.stores.postgres.schema import move

LONG_S = 600.0
CALLERS = 4
REQUESTS_PER_S = 100
"""Each makes a decision and an outcome: two rows."""
WARM_UP_S = 2.0
DRAINED_WITHIN_S = 60.0


class Noticed(NamedTuple):
    """What callers saw in a while."""

    requests: int
    errors: int
    p50_ms: float
    p99_ms: float


@pytest.fixture
def server() -> Iterator[DatabaseServer]:
    try:
        started = DatabaseServer()
    except NoDatabaseServer as error:
        pytest.skip(str(error))
    with started:
        move(address_of(started.url()))
        yield started


def side_by_side(*gateways: GatewayProcess, seconds: float) -> list[Noticed]:
    """Ask each at the same time: what else happens on this machine happens to both."""
    with ThreadPoolExecutor(len(gateways)) as pool:
        return list(pool.map(lambda gateway: noticed(gateway, seconds), gateways))


def noticed(gateway: GatewayProcess, seconds: float) -> Noticed:
    """Ask at a steady rate for a while, whatever the answers take."""
    latencies: list[float] = []
    errors: list[object] = []
    body = json.dumps(chat_body()).encode()
    began = time.monotonic()

    def ask(caller: int) -> None:
        connection = HTTPConnection(gateway.host, gateway.port, timeout=20)
        for turn in range(int(seconds * REQUESTS_PER_S / CALLERS)):
            due = began + (turn * CALLERS + caller) / REQUESTS_PER_S
            time.sleep(max(0.0, due - time.monotonic()))
            asked = time.monotonic()
            connection.request("POST", "/v1/chat/completions", body)
            answer = connection.getresponse()
            answer.read()
            latencies.append(time.monotonic() - asked)
            if answer.status != 200:
                errors.append(answer.status)
        connection.close()

    callers = [threading.Thread(target=ask, args=(number,)) for number in range(CALLERS)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    ordered = sorted(latencies)
    p50_s, p99_s = ordered[len(ordered) // 2], ordered[-1 - len(ordered) // 100]
    return Noticed(len(ordered), len(errors), round(1000 * p50_s, 2), round(1000 * p99_s, 2))


def endure(
    gateway: GatewayProcess, control: GatewayProcess, server: DatabaseServer, away_s: float
) -> None:
    """Take the database of one gateway away, beside another that has none."""
    side_by_side(gateway, control, seconds=WARM_UP_S)
    server.kill()
    meanwhile, usual = side_by_side(gateway, control, seconds=away_s)
    waiting = gateway.readiness["database"]["behind_records"]
    server.start()
    back = time.monotonic()
    wait_until(
        lambda: not gateway.readiness["database"]["behind_records"], within_s=DRAINED_WITHIN_S
    )
    drained_s = time.monotonic() - back
    print(f"away    {meanwhile}\ncontrol {usual}\n{waiting} rows drained in {drained_s:.1f} s")
    assert usual.errors == meanwhile.errors == 0
    assert waiting >= 2 * meanwhile.requests - 2 * REQUESTS_PER_S
    assert gateway.readiness["database"]["lost_records"] == 0
    if meanwhile.requests >= 10_000:
        assert meanwhile.p99_ms <= 1.25 * usual.p99_ms + 2.0


def gateways(
    serve: Serve, server: DatabaseServer, upstream: SimulatedUpstream
) -> tuple[GatewayProcess, GatewayProcess]:
    """One with the database, and one with a file."""
    config = fleet(upstream.url)
    return serve({**config, "store": {"url": server.url()}}), serve(config)


def test_a_short_outage_is_not_noticed(
    serve: Serve, server: DatabaseServer, upstream: SimulatedUpstream
) -> None:
    endure(*gateways(serve, server, upstream), server, away_s=3.0)


@pytest.mark.prove
@pytest.mark.timeout(LONG_S + WARM_UP_S + 2 * DRAINED_WITHIN_S)
def test_ten_minutes_without_the_database_are_not_noticed(
    serve: Serve, server: DatabaseServer, upstream: SimulatedUpstream
) -> None:
    endure(*gateways(serve, server, upstream), server, away_s=LONG_S)
