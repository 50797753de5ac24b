"""Is the plan that a configuration names in force, and is a bad one reported?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pointsman.app.cli import main
from pointsman.app.config import load
from pointsman.app.wiring import setup_of
from pointsman.core.errors import ConfigError
from pointsman.engine.standing import post_of

FLEET = """\
server: {data_dir: data}
providers: {sim: {type: simulated}}
models:
  sim/atlas-large: {}
  sim/swift-mini: {}
agents:
  coder: {requires: [coding], assignment: {switch_cost: 0.2}}
  clerk: {requires: [general]}
assignment: {plan: plan.json}
"""

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    path = tmp_path / "fleet.yaml"
    path.write_text(FLEET, "utf-8")
    return path


def write_plan(fleet: Path, **models: str) -> None:
    records = [{"agent_id": name, "model_id": model} for name, model in models.items()]
    fleet.with_name("plan.json").write_text(json.dumps({"assignments": records}), "utf-8")


def test_who_stands_where_reaches_the_engine_with_what_leaving_costs(fleet: Path) -> None:
    write_plan(fleet, coder="sim/swift-mini")
    configuration = load(fleet, {})
    assert configuration.expectations.standing == {"coder": "sim/swift-mini"}
    assert setup_of(configuration, {}).posts == {"coder": post_of("coder", "sim/swift-mini", 0.2)}
    assert fleet.with_name("plan.json") in configuration.watched


def test_another_plan_is_another_version(fleet: Path) -> None:
    write_plan(fleet, coder="sim/swift-mini")
    before = load(fleet, {}).version
    write_plan(fleet, coder="sim/atlas-large")
    assert load(fleet, {}).version != before


def test_a_plan_that_is_older_than_the_fleet_is_left_aside_where_it_is(fleet: Path) -> None:
    gone = {f"gone-{number}": "sim/swift-mini" for number in range(6)}
    write_plan(fleet, coder="sim/lost", clerk="sim/atlas-large", **gone)
    configuration = load(fleet, {})
    assert set(setup_of(configuration, {}).posts) == {"clerk"}
    (said,) = (words for words in configuration.warnings if "assignment.plan" in words)
    assert said.startswith("assignment.plan is older than the fleet: coder on sim/lost, gone-0 on")
    assert "and 2 more is left aside" in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "the plan cannot be read: No such file"),
        ("[]", "the file holds no plan"),
        ('{"assignments": [{"agent_id": "coder"}]}', "the file holds no plan"),
        ("not json", "the file holds no plan"),
    ],
)
def test_a_file_that_is_no_plan_is_a_mistake(fleet: Path, text: str | None, words: str) -> None:
    if text is not None:
        fleet.with_name("plan.json").write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        load(fleet, {})
    (problem,) = caught.value.problems
    assert problem.path == "assignment.plan"
    assert words in problem.message
    assert "pointsman assign --json" in problem.remedy


def test_what_the_command_writes_is_what_the_gateway_reads_and_the_next_run_starts_from(
    fleet: Path, capsys: Captured
) -> None:
    write_plan(fleet)
    assert main(["assign", str(fleet), "--json"]) == 0
    fleet.with_name("plan.json").write_text(capsys.readouterr().out, "utf-8")
    assert set(setup_of(load(fleet, {}), {}).posts) == {"coder", "clerk"}
    write_plan(fleet, coder="sim/swift-mini", clerk="sim/swift-mini")
    assert main(["assign", str(fleet), "--json", "--without", "sim/swift-mini"]) == 0
    moved = json.loads(capsys.readouterr().out)["moved"]
    assert {move["agent_id"] for move in moved} == {"coder", "clerk"}
