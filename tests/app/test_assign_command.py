"""Does `pointsman assign` say who should stand where, why, and what would help?"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.app.cli import main
from pointsman.core.decision import Candidate, Decision, Outcome, Strategy, Task

FLEET = """\
server: {data_dir: data}
providers:
  lab: {type: simulated}
  shop: {type: simulated}
models:
  lab/large:
    capabilities: {coding: 0.95, reasoning: 0.95, general: 0.95}
    price: {input_usd_per_mtok: 5, output_usd_per_mtok: 15}
  lab/small:
    capabilities: {coding: 0.7, reasoning: 0.7, general: 0.8}
    price: {input_usd_per_mtok: 0.5, output_usd_per_mtok: 1.5}
  shop/mid:
    capabilities: {coding: 0.85, reasoning: 0.8, general: 0.85}
    price: {input_usd_per_mtok: 1, output_usd_per_mtok: 4}
agents:
  coder:
    requires: [coding]
    load: {requests_per_min: 6, prompt_tokens: 3000, completion_tokens: 500}
  planner:
    requires: [reasoning]
    load: {requests_per_min: 3, prompt_tokens: 2000, completion_tokens: 500}
  critic:
    requires: [reasoning]
    load: {requests_per_min: 3, prompt_tokens: 2000, completion_tokens: 500}
  clerk:
    requires: [general]
    pinned: lab/small
    load: {requests_per_min: 9, prompt_tokens: 500, completion_tokens: 100}
    assignment: {fallbacks: 2}
assignment:
  budget_usd_per_day: 150
  apart: [{name: reviewers, agents: [planner, critic]}]
"""

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    path = tmp_path / "fleet.yaml"
    path.write_text(FLEET, "utf-8")
    return path


def rewritten(path: Path, old: str, new: str) -> Path:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    return path


def test_the_whole_fleet_is_shown_with_what_it_comes_to(fleet: Path, capsys: Captured) -> None:
    assert main(["assign", str(fleet)]) == 0
    shown = capsys.readouterr().out
    assert "coder    shop/mid" in shown
    assert "clerk    lab/small (pinned)" in shown
    assert "optimal: 4 assigned, mean score " in shown
    assert "proven best" in shown
    assert "what more would bring, each for itself:\n" in shown
    assert not (fleet.parent / "data").exists(), "nothing is written"


def test_a_plan_that_costs_nothing_says_why(fleet: Path, capsys: Captured) -> None:
    assert main(["assign", str(fleet)]) == 0
    assert "agents without a `load`" not in capsys.readouterr().out
    silent = "\n".join(line for line in FLEET.splitlines() if "load:" not in line)
    fleet.write_text(silent, "utf-8")
    assert main(["assign", str(fleet)]) == 0
    assert "agents without a `load` ask for nothing" in capsys.readouterr().out


def test_programs_get_every_term_and_the_terms_sum_to_the_score(
    fleet: Path, capsys: Captured
) -> None:
    assert main(["assign", str(fleet), "--json", "--strategy", "balanced"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["success"], found["strategy"], found["total_assignments"]) == (
        True,
        "balanced",
        4,
    )
    assert found["optimality_gap"] is None
    assert found["unassigned"] == []
    clerk = found["assignments"][3]
    assert (clerk["assignment_method"], clerk["fallbacks"]) == ("MANUAL", [])
    assert found["assignments"][0]["fallbacks"] == ["lab/large"]
    for record in found["assignments"]:
        terms = sum(term["value"] for term in record["terms"])
        assert terms == pytest.approx(record["match_score"], abs=0.01)
        assert record["latency_ms"] is None


def test_greedy_is_a_strategy(fleet: Path, capsys: Captured) -> None:
    assert main(["assign", str(fleet), "--strategy", "greedy"]) == 0
    assert "greedy: 4 assigned" in capsys.readouterr().out


def test_one_agent_is_explained(fleet: Path, capsys: Captured) -> None:
    assert main(["assign", str(fleet), "--explain", "coder"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("coder stands on shop/mid: score ")
    assert lines[1].endswith("no room in the budget per day of the fleet")
    assert lines[-1].startswith("next best is lab/small: the fleet would lose ")


def test_the_points_between_quality_and_cost_are_offered_with_a_knee(
    fleet: Path, capsys: Captured
) -> None:
    assert main(["assign", str(fleet), "--strategy", "pareto"]) == 0
    shown = capsys.readouterr().out
    assert shown.count("<- knee") == 1
    assert "unknown" in shown, "nobody has timed anything"
    assert main(["assign", str(fleet), "--strategy", "pareto", "--json"]) == 0
    points = json.loads(capsys.readouterr().out)["points"]
    assert len(points) > 1
    assert points[0]["usd_per_day"] > points[-1]["usd_per_day"]
    assert points[0]["latency_ms"] is None
    assert set(points[0]["assignments"]) == {"coder", "planner", "critic", "clerk"}


def test_a_point_of_the_front_is_taken_by_the_name_it_has_there(
    fleet: Path, capsys: Captured
) -> None:
    asked = ["assign", str(fleet), "--strategy", "pareto"]
    assert main([*asked, "--json"]) == 0
    points = json.loads(capsys.readouterr().out)["points"]
    for name, point in (
        (points[-1]["plan_id"], points[-1]),
        ("knee", next(each for each in points if each["knee"])),
    ):
        assert main([*asked, "--point", name, "--json"]) == 0
        plan = json.loads(capsys.readouterr().out)
        chosen = {each["agent_id"]: each["model_id"] for each in plan["assignments"]}
        assert (chosen, plan["usd_per_day"]) == (point["assignments"], point["usd_per_day"])
    assert main([*asked, "--point", points[0]["plan_id"]]) == 0
    assert "points)" not in capsys.readouterr().out, "it was not taken for the highest score"
    assert main([*asked, "--point", "plan_0"]) == 2
    assert "--point: 'plan_0' is not on the front any more" in capsys.readouterr().err
    assert main(["assign", str(fleet), "--point", "knee"]) == 2
    assert "--point: optimal has no points" in capsys.readouterr().err


def test_who_has_no_model_is_told_why_and_what_would_help(fleet: Path, capsys: Captured) -> None:
    rewritten(fleet, "budget_usd_per_day: 150", "budget_usd_per_day: 10")
    assert main(["assign", str(fleet)]) == 1
    shown = capsys.readouterr().out
    assert "coder has no model:\n  no room in the budget per day of the fleet: lab/large" in shown
    assert "what would give everybody a model:\n  allow that the fleet spends " in shown


def test_who_is_beyond_help_is_named(fleet: Path, capsys: Captured) -> None:
    rewritten(fleet, "requires: [coding]", "requires: [vision]")
    assert main(["assign", str(fleet)]) == 1
    assert "nobody can help coder" in capsys.readouterr().out
    assert main(["assign", str(fleet), "--json"]) == 1
    (left,) = json.loads(capsys.readouterr().out)["unassigned"]
    assert left["agent_id"] == "coder"
    assert left["reasons"][0].startswith("lacks vision")


def test_agents_stay_where_they_stand_unless_they_gain_more_than_it_costs(
    fleet: Path, tmp_path: Path, capsys: Captured
) -> None:
    assert main(["assign", str(fleet), "--json"]) == 0
    standing = tmp_path / "plan.json"
    standing.write_text(capsys.readouterr().out, "utf-8")
    assert json.loads(standing.read_text())["moved"] == []
    assert main(["assign", str(fleet), "--standing", str(standing)]) == 0
    assert "moves" not in capsys.readouterr().out
    rewritten(fleet, "budget_usd_per_day: 150", "budget_usd_per_day: 60")
    assert main(["assign", str(fleet), "--standing", str(standing)]) == 0
    assert "moves coder: shop/mid -> lab/small (-" in capsys.readouterr().out
    rewritten(fleet, "budget_usd_per_day: 60", "budget_usd_per_day: 25")
    assert main(["assign", str(fleet), "--standing", str(standing)]) == 1
    assert " -> no model\n" in capsys.readouterr().out


def test_an_outage_moves_who_stood_on_the_model(
    fleet: Path, tmp_path: Path, capsys: Captured
) -> None:
    assert main(["assign", str(fleet), "--json"]) == 0
    standing = tmp_path / "plan.json"
    standing.write_text(capsys.readouterr().out, "utf-8")
    arguments = ["--standing", str(standing), "--without", "shop/mid", "--json"]
    assert main(["assign", str(fleet), *arguments]) == 1
    found = json.loads(capsys.readouterr().out)
    assert {move["from"] for move in found["moved"]} == {"shop/mid"}
    assert "does not answer: shop/mid" in found["unassigned"][0]["reasons"]


def test_a_limit_that_people_alone_exceed_is_noted(fleet: Path, capsys: Captured) -> None:
    rewritten(fleet, "budget_usd_per_day: 150", "budget_usd_per_day: 1")
    assert main(["assign", str(fleet)]) == 1
    shown = capsys.readouterr().out
    assert "manual assignments alone exceed the budget per day of the fleet by " in shown


def test_a_manual_model_without_a_price_is_said_to_be_left_out_of_the_sum(
    fleet: Path, capsys: Captured
) -> None:
    rewritten(fleet, "{input_usd_per_mtok: 0.5, output_usd_per_mtok: 1.5}", "unknown")
    assert main(["assign", str(fleet)]) == 0
    shown = capsys.readouterr().out
    assert "and 1 without a price" in shown
    assert "unknown" in shown


def test_what_this_gateway_has_seen_counts_unless_it_is_to_be_left_aside(
    fleet: Path, tmp_path: Path, capsys: Captured
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    asyncio.run(remember(data / "pointsman.db"))
    assert main(["assign", str(fleet), "--json"]) == 0
    records = json.loads(capsys.readouterr().out)["assignments"]
    seen = {record["agent_id"]: record for record in records}["coder"]
    assert seen["evidence"] > 1
    assert seen["latency_ms"] == pytest.approx(500.0, rel=0.3)
    assert main(["assign", str(fleet), "--json", "--declared-only"]) == 0
    records = json.loads(capsys.readouterr().out)["assignments"]
    assert {record["evidence"] for record in records} == {0.0}


async def remember(path: Path) -> None:
    """Outcomes of a moment ago: `shop/mid` answers the coder, and soon."""
    store, now = SqliteStore(path), datetime.now(UTC)
    for number in range(40):
        name = f"dec_{number:032x}"
        candidate = Candidate("shop/mid", 0.9, ())
        decision = Decision(
            name, f"req_{number}", now, "coder", Task(stream=True), Strategy.BALANCED,
            (candidate,), (), 1.0, "v1",
        )  # fmt: skip
        outcome = Outcome(name, 1, "shop/mid", "coder", now, None, True, 2.0, 0.5)
        store.append([decision, outcome])
    store.close()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--explain", "nobody"], "no agent 'nobody' is declared and online; known: coder, "),
        (["--without", "lab/huge"], "no model 'lab/huge' is declared; known: lab/large, "),
        (["--within", "0"], "--within: 0 is no such time — give a positive number of seconds"),
        (["--within", "nan"], "--within: nan is no such time"),
        (["--within", "inf"], "--within: inf is no such time"),
        (["--strategy", "pareto", "--explain", "coder"], "--explain: a front puts nobody anywhere"),
        (
            ["--standing", "nowhere.json"],
            "--standing nowhere.json: the plan cannot be read: No such file",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(
    fleet: Path, capsys: Captured, arguments: list[str], words: str
) -> None:
    assert main(["assign", str(fleet), *arguments]) == 2
    assert words in capsys.readouterr().err


def test_a_mistake_in_the_configuration_is_reported_as_by_check(
    fleet: Path, capsys: Captured
) -> None:
    rewritten(fleet, "agents: [planner, critic]", "agents: [planner, critc]")
    assert main(["assign", str(fleet)]) == 2
    assert "did you mean `critic`?" in capsys.readouterr().err


def test_a_fleet_without_agents_has_nobody_to_assign(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text("providers: {sim: {type: simulated}}\nmodels: {sim/a: {}}\n", "utf-8")
    assert main(["assign", str(path), "--explain", "coder"]) == 2
    assert "known: none" in capsys.readouterr().err
    assert main(["assign", str(path)]) == 0
    assert "optimal: 0 assigned" in capsys.readouterr().out


EXAMPLE = Path(__file__).parents[2] / "examples" / "assignment.yaml"


def test_the_example_of_25_agents_is_assigned_whole_and_an_outage_moves_whom_it_hits(
    tmp_path: Path, capsys: Captured
) -> None:
    arguments = ["assign", str(EXAMPLE), "--declared-only", "--json"]
    assert main(arguments) == 0
    standing = tmp_path / "plan.json"
    standing.write_text(capsys.readouterr().out, "utf-8")
    plan = json.loads(standing.read_text())
    assert plan["total_assignments"] == 25
    assert plan["usd_per_day"] <= 350.0
    busiest = Counter(record["model_id"] for record in plan["assignments"]).most_common(1)[0][0]
    hit = {r["agent_id"] for r in plan["assignments"] if r["model_id"] == busiest}
    main([*arguments, "--standing", str(standing), "--without", busiest])
    moved = {move["agent_id"] for move in json.loads(capsys.readouterr().out)["moved"]}
    assert hit <= moved
