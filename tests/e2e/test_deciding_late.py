"""Does a gateway put in place what was decided for another configuration than the one of now?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fleets import fleet
from gateway_process import CONTROL, GatewayProcess, Serve, pointsman, wait_until
from simulated_upstream import SimulatedUpstream

LOOKS_S = 60.0
"""A look every 15 seconds, and what the machine may need besides."""

PROPOSE = {"mode": "propose", "every_s": 86_400}


def config(upstream: SimulatedUpstream, *, second: float = 0.5, **more: Any) -> dict[str, Any]:
    """Two agents, and two models of which the second is worth so much."""
    models = {
        "up/first": {"capabilities": {"general": 0.8}, "price": "free"},
        "up/second": {"capabilities": {"general": second}, "price": "free"},
    }
    agents: dict[str, Any] = {name: {"requires": ["general"]} for name in ("writer", "clerk")}
    agents["clerk"] |= more.pop("clerk", {})
    return fleet(upstream.url, models=models, agents=agents, routing={"exploration": 0}, **more)


def asked(gateway: GatewayProcess, path: str, **body: Any) -> Any:
    answer = gateway.call("POST", CONTROL + path, body)
    assert answer.status == 200, answer
    return answer.document


def standing(gateway: GatewayProcess) -> dict[str, str]:
    listed = gateway.control("/assignments?status=ACTIVE")["assignments"]
    return {each["agent_id"]: each["model_id"] for each in listed}


def test_undoing_what_keeps_an_agent_off_a_model_that_it_may_not_have_takes_force(
    serve: Serve, upstream: SimulatedUpstream, tmp_path: Path
) -> None:
    gateway = serve(config(upstream))
    asked(gateway, "/auto-assign-all")
    done = asked(gateway, "/assignments", agent_id="clerk", model_id="up/second")
    gateway.configure(config(upstream, clerk={"deny": ["up/first"]}))
    gateway.reload()
    undo = ("assign", "--live", "--url", gateway.url, "--undo", done["run_id"])
    refused = pointsman(*undo, cwd=tmp_path)
    assert refused.returncode == 1
    assert "clerk may not stand on up/first: on the deny list of agent clerk" in refused.stderr
    assert standing(gateway) == {"writer": "up/first", "clerk": "up/second"}
    forced = pointsman(*undo, "--force", cwd=tmp_path)
    assert forced.returncode == 0, forced.stderr
    words = gateway.control("/agents/clerk/assignment")["words"]
    assert "by now it may not have up/first: on the deny list of agent clerk" in words
    assert gateway.chat(model="agent/clerk").headers["x-pointsman-model"] == "up/second"


@pytest.mark.prove
@pytest.mark.timeout(300)
def test_a_proposal_is_as_old_as_the_configuration_that_it_was_made_for(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(config(upstream))
    asked(gateway, "/auto-assign-all")
    gateway.configure(config(upstream, second=0.99, assignment=PROPOSE))
    gateway.reload()
    open_ones = "/assignment-runs?state=proposed"
    wait_until(
        lambda: gateway.control(open_ones)["count"] == 1, within_s=LOOKS_S, what="a proposal"
    )
    (proposed,) = gateway.control(open_ones)["runs"]
    apply = f"/assignment-runs/{proposed['run_id']}/apply"

    gateway.configure(config(upstream, second=0.99, clerk={"deny": ["up/second"]}))
    gateway.reload()
    refused = gateway.call("POST", CONTROL + apply, {})
    assert (refused.status, refused.document["error"]["code"]) == (409, "breaks_rules")
    gateway.configure(config(upstream))
    gateway.reload()
    refused = gateway.call("POST", CONTROL + apply, {})
    assert (refused.status, refused.document["error"]["code"]) == (409, "not_worth_it")

    gateway.configure(config(upstream, assignment=PROPOSE))
    gateway.reload()
    wait_until(
        lambda: gateway.control(open_ones)["count"] == 0, within_s=LOOKS_S, what="it to be stale"
    )
    refused = gateway.call("POST", CONTROL + apply, {"force": True})
    assert (refused.status, refused.document["error"]["code"]) == (409, "run_not_proposed")
    assert set(standing(gateway).values()) == {"up/first"}
