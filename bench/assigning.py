"""What do requests feel while the gateway that serves them assigns its fleet?

    python -m bench.assigning             200 x 50 and 2,000 x 200
    python -m bench.assigning --quick     200 x 50

A gateway process on a core of its own, an upstream that answers at once, and a caller that asks
every 10 ms; beside its latencies at rest stand those while a plan is solved, applied, listed and
asked about. `longest` is what the slowest of its requests took.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.servers import Cores, Server, free_port, fresh_folder, started, upstream

EVERY_S = 0.01
AT_REST_S = 4.0
PREFIX = "/api/v1/model-router"
CAPABILITIES = ("coding", "math", "reasoning", "general", "translation", "summaries")
BODY = json.dumps({"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}).encode()


def configuration(agents: int, models: int, url: str, draw: random.Random) -> dict[str, Any]:
    """A fleet in which the budget and the limits of models bind, and learning is on."""
    providers = max(3, models // 8)
    loads = [draw.lognormvariate(0.0, 0.8) for _ in range(agents)]
    room = 4.0 * sum(loads) / models
    return {
        "providers": {
            f"p{n}": {"type": "openai_compatible", "base_url": url, "api_key": "bench"}
            for n in range(providers)
        },
        "models": {f"p{n % providers}/m{n}": _model(draw, room) for n in range(models)},
        "agents": {f"agent-{n}": _agent(draw, load) for n, load in enumerate(loads)},
        "assignment": {
            "budget_usd_per_day": 6.0 * sum(loads),
            "provider_shares": {f"p{n}": 0.5 for n in range(providers)},
        },
    }


def _model(draw: random.Random, room: float) -> dict[str, Any]:
    quality = draw.betavariate(5, 2)
    usd = 10.0 ** (2.0 * quality - 1.5) * draw.uniform(0.5, 2.0)
    able = {name: round(min(1.0, quality * draw.uniform(0.7, 1.2)), 3) for name in CAPABILITIES}
    return {
        "capabilities": {name: max(0.05, strength) for name, strength in able.items()},
        "price": {"input_usd_per_mtok": round(usd, 3), "output_usd_per_mtok": round(4 * usd, 3)},
        "context_window": 128_000,
        "requests_per_min": max(60, round(room * draw.uniform(0.5, 1.5))),
    }


def _agent(draw: random.Random, load: float) -> dict[str, Any]:
    return {
        "requires": draw.sample(CAPABILITIES, draw.choice((1, 1, 2))),
        "load": {
            "requests_per_min": round(load, 3),
            "prompt_tokens": draw.randint(300, 3_000),
            "completion_tokens": draw.randint(50, 800),
        },
    }


@dataclass
class Caller(threading.Thread):
    """Asks every `EVERY_S`, whatever the answers take; an answer late delays nobody else."""

    port: int
    took_s: list[float] = field(default_factory=list)
    failed: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def __hash__(self) -> int:
        return id(self)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        due = time.perf_counter()
        while not self.over.is_set():
            # From when it was due: a caller that waits for one answer asks the next one late.
            due = max(due + EVERY_S, time.perf_counter() - 1.0)
            time.sleep(max(0.0, due - time.perf_counter()))
            begun = min(due, time.perf_counter())
            connection.request("POST", "/v1/chat/completions", BODY)
            answer = connection.getresponse()
            answer.read()
            self.failed += answer.status != 200
            self.took_s.append(time.perf_counter() - begun)
        connection.close()


def control(port: int, method: str, path: str, body: Any = None) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request(method, PREFIX + path, None if body is None else json.dumps(body))
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    if answer.status != 200:
        sys.exit(f"{method} {path}: {answer.status} {text[:500]!r}")
    return text


def felt(name: str, port: int, work: Callable[[], object]) -> None:
    """Print what requests took while `work` went on."""
    caller = Caller(port)
    caller.start()
    begun = time.perf_counter()
    work()
    seconds = time.perf_counter() - begun
    time.sleep(0.1)
    caller.over.set()
    caller.join()
    took = sorted(1000.0 * each for each in caller.took_s)
    p50, p99 = took[len(took) // 2], took[min(len(took) - 1, int(0.99 * len(took)))]
    print(
        f"{name:<34} {seconds:6.2f} s   requests {len(took):5}   p50 {p50:6.2f} ms   "
        f"p99 {p99:6.2f} ms   longest {took[-1]:7.2f} ms   failed {caller.failed}",
        flush=True,
    )


def measure(agents: int, models: int, url: str, cores: Cores) -> None:
    folder, port = fresh_folder(f"assigning-{agents}"), free_port()
    text = json.dumps(configuration(agents, models, url, random.Random(1)))
    (folder / "fleet.yaml").write_text(text, "utf-8")
    executable = str(Path(sys.executable).with_name("pointsman"))
    place = ["--host", "127.0.0.1", "--port", str(port), "--data-dir", str(folder / "data")]
    command = [executable, "serve", str(folder / "fleet.yaml"), *place]
    server: Server = started("assigning", command, cores.server, port=port, timeout_s=60)
    print(f"{agents} agents x {models} models", flush=True)
    try:
        felt("warm-up", port, lambda: time.sleep(1.0))
        felt("at rest", port, lambda: time.sleep(AT_REST_S))
        for title, path, body in (
            ("solved (dry run), first", "/auto-assign-all?dry_run=true", {}),
            ("solved (dry run)", "/auto-assign-all?dry_run=true", {}),
            ("agents in turn (dry run)", "/auto-assign-all?dry_run=true", {"strategy": "greedy"}),
            ("solved and put in place", "/auto-assign-all", {}),
            ("solved again, all standing", "/auto-assign-all", {}),
        ):
            felt(title, port, lambda: control(port, "POST", path, body))  # noqa: B023 - at once
        felt("a page of assignments", port, lambda: control(port, "GET", "/assignments"))
        felt("all of them as a table", port, lambda: control(port, "GET", "/assignments.csv"))
        felt(
            "why one stands there", port, lambda: control(port, "GET", "/agents/agent-7/assignment")
        )
        print(f"memory {server.rss_mb():.0f} MB", flush=True)
    finally:
        server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    cores = Cores.of_this_machine()
    answering = upstream(cores.upstream, 0.0)
    try:
        for agents, models in ((200, 50),) if quick else ((200, 50), (2_000, 200)):
            measure(agents, models, f"http://127.0.0.1:{answering.port}/v1", cores)
    finally:
        answering.stop()


if __name__ == "__main__":
    main()
