"""Does a drained model get no more requests, end those that it has, and stay so after a death?"""

from __future__ import annotations

import asyncio
import json
import signal
from typing import Any

from fleets import fleet
from gateway_process import CONTROL, GatewayProcess, Serve, pointsman
from raw_client import chat_bytes, connected
from scripted_upstream import CHUNKED, DONE, ScriptedUpstream, Wire, event
from simulated_upstream import SimulatedUpstream

MODELS = {
    "up/first": {"capabilities": {"coding": 0.9, "general": 0.9}, "price": "free"},
    "up/second": {"capabilities": {"general": 0.6}, "price": "free"},
}
CALM = {"exploration": 0}


def drain(gateway: GatewayProcess, model_id: str, **more: Any) -> Any:
    return gateway.call("POST", f"{CONTROL}/drains", {"model_id": model_id, **more})


def served(gateway: GatewayProcess, **fields: Any) -> str:
    return gateway.chat(**fields).headers["x-pointsman-model"]


def test_a_drained_model_gets_only_who_names_it_also_after_a_death_and_a_reload(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    config = fleet(upstream.url, models=MODELS, routing=CALM)
    gateway = serve(config)
    assert served(gateway) == "up/first"
    assert drain(gateway, "up/first", reason="a new card").status == 200
    assert served(gateway) == "up/second"
    assert served(gateway, model="up/first") == "up/first"
    gateway.signal(signal.SIGKILL)
    gateway.wait()
    gateway.start()
    assert served(gateway) == "up/second"
    gateway.configure({**config, "agents": {"clerk": {}}})
    gateway.reload()
    assert served(gateway) == "up/second"
    assert gateway.call("DELETE", f"{CONTROL}/drains/up/first").status == 200
    assert served(gateway) == "up/first"
    acts = gateway.control("/audit?subject_kind=model")["acts"]
    assert [act["action"] for act in acts] == ["model.undrain", "model.drain"]


async def test_an_open_stream_of_a_drained_model_ends_as_it_would_have(serve: Serve) -> None:
    drained = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.send(CHUNKED)
        await wire.events(event("one"))
        await drained.wait()
        await wire.events(event("two"), event(finish="stop"), DONE)
        await wire.send(b"0\r\n\r\n")

    async with ScriptedUpstream(script) as upstream:
        gateway = serve(fleet(upstream.url, only=("first",)))
        async with connected(gateway) as client:
            await client.send(chat_bytes({"connection": "close"}, stream=True))
            await client.until(b'"one"')
            answer = await asyncio.to_thread(drain, gateway, "up/first", force=True)
            assert answer.status == 200
            assert answer.document["blast"]["in_flight"] == 1
            refused = await asyncio.to_thread(gateway.chat)
            assert refused.status == 503
            assert "drained" in refused.error["message"]
            drained.set()
            rest = await client.rest()
        assert rest.endswith(DONE + b"\r\n0\r\n\r\n")


def test_the_command_says_whom_it_concerns_then_does_it_and_puts_it_back(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    agents = {"coder": {"requires": ["coding"]}, "clerk": {"requires": ["general"]}}
    gateway = serve(fleet(upstream.url, models=MODELS, agents=agents, routing=CALM))
    assert served(gateway, model="agent/clerk") == "up/first"

    def run(*arguments: str) -> tuple[int, str]:
        done = pointsman("drain", *arguments, "--url", gateway.url, cwd=gateway.folder)
        return done.returncode, done.stdout + done.stderr

    assert run() == (0, "every model is in service\n")
    status, told = run("up/first", "--dry-run")
    assert status == 0
    assert "up/first would be out of service" in told
    assert "nothing else has coding" in told
    assert "coder" in told
    assert "-> nowhere (" in told
    assert "up/second: lacks coding" in told
    assert "up/second takes over 2 agents" in told
    status, told = run("up/first")
    assert status == 2
    assert "no other model can serve coder; say force" in told
    status, told = run("up/first", "--force", "--reason", "a new card")
    assert (status, "up/first is out of service" in told) == (0, True)
    status, told = run("--json")
    assert json.loads(told)["drains"][0]["reason"] == "a new card"
    assert "up/first  since" in run()[1]
    assert run("up/first", "--back") == (0, "up/first is in service again.\n")
    assert run("up/first", "--back")[0] == 2
