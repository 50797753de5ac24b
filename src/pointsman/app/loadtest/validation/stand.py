"""Where does a validation run: which gateway, in front of which models?

A gateway of its own, in a process of its own with a folder of its own, in front of the simulated
models in this process: so that what goes wrong can be ordered. Nothing of it reaches any network.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from pointsman.adapters.http.control import PREFIX
from pointsman.adapters.providers.simulated.faults import Fault, Order
from pointsman.adapters.providers.simulated.in_thread import reliable_simulator, running
from pointsman.adapters.providers.simulated.models import SimulatedModels
from pointsman.adapters.providers.simulated.personas import AGENTS, FLEET, Persona
from pointsman.core.errors import PointsmanError
from pointsman.core.fleet import PriceState, Rate

PROVIDER = "sim"
START_S = 30.0
STOP_S = 15.0
ASK_S = 30.0
_GATEWAY = "import sys; from pointsman.app.cli import main; sys.exit(main(sys.argv[1:]))"
_ADDRESS = re.compile(r"listening on (http://\S+)")

Document = dict[str, Any]


class NotStarted(PointsmanError):
    """The gateway did not come up; the message holds what it wrote."""


class Stand:
    """A gateway that serves, and the models behind it. `url` is where it listens."""

    def __init__(self, url: str, models: SimulatedModels, process: int) -> None:
        self.url = url
        self.models = models
        self.process = process

    def order(self, model: str, fault: Fault, *, count: int | None = None) -> None:
        """From now on the next `count` requests to a model (None: all) show this fault."""
        self.models.orders.place(model, Order(fault), count)

    def heal(self) -> None:
        """No model is at fault any more."""
        self.models.orders.revoke()

    def page(self, path: str) -> bytes:
        with urlopen(f"{self.url}{path}", timeout=ASK_S) as answer:  # noqa: S310 - our own
            body: bytes = answer.read()
        return body

    def control(self, path: str) -> Document:
        """What the control API answers."""
        document: Document = json.loads(self.page(PREFIX + path))
        return document

    def chat(self, model: str = "auto", agent: str = "") -> Mapping[str, str]:
        """One plain request; the headers of a right answer, in lower case.

        Raises `OSError` (`HTTPError`) for any other.
        """
        ask = {"model": model, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 8}
        headers = {"content-type": "application/json"}
        if agent:
            headers["x-pointsman-agent"] = agent
        target = f"{self.url}/v1/chat/completions"
        request = Request(target, json.dumps(ask).encode(), headers)  # noqa: S310 - our own
        with urlopen(request, timeout=ASK_S) as answer:  # noqa: S310 - our own
            answer.read()
            return {name.lower(): value for name, value in answer.headers.items()}

    def metric(self, name: str) -> float | None:
        """The sum of a metric over its labels; None where there is none of the name."""
        found = re.findall(
            rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", self.page("/metrics").decode(), re.MULTILINE
        )
        return sum(map(float, found)) if found else None

    def rss_mb(self) -> float | None:
        """The memory of the gateway's process; None where the system does not say."""
        try:
            status = Path(f"/proc/{self.process}/status").read_text("ascii")
        except OSError:
            return None
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024


@contextmanager
def stand(*, time_scale: float = 0.0, **sections: Any) -> Iterator[Stand]:
    """A gateway in front of the simulated fleet, none of which fails unasked.

    `time_scale` multiplies what models take; 0 answers at once. `sections` are of the configuration
    and replace what it has by default. Raises `NotStarted`.
    """
    simulator = reliable_simulator(time_scale=time_scale)
    with (
        tempfile.TemporaryDirectory(prefix="pointsman-validate-") as name,
        running(simulator) as up,
    ):
        folder = Path(name)
        config = {**fleet_behind(up, PROVIDER), **sections}
        path = folder / "fleet.yaml"
        path.write_text(json.dumps(config), "utf-8")
        with _serving(path, folder) as (url, process):
            yield Stand(url, simulator.models, process)


@contextmanager
def _serving(config: Path, folder: Path) -> Iterator[tuple[str, int]]:
    log = folder / "log.txt"
    place = ("--host", "127.0.0.1", "--port", "0", "--data-dir", str(folder / "data"))
    command = [sys.executable, "-c", _GATEWAY, "serve", str(config), *place]
    with log.open("wb") as written:
        process = subprocess.Popen(  # noqa: S603 - ourselves
            [*command, "--log-level", "warning"],
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    try:
        yield _address(process, log), process.pid
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        found = _ADDRESS.search(log.read_text("utf-8", "replace"))
        if found:
            return found[1]
        time.sleep(0.02)
    raise NotStarted(f"the gateway did not start:\n{log.read_text('utf-8', 'replace')[-2000:]}")


def wait_for(found: Callable[[], Any], within_s: float) -> Any:
    """What `found` returns as soon as it is true; what it returned last when that took too long."""
    until = time.monotonic() + within_s
    while not (value := found()) and time.monotonic() < until:
        time.sleep(0.02)
    return value


def fleet_behind(url: str, provider: str) -> Document:
    """The simulated fleet as the configuration of a gateway that reaches it at `url` over HTTP."""
    return {
        "providers": {provider: {"type": "openai_compatible", "base_url": f"{url}/v1"}},
        "models": {f"{provider}/{each.name}": _model(each) for each in FLEET},
        "agents": {
            each.id: {
                "name": each.name,
                "requires": list(each.requires),
                "prefers": list(each.prefers),
                "min_context": each.min_context,
                "task_types": list(each.task_types),
            }
            for each in AGENTS
        },
    }


def _model(persona: Persona) -> Document:
    price = persona.price
    told: Any = "free"
    if price.state is PriceState.KNOWN:
        told = {
            "input_usd_per_mtok": _usd(price.input),
            "output_usd_per_mtok": _usd(price.output),
            "cached_input_usd_per_mtok": _usd(price.cached_input),
        }
    return {
        "capabilities": dict(persona.strengths),
        "context_window": persona.context_window,
        "max_output_tokens": persona.max_output_tokens,
        "price": told,
    }


def _usd(rate: Rate | None) -> float:
    return 0.0 if rate is None else float(rate.usd_per_mtok)
