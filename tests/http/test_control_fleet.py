"""Is a fleet told whole, with where its agents stand and what they did?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from control_server import Client, control_server

from pointsman.core.fleet import Agent, AgentKind

KIND = AgentKind.TOOL


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with control_server(tmp_path / "pointsman.db") as client:
        yield client


@pytest.mark.parametrize("many", [1_500, pytest.param(10_000, marks=pytest.mark.prove)])
def test_all_agents_are_told_in_one_answer_with_where_they_stand(client: Client, many: int) -> None:
    client.router.agents = tuple(Agent(f"a{number:05d}", kind=KIND) for number in range(many))
    status, run = client.call(
        "POST", "/auto-assign-all", json.dumps({"strategy": "greedy"}).encode()
    )
    assert status == 200
    assert run["changed_agents"] == many
    body = client.get(f"/agents?range=5m&kind={KIND}")
    assert body["total_count"] == len(body["agents"]) == many
    stands = {each["agent_id"]: each["stands_on"]["model_id"] for each in body["agents"]}
    placed = {each["agent_id"]: each["model_id"] for each in run["assignments"]}
    assert stands == {name: model for name, model in placed.items() if name in stands}
    assert client.get(f"/agents?agent_id=a{many - 1:05d}")["agents"] == body["agents"][-1:]
    assert client.get("/agents?agent_id=nobody")["agents"] == []


@pytest.mark.parametrize("query", ["range=2y", "start=2026-01-01T00:00:00Z", "range=custom"])
def test_a_range_that_is_none_is_refused(client: Client, query: str) -> None:
    for path in ("/agents", "/models"):
        assert client.refused("GET", f"{path}?{query}")[0] == 400
