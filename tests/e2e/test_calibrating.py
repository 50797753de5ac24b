"""Does `pointsman calibrate` find out which model is good at what, and does a gateway learn it?"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from fleets import Config, fleet, model
from gateway_process import (
    COMMAND,
    CONTROL,
    GatewayProcess,
    Serve,
    chat_body,
    pointsman,
    wait_until,
)
from knowing_upstream import KnowingUpstream, knowing_upstream

from pointsman.adapters.stores.sqlite import SqliteStore

SKILLS = {"general": 0.5, "math": 0.5, "reasoning": 0.5}
MODEL = model(0.5, capabilities=SKILLS)
Case = Mapping[str, Any]

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
SUMS: list[Case] = [
    {"prompt": f"What is {n} plus {n + 1}?", "answer": 2 * n + 1, "task_type": "math"}
    for n in range(10)
]
SCHEMA = {
    "type": "object",
    "properties": {"sum": {"$ref": "#/$defs/whole"}},
    "required": ["sum"],
    "$defs": {"whole": {"type": "integer"}},
}


@pytest.fixture
def knowing() -> Iterator[KnowingUpstream]:
    with knowing_upstream() as upstream:
        yield upstream


def configuration(upstream: KnowingUpstream, folder: Path, **sections: Any) -> Config:
    models = {f"up/{name}": MODEL for name in ("first", "second", "third", "judge")}
    server = {"data_dir": str(folder / "data"), "port": 1}
    return fleet(upstream.url, **{"models": models, "server": server, **sections})


def write(folder: Path, cases: Sequence[Case], config: Config) -> None:
    lines = "\n".join(json.dumps(case) for case in cases)
    (folder / "cases.jsonl").write_text(lines, "utf-8")
    (folder / "fleet.yaml").write_text(json.dumps(config), "utf-8")


def calibrate(
    folder: Path, *arguments: str, environ: Mapping[str, str] | None = None
) -> CompletedProcess[str]:
    models = [word for name in ("first", "second", "third") for word in ("--model", f"up/{name}")]
    return pointsman("calibrate", "cases.jsonl", *models, *arguments, cwd=folder, environ=environ)


def quality(done: CompletedProcess[str]) -> dict[str, float]:
    return {each["model_id"]: each["quality"] for each in json.loads(done.stdout)["models"]}


def test_what_is_judged_is_kept_for_the_next_gateway(
    knowing: KnowingUpstream, tmp_path: Path
) -> None:
    write(tmp_path, SUMS, configuration(knowing, tmp_path))
    done = calibrate(tmp_path, "--config", "fleet.yaml", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    assert quality(done) == {"up/first": 1.0, "up/second": 0.5, "up/third": 0.0}
    assert "10 prompts × 3 models: 30 answers" in done.stderr
    assert "fewer than 100 prompts" in done.stderr
    assert "30 of 30 done" in done.stderr
    store = SqliteStore(tmp_path / "data" / "pointsman.db")
    said = list(store.recent_feedback(LONG_AGO, 1000))
    store.close()
    assert {(each.model_id, each.task_type) for each in said} == {
        (f"up/{name}", "math") for name in ("first", "second", "third")
    }
    assert sum(each.quality for each in said if each.model_id == "up/second") == 5


def expected(gateway: GatewayProcess, headers: Mapping[str, str] | None = None) -> dict[str, float]:
    """How good each model's answers to sums are now held to be."""
    body = {**chat_body(), "pointsman": {"task_type": "math"}}
    answer = gateway.call("POST", f"{CONTROL}/route", body, headers)
    assert answer.status == 200, answer
    candidates = answer.document["decision"]["candidates"]
    return {each["model_id"]: each["estimate"]["quality"] for each in candidates}


def test_the_next_gateway_has_learned_it(knowing: KnowingUpstream, tmp_path: Path) -> None:
    config = configuration(knowing, tmp_path)
    write(tmp_path, SUMS, config)
    assert calibrate(tmp_path, "--config", "fleet.yaml", "--yes").returncode == 0
    with GatewayProcess(tmp_path, config) as gateway:
        good = wait_until(
            lambda: (found := expected(gateway))["up/first"] > found["up/third"] + 0.1 and found,
            what="what was learned",
        )
    assert good["up/first"] > good["up/second"] > good["up/third"]


def test_a_gateway_that_runs_learns_at_once(
    knowing: KnowingUpstream, tmp_path: Path, serve: Serve
) -> None:
    key = "pm-" + "a" * 40
    entry = {"name": "ops", "sha256": sha256(key.encode()).hexdigest(), "role": "admin"}
    gateway = serve(configuration(knowing, tmp_path, keys=[entry]))
    headers = {"authorization": f"Bearer {key}"}
    before = expected(gateway, headers)
    assert len(set(before.values())) == 1
    write(tmp_path, [*SUMS, {**SUMS[0], "task_type": "arabic"}], {})
    environ = {"POINTSMAN_URL": gateway.url, "POINTSMAN_API_KEY": key}
    done = calibrate(tmp_path, "--yes", "--json", environ=environ)
    assert quality(done) == {"up/first": 1.0, "up/second": 0.5, "up/third": 0.0}
    assert all(each["cost_usd"] > 0 for each in json.loads(done.stdout)["models"])
    after = expected(gateway, headers)
    assert after["up/first"] > after["up/second"] > after["up/third"]
    asked = len(knowing.asked)
    again = calibrate(tmp_path, "--url", gateway.url, "--yes", "--json", environ=environ)
    assert quality(again) == quality(done)
    assert len(knowing.asked) == asked
    stranger = calibrate(tmp_path, "--url", gateway.url, "--yes", environ={})
    assert stranger.returncode == 2
    assert "administrator" in stranger.stderr


def test_what_was_judged_is_not_asked_again_unless_that_is_wanted(
    knowing: KnowingUpstream, tmp_path: Path
) -> None:
    write(tmp_path, SUMS[:3], configuration(knowing, tmp_path))
    assert calibrate(tmp_path, "--config", "fleet.yaml", "--yes").returncode == 0
    assert len(knowing.asked) == 9
    write(tmp_path, SUMS[:4], configuration(knowing, tmp_path))
    again = calibrate(tmp_path, "--config", "fleet.yaml", "--yes", "--json")
    assert len(knowing.asked) == 12
    assert quality(again)["up/first"] == 1.0
    assert json.loads(again.stdout)["models"][0]["judged_earlier"] == 3
    calibrate(tmp_path, "--config", "fleet.yaml", "--yes", "--again")
    assert len(knowing.asked) == 24


def test_a_schema_and_a_judge_tell_good_answers_too(
    knowing: KnowingUpstream, tmp_path: Path
) -> None:
    cases: list[Case] = [
        {"prompt": "What is 2 plus 2? Answer in JSON.", "json_schema": SCHEMA},
        {"prompt": "Is it worth it?", "judge": "It is short.", "reference": "No."},
    ]
    write(tmp_path, cases, configuration(knowing, tmp_path))
    done = calibrate(tmp_path, "--config", "fleet.yaml", "--judge", "up/judge", "--yes", "--json")
    assert quality(done) == {"up/first": 1.0, "up/second": 0.125, "up/third": 0.125}
    judged = next(body for body in knowing.asked if body["model"] == "judge")
    assert "It is short." in judged["messages"][0]["content"]


def test_nothing_is_spent_without_a_word(knowing: KnowingUpstream, tmp_path: Path) -> None:
    write(tmp_path, SUMS, configuration(knowing, tmp_path))
    refused = calibrate(tmp_path, "--config", "fleet.yaml")
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert calibrate(tmp_path, "--config", "fleet.yaml", "--dry-run").returncode == 0
    assert not knowing.asked


def test_no_more_is_spent_than_allowed(knowing: KnowingUpstream, tmp_path: Path) -> None:
    """An answer may cost 1,024 tokens at 2 USD per million: room for two of them at once."""
    write(tmp_path, SUMS, configuration(knowing, tmp_path))
    done = calibrate(tmp_path, "--config", "fleet.yaml", "--yes", "--max-usd", "0.005", "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["stopped_by_budget"]
    assert 0 < document["spent_usd"] <= 0.005
    assert 0 < len(knowing.asked) < 30


def test_models_of_unknown_price_are_left_out_of_a_budget(
    knowing: KnowingUpstream, tmp_path: Path
) -> None:
    models = {
        "up/first": MODEL,
        "up/second": {"capabilities": SKILLS, "context_window": 32_000},
        "up/third": MODEL,
    }
    write(tmp_path, SUMS[:2], configuration(knowing, tmp_path, models=models))
    done = calibrate(tmp_path, "--config", "fleet.yaml", "--yes", "--max-usd", "1", "--json")
    assert done.returncode == 0
    assert set(quality(done)) == {"up/first", "up/third"}
    assert "left out, since what it costs is unknown: up/second" in done.stderr


def test_a_gateway_that_runs_is_not_passed_by(
    knowing: KnowingUpstream, tmp_path: Path, serve: Serve
) -> None:
    gateway = serve(configuration(knowing, tmp_path))
    beside = configuration(knowing, tmp_path)
    beside["server"]["port"] = gateway.port
    write(tmp_path, SUMS[:1], beside)
    done = calibrate(tmp_path, "--config", "fleet.yaml", "--yes")
    assert done.returncode == 2
    assert f"--url http://127.0.0.1:{gateway.port}" in done.stderr


def test_a_simulated_fleet_is_calibrated_without_asking_for_money(tmp_path: Path) -> None:
    """The fleet of the configuration that stands in for none; its answers are about something."""
    case = {"prompt": "What is a signal box?", "answer": "nobody says this", "max_tokens": 20}
    (tmp_path / "cases.jsonl").write_text(json.dumps(case), "utf-8")
    config = {"server": {"data_dir": str(tmp_path / "data"), "port": 1}}
    (tmp_path / "fleet.yaml").write_text(json.dumps(config), "utf-8")
    done = pointsman(
        "calibrate", "cases.jsonl", "--config", "fleet.yaml", "--yes", "--json", cwd=tmp_path
    )
    document = json.loads(done.stdout)
    assert len(document["models"]) == 12
    assert sum(each["judged"] for each in document["models"]) >= 10


def test_models_that_cannot_serve_are_told_apart_from_bad_ones(
    knowing: KnowingUpstream, tmp_path: Path
) -> None:
    write(tmp_path, [{**SUMS[0], "task_type": "arabic"}], configuration(knowing, tmp_path))
    done = calibrate(tmp_path, "--config", "fleet.yaml", "--yes")
    assert done.returncode == 1, "nothing at all was learned"
    assert "lacks arabic" in done.stdout
    assert not knowing.asked


def test_a_failure_is_no_bad_answer(knowing: KnowingUpstream, tmp_path: Path, serve: Serve) -> None:
    models = {"up/broken": MODEL}
    config = configuration(knowing, tmp_path, models=models)
    write(tmp_path, SUMS[:1], config)
    gateway = serve(configuration(knowing, tmp_path / "other", models=models))
    for place in (("--config", "fleet.yaml"), ("--url", gateway.url)):
        done = pointsman("calibrate", "cases.jsonl", *place, "--yes", "--json", cwd=tmp_path)
        assert done.returncode == 1
        (broken,) = json.loads(done.stdout)["models"]
        assert (broken["quality"], broken["failed"]) == (None, 1)
        assert "500" in broken["last_words"] or "server_error" in broken["last_words"]


@pytest.mark.parametrize(("said", "status"), [("y", 0), ("no", 2)])
def test_at_a_terminal_it_asks_first(
    knowing: KnowingUpstream, tmp_path: Path, said: str, status: int
) -> None:
    write(tmp_path, SUMS[:1], configuration(knowing, tmp_path))
    ours, terminal = os.openpty()
    os.write(ours, f"{said}\n".encode())
    words = [*COMMAND, "calibrate", "cases.jsonl", "--config", "fleet.yaml", "--model", "up/first"]
    done = subprocess.run(
        words, stdin=terminal, cwd=tmp_path, capture_output=True, timeout=60, check=False
    )
    os.close(ours)
    os.close(terminal)
    assert done.returncode == status
    assert len(knowing.asked) == (1 if status == 0 else 0)


def test_mistakes_of_use_are_told_with_their_remedy(
    knowing: KnowingUpstream, tmp_path: Path
) -> None:
    write(tmp_path, [{"prompt": "?"}, {"answer": 1}], configuration(knowing, tmp_path))
    done = calibrate(tmp_path, "--config", "fleet.yaml", "--yes")
    assert done.returncode == 2
    assert "(line 1)" in done.stderr
    assert "(line 2)" in done.stderr
    write(tmp_path, [{"prompt": "?", "judge": True}], configuration(knowing, tmp_path))
    assert "--judge" in calibrate(tmp_path, "--config", "fleet.yaml").stderr
    assert (
        "no model up/none"
        in calibrate(tmp_path, "--config", "fleet.yaml", "--model", "up/none").stderr
    )
    assert "no address" in calibrate(tmp_path, "--url", "localhost").stderr
    for option in (("--max-usd", "much"), ("--parallel", "0")):
        assert "such as" in calibrate(tmp_path, *option).stderr
    nobody = calibrate(tmp_path, "--url", "http://127.0.0.1:1")
    assert "is the gateway running?" in nobody.stderr
