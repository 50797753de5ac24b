"""Does the gateway serve on while its disk is full, and recover when it no longer is?"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from fleets import fleet
from gateway_process import GatewayProcess, wait_until
from simulated_upstream import SimulatedUpstream

from receiver import receiving
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


def test_a_full_disk_is_an_alert_that_is_told_and_resolves_by_itself(
    disk: Path, upstream: SimulatedUpstream
) -> None:
    rule = {
        "scope": ["global"],
        "when": [{"metric": "store_failing_s", "clear": 0.5, "ladder": {"error": 1}}],
        "keep_firing_for_s": 0,
    }
    with receiving() as receiver:
        hook = {"type": "webhook", "url": f"{receiver.url}/", "allow_private": True}
        alerts = {
            "interval_s": 1,
            "group": {"wait_s": 0, "interval_s": 0},
            "channels": {"hook": hook},
            "rules": {"store_failing": rule},
        }
        config = fleet(upstream.url) | {
            "store": {"reserve_bytes": 4_194_304},
            "alerts": alerts,
        }
        with GatewayProcess(disk, config) as gateway:
            assert gateway.chat().status == 200
            fill(disk)

            def told() -> int:
                assert gateway.chat().status == 200
                return sum("store_failing" in each.body for each in receiver.taken)

            def active() -> list[str]:
                found = gateway.control("/alerts/active")["alerts"]
                return [alert["rule"] for alert in found]

            wait_until(told, within_s=30.0, what="the alert")
            assert gateway.readiness["store"] == "failing", "it is told while the disk is full"
            assert active() == ["store_failing"]
            clear(disk)
            wait_until(lambda: not active(), within_s=30.0, what="its end")
            wait_until(lambda: told() == 2, within_s=30.0, what="that its end is told")


@pytest.mark.prove
def test_what_no_longer_fits_into_memory_is_lost_by_class_and_every_record_accounted_for(
    disk: Path, upstream: SimulatedUpstream
) -> None:
    config = fleet(upstream.url) | {"store": {"reserve_bytes": 4_194_304}}
    with GatewayProcess(disk, config) as gateway:
        fill(disk)
        with ThreadPoolExecutor(8) as callers:
            asked = list(callers.map(lambda _: gateway.chat().status, range(14_000)))
        assert set(asked) == {200}
        dropped = gateway.control("/stats")["ledger"]["dropped"]
        assert dropped["decision"] > 0
        assert dropped["outcome"] > 0
        metrics = gateway.get("/metrics").body.decode()
        assert "pointsman_ledger_dropped_records_total" in metrics
        clear(disk)
        wait_until(lambda: gateway.control("/stats")["ledger"]["queued"] == 0, what="the queue")
        with closing(sqlite3.connect(gateway.data_dir / "pointsman.db")) as db:
            kept = db.execute("SELECT count(*) FROM ROUTING_DECISIONS").fetchone()[0]
            attempts = db.execute("SELECT count(*) FROM ROUTING_OUTCOMES").fetchone()[0]
        assert (kept, attempts) == (
            len(asked) - dropped["decision"],
            len(asked) - dropped["outcome"],
        )
