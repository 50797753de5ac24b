"""Does a changed configuration take effect at once and whole, and a broken one not at all?"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from fleets import fleet, model, provider
from gateway_process import CONTROL, GatewayProcess, Serve, wait_until
from raw_client import chat_bytes, connected
from scripted_upstream import CHUNKED, DONE, ScriptedUpstream, Wire, event
from simulated_upstream import SimulatedUpstream


def version(gateway: GatewayProcess) -> str:
    name: str = gateway.readiness["config"]["version"]
    return name


def model_names(gateway: GatewayProcess) -> set[str]:
    entries = gateway.get("/v1/models").document["data"]
    return {entry["id"] for entry in entries if entry["id"].startswith("up/")}


def test_a_signal_brings_the_file_as_it_is_now(serve: Serve, upstream: SimulatedUpstream) -> None:
    gateway = serve(fleet(upstream.url, only=("first", "second")))
    before = version(gateway)
    assert model_names(gateway) == {"up/first", "up/second"}
    gateway.configure(fleet(upstream.url, only=("second", "third")))
    gateway.reload()
    assert model_names(gateway) == {"up/second", "up/third"}
    assert gateway.chat(model="up/first").status == 404
    answer = gateway.chat()
    assert answer.headers["x-pointsman-model"] == "up/second"
    decision = gateway.decision(answer.headers["x-pointsman-decision"])
    assert before != version(gateway) == decision["config_version"]


def test_a_changed_file_is_noticed_without_a_signal(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url, only=("first",)))
    before = version(gateway)
    gateway.configure(fleet(upstream.url, only=("first", "second")))
    wait_until(lambda: version(gateway) != before)
    assert model_names(gateway) == {"up/first", "up/second"}


def test_a_broken_file_changes_nothing_and_is_shown(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url))
    good = gateway.readiness["config"]
    broken = fleet(upstream.url)
    broken["models"]["up/first"]["context_window"] = "large"
    for text in (broken, "models: [", "\x00"):
        gateway.configure(text)
        gateway.reload()
        readiness = gateway.readiness
        assert readiness["status"] == "ready"
        assert readiness["config"]["version"] == good["version"]
        assert gateway.chat().status == 200
    gateway.configure(broken)
    gateway.reload()
    assert "models.up/first.context_window" in gateway.readiness["config"]["last_error"]
    assert "found large" in gateway.get(f"{CONTROL}/config").document["rejected"]
    gateway.configure(fleet(upstream.url, only=("third",)))
    gateway.reload()
    assert gateway.readiness["config"]["last_error"] is None
    assert model_names(gateway) == {"up/third"}


def test_an_emptied_file_opens_nothing(serve: Serve, upstream: SimulatedUpstream) -> None:
    keys = [{"name": "a", "key": "pm-secret-0123456789abc"}]
    gateway = serve(fleet(upstream.url, keys=keys))
    before = version(gateway)
    for text in ("", "# nothing left\n", "server: {log_level: info}\n"):
        gateway.configure(text)
        gateway.reload()
        assert gateway.chat().status == 401
        assert "(file)" in gateway.readiness["config"]["last_error"]
        assert version(gateway) == before


def test_what_stands_in_a_wrong_place_is_not_told_to_everybody(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url))
    gateway.configure({**fleet(upstream.url), "server": {"port": "sk-proj-AAAABBBBCCCC"}})
    gateway.reload()
    shown = gateway.readiness["config"]["last_error"]
    assert "server.port" in shown
    assert "sk-proj" not in shown


def test_keys_cannot_be_taken_away_while_the_network_is_listened_to(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    keys = [{"name": "a", "key": "pm-secret-0123456789abc"}]
    gateway = serve(fleet(upstream.url, keys=keys), arguments=("--host", "0.0.0.0"))
    before = version(gateway)
    gateway.configure(fleet(upstream.url))
    gateway.reload()
    assert gateway.chat().status == 401
    assert version(gateway) == before
    assert "server.host" in gateway.readiness["config"]["last_error"]


def test_a_file_that_vanishes_changes_nothing(serve: Serve, upstream: SimulatedUpstream) -> None:
    gateway = serve(fleet(upstream.url))
    gateway.config_path.unlink()
    gateway.reload()
    assert gateway.readiness["config"]["last_error"]
    assert gateway.chat().status == 200


def test_what_has_not_changed_is_not_a_new_version(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url))
    before = version(gateway)
    gateway.configure(gateway.config_path.read_text() + "\n# a remark\n")
    broken = gateway.config_path.read_text()
    gateway.configure("models: [")
    gateway.reload()
    gateway.configure(broken)
    wait_until(lambda: gateway.readiness["config"]["last_error"] is None)
    assert version(gateway) == before


async def test_a_stream_under_way_outlives_its_model(serve: Serve) -> None:
    reloaded = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.send(CHUNKED)
        await wire.events(event("one"))
        await reloaded.wait()
        await wire.events(event("two"), event(finish="stop"), DONE)
        await wire.send(b"0\r\n\r\n")

    async with ScriptedUpstream(script) as upstream:
        gateway = serve(fleet(upstream.url, only=("first",)))
        async with connected(gateway) as client:
            await client.send(chat_bytes({"connection": "close"}, stream=True))
            await client.until(b'"one"')
            moved = provider(upstream.url, headers={"x-moved": "yes"})
            gateway.configure(fleet(upstream.url, only=("second",), providers=moved))
            await asyncio.to_thread(gateway.reload)
            reloaded.set()
            rest = await client.rest()
        assert b'"two"' in rest
        assert rest.endswith(DONE + b"\r\n0\r\n\r\n")
        assert model_names(gateway) == {"up/second"}


def test_a_key_in_a_file_of_its_own_can_be_changed(
    serve: Serve, upstream: SimulatedUpstream, tmp_path: Path
) -> None:
    secret = tmp_path / "key"
    old, new = "pm-old-0123456789abcdef", "pm-new-0123456789abcdef"
    secret.write_text(old)
    keys = [{"name": "ci", "key": f"file:{secret}"}]
    gateway = serve(fleet(upstream.url, keys=keys))
    assert gateway.chat({"authorization": f"Bearer {old}"}).status == 200
    before = gateway.readiness["config"]["version"]
    secret.write_text(new)
    wait_until(
        lambda: gateway.readiness["config"]["version"] != before,
        what="the file's change to be seen",
    )
    assert gateway.chat({"authorization": f"Bearer {new}"}).status == 200
    assert gateway.chat({"authorization": f"Bearer {old}"}).status == 401


def test_a_broken_model_that_is_mended_is_tried_at_once(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url, only=("first",)))
    upstream.order("first", "status", status=401)
    assert gateway.chat().status == 502
    upstream.clear()
    mended = provider(upstream.url, api_key="sk-another-0123456789")
    gateway.configure(fleet(upstream.url, only=("first",), providers=mended))
    gateway.reload()
    assert gateway.chat().status == 200


def test_agents_aliases_and_limits_change_with_the_file(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url))
    assert gateway.chat(model="house").status == 404
    changes: dict[str, Any] = {
        "aliases": {"house": "up/third"},
        "agents": {"scribe": {"allow": ["up/second"]}},
        "limits": {"max_body_bytes": 2048},
        "models": {**fleet(upstream.url)["models"], "up/fresh": model(0.1, upstream_name="first")},
    }
    gateway.configure(fleet(upstream.url, **changes))
    gateway.reload()
    assert gateway.chat(model="house").headers["x-pointsman-model"] == "up/third"
    assert gateway.chat(model="agent/scribe").headers["x-pointsman-model"] == "up/second"
    assert gateway.chat(model="up/fresh").headers["x-pointsman-model"] == "up/fresh"
    assert gateway.chat(user="x" * 3000).status == 413
