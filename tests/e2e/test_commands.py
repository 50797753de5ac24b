"""Do the commands lead from nothing to a gateway that serves, and say what is wrong on the way?"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from fleets import fleet, provider
from gateway_process import COMMAND, GatewayProcess, Serve, pointsman
from simulated_upstream import SimulatedUpstream, simulated_upstream

from pointsman.adapters.stores.sqlite import SqliteStore

COMMANDS = ("serve", "check", "init", "import", "keys", "explain", "route", "simulate", "schema")
MANY_MISTAKES = """\
server:
  port: 99999
providers:
  up:
    type: openai_compatible
models:
  up/first:
    context_window: large
    temprature: 1
  elsewhere/second: {}
aliases:
  house: up/nothing
"""
LITELLM = """\
model_list:
  - model_name: house
    litellm_params:
      model: openai/gpt-4o-mini
      api_key: os.environ/OPENAI_API_KEY
  - model_name: local
    litellm_params:
      model: openai/first
      api_base: UPSTREAM/v1
      api_key: sk-in-the-file-0123456789
general_settings:
  master_key: sk-1234
"""


def test_from_nothing_to_an_answer(tmp_path: Path) -> None:
    made = pointsman("init", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    checked = pointsman("check", "pointsman.yaml", cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    text = (tmp_path / "pointsman.yaml").read_text()
    with GatewayProcess(tmp_path, {}) as gateway:
        gateway.configure(text)
        gateway.reload()
        assert gateway.chat(pointsman={"agent": "coder"}).status == 200


def test_without_a_configuration_the_simulated_fleet_is_served(tmp_path: Path) -> None:
    with GatewayProcess(tmp_path, {}) as gateway:
        assert gateway.readiness["models"] == 12
        assert gateway.readiness["agents"] >= 8
        names = {entry["id"] for entry in gateway.get("/v1/models").document["data"]}
        assert {"auto", "agent/default"} <= names


def test_init_overwrites_nothing_unasked(tmp_path: Path) -> None:
    (tmp_path / "pointsman.yaml").write_text("mine")
    refused = pointsman("init", cwd=tmp_path)
    assert refused.returncode == 2
    assert "--force" in refused.stderr
    assert (tmp_path / "pointsman.yaml").read_text() == "mine"
    assert pointsman("init", "--force", cwd=tmp_path).returncode == 0


def test_check_lists_every_mistake_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text(MANY_MISTAKES)
    checked = pointsman("check", "fleet.yaml", cwd=tmp_path)
    assert checked.returncode == 2
    assert checked.stdout == ""
    for place, line in (
        ("server.port", 2),
        ("providers.up", 4),
        ("context_window", 8),
        ("temprature", 9),
        ("elsewhere/second", 10),
        ("house", 12),
    ):
        pattern = rf"{re.escape(place)}\S* \(line {line}\)"
        assert re.search(pattern, checked.stderr), (place, checked.stderr)


def test_check_prints_its_findings_as_json(tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text(MANY_MISTAKES)
    findings = json.loads(pointsman("check", "fleet.yaml", "--json", cwd=tmp_path).stdout)
    assert findings["sound"] is False
    assert {"path", "line", "message", "value", "remedy"} <= set(findings["problems"][0])
    good = json.loads(pointsman("check", "--json", cwd=tmp_path).stdout)
    assert (good["sound"], good["problems"]) == (True, [])


def probed(config: dict[str, Any], folder: Path) -> tuple[int, dict[str, Any]]:
    (folder / "fleet.yaml").write_text(json.dumps(config))
    done = pointsman("check", "fleet.yaml", "--probe", "--json", cwd=folder)
    (probe,) = json.loads(done.stdout)["probes"]
    return done.returncode, probe


def test_a_probe_tells_good_from_bad(tmp_path: Path) -> None:
    key = "sk-upstream-0123456789"
    with simulated_upstream(api_key=key) as upstream:
        good = fleet(upstream.url, providers=provider(upstream.url, api_key=key))
        status, probe = probed(good, tmp_path)
        assert (status, probe["sound"], probe["offered"]) == (0, True, 3)

        wrong = provider(upstream.url, api_key="sk-wrong-0123456789")
        status, probe = probed({**good, "providers": wrong}, tmp_path)
        assert (status, probe["sound"]) == (1, False)
        assert "key" in probe["error"]
        assert "sk-wrong" not in probe["error"]

        good["models"]["up/fourth"] = {}
        status, probe = probed(good, tmp_path)
        assert (status, probe["missing"]) == (1, ["up/fourth"])
    status, probe = probed(good, tmp_path)
    assert (status, probe["sound"]) == (1, False)


def test_a_litellm_configuration_is_carried_over_and_served(
    tmp_path: Path, upstream: SimulatedUpstream, serve: Serve
) -> None:
    (tmp_path / "litellm.yaml").write_text(LITELLM.replace("UPSTREAM", upstream.url))
    done = pointsman("import", "litellm", "litellm.yaml", "-o", "fleet.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "note:" in done.stderr
    text = (tmp_path / "fleet.yaml").read_text()
    assert "sk-in-the-file" not in text + done.stderr
    variables = re.findall(r"\$\{(\w+)\}", text)
    environ = dict.fromkeys(variables, "sk-given-0123456789")
    checked = pointsman("check", "fleet.yaml", cwd=tmp_path, environ=environ)
    assert checked.returncode == 0, checked.stderr
    gateway = serve(yaml.safe_load(text), environ=environ)
    key = {"authorization": "Bearer sk-given-0123456789"}
    answer = gateway.chat(key, model="local")
    assert answer.status == 200, answer
    assert upstream.models_called == ["first"]


def test_a_new_key_opens_the_gateway_it_is_given_to(
    tmp_path: Path, upstream: SimulatedUpstream, serve: Serve
) -> None:
    made = json.loads(
        pointsman("keys", "new", "ci", "--role", "admin", "--json", cwd=tmp_path).stdout
    )
    gateway = serve(fleet(upstream.url, keys=[made["entry"]]))
    assert gateway.chat({"authorization": f"Bearer {made['key']}"}).status == 200
    assert made["key"] not in gateway.config_path.read_text()


def test_what_keys_prints_can_be_pasted(tmp_path: Path) -> None:
    said = pointsman("keys", "new", "ci", "--agent", "coder", cwd=tmp_path).stdout
    key, _, rest = said.partition("\n")
    entry = yaml.safe_load(rest[rest.index("keys:") :])["keys"][0]
    assert key.startswith("pm-")
    assert (entry["name"], entry["agents"]) == ("ci", ["coder"])


def test_the_schema_describes_the_configuration(tmp_path: Path) -> None:
    schema = json.loads(pointsman("schema", cwd=tmp_path).stdout)
    assert {"providers", "models", "agents", "keys"} <= set(schema["properties"])


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(tmp_path: Path, command: str) -> None:
    said = pointsman(command, "--help", cwd=tmp_path)
    assert said.returncode == 0
    assert said.stdout.startswith(f"usage: pointsman {command}")
    assert len(said.stdout.splitlines()) > 5


@pytest.mark.parametrize(
    "arguments",
    [
        ("frobnicate",),
        (),
        ("serve", "nowhere.yaml"),
        ("serve", "--port", "many"),
        ("serve", "--port", "-1"),
        ("serve", "--port", "70000"),
        ("check", "nowhere.yaml"),
        ("import", "litellm", "nowhere.yaml"),
        ("keys", "new", "bad\nname"),
        ("simulate", "--fail", "nobody=cut"),
    ],
    ids=" ".join,
)
def test_wrong_use_is_told_in_one_go(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = pointsman(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr or done.stdout.startswith("usage:")


@pytest.mark.parametrize(
    "command",
    [
        ("--help",),
        ("export", "--help"),
        ("schema",),
        ("check",),
        ("check", "--json"),
        ("assign", "--json"),
        ("keys", "new", "me"),
        ("init", "new.yaml"),
        ("schema", "--openapi"),
        ("db", "sql"),
        ("db", "status"),
        ("db", "status", "--json"),
        ("export", "decisions"),
    ],
    ids=" ".join,
)
def test_who_reads_no_further_is_not_told_of_it(tmp_path: Path, command: tuple[str, ...]) -> None:
    SqliteStore(tmp_path / "pointsman" / "pointsman.db").close()
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*COMMAND, *command],
        stdout=write,
        stderr=subprocess.PIPE,
        env={**os.environ, "XDG_DATA_HOME": str(tmp_path)},
        cwd=tmp_path,
        check=False,
        timeout=60,
    )
    os.close(write)
    assert done.stderr == b""
    assert done.returncode in {0, 141}
