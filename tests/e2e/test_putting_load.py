"""Does a load test tell the truth about servers that are slow, that fail and that lie?"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest
from fleets import fleet
from gateway_process import COMMAND, GatewayProcess, Serve, pointsman
from scripted_upstream import CHUNKED, DONE, Script, ScriptedUpstream, Wire, event
from simulated_upstream import SimulatedUpstream

from pointsman.app.loadtest.arrivals import Arrivals, ClosedLoop, OpenLoop
from pointsman.app.loadtest.calling import CUT, TIMEOUT, Caller, Went
from pointsman.app.loadtest.measured import Measured
from pointsman.app.loadtest.requests import Traffic, usual_asks
from pointsman.app.loadtest.run import Bounds, LoadTest

ANSWER = {"model": "first", "choices": [], "usage": {"completion_tokens": 5}}


def plain(body: bytes, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %b\r\ncontent-length: %d\r\n\r\n%b" % (status, len(body), body)


def always(data: bytes) -> Script:
    async def script(wire: Wire) -> None:
        await wire.send(data)

    return script


async def stalls(wire: Wire) -> None:
    await wire.gone()


async def resets(wire: Wire) -> None:
    wire.reset()


def streams(*events: bytes, end: bytes = b"0\r\n\r\n") -> Script:
    async def script(wire: Wire) -> None:
        await wire.send(CHUNKED)
        await wire.events(*events)
        await wire.send(end)

    return script


async def called(script: Script, *, streamed: bool = False, timeout_s: float = 5.0) -> Went:
    traffic = Traffic(usual_asks(), Random(1), streamed=1.0 if streamed else 0.0)
    async with ScriptedUpstream(script) as upstream:
        caller = Caller(f"{upstream.url}/v1", {}, timeout_s)
        try:
            return await caller.call(traffic.draw(), time.monotonic())
        finally:
            await caller.close()


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        (always(plain(json.dumps(ANSWER).encode())), ""),
        (always(plain(b'{"error": {"code": "overloaded"}}', b"503 No")), "status 503 overloaded"),
        (always(plain(b"<h1>bad gateway</h1>", b"502 No")), "status 502"),
        (always(plain(b"<h1>fine</h1>")), "no JSON"),
        (always(b"HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{"), "truncated"),
        (always(b"SSH-2.0-OpenSSH_9.2\r\n"), "malformed"),
        (resets, "reset"),
    ],
)
async def test_a_plain_answer_is_right_or_named(script: Script, fault: str) -> None:
    went = await called(script)
    assert went.fault == fault
    if not fault:
        assert (went.model, went.tokens, went.first) == ("first", 5, None)


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        (streams(event("a"), event("b", finish="stop"), DONE), ""),
        (streams(event("a"), event("b", finish="stop")), CUT),
        (streams(event("a"), end=b""), "truncated"),
        (streams(event("a"), b'data: {"error": {"message": "x"}}\n\n'), "error in the stream"),
        (streams(b"data: {oops\n\n", DONE), "no JSON"),
        (always(plain(b"{}", b"429 No")), "status 429"),
    ],
)
async def test_a_stream_is_right_only_when_it_ends_as_it_should(script: Script, fault: str) -> None:
    went = await called(script, streamed=True)
    assert went.fault == fault
    assert (went.first is not None) == (went.status == 200)


async def test_an_answer_that_does_not_come_is_given_up() -> None:
    went = await called(stalls, timeout_s=0.2)
    assert went.fault == TIMEOUT
    assert went.served_s < 2.0


async def test_a_port_at_which_nobody_listens_is_a_failure_and_no_crash() -> None:
    caller = Caller("http://127.0.0.1:9", {}, 5.0)
    assert (
        await caller.call(Traffic(usual_asks(), Random(1)).draw(), 0.0)
    ).fault == "connect_failed"
    await caller.close()


def load(url: str, arrivals: Arrivals, bounds: Bounds, timeout_s: float = 10.0) -> LoadTest:
    traffic = Traffic(usual_asks(), Random(1))
    return LoadTest(Caller(url, {}, timeout_s), traffic, arrivals, bounds, random=Random(2))


class Stall:
    """Answers at once, but for half a second in which nobody is answered."""

    def __init__(self) -> None:
        self.from_s: float | None = None

    async def __call__(self, wire: Wire) -> None:
        now = time.monotonic()
        if self.from_s is None:
            self.from_s = now + 0.3
        await asyncio.sleep(max(0.0, self.from_s + 0.5 - now) if now >= self.from_s else 0.0)
        await wire.send(plain(json.dumps(ANSWER).encode()))


async def test_a_stall_is_felt_by_all_who_come_meanwhile() -> None:
    async with ScriptedUpstream(Stall()) as upstream:
        test = load(upstream.url, OpenLoop(200, poisson=False), Bounds(1.2))
        measured = await test.run()
    assert measured.failed == 0
    assert 235 <= measured.done == measured.sent <= 241
    felt = measured.times.felt.quantiles((0.5, 0.75, 0.99))
    assert felt[1] > 0.02, "a third of all came while it stalled"
    assert felt[2] > 0.4


async def test_a_closed_loop_has_as_many_under_way_as_callers() -> None:
    most = 0
    now = 0

    async def script(wire: Wire) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.005)
        now -= 1
        await wire.send(plain(json.dumps(ANSWER).encode()))

    async with ScriptedUpstream(script) as upstream:
        measured = await load(upstream.url, ClosedLoop(7), Bounds(60.0, requests=120)).run()
    assert most == 7
    assert measured.done == 120


async def test_what_a_server_cannot_take_is_not_heaped_up_without_end() -> None:
    bounds = Bounds(0.5, most_under_way=20)
    async with ScriptedUpstream(stalls) as upstream:
        measured = await load(upstream.url, OpenLoop(400), bounds, timeout_s=2.0).run()
    assert measured.faults == {TIMEOUT: 20}
    assert 100 < measured.not_sent < 300


async def test_a_run_that_is_stopped_tells_what_it_has() -> None:
    came = asyncio.Semaphore(0)

    async def script(wire: Wire) -> None:
        came.release()
        await stalls(wire)

    async with ScriptedUpstream(script) as upstream:
        test = load(upstream.url, OpenLoop(100), Bounds(60.0))
        running = asyncio.create_task(test.run())
        for _ in range(5):
            await came.acquire()
        test.stop()
        measured: Measured = await asyncio.wait_for(running, 5)
    assert measured.under_way == measured.sent >= 5


def told(gateway: GatewayProcess, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = pointsman("loadtest", gateway.url, "--json", *arguments, cwd=gateway.folder)
    assert done.stdout, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, document


def test_the_command_measures_a_gateway_and_writes_a_page(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    agents: dict[str, Any] = {"coder": {}, "helper": {}}
    gateway = serve(fleet(upstream.url, agents=agents, routing={"exploration": 0}))
    shares = ("--agent", "coder=3", "--agent", "helper")
    arguments = ("--concurrency", "4", "--requests", "60", "--stream", "0.5", *shares)
    status, document = told(gateway, *arguments, "--html", "report.html", "--max-failed", "0")
    assert status == 0
    assert document["requests"]["answered"] == 60
    assert document["models"].keys() == {"up/first"}
    assert document["agents"].keys() == {"coder", "helper"}
    assert 10 < document["latency_ms"]["first"]["count"] < 50
    assert document["plan"]["concurrency"] == 4
    assert "Load test of" in (gateway.folder / "report.html").read_text("utf-8")
    decisions = gateway.control("/decisions?limit=200")["decisions"]
    assert len(decisions) == 60
    again = pointsman("loadtest", "--html", "report.html", cwd=gateway.folder)
    assert again.returncode == 2
    assert "--force" in again.stderr


def test_limits_that_are_missed_show_in_the_exit_status(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url))
    status, document = told(gateway, "--rate", "40", "--duration", "0.5", "--max-p99-ms", "0.001")
    assert status == 1
    assert document["requests"]["failed"] == 0
    gateway.terminate()
    status, document = told(gateway, "--requests", "3", "--max-failed", "0.5")
    assert status == 1
    assert document["faults"] == {"connect_failed": 3}


def test_an_interrupt_ends_it_with_a_report(serve: Serve, upstream: SimulatedUpstream) -> None:
    gateway = serve(fleet(upstream.url))
    command = [*COMMAND, "loadtest", gateway.url, "--rate", "50", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    while not gateway.control("/decisions")["decisions"]:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert json.loads(said)["requests"]["answered"] > 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("nowhere",),
        ("--rate", "0"),
        ("--rate", "nan"),
        ("--rate", "1", "--concurrency", "2"),
        ("--stream", "2"),
        ("--agent", "a=b"),
        ("--prompts", "missing.jsonl"),
    ],
)
def test_wrong_use_is_told_and_nothing_is_sent(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = pointsman("loadtest", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr
    assert "Traceback" not in done.stderr
