"""Does the control API show the running router as it is, and none of its secrets?"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pointsman.adapters.http.auth import ANYBODY
from pointsman.adapters.http.control import KEY_IN_SCOPE, PREFIX, ControlApi
from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.app.config import load, parse
from pointsman.app.configuration import Configuration
from pointsman.app.control import RouterSource
from pointsman.app.running import Running
from pointsman.core.decision import Outcome

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRETS = {
    "UPSTREAM_KEY": "sk-from-the-environment-42",
    "HEADER_TOKEN": "token-from-the-environment",
    "CALLER_KEY": "pm-caller-0123456789abcdef",
}
PLAIN_KEY = "sk-in-plain-text-0123456789"
FILE = f"""\
server: {{data_dir: DATA}}
providers:
  up:
    type: openai_compatible
    base_url: http://127.0.0.1:9/v1
    api_key: ${{UPSTREAM_KEY}}
    headers: {{x-house-token: "${{HEADER_TOKEN}}"}}
  plain: {{type: openai_compatible, base_url: "http://127.0.0.1:9/v1", api_key: {PLAIN_KEY}}}
models:
  up/first: {{price: {{input_usd_per_mtok: 0.15, output_usd_per_mtok: 0.6}}}}
  plain/second: {{}}
agents:
  größe: {{allow: [up/first]}}
keys:
  - {{name: ci, key: "${{CALLER_KEY}}", agents: [größe]}}
  - {{name: ops, sha256: {"ab" * 32}, role: admin}}
"""

PLANNED = """\
server: {data_dir: data}
providers: {up: {type: openai_compatible, base_url: "http://127.0.0.1:9/v1"}}
models:
  up/first: {capabilities: {coding: 0.6}, price: free, context_window: 8192}
  up/second: {capabilities: {general: 0.9}, price: free, context_window: 8192}
agents:
  coder: {requires: [coding], assignment: {switch_cost: 0.2}}
  clerk: {requires: [general]}
assignment: {plan: plan.json}
routing: {scoring: capability}
"""


class Answer(NamedTuple):
    status: int
    text: str

    @property
    def document(self) -> Any:
        return json.loads(self.text)


class Control:
    """The control API of a running router, without a server around it."""

    def __init__(self, running: Running) -> None:
        self.levels: list[str] = []
        self._api = ControlApi(RouterSource(running, self.levels.append), version="1.2.3")

    async def get(self, path: str) -> Answer:
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": PREFIX + path,
            "raw_path": (PREFIX + path).encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8080),
            KEY_IN_SCOPE: ANYBODY,
        }
        await self._api(scope, receive, send)
        body = b"".join(message.get("body", b"") for message in sent)
        return Answer(sent[0]["status"], body.decode())


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    return parse(FILE.replace("DATA", str(tmp_path / "data")), SECRETS)


@pytest.fixture
async def control(configuration: Configuration) -> AsyncIterator[Control]:
    running = Running(configuration, load=lambda *_: configuration)
    async with running.running():
        yield Control(running)


async def test_the_configuration_in_force_is_shown_whole(
    control: Control, configuration: Configuration
) -> None:
    answer = await control.get("/config")
    assert answer.status == 200, answer
    assert answer.document["config_version"] == configuration.version
    shown = answer.document["config"]
    assert shown == json.loads(json.dumps(dict(configuration.redacted)))
    assert shown["providers"]["up"]["base_url"] == "http://127.0.0.1:9/v1"
    assert shown["agents"]["größe"]["allow"] == ["up/first"]
    assert [key["name"] for key in shown["keys"]] == ["ci", "ops"]


@pytest.mark.parametrize(
    "path", ["/config", "/models", "/agents", "/agents/größe", "/stats", "/metrics"]
)
async def test_no_call_shows_a_secret(control: Control, path: str) -> None:
    answer = await control.get(path)
    assert answer.status == 200, answer
    for secret in (*SECRETS.values(), PLAIN_KEY):
        assert secret not in answer.text


async def test_what_may_still_wait_to_be_written_is_not_said_to_be_unknown(
    configuration: Configuration,
) -> None:
    running = Running(configuration, load=lambda *_: configuration)
    async with running.running():
        control = Control(running)
        assert (await control.get("/decisions/dec_1")).status == 404
        store, ledger = running.parts.store, running.parts.ledger
        assert isinstance(store, SqliteStore)
        store._file._writer.execute("PRAGMA query_only = 1")  # as on a disk that is full
        ledger.ended(Outcome("dec_1", 1, "up/first", "default", NOON, None, False, 1.0))
        assert not await ledger.flush()
        answer = await control.get("/decisions/dec_1")
        assert answer.status == 503
        assert answer.document["error"]["code"] == "store_unavailable"
        store._file._writer.execute("PRAGMA query_only = 0")


async def test_a_model_is_shown_as_it_is_now(control: Control) -> None:
    model = (await control.get("/models/up/first")).document["model"]
    assert (model["circuit"], model["in_flight"]) == ("closed", 0)
    assert model["price"]["output_usd_per_mtok"] == 0.6


async def test_the_figures_of_a_router_that_has_just_started_are_there(control: Control) -> None:
    stats = (await control.get("/stats")).document
    assert (stats["total_agents"], stats["total_models"], stats["in_flight"]) == (2, 2, 0)
    assert stats["ledger"] == {
        "queued": 0,
        "written": 0,
        "dropped": {"decision": 0, "outcome": 0},
        "not_durable": 0,
        "crowded_out": 0,
        "failing_s": 0,
    }
    metrics = (await control.get("/metrics")).document
    assert (metrics["latency"]["count"], metrics["models"]) == (0, [])


async def test_a_plan_in_force_counts_among_the_figures(tmp_path: Path) -> None:
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text(PLANNED, "utf-8")
    plan = [
        {"agent_id": "coder", "model_id": "up/first"},
        {"agent_id": "clerk", "model_id": "up/second"},
        {"agent_id": "clerk", "model_id": "up/second"},
        {"agent_id": "gone", "model_id": "up/first"},
    ]
    fleet.with_name("plan.json").write_text(json.dumps({"assignments": plan}), "utf-8")
    configuration = load(fleet, {})
    running = Running(configuration, load=lambda *_: configuration)
    async with running.running():
        stats = (await Control(running).get("/stats")).document
    assert stats["total_assignments"] == 2
    # coder: 70 x 0.6 + 20 + 10; clerk: 70 x 0.9 + 20 + 10.
    assert stats["avg_match_score"] == pytest.approx((72.0 + 93.0) / 2)
