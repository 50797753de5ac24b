"""Does each of the six types of alerts fire and resolve, told once, also over a sudden death?"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from gateway_process import GatewayProcess, Serve, pointsman, wait_until

ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1_700_000_000,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello"},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
}


class Upstream(BaseHTTPRequestHandler):
    """Answers after `waits_s`, or fails with `status`."""

    protocol_version = "HTTP/1.1"
    status: ClassVar[int] = 200
    waits_s: ClassVar[float] = 0.0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        time.sleep(self.waits_s)
        well = self.status == 200
        text = json.dumps(ANSWER if well else {"error": {"message": "no"}}).encode()
        self.send_response(self.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's
        """Nothing."""


class Receiver(Upstream):
    """Takes what it is told."""

    told: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.told.append(json.loads(body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()


@pytest.fixture
def ports() -> Iterator[tuple[int, int]]:
    Upstream.status, Upstream.waits_s = 200, 0.0
    Receiver.told.clear()
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), each) for each in (Upstream, Receiver)]
    for server in servers:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
    upstream, receiver = (server.server_port for server in servers)
    yield upstream, receiver
    for server in servers:
        server.shutdown()
        server.server_close()


SOON = {"keep_firing_for_s": 1}


def config(ports: tuple[int, int]) -> dict[str, Any]:
    upstream, receiver = ports
    shipped = ("low_success_rate", "model_failure", "rapid_failures")
    busy = {"metric": "requests_in_flight", "ladder": {"warning": 5}}
    return {
        "providers": {"up": {"type": "vllm", "base_url": f"http://127.0.0.1:{upstream}/v1"}},
        "models": {"up/m": {"capabilities": {"general": 0.9}, "price": "free"}},
        "agents": {"coder": {"requires": ["general"]}},
        "routing": {
            "attempts_per_model": 1,
            "breaker": {
                "failures": 1_000,
                "window": 30,
                "ratio": 0.9,
                "open_s": 2,
                "max_open_s": 2,
            },
        },
        "alerts": {
            "interval_s": 1,
            "group": {"interval_s": 0},
            "channels": {
                "hook": {
                    "type": "webhook",
                    "url": f"http://127.0.0.1:{receiver}/",
                    "allow_private": True,
                }
            },
            "rules": {
                **dict.fromkeys(shipped, SOON),
                "no_models_available": {**SOON, "for_s": 0},
                "high_latency": {
                    **SOON,
                    "when": [{"metric": "wait_s", "ladder": {"warning": 0.2}}],
                },
                "busy": {**SOON, "scope": ["global"], "when": [busy]},
            },
        },
    }


def ask(gateway: GatewayProcess, times: int, *, at_once: int = 4) -> Counter[int]:
    """So many requests of the agent `coder`; how many answers of each status."""

    def one(_: int) -> int:
        return gateway.chat({"x-pointsman-agent": "coder"}, model="up/m").status

    with ThreadPoolExecutor(at_once) as pool:
        return Counter(pool.map(one, range(times)))


def live(gateway: GatewayProcess) -> set[str]:
    found = gateway.control("/alerts/active")["alerts"]
    return {each["alert_type"] for each in found if each["state"] != "pending"}


def steps(gateway: GatewayProcess, step: str) -> set[str]:
    found = gateway.control("/alerts/history?limit=500")["events"]
    return {each["alert_type"] for each in found if each["step"] == step}


def heard(status: str) -> Counter[str]:
    """How often each alert was told to fire, or to be over."""
    return Counter(
        alert["fingerprint"]
        for body in list(Receiver.told)
        for alert in body["alerts"]
        if alert["status"] == status
    )


FAILING = {"LOW_SUCCESS_RATE", "MODEL_FAILURE", "RAPID_FAILURES", "NO_MODELS_AVAILABLE"}


def breaks(gateway: GatewayProcess) -> None:
    Upstream.status = 500
    ask(gateway, 40)
    wait_until(lambda: live(gateway) >= FAILING, within_s=15, what="the outage is seen")


def heals(gateway: GatewayProcess) -> None:
    Upstream.status = 200
    wait_until(lambda: ask(gateway, 1)[200], within_s=15, what="the model answers again")
    # So many that what failed is few of a minute's.
    ask(gateway, 1_000, at_once=8)
    wait_until(lambda: not live(gateway), within_s=30, what="all is well again")


def test_an_outage_fires_four_types_that_resolve_and_are_told(
    serve: Serve, ports: tuple[int, int]
) -> None:
    gateway = serve(config(ports))
    breaks(gateway)
    heals(gateway)
    assert steps(gateway, "firing") >= FAILING
    assert steps(gateway, "resolved") >= FAILING
    wait_until(lambda: heard("resolved").keys() == heard("firing").keys(), within_s=10)
    assert set(heard("firing").values()) == {1}
    _is_measured(gateway)


def _is_measured(gateway: GatewayProcess) -> None:
    """What the examples for Prometheus and Grafana ask for is there, and counts."""
    figures = gateway.get("/metrics").body.decode()
    examples = Path(__file__).parents[2] / "examples"
    for name in ("prometheus-rules.yaml", "grafana-dashboard.json"):
        asked = set(re.findall(r"pointsman_alert\w*", (examples / name).read_text("utf-8")))
        assert asked
        assert {each for each in asked if each not in figures} == set()
    for name in ("notifications_delivered_total", "notification_delivery_seconds_count"):
        found = re.search(
            rf'^pointsman_alert_{name}{{channel="hook"}} (\S+)', figures, re.MULTILINE
        )
        assert found is not None
        assert float(found[1]) >= 2
    assert 'alertmanager_build_info{version="' in figures


def test_slow_answers_and_a_threshold_of_ones_own_fire_two_more(
    serve: Serve, ports: tuple[int, int]
) -> None:
    gateway = serve(config(ports))
    Upstream.waits_s = 0.5
    ask(gateway, 90, at_once=30)
    two = {"HIGH_LATENCY", "THRESHOLD_BREACH"}
    wait_until(lambda: steps(gateway, "firing") >= two, within_s=15)
    Upstream.waits_s = 0.0
    ask(gateway, 2_200, at_once=8)
    wait_until(lambda: not live(gateway), within_s=40, what="all is well again")
    wait_until(lambda: steps(gateway, "resolved") >= two, within_s=10)
    wait_until(lambda: heard("resolved").keys() == heard("firing").keys(), within_s=10)


def test_what_fires_over_a_sudden_death_is_told_once_and_its_end_is_told(
    serve: Serve, ports: tuple[int, int]
) -> None:
    gateway = serve(config(ports))
    breaks(gateway)
    wait_until(lambda: heard("firing"), within_s=10)
    wait_until(lambda: _quiet_for(2.0), within_s=20, what="everything is told")
    before = heard("firing")
    gateway.kill()
    gateway.start()
    wait_until(lambda: live(gateway) >= {"LOW_SUCCESS_RATE", "RAPID_FAILURES"}, within_s=15)
    _quiet_for(3.0)
    assert heard("firing") == before, "nothing is told again"
    heals(gateway)
    wait_until(lambda: heard("resolved").keys() >= before.keys(), within_s=20)
    assert gateway.control("/alerts/active")["alerts"] == []


def test_people_and_amtool_see_what_is_wrong_and_silence_it(
    serve: Serve, ports: tuple[int, int], tmp_path: Path
) -> None:
    gateway = serve(config(ports))
    breaks(gateway)
    there = {"POINTSMAN_URL": gateway.url}

    def told(*words: str) -> str:
        done = pointsman("alerts", *words, cwd=tmp_path, environ=there)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "LOW_SUCCESS_RATE" in told()
    taken = gateway.control("/alerts?agent_id=coder")["alerts"][0]["alert_id"]
    assert "has taken" in told("ack", taken, "--comment", "on it")
    assert "taken by" in told("list")
    assert "acknowledged" in told("history")
    assert "nobody takes care" in told("ack", taken, "--back")
    silenced = told("silence", "agent=coder", "--hours", "2", "--comment", "moving")
    assert "active" in silenced
    assert "hides 1 open alert now" in silenced
    assert "hides 0 open alerts now" in told("silence", "agent=nobody", "--hours", "1")
    assert "agent=coder" in told("silence")
    name, *_ = (
        each["silence_id"]
        for each in gateway.control("/alerts/silences")["silences"]
        if each["matchers"][0]["value"] == "coder"
    )
    assert "has ended" in told("silence", "--end", name)
    assert "low_success_rate" in told("rules")
    assert "rapid" in told("rules", "rapid_failures")
    assert "would have fired" in told("rules", "model_failure", "--try")
    assert " off" in told("rules", "explores_too_much", "--off")
    assert " off" in next(
        line for line in told("rules").splitlines() if "explores_too_much" in line
    )
    assert "0 open" in told("rules", "explores_too_much", "--on")
    rule = tmp_path / "rule.yaml"
    rule.write_text("{scope: [model], when: [{metric: faults_in_a_row, ladder: {info: 1}}]}")
    assert "would have fired 1 time" in told("rules", "mine", "--try", str(rule))
    assert json.loads(told("list", "--json"))["success"]
    wrong = pointsman("alerts", "silence", "nonsense", cwd=tmp_path, environ=there)
    assert wrong.returncode == 2
    rule.write_text("[1]")
    wrong = pointsman("alerts", "rules", "x", "--try", str(rule), cwd=tmp_path, environ=there)
    assert "is no rule" in wrong.stderr
    if shutil.which("amtool"):
        breaks(gateway)  # all of the above may have taken longer than the window that is judged
        _amtool(gateway)


def _amtool(gateway: GatewayProcess) -> None:
    def amtool(*words: str) -> str:
        there = f"--alertmanager.url={gateway.url}"
        command = [shutil.which("amtool") or "", there, *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "low_success_rate" in amtool("alert", "query", "agent=coder")
    assert "model_failure" not in amtool("alert", "query", "--active", "alertname=low_success_rate")
    name = amtool("silence", "add", "agent=coder", "--comment=x", "--author=ada").strip()
    assert name in amtool("silence", "query")
    assert "low_success_rate" in amtool("alert", "query", "--silenced")
    amtool("silence", "expire", name)


def _quiet_for(seconds: float) -> bool:
    """Whether nothing more was told in so many seconds: what is not to come announces nothing."""
    count = len(Receiver.told)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if len(Receiver.told) != count:
            return False
        time.sleep(0.05)
    return True
