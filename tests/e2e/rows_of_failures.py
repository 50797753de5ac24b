"""A gateway whose models fail when they are told to, watched by one rule about rows of failures.

Each alert is a group of its own, told at once and without a cooldown.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from gateway_process import GatewayProcess

from receiver import Receiver

ROW = 3
LOOK_S = 1


class Upstream(BaseHTTPRequestHandler):
    """Answers, but not for the models that are `failing`."""

    protocol_version = "HTTP/1.1"
    failing: ClassVar[set[str]] = set()

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        message = {"role": "assistant", "content": "Hello"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        fails = asked["model"] in self.failing
        answer = {"error": {"message": "no"}} if fails else {"id": "1", "choices": [choice]}
        text = json.dumps(answer).encode()
        self.send_response(500 if fails else 200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's
        """Nothing."""


@contextmanager
def upstream() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    Upstream.failing.clear()
    yield server.server_port
    server.shutdown()
    server.server_close()


def config(port: int, receiver: Receiver, models: int) -> dict[str, Any]:
    """What the gateway serves; it looks every second."""
    shipped = ("high_latency", "low_success_rate", "model_failure", "rapid_failures")
    others = ("no_models_available", "breaker_open", "store_failing", "catalogue_corrected")
    rows = {
        "scope": ["model"],
        "when": [{"metric": "faults_in_a_row", "clear": 1, "ladder": {"critical": ROW}}],
        "keep_firing_for_s": 0,
        "cooldown_s": 0,
    }
    hook = {"type": "webhook", "url": f"{receiver.url}/", "allow_private": True}
    return {
        "providers": {"up": {"type": "vllm", "base_url": f"http://127.0.0.1:{port}/v1"}},
        "models": {f"up/m{n}": {"price": "free"} for n in range(models)},
        "agents": {"coder": {}},
        "routing": {"attempts_per_model": 1, "breaker": {"failures": 10_000, "window": 10_000}},
        "alerts": {
            "interval_s": LOOK_S,
            "group": {"by": ["alertname", "model"], "interval_s": 0},
            "channels": {"hook": {**hook, "per_minute": 6_000, "burst": 500}},
            "rules": {**{name: {"enabled": False} for name in (*shipped, *others)}, "rows": rows},
        },
    }


def fails(gateway: GatewayProcess, model: str) -> None:
    Upstream.failing.add(model)
    for _ in range(ROW):
        assert gateway.chat({"x-pointsman-agent": "coder"}, model=f"up/{model}").status >= 500


def heals(gateway: GatewayProcess, model: str) -> None:
    Upstream.failing.discard(model)
    assert gateway.chat({"x-pointsman-agent": "coder"}, model=f"up/{model}").status == 200
