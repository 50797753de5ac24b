"""What do programs get that ask to take a model out of service?"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from control_server import BUILDER, Client, control_server

from pointsman.core.fleet import Agent
from pointsman.engine.in_force import Who

CODER = Agent("coder", requires=("coding",))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with control_server(tmp_path_factory.mktemp("control") / "first.db") as client:
        yield client


@pytest.fixture
def client(server: Client, tmp_path: Path) -> Client:
    client = server.with_store(tmp_path / "pointsman.db")
    client.router.agents = (BUILDER, CODER)
    asyncio.run(client.router.drains().take_up())
    return client


def post(client: Client, dry: bool = False, role: str = "admin", **body: Any) -> tuple[int, Any]:
    path = "/drains?dry_run=true" if dry else "/drains"
    return client.call("POST", path, json.dumps(body).encode(), role)


def test_a_dry_run_says_what_would_happen_and_changes_nothing(client: Client) -> None:
    status, found = post(client, dry=True, model_id="acme/small")
    assert status == 200
    assert found["drain"] is None
    assert found["message"] == "acme/small would be out of service."
    told = found["blast"]
    assert (told["total_moves"], told["left_out"], told["pinned"]) == (1, 0, 1)
    (stays,) = told["moves"]
    assert (stays["agent_id"], stays["tie"]) == ("builder", "pinned")
    assert stays["to_model_id"] == "acme/small", "a file says so"
    told = post(client, dry=True, model_id="acme/big/v2")[1]["blast"]
    to = {move["agent_id"]: move["to_model_id"] for move in told["moves"]}
    assert to == {"coder": None, "default": "acme/small"}
    assert client.get("/drains") == {"success": True, "drains": [], "total_count": 0}


def test_a_model_is_drained_and_put_back_and_it_is_told_by_whom(client: Client) -> None:
    status, found = post(client, model_id="acme/small", reason="new card")
    assert status == 200
    assert found["drain"]["drained_by"] == "tester"
    (listed,) = client.get("/drains")["drains"]
    assert listed == found["drain"]
    assert client.get("/models/acme/small")["model"]["drain"]["reason"] == "new card"
    live = {each["model_id"]: each["drained"] for each in client.get("/overview")["live"]}
    assert live == {"acme/big/v2": False, "acme/small": True}
    (act,) = client.get("/audit?action=model.drain")["acts"]
    assert (act["actor"], act["subject_id"], act["after"]) == (
        "tester",
        "acme/small",
        {"drained": True},
    )
    status, done = client.call("DELETE", "/drains/acme/small")
    assert status == 200
    assert done["drained_since"] == found["drain"]["since"]
    assert client.get("/models/acme/small")["model"]["drain"] is None


def test_who_would_be_left_without_keeps_it_from_being_drained_unless_it_is_forced(
    client: Client,
) -> None:
    status, refused = post(client, model_id="acme/big/v2")
    assert status == 409
    assert refused["error"]["code"] == "agents_left_out"
    assert "no other model can serve coder" in refused["error"]["message"]
    assert client.get("/drains")["total_count"] == 0
    status, found = post(client, model_id="acme/big/v2", force=True)
    assert status == 200
    assert found["blast"]["left_out"] == 1
    assert found["blast"]["only_here"] == ["coding"]
    assert found["blast"]["tokens_per_min"] == 90_000


def test_many_that_are_left_without_are_named_in_part(client: Client) -> None:
    client.router.agents = tuple(Agent(f"coder-{n}", requires=("coding",)) for n in range(7))
    client.router.served = client.router.out = None
    asyncio.run(client.router.drains().take_up())
    _, refused = post(client, model_id="acme/big/v2")
    assert "coder-4 and 2 more" in refused["error"]["message"]


def test_a_viewer_may_look_but_not_drain(client: Client) -> None:
    assert post(client, dry=True, role="viewer", model_id="acme/small")[0] == 200
    assert post(client, role="viewer", model_id="acme/small")[0] == 403
    assert client.call("DELETE", "/drains/acme/small", role="viewer")[0] == 403


def test_nonsense_is_refused_in_words(client: Client) -> None:
    for dry in (True, False):
        status, refused = post(client, dry=dry, model_id="acme/typo")
        assert status == 404
        assert refused["error"]["param"] == "model_id"
    status, refused = post(client, model_id="acme/small", raeson="x")
    assert (status, "raeson" in refused["error"]["message"]) == (400, True)
    status, refused = client.call("DELETE", "/drains/acme/small")
    assert (status, refused["error"]["code"]) == (409, "not_drained")
    asyncio.run(client.router.drains().drain("acme/small", Who("boss")))
    status, refused = post(client, dry=True, model_id="acme/small")
    assert (status, refused["error"]["code"]) == (409, "already_drained")
    assert "by boss" in refused["error"]["message"]
