"""Does the control API tell who changed what, and delete what it is told to?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from control_server import NOON, Client, control_server

from pointsman.core.decision import Decision, Strategy, Task
from pointsman.engine.ports import DecisionQuery


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with control_server(tmp_path / "pointsman.db") as client:
        yield client


def put_level(client: Client, level: str) -> int:
    body = json.dumps({"level": level}).encode()
    return client.call("PUT", "/log-level", body)[0]


def test_what_an_admin_did_is_told_newest_first(client: Client) -> None:
    assert [put_level(client, level) for level in ("debug", "info", "debug")] == [200] * 3
    first = client.get("/audit?limit=2")
    assert [act["after"] for act in first["acts"]] == [{"level": "debug"}, {"level": "info"}]
    (act,) = client.get(f"/audit?limit=2&cursor={first['next_cursor']}")["acts"]
    assert (act["action"], act["subject_kind"], act["subject_id"]) == (
        "log_level.set",
        "log_level",
        "log",
    )
    assert act["before"] is None
    assert act["actor"]
    assert client.get("/audit?actor=nobody") == {
        "success": True,
        "acts": [],
        "count": 0,
        "next_cursor": None,
    }


def test_an_agents_data_are_deleted_and_that_they_were_is_kept(client: Client) -> None:
    store = client.router.store
    for number, agent in enumerate(["builder", "other"] * 3):
        at = NOON + timedelta(seconds=number)
        store.append(
            [Decision(f"dec_{number}", "r", at, agent, Task(), Strategy.COST, (), (), 1.0, "cfg")]
        )
    status, answer = client.call("DELETE", "/agents/builder/data")
    assert (status, answer["decisions"], answer["agent_id"]) == (200, 3, "builder")
    left = store.decisions(DecisionQuery())
    assert [stored.decision.agent_id for stored in left] == ["other"] * 3
    (act,) = client.get("/audit?action=agent_data.delete")["acts"]
    assert act["subject_id"] == "builder"


def test_what_cannot_be_written_down_is_not_done(client: Client) -> None:
    client.router.store.close()
    assert put_level(client, "debug") == 503
    assert client.router.levels == []
