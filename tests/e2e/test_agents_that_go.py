"""Does what an agent was assigned end when the agent is taken away, however that is done?"""

from __future__ import annotations

from typing import Any

from fleets import fleet
from gateway_process import CONTROL, GatewayProcess, Serve, wait_until
from simulated_upstream import SimulatedUpstream

NAME = "up/first"


def put_there(gateway: GatewayProcess, agent_id: str) -> None:
    body = {"agent_id": agent_id, "model_id": NAME}
    assert gateway.call("POST", f"{CONTROL}/assignments", body).status == 200


def statuses(gateway: GatewayProcess, agent_id: str) -> list[str]:
    found = gateway.control(f"/assignments?agent_id={agent_id}")["assignments"]
    return [each["status"] for each in found]


def ends(gateway: GatewayProcess) -> list[tuple[str, str, int]]:
    """The runs that ended something, newest first."""
    runs: list[dict[str, Any]] = gateway.control("/assignment-runs?kind=release")["runs"]
    return [(each["decided_by"], each["reason"], each["changed_agents"]) for each in runs]


def test_an_agent_that_is_deleted_stands_nowhere_and_starts_fresh(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url, only=("first",)))
    path = f"{CONTROL}/agents/newcomer"
    assert gateway.call("PUT", path, {}).status == 200
    put_there(gateway, "newcomer")
    assert gateway.call("DELETE", path).status == 200
    assert statuses(gateway, "newcomer") == ["INACTIVE"]
    assert ends(gateway) == [("pointsman", "not declared any more: newcomer", 1)]
    assert gateway.call("PUT", path, {}).status == 200
    assert statuses(gateway, "newcomer") == ["INACTIVE"]
    decided = gateway.control("/agents/newcomer/assignment")
    assert (decided["model_id"], decided["in_force"]) == (None, [])


def test_so_does_one_that_a_reload_or_a_restart_leaves_out(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url, only=("first",), agents={"early": {}, "late": {}}))
    for agent_id in ("early", "late"):
        put_there(gateway, agent_id)
    gateway.configure(fleet(upstream.url, only=("first",), agents={"late": {}}))
    gateway.reload()
    wait_until(lambda: statuses(gateway, "early") == ["INACTIVE"])
    assert statuses(gateway, "late") == ["ACTIVE"]
    gateway.stop()
    gateway.configure(fleet(upstream.url, only=("first",)))
    gateway.start()
    assert statuses(gateway, "late") == ["INACTIVE"]
    assert ends(gateway) == [
        ("pointsman", "not declared any more: late", 1),
        ("pointsman", "not declared any more: early", 1),
    ]
