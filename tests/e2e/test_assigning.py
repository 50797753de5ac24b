"""Does a fleet stay assigned as it was decided, through a death, and do requests follow it?"""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from fleets import fleet
from gateway_process import CONTROL, GatewayProcess, Serve, pointsman
from simulated_upstream import SimulatedUpstream

MODELS = {
    "up/first": {"capabilities": {"coding": 0.9, "general": 0.9}, "price": "free"},
    "up/second": {"capabilities": {"coding": 0.88, "general": 0.95}, "price": "free"},
    "up/third": {"capabilities": {"coding": 0.6, "general": 0.6}, "price": "free"},
}
AGENTS = {
    "coder": {"requires": ["coding"], "assignment": {"fallbacks": 2}},
    "writer": {"requires": ["general"]},
    "clerk": {"requires": ["general"]},
}


FIGURE = re.compile(r"\d+\.\d+")


def config(upstream: SimulatedUpstream, **more: Any) -> dict[str, Any]:
    """A fleet that spends no request on learning: that would be neither assigned nor tried."""
    calm = {"exploration": 0}
    return fleet(upstream.url, models=MODELS, agents=AGENTS, routing=calm, **more)


def asked(gateway: GatewayProcess, method: str, path: str, **body: Any) -> Any:
    answer = gateway.call(method, CONTROL + path, body)
    assert answer.status == 200, answer
    return answer.document


def standing(gateway: GatewayProcess) -> dict[str, str]:
    listed = gateway.control("/assignments?status=ACTIVE")["assignments"]
    return {each["agent_id"]: each["model_id"] for each in listed}


def served(gateway: GatewayProcess, agent_id: str) -> tuple[str, dict[str, Any]]:
    """The model that a request of the agent got, and what its decision says of the assignment."""
    answer = gateway.chat(model=f"agent/{agent_id}")
    assert answer.status == 200, answer
    decision = gateway.decision(answer.headers["x-pointsman-decision"])
    return answer.headers["x-pointsman-model"], decision["assignment"]


def test_what_was_put_in_place_is_there_after_a_sudden_death(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(config(upstream))
    assert served(gateway, "coder")[1]["code"] == "unassigned"
    seen = asked(gateway, "POST", "/auto-assign-all?dry_run=true")
    assert standing(gateway) == {}, "a dry run changes nothing"
    done = asked(gateway, "POST", "/auto-assign-all", expect=seen["plan_id"], reason="begin")
    held = asked(
        gateway, "POST", "/assignments", agent_id="clerk", model_id="up/third", notes="by hand"
    )
    before = standing(gateway), gateway.control("/assignment-runs")["runs"]
    gateway.signal(signal.SIGKILL)
    gateway.wait()
    gateway.start()
    assert (standing(gateway), gateway.control("/assignment-runs")["runs"]) == before
    assert [run["run_id"] for run in before[1]] == [held["run_id"], done["run_id"]]
    for agent_id, model_id in before[0].items():
        model, said = served(gateway, agent_id)
        assert (model, said["code"]) == (model_id, "assigned")
    undone = asked(gateway, "POST", f"/assignment-runs/{held['run_id']}/undo")
    assert undone["run"]["undoes"] == held["run_id"]
    assert standing(gateway)["clerk"] != "up/third"


def test_a_person_holds_an_agent_through_every_plan_until_it_is_released(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(config(upstream))
    asked(gateway, "POST", "/auto-assign-all")
    own = standing(gateway)["coder"]
    put = asked(gateway, "POST", "/assignments", agent_id="coder", model_id="up/third")
    for strategy in ("greedy", "balanced", "optimal"):
        asked(gateway, "POST", "/auto-assign-all", strategy=strategy)
        assert standing(gateway)["coder"] == "up/third"
    assert served(gateway, "coder")[0] == "up/third"
    asked(gateway, "PUT", f"/assignments/{put['assignment']['assignment_id']}", status="INACTIVE")
    assert standing(gateway)["coder"] == own


def test_requests_move_while_the_model_of_their_agent_fails_and_say_why(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(config(upstream))
    asked(gateway, "POST", "/auto-assign-all")
    own = standing(gateway)["coder"]
    upstream.order(own.partition("/")[2], "server_error")
    for _ in range(12):
        assert gateway.chat(model="agent/coder").status == 200
    model, said = served(gateway, "coder")
    assert model != own
    assert said["code"] == "moved"
    assert said["words"].startswith("moved because ")
    assert own in said["words"]
    assert said["model_id"] == own


def test_a_model_on_trial_gets_its_share_also_after_a_sudden_death(
    serve: Serve, upstream: SimulatedUpstream, tmp_path: Path
) -> None:
    gateway = serve(config(upstream))
    asked(gateway, "POST", "/auto-assign-all")
    own = standing(gateway)["coder"]
    other = "up/second" if own == "up/first" else "up/first"
    put = asked(
        gateway, "POST", "/assignments", agent_id="coder", model_id=other, share=0.5, notes="new"
    )
    assert put["assignment"]["status"] == "TESTING"
    gateway.signal(signal.SIGKILL)
    gateway.wait()
    gateway.start()
    seen = [served(gateway, "coder") for _ in range(40)]
    assert 8 <= sum(model == other for model, _ in seen) <= 32
    tried = next(said for model, said in seen if model == other)
    assert (tried["code"], tried["model_id"]) == ("moved", own)
    assert tried["words"] == f"moved because {other} is tried on a share of the traffic"
    told = pointsman("explain", "--last", "--url", gateway.url, cwd=tmp_path).stdout
    assert f"{other} is on trial (tried on 50% of the requests of coder)" in told
    listed = gateway.control("/assignments?status=TESTING")["assignments"]
    assert [(each["model_id"], each["trial_share"]) for each in listed] == [(other, 0.5)]
    name = put["assignment"]["assignment_id"]
    asked(gateway, "PUT", f"/assignments/{name}", status="INACTIVE")
    assert not any("tried" in served(gateway, "coder")[1]["words"] for _ in range(10))


def test_no_process_is_left_behind_when_the_fleet_was_solved(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(config(upstream))
    asked(gateway, "POST", "/auto-assign-all?dry_run=true&advice=true", strategy="pareto")
    asked(gateway, "POST", "/auto-assign-all")
    pid = gateway.pid
    children = Path(f"/proc/{pid}/task/{pid}/children")
    assert not children.exists() or children.read_text() == "", "nobody is left behind"
    assert gateway.chat(model="agent/coder").status == 200


def test_the_page_and_both_commands_explain_a_standing_in_the_same_words(
    serve: Serve, upstream: SimulatedUpstream, tmp_path: Path
) -> None:
    gateway = serve(config(upstream))
    asked(gateway, "POST", "/auto-assign-all")
    file = tmp_path / "declared.yaml"
    file.write_text(gateway.config_path.read_text("utf-8"), "utf-8")
    for agent_id in AGENTS:
        words = gateway.control(f"/agents/{agent_id}/assignment")["words"]
        assert words[0].startswith(f"{agent_id} stands on ")
        explained = ("assign", "--explain", agent_id)
        live = pointsman(*explained, "--live", "--url", gateway.url, cwd=tmp_path)
        declared = pointsman(*explained, str(file), "--declared-only", cwd=tmp_path)
        assert live.stdout.splitlines() == words, live.stderr
        # Figures differ: the file knows of nobody who stands anywhere, and leaving that costs.
        told = declared.stdout.splitlines()
        assert [FIGURE.sub("#", each) for each in told] == [FIGURE.sub("#", each) for each in words]


@pytest.mark.parametrize("as_json", [False, True])
def test_a_terminal_does_it_all(
    serve: Serve, upstream: SimulatedUpstream, tmp_path: Path, as_json: bool
) -> None:
    gateway = serve(config(upstream))
    options = ("--live", "--url", gateway.url, *(("--json",) if as_json else ()))

    def said(*more: str) -> str:
        done = pointsman("assign", *options, *more, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    shown = said("--dry-run")
    assert standing(gateway) == {}
    shown += said("--without", "up/first")
    assert standing(gateway) == {}, "what is supposed is not put in place"
    shown += said("--strategy", "pareto")
    assert standing(gateway) == {}, "a front is no plan"
    done = said("--reason", "begin")
    assert set(standing(gateway)) == set(AGENTS)
    assert "coder" in said("--explain", "coder")
    run = gateway.control("/assignment-runs")["runs"][0]
    assert (run["reason"], run["run_id"] in done) == ("begin", True)
    undone = said("--undo", run["run_id"])
    assert standing(gateway) == {}
    if as_json:
        assert json.loads(undone)["run"]["undoes"] == run["run_id"]
    else:
        assert "nothing was changed" in shown
        assert f"{run['run_id']} is undone by run_" in undone


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--live", "fleet.yaml"), "a file: means nothing to a running gateway"),
        (("--live", "--declared-only"), "--declared-only: means nothing to a running gateway"),
        (("fleet.yaml", "--dry-run"), "--dry-run: means nothing without --live"),
        (("--live", "--undo", "run_1", "--dry-run"), "--dry-run: does not go with --undo"),
        (("--live", "--url", "http://127.0.0.1:1"), "no gateway answers"),
        (("--live", "--within", "nan"), "--within: nan is no such time"),
        (("--live", "--within", "inf"), "--within: inf is no such time"),
    ],
)
def test_a_terminal_is_told_what_does_not_go_together(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    refused = pointsman("assign", *arguments, cwd=tmp_path)
    assert refused.returncode in {1, 2}
    assert words in refused.stderr


def test_a_plan_of_a_file_and_one_made_by_itself_exclude_each_other(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text('{"assignments": []}')
    (tmp_path / "fleet.yaml").write_text(
        "models: {sim/swift-mini: {}}\nproviders: {sim: {type: simulated}}\n"
        "assignment: {plan: plan.json, mode: auto}\n"
    )
    checked = pointsman("check", "fleet.yaml", cwd=tmp_path)
    assert checked.returncode == 2
    assert "assignment.mode (line 3)" in checked.stderr
    assert "remove `plan`, or set the mode to off" in checked.stderr
