"""Is an answer of the control API over for a stop once its last byte is sent, and not before?"""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

from fleets import fleet
from gateway_process import CONTROL, GatewayProcess, Serve, wait_until
from raw_client import connected, request_bytes, unchunked
from simulated_upstream import SimulatedUpstream

from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.core.decision import Candidate, Decision, Strategy, Task

EXPORTS = [
    f"/export/{what}?format={form}"
    for what in ("decisions", "outcomes", "alerts", "notifications")
    for form in ("ndjson", "csv", "json")
]
DECISIONS = 4_000
GRACE_S = 30.0
AT_ONCE_S = 4.0
"""What a stop may take on a busy machine, with nothing under way."""


def a_gateway(serve: Serve, url: str) -> GatewayProcess:
    return serve(fleet(url, server={"shutdown_grace_s": GRACE_S, "log_format": "json"}))


def stopped_at_once(gateway: GatewayProcess, begun: float) -> None:
    assert gateway.wait(GRACE_S / 2) == 0
    assert time.monotonic() - begun < AT_ONCE_S
    assert "answers are cut" not in gateway.log


def filled(gateway: GatewayProcess) -> None:
    """With far more than fits in what lies between two processes."""
    first_at = datetime.now(UTC) - timedelta(hours=1)
    candidates = tuple(Candidate(f"acme/model-{n}", 0.5, ()) for n in range(50))
    decisions = [
        Decision(
            f"dec_{n:011x}{n:016x}", "r", first_at + timedelta(milliseconds=n), "default",
            Task("coding"), Strategy.COST, candidates, (), 1.0, "cfg",
        )
        for n in range(DECISIONS)
    ]  # fmt: skip
    with closing(SqliteStore(gateway.data_dir / "pointsman.db")) as store:
        store.append(decisions)


def test_a_stop_waits_for_no_export_that_is_over(serve: Serve, upstream: SimulatedUpstream) -> None:
    gateway = a_gateway(serve, upstream.url)
    assert gateway.chat().status == 200
    for path in EXPORTS:
        assert gateway.get(CONTROL + path).status == 200, path
    begun = time.monotonic()
    gateway.signal(signal.SIGTERM)
    stopped_at_once(gateway, begun)


async def test_a_page_that_begins_to_listen_after_the_stop_is_not_waited_for(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = a_gateway(serve, upstream.url)
    head = f"GET {CONTROL}/events HTTP/1.1"
    async with connected(gateway) as kept, connected(gateway) as first:
        await kept.send(request_bytes(b"", line="GET /livez HTTP/1.1"))
        await kept.until(b"live")
        await first.send(request_bytes(b"", line=head))
        await first.until(b"event: overview")
        begun = time.monotonic()
        gateway.signal(signal.SIGTERM)
        await first.rest()
        await kept.send(request_bytes(b"", line=head))
        await kept.rest()
    await asyncio.to_thread(stopped_at_once, gateway, begun)


async def test_an_export_that_is_under_way_comes_to_its_end(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = a_gateway(serve, upstream.url)
    assert gateway.terminate() == 0
    filled(gateway)
    gateway.start()
    head = f"GET {CONTROL}/export/decisions HTTP/1.1"
    async with connected(gateway, receive_buffer=4096) as client:
        await client.send(request_bytes(b"", line=head))
        begun = await client.until(b"\r\n\r\n")
        gateway.signal(signal.SIGTERM)
        await asyncio.to_thread(wait_until, lambda: is_deaf(gateway))
        status, lines, whole = unchunked(begun + await client.rest())
    assert (status, whole, lines.count(b"\n")) == (200, True, DECISIONS)
    assert await asyncio.to_thread(gateway.wait, GRACE_S) == 0
    assert "answers are cut" not in gateway.log


def is_deaf(gateway: GatewayProcess) -> bool:
    try:
        gateway.get("/livez")
    except OSError:
        return True
    return False
