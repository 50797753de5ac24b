"""Can agents and models be added, changed and taken away while the gateway serves?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fleets import fleet, model
from gateway_process import CONTROL, Answer, GatewayProcess, Serve, pointsman
from simulated_upstream import SimulatedUpstream

import pointsman as library
from pointsman.app.additions import FILE_NAME, Additions, keep_additions

AGENTS, MODELS = f"{CONTROL}/agents", f"{CONTROL}/models"


@pytest.fixture
def served(serve: Serve, upstream: SimulatedUpstream) -> GatewayProcess:
    return serve(fleet(upstream.url, only=("first",), agents={"coder": {}}))


def added(gateway: GatewayProcess, agent_id: str, **document: Any) -> Answer:
    return gateway.call("PUT", f"{AGENTS}/{agent_id}", document)


def acts(gateway: GatewayProcess) -> list[tuple[str, str]]:
    """What was done to whom, newest first; starts and reloads left out."""
    found = gateway.control("/audit")["acts"]
    return [
        (each["action"], each["subject_id"])
        for each in found
        if each["subject_kind"] in ("agent", "model")
    ]


def test_an_added_model_and_agent_serve_the_next_request_and_outlive_a_kill(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url, only=("first",)))
    made = gateway.call("POST", MODELS, {"model_id": "up/second", **model(0.5)})
    assert made.status == 201, made
    assert made.document["model"]["added"]["context_window"] == 32_000
    new = {"agent_id": "night-watch", "requires": ["coding"], "pinned": "up/second"}
    assert gateway.call("POST", AGENTS, new).status == 201
    answer = gateway.chat(model="agent/night-watch")
    assert answer.headers["x-pointsman-model"] == "up/second"
    version = gateway.readiness["config"]["version"]
    gateway.kill()
    gateway.start()
    assert gateway.readiness["config"]["version"] == version
    assert gateway.chat(model="agent/night-watch").headers["x-pointsman-model"] == "up/second"
    assert acts(gateway) == [("agent.set", "night-watch"), ("model.set", "up/second")]


def test_parts_are_changed_whole_ones_replaced_and_what_is_gone_is_gone(
    served: GatewayProcess,
) -> None:
    path = f"{AGENTS}/newcomer"
    assert added(served, "newcomer", name="New", weights={"quality": 1.0}).status == 200
    changed = served.call("PATCH", path, {"status": "maintenance", "weights": None})
    agent = changed.document["agent"]
    assert (agent["status"], agent["name"], agent["weights"]) == ("maintenance", "New", None)
    assert agent["added"] == {"status": "maintenance", "name": "New"}
    assert added(served, "newcomer").document["agent"]["name"] == "newcomer"
    before = served.control("/audit")["acts"]
    assert {"name": "New", "status": "maintenance"} in [act["before"] for act in before]
    assert served.call("DELETE", path).status == 200
    assert served.get(path).status == 404
    assert served.chat(model="agent/newcomer").status == 404
    for method in ("PATCH", "DELETE"):
        gone = served.call(method, path, {} if method == "PATCH" else None)
        assert (gone.status, gone.error["code"]) == (404, "unknown_agent")


def test_what_the_file_declares_is_changed_there(served: GatewayProcess) -> None:
    calls: dict[str, dict[str, Any] | None] = {"PUT": {}, "PATCH": {}, "DELETE": None}
    for method, body in calls.items():
        for path in (f"{AGENTS}/coder", f"{MODELS}/up/first"):
            refused = served.call(method, path, body)
            assert (refused.status, refused.error["code"]) == (409, "declared_in_configuration")
            assert "fleet.yaml" in refused.error["message"]
    assert acts(served) == []
    assert added(served, "newcomer").status == 200
    again = served.call("POST", AGENTS, {"agent_id": "newcomer"})
    assert (again.status, again.error["code"]) == (409, "already_declared")


def test_a_model_that_an_agent_needs_stays(served: GatewayProcess) -> None:
    assert served.call("PUT", f"{MODELS}/up/third", model(0.1)).status == 200
    assert added(served, "newcomer", pinned="up/third").status == 200
    refused = served.call("DELETE", f"{MODELS}/up/third")
    assert (refused.status, refused.error["code"]) == (409, "in_use")
    assert "agents.newcomer.pinned" in refused.error["message"]
    assert served.call("DELETE", f"{AGENTS}/newcomer").status == 200
    assert served.call("DELETE", f"{MODELS}/up/third").status == 200


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"requires": "coding"}, "newcomer.requires: this must be a list"),
        ({"colour": 1}, "newcomer.colour: this key is not known"),
        ({"weights": {"quality": 2}}, "newcomer.weights.quality: this must be at most 1 (found 2)"),
        ({"pinned": "up/nobody"}, "newcomer.pinned"),
        ({"min_context": 10**30}, "newcomer.min_context"),
    ],
)
def test_what_is_wrong_is_named_and_changes_nothing(
    served: GatewayProcess, document: dict[str, Any], told: str
) -> None:
    before = served.readiness["config"]["version"]
    refused = added(served, "newcomer", **document)
    assert (refused.status, refused.error["code"]) == (400, "invalid_agent")
    assert refused.error["message"].startswith(told)
    assert served.readiness["config"]["version"] == before
    assert not (served.data_dir / FILE_NAME).exists()
    assert acts(served) == []


def test_names_and_bodies_that_are_none_are_refused(served: GatewayProcess) -> None:
    hidden = added(served, "newcomer", name="a\0b")
    assert (hidden.status, hidden.error["param"]) == (400, "name")
    for body in ({}, {"agent_id": ""}, {"agent_id": 7}):
        refused = served.call("POST", AGENTS, body)
        assert (refused.status, refused.error["param"]) == (400, "agent_id")
    assert served.call("POST", MODELS, {"model_id": "no-slash"}).status == 400
    assert served.call("PUT", f"{AGENTS}/a%20b", {}).status == 400
    assert served.call("PUT", f"{AGENTS}/big", {"name": "x" * 70_000}).status == 413
    no_provider = served.call("PUT", f"{MODELS}/acme/x", {})
    assert (no_provider.status, no_provider.error["code"]) == (400, "invalid_model")
    assert "acme" in no_provider.error["message"]


def test_many_at_once_are_all_kept(served: GatewayProcess) -> None:
    names = [f"agent-{number}" for number in range(12)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda name: added(served, name), names))
    assert {answer.status for answer in answers} == {200}
    served.kill()
    served.start()
    found = {each["agent_id"] for each in served.control("/agents")["agents"]}
    assert set(names) <= found


def test_only_admins_add(serve: Serve, upstream: SimulatedUpstream) -> None:
    keys = [
        {"name": role, "key": f"pm-{role}-8f1c7b2e5d9a4036", "role": role}
        for role in ("viewer", "caller", "admin")
    ]
    gateway = serve(fleet(upstream.url, keys=keys))
    statuses = {}
    for key in keys:
        headers = {"authorization": f"Bearer {key['key']}"}
        answer = gateway.call("PUT", f"{AGENTS}/newcomer", {}, headers)
        statuses[key["role"]] = answer.status
    assert statuses == {"viewer": 403, "caller": 403, "admin": 200}


def test_a_file_that_declares_it_later_has_the_last_word(
    served: GatewayProcess, upstream: SimulatedUpstream
) -> None:
    assert added(served, "newcomer", name="By API").status == 200
    agents = {"newcomer": {"name": "By file"}, "coder": {}}
    served.configure(fleet(upstream.url, only=("first",), agents=agents))
    served.reload()
    agent = served.control("/agents/newcomer")["agent"]
    assert (agent["name"], agent["added"]) == ("By file", None)
    assert served.call("DELETE", f"{AGENTS}/newcomer").status == 200
    assert served.control("/agents/newcomer")["agent"]["name"] == "By file"


def test_additions_that_fit_no_longer_are_named_at_the_start(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url, only=("first",)))
    assert added(gateway, "newcomer", pinned="up/first").status == 200
    gateway.configure(fleet(upstream.url, only=("second",)))
    gateway.reload()
    assert "agents.newcomer.pinned" in gateway.readiness["config"]["last_error"]
    assert gateway.terminate() == 0
    where = ("--port", "0", "--data-dir", str(gateway.data_dir))
    ended = pointsman("serve", str(gateway.config_path), *where, cwd=gateway.folder)
    assert ended.returncode != 0
    assert "agents.newcomer.pinned" in ended.stderr
    assert str(gateway.data_dir / FILE_NAME) in ended.stderr


async def test_a_router_without_a_server_knows_them_too(tmp_path: Path) -> None:
    keep_additions(tmp_path, Additions(agents={"newcomer": {"pinned": "sim/spark-nano"}}))
    async with library.open(None, data_dir=tmp_path, environ={}) as router:
        asked = {"model": "auto", "messages": [{"role": "user", "content": "Hi"}]}
        chosen = router.decide(asked, agent="newcomer").chosen
        assert chosen is not None
        assert chosen.model_id == "sim/spark-nano"


def test_what_a_person_changed_in_the_file_is_not_written_over(served: GatewayProcess) -> None:
    assert added(served, "newcomer").status == 200
    file = served.data_dir / FILE_NAME
    mended = file.read_text().replace("{}", '{"name": "By hand"}', 1)
    for text, status in (("not json", 400), (mended, 409)):
        file.write_text(text)
        refused = added(served, "other")
        assert refused.status == status, refused
        assert FILE_NAME in refused.error["message"]
        assert file.read_text() == text
    served.reload()
    assert added(served, "other").status == 200
    assert served.control("/agents/newcomer")["agent"]["name"] == "By hand"
