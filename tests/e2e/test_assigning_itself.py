"""Does a fleet that looks after itself move whom it should, as fast as it may, and say so?"""

from __future__ import annotations

from time import monotonic
from typing import Any

import pytest
from fleets import fleet
from gateway_process import CONTROL, GatewayProcess, Serve, wait_until
from simulated_upstream import SimulatedUpstream

from pointsman.core.assignment.stability import Pace
from pointsman.engine.reassign import ITSELF

AGENTS = {name: {"requires": ["general"]} for name in ("one", "two", "three", "four")}
LOOKS_S = 75.0
"""Two looks of 15 seconds, and what the machine may need besides."""


def config(
    upstream: SimulatedUpstream, *, first: float, pace: Pace, **more: float
) -> dict[str, Any]:
    models = {
        "up/first": {"capabilities": {"general": first}, "price": "free"},
        "up/second": {"capabilities": {"general": 0.85}, "price": "free"},
    }
    mode = {
        "mode": "auto",
        "every_s": 60,
        "moves_per_hour": pace.moves_per_hour,
        "cool_off_s": pace.cool_off_s,
        **more,
    }
    routing = {"exploration": 0}
    return fleet(upstream.url, models=models, agents=AGENTS, routing=routing, assignment=mode)


def standing(gateway: GatewayProcess) -> dict[str, str]:
    listed = gateway.control("/assignments?status=ACTIVE")["assignments"]
    return {each["agent_id"]: each["model_id"] for each in listed}


def on(gateway: GatewayProcess, model_id: str) -> int:
    return sum(model == model_id for model in standing(gateway).values())


def decision_of(gateway: GatewayProcess, agent_id: str) -> dict[str, Any]:
    answer = gateway.chat(model=f"agent/{agent_id}")
    assert answer.status == 200, answer
    told: dict[str, Any] = gateway.decision(answer.headers["x-pointsman-decision"])["assignment"]
    return told


def trying(gateway: GatewayProcess) -> int:
    count: int = gateway.control("/assignments?status=TESTING")["total_count"]
    return count


def runs_by_itself(gateway: GatewayProcess) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = gateway.control(f"/assignment-runs?decided_by={ITSELF}")["runs"]
    return found


@pytest.mark.prove
@pytest.mark.timeout(400)
def test_who_loses_its_model_moves_at_once_and_who_gains_at_a_pace(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    pace = Pace(moves_per_hour=5, cool_off_s=1.0)
    gateway = serve(config(upstream, first=0.95, pace=pace))
    wait_until(lambda: on(gateway, "up/first") == 4, within_s=LOOKS_S, what="a first plan")
    assert decision_of(gateway, "one")["code"] == "assigned"

    drained = gateway.call("POST", CONTROL + "/drains", {"model_id": "up/first", "reason": "tests"})
    assert drained.status == 200, drained
    said = decision_of(gateway, "one")
    assert said["code"] == "moved"
    assert "up/first" in said["words"]
    wait_until(lambda: on(gateway, "up/second") == 4, within_s=LOOKS_S, what="all to move")
    (moved, begun) = runs_by_itself(gateway)
    assert (moved["moved_agents"], begun["moved_agents"]) == (4, 4), (
        "at once, and four of five that may move in an hour"
    )
    assert "up/first does not answer" in moved["reason"]
    assert decision_of(gateway, "one")["code"] == "assigned"

    gateway.call("DELETE", CONTROL + "/drains/up/first")
    wait_until(lambda: on(gateway, "up/first") == 1, within_s=2 * LOOKS_S, what="one to go back")
    known = runs_by_itself(gateway)
    acts = gateway.control("/audit")["acts"]
    told = {act["subject_id"] for act in acts if act["actor"] == ITSELF}
    assert {run["run_id"] for run in known} <= told, "each is in the audit log"
    gateway.configure(config(upstream, first=0.96, pace=pace))
    gateway.reload()
    assert on(gateway, "up/first") == 1, "no other moves within the hour"


@pytest.mark.prove
@pytest.mark.timeout(400)
def test_no_more_try_or_take_over_what_is_better_than_may_move_in_an_hour(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    pace = Pace(moves_per_hour=2, cool_off_s=1.0)
    eager = {"every_s": 1.0, "try_share": 0.5}
    gateway = serve(config(upstream, first=0.95, pace=pace, **eager))
    wait_until(lambda: on(gateway, "up/first") == 4, within_s=LOOKS_S, what="a first plan")
    gateway.configure(config(upstream, first=0.5, pace=pace, **eager))
    gateway.reload()
    wait_until(lambda: trying(gateway) == 2, within_s=LOOKS_S, what="two to try the other")
    begun = monotonic()
    while on(gateway, "up/second") < 2 or monotonic() < begun + LOOKS_S:
        for name in AGENTS:
            assert gateway.chat(model=f"agent/{name}").status == 200
        assert on(gateway, "up/second") + trying(gateway) <= 2, "however many plans are made"
        assert monotonic() < begun + 4 * LOOKS_S, "both prove themselves"
    assert (on(gateway, "up/second"), trying(gateway)) == (2, 0)
