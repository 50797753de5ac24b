"""Does the gateway serve on while its disk is full, and recover when it no longer is?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fleets import fleet
from gateway_process import GatewayProcess, wait_until
from simulated_upstream import SimulatedUpstream

from small_disk import clear, fill, small_disk


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path, megabytes=24) as place:
        yield place


def test_routing_goes_on_and_what_was_kept_in_memory_is_written_later(
    disk: Path, upstream: SimulatedUpstream
) -> None:
    config = fleet(upstream.url) | {"store": {"reserve_bytes": 4_194_304}}
    with GatewayProcess(disk, config) as gateway:
        first = gateway.chat().headers["x-pointsman-decision"]
        assert gateway.decision(first)
        fill(disk)
        long = {"headers": {"x-session-id": "s" * 200}}
        made = []
        while gateway.readiness["store"] == "ok":
            made.append(gateway.chat(**long))
            assert len(made) < 20_000
        made += [gateway.chat(stream=True) for _ in range(20)]
        assert {answer.status for answer in made} == {200}
        stats = gateway.control("/stats")["ledger"]
        assert stats["queued"] > 0
        assert stats["failing_s"] > 0
        assert stats["dropped"] == {"decision": 0, "outcome": 0}
        clear(disk)
        wait_until(lambda: gateway.readiness["store"] == "ok", what="the disk")
        wait_until(lambda: gateway.control("/stats")["ledger"]["queued"] == 0, what="the queue")
        for answer in made[-20:]:
            decision = gateway.decision(answer.headers["x-pointsman-decision"])
            assert len(decision["outcomes"]) == 1
