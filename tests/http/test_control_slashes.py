"""Can everything be reached by its id, also when there are slashes in it?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from control_server import BIG, BUILDER, NOON, Client, control_server

from pointsman.core.decision import Decision, Strategy, Task
from pointsman.engine.ports import DecisionQuery

TEAM = "team/a b/coder"
ENCODED = "team%2Fa%20b%2fcoder"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with control_server(tmp_path / "pointsman.db") as client:
        client.router.agents = (BUILDER, replace(BUILDER, id=TEAM))
        yield client


def test_an_agent_is_shown_and_its_data_deleted(client: Client) -> None:
    assert client.get(f"/agents/{ENCODED}")["agent"]["agent_id"] == TEAM
    store = client.router.store
    made = [
        Decision(f"dec_{agent[0]}", "r", NOON, agent, Task(), Strategy.COST, (), (), 1.0, "cfg")
        for agent in (TEAM, "builder")
    ]
    store.append(made)
    status, answer = client.call("DELETE", f"/agents/{ENCODED}/data")
    assert (status, answer["decisions"], answer["agent_id"]) == (200, 1, TEAM)
    assert [each.decision.agent_id for each in store.decisions(DecisionQuery())] == ["builder"]
    (act,) = client.get("/audit?action=agent_data.delete")["acts"]
    assert act["subject_id"] == TEAM


@pytest.mark.parametrize("path", [BIG.id, BIG.id.replace("/", "%2F"), BIG.id.replace("/", "%2f")])
def test_a_model_is_shown_whether_its_slashes_are_encoded_or_not(client: Client, path: str) -> None:
    assert client.get(f"/models/{path}")["model"]["model_id"] == BIG.id


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/agents/no%2Fbody"),
        ("GET", "/agents/no%2Fbody/assignment"),
        ("GET", "/decisions/no%2Fbody"),
        ("POST", "/alerts/channels/no%2Fbody/test"),
        ("DELETE", "/assignments/no%2Fbody"),
        ("GET", "/assignment-runs/no%2Fbody"),
    ],
)
def test_what_is_not_there_is_called_by_its_whole_id(
    client: Client, method: str, path: str
) -> None:
    status, error = client.refused(method, path)
    assert status in {400, 404}
    assert "no/body" in error["message"]


def test_a_slash_that_is_none_opens_no_door(client: Client) -> None:
    body = json.dumps({"level": "debug"}).encode()
    assert client.call("PUT", "%2Flog-level", body)[0] == 404
    assert client.call("POST", "/decisions/x%2Ffeedback", b"{}", role="viewer")[0] == 403
