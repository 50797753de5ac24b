"""What runs for a soak: a database, a simulated upstream, a gateway under observation?"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from bench.servers import ROOT, free_port
from bench.soak.observed import SOCKET_VARIABLE, TYPES
from bench.soak.plan import DRIFTS, FAILURE_FACTOR, Plan
from pointsman.adapters.providers.simulated.personas import FLEET, Persona
from pointsman.adapters.stores.postgres.address import address_of
from pointsman.adapters.stores.postgres.schema import move
from pointsman.app.loadtest.validation.stand import fleet_behind

sys.path.insert(0, str(ROOT / "tests"))
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from gateway_process import COMMAND, GatewayProcess

from database_server import DatabaseServer

PROVIDER = "up"
START_S = 20.0
OBSERVED = (sys.executable, "-m", "bench.soak.observed")


class World:
    """The three processes. The database and the gateway are as the tests have them."""

    def __init__(
        self, plan: Plan, database: DatabaseServer, upstream: Upstream, gateway: ObservedGateway
    ) -> None:
        self.plan = plan
        self.database = database
        self.upstream = upstream
        self.gateway = gateway


@contextmanager
def world(plan: Plan) -> Iterator[World]:
    """All of it, running; gone afterwards, with its files."""
    with tempfile.TemporaryDirectory(prefix="pointsman-soak-") as name, DatabaseServer() as server:
        folder = Path(name)
        move(address_of(server.url()))
        with running_upstream(plan, folder) as upstream:
            gateway = ObservedGateway(folder, config(plan, upstream.url, server.url()))
            with gateway:
                yield World(plan, server, upstream, gateway)


class ObservedGateway(GatewayProcess):
    """A gateway that also tells what only its own process knows."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self._socket = folder / "observed.sock"
        environ = {SOCKET_VARIABLE: str(self._socket), "PYTHONPATH": _path_of_python()}
        super().__init__(folder, settings, environ=environ, command=OBSERVED)

    def observed(self, *, with_types: bool = False) -> dict[str, Any]:
        with socket.socket(socket.AF_UNIX) as asker:
            asker.settimeout(30)
            asker.connect(str(self._socket))
            asker.sendall(TYPES if with_types else b"-")
            said = b"".join(iter(lambda: asker.recv(65536), b""))
        found: dict[str, Any] = json.loads(said)
        return found

    def shown(self, path: str) -> Any:
        return self.get(path).document


def _path_of_python() -> str:
    """Where the gateway finds these files, and pointsman where this process found it."""
    given = os.environ.get("PYTHONPATH", "")
    return os.pathsep.join(filter(None, (str(ROOT), given)))


class Upstream:
    """`pointsman simulate` in a process of its own. `url` is without `/v1`."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def order(self, model: str, fault: str | None, options: Mapping[str, Any]) -> None:
        """From now on every request to `model` shows `fault`; None: as it is by nature."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        body = json.dumps({"model": model, "fault": fault, **options}).encode()
        connection.request("PUT", "/simulate/faults", body)
        answer = connection.getresponse()
        words = answer.read()
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"the fault {fault} of {model} was not taken: {words!r}")


@contextmanager
def running_upstream(plan: Plan, folder: Path) -> Iterator[Upstream]:
    described = folder / "personas.json"
    described.write_text(json.dumps([_described(each, plan) for each in FLEET]), "utf-8")
    port = free_port()
    command = [*COMMAND, "simulate", "--port", str(port)]
    command += ["--persona-file", str(described), "--seed", str(plan.seed)]
    command += ["--time-scale", str(plan.time_scale)]
    path = folder / "upstream.txt"
    with path.open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        _await_port(process, port, path)
        yield Upstream(process, port)
    finally:
        process.terminate()
        process.wait(10)


def _await_port(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise RuntimeError(f"the simulated upstream did not start:\n{log.read_text()}")


def _described(persona: Persona, plan: Plan) -> dict[str, Any]:
    """The persona as its file has it, failing more often and drifting when the plan says so."""
    pace = persona.pace
    return {
        "name": persona.name,
        "strengths": dict(persona.strengths),
        "context_window": persona.context_window,
        "max_output_tokens": persona.max_output_tokens,
        "pace": {
            "first_token_s": pace.first_token_s,
            "first_token_sigma": pace.first_token_sigma,
            "tokens_per_s": pace.tokens_per_s,
            "tokens_per_s_sigma": pace.tokens_per_s_sigma,
        },
        "failures": {each: FAILURE_FACTOR * share for each, share in persona.failures.items()},
        "drift": [
            {
                "from_s": drift.begin * plan.duration_s,
                "until_s": drift.end * plan.duration_s,
                "latency_factor": drift.latency_factor,
                "failure_factor": drift.failure_factor,
            }
            for drift in DRIFTS
            if drift.model == persona.name
        ],
        "max_in_flight": persona.max_in_flight,
    }


def config(plan: Plan, upstream_url: str, database_url: str, version: int = 0) -> dict[str, Any]:
    """The gateway's configuration; each `version` differs in something a reload has to do.

    The provider is another one for every second, so that its connections are made anew; a model
    comes and goes with every third.
    """
    fleet = fleet_behind(upstream_url, PROVIDER)
    if version % 3 == 2:
        del fleet["models"][f"{PROVIDER}/pebble-1b"]
    fleet["providers"][PROVIDER]["timeouts"] = {
        "first_token_s": plan.patience_s + version % 2,
        "between_tokens_s": plan.patience_s,
        "total_s": 4 * plan.patience_s,
    }
    return {
        **fleet,
        "server": {"log_format": "json", "log_level": "warning", "shutdown_grace_s": 10},
        "store": {"url": database_url},
        "routing": {"band": 0.05 + 0.001 * (version % 7)},
    }
