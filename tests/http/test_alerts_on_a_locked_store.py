"""What do people hear who take, silence or rule while the store cannot write?"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from control_server import Client, control_server

from pointsman.adapters.stores import file
from pointsman.app.clock import SystemClock
from pointsman.app.config import parse
from pointsman.app.wiring import Wired, wired
from pointsman.core.decision import Outcome
from pointsman.core.errors import FailureKind
from pointsman.engine.aside import ThreadAside

FLEET = "providers: {sim: {type: simulated}}\nmodels: {sim/a: {}}\nagents: {coder: {}}\n"
SILENCE = {"matchers": [{"name": "agent", "value": "coder"}], "hours": 1, "comment": "works"}
RULE = {"scope": ["model"], "when": [{"metric": "faults_in_a_row", "ladder": {"info": 1}}]}


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A control API over a file that somebody else has locked, once an alert is open."""
    monkeypatch.setattr(file, "BUSY_TIMEOUT_S", 0.05)
    clock = SystemClock()
    parts: Wired = wired(parse(FLEET, {"HOME": str(tmp_path)}), clock, ThreadAside(clock))
    for _ in range(30):
        now, failure = clock.now(), FailureKind.SERVER_ERROR
        parts.service._ledger.ended(Outcome("d", 1, "sim/a", "coder", now, failure, False, 0.1))
    asyncio.run(parts.watching.watch.look())
    (path,) = tmp_path.rglob("pointsman.db")
    with control_server(tmp_path / "other.db") as client, closing(sqlite3.connect(path)) as other:
        client.router.desk = parts.watching.desk
        other.execute("BEGIN IMMEDIATE")
        yield client
        other.rollback()
    parts.store.close()


def test_it_is_an_error_that_passes_and_nothing_is_half_done(client: Client) -> None:
    def refused(method: str, path: str, body: Any = None) -> None:
        sent = None if body is None else json.dumps(body).encode()
        status, answer = client.call(method, path, sent)
        assert (status, answer["error"]["code"]) == (503, "store_unavailable"), path

    (alert,) = client.get("/alerts?rule=low_success_rate&agent_id=coder")["alerts"]
    refused("POST", f"/alerts/{alert['alert_id']}/ack", {})
    refused("POST", "/alerts/silences", SILENCE)
    refused("PUT", "/alerts/rules/mine", RULE)
    refused("PATCH", "/alerts/rules/model_failure", {"enabled": False})
    assert client.get(f"/alerts/{alert['alert_id']}")["alert"]["acknowledged"] is None
    assert client.get("/alerts/silences")["total_count"] == 0
    rules = {each["name"]: each for each in client.get("/alerts/rules")["rules"]}
    assert "mine" not in rules
    assert rules["model_failure"]["enabled"]
