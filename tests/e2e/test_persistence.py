"""What is remembered when the gateway is stopped, or dies, and who is let finish?"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from fleets import fleet
from gateway_process import COMMAND, GatewayProcess, Serve, wait_until
from raw_client import chat_bytes, connected
from scripted_upstream import CHUNKED, DONE, ScriptedUpstream, Wire, event
from simulated_upstream import SimulatedUpstream

WRITTEN_WITHIN_S = 0.15
"""How old a record may be that a sudden death takes along."""


def all_decisions(gateway: GatewayProcess) -> set[str]:
    found: set[str] = set()
    cursor = ""
    while True:
        page = gateway.control(f"/decisions?limit=100{cursor}")
        found |= {decision["decision_id"] for decision in page["decisions"]}
        if not page["next_cursor"]:
            return found
        cursor = f"&cursor={page['next_cursor']}"


def is_recorded_whole(gateway: GatewayProcess, decision_id: str) -> bool:
    decision: dict[str, Any] = gateway.decision(decision_id)
    return bool(decision["candidates"]) and len(decision["outcomes"]) == decision["attempts"] > 0


def asked(gateway: GatewayProcess, count: int) -> list[str]:
    answers = [gateway.chat(stream=number % 2 == 0) for number in range(count)]
    return [answer.headers["x-pointsman-decision"] for answer in answers]


def test_decisions_and_outcomes_outlive_a_restart(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url))
    upstream.order("first", "server_error", count=2)
    made = asked(gateway, 20)
    before = [gateway.decision(decision_id) for decision_id in made]
    assert gateway.terminate() == 0
    gateway.start()
    assert [gateway.decision(decision_id) for decision_id in made] == before
    assert all_decisions(gateway) == set(made)


def test_what_is_older_than_a_moment_outlives_a_sudden_death(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url))
    made = asked(gateway, 20)
    time.sleep(WRITTEN_WITHIN_S)  # the promise is about time, so time it is
    gateway.signal(signal.SIGKILL)
    assert gateway.wait() == -signal.SIGKILL
    gateway.start()
    assert all(is_recorded_whole(gateway, decision_id) for decision_id in made)


def test_a_stop_under_load_loses_no_answer_that_was_given(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url))
    made: list[str] = []

    def keep_asking() -> None:
        try:
            while True:
                answer = gateway.chat()
                if answer.status != 200:
                    return
                made.append(answer.headers["x-pointsman-decision"])
        except OSError:
            return

    callers = [threading.Thread(target=keep_asking) for _ in range(4)]
    for caller in callers:
        caller.start()
    wait_until(lambda: len(made) > 100)
    assert gateway.terminate() == 0
    for caller in callers:
        caller.join()
    gateway.start()
    assert set(made) <= all_decisions(gateway)
    assert all(is_recorded_whole(gateway, decision_id) for decision_id in made)


async def test_an_open_stream_may_finish_when_the_gateway_stops(serve: Serve) -> None:
    stopping = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.send(CHUNKED)
        await wire.events(event("one"))
        await stopping.wait()
        await wire.events(event("two"), event(finish="stop"), DONE)
        await wire.send(b"0\r\n\r\n")

    async with ScriptedUpstream(script) as upstream:
        gateway = serve(fleet(upstream.url, only=("first",)))
        async with connected(gateway) as client:
            await client.send(chat_bytes(stream=True))
            await client.until(b'"one"')
            gateway.signal(signal.SIGTERM)
            await asyncio.to_thread(wait_until, lambda: not listens(gateway))
            stopping.set()
            rest = await client.rest()
        assert rest.endswith(DONE + b"\r\n0\r\n\r\n")
        assert await asyncio.to_thread(gateway.wait) == 0


def listens(gateway: GatewayProcess) -> bool:
    try:
        gateway.get("/livez")
    except OSError:
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_stream_that_does_not_end_is_cut_after_the_grace(
    serve: Serve, number: signal.Signals
) -> None:
    let_go = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.send(CHUNKED)
        await wire.events(event("one"))
        await wire.gone()
        let_go.set()

    async with ScriptedUpstream(script) as upstream:
        server = {"log_format": "json", "shutdown_grace_s": 1}
        gateway = serve(fleet(upstream.url, only=("first",), server=server))
        async with connected(gateway) as client:
            await client.send(chat_bytes(stream=True))
            await client.until(b'"one"')
            gateway.signal(number)
            rest = await client.rest()
        assert DONE not in rest
        assert b'"shutting_down"' in rest
        await let_go.wait()
        assert await asyncio.to_thread(gateway.wait) == 0
        gateway.start()
        (decision,) = gateway.control("/decisions")["decisions"]
        (outcome,) = gateway.decision(decision["decision_id"])["outcomes"]
        assert (outcome["failure"], outcome["blames"]) == ("cancelled", "caller")


def refused_start(*arguments: str, cwd: Path) -> tuple[int, str]:
    done = subprocess.run(
        [*COMMAND, "serve", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stderr


def test_a_port_in_use_is_told_before_anything_is_started(
    gateway: GatewayProcess, tmp_path: Path
) -> None:
    data = str(tmp_path / "data")
    status, words = refused_start("--port", str(gateway.port), "--data-dir", data, cwd=tmp_path)
    assert status == 2
    assert "cannot listen" in words
    assert f":{gateway.port}" in words
    assert "Traceback" not in words
    assert not (tmp_path / "data").exists()


def test_a_data_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("here I stand")
    status, words = refused_start("--port", "0", "--data-dir", str(in_the_way), cwd=tmp_path)
    assert status != 0
    assert str(in_the_way) in words
    assert "Traceback" not in words


def test_a_data_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    nowhere = "/proc/nowhere/data"
    status, words = refused_start("--port", "0", "--data-dir", nowhere, cwd=tmp_path)
    assert status != 0
    assert nowhere in words
    assert "Traceback" not in words


def test_a_database_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "pointsman.db").write_bytes(b"not a database " * 1000)
    status, words = refused_start("--port", "0", "--data-dir", str(tmp_path), cwd=tmp_path)
    assert status != 0
    assert "pointsman.db" in words
    assert "Traceback" not in words


def test_a_folder_serves_one_gateway_at_a_time(serve: Serve, upstream: SimulatedUpstream) -> None:
    gateway = serve(fleet(upstream.url))
    arguments = ("--port", "0", "--data-dir", str(gateway.data_dir))
    status, words = refused_start(*arguments, cwd=gateway.folder)
    assert status == 1
    assert f"{gateway.data_dir} is in use by process {gateway.pid} on " in words
    assert "stop that one first" in words
    assert "Traceback" not in words
    assert gateway.chat().status == 200
    gateway.kill()
    assert gateway.start().chat().status == 200, "who is gone holds nothing"
