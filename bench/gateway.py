"""How is pointsman itself set up to be measured?

Twenty candidate models, the decision record on, SQLite on disk: what an operator would run. All
that is on by default stays on: statistics, a scorer that learns, trials, and task types inferred
from prompts. `ROUTES_ONLY` turns off what can be, to show what that costs.
"""

from __future__ import annotations

import http.client
import sys
from contextlib import closing
from http import HTTPStatus
from pathlib import Path

from bench.servers import NotStarted, Server, free_port, fresh_folder, started

MODELS = 20

_HEAD = """\
providers:
  up:
    type: openai_compatible
    base_url: {url}
    api_key: bench
models:
"""

_MODEL = """\
  up/m{n:02}:
    capabilities: {{general: {strength}}}
    context_window: 128000
    price: {{input_usd_per_mtok: 1, output_usd_per_mtok: 2}}
"""

ROUTES_ONLY = """\
routing: {scoring: capability, exploration: 0}
agents:
  default: {infer_task_type: false}
"""


def config(upstream_url: str) -> str:
    """A configuration of `MODELS` models; some share the band of the best, so there is a choice."""
    models = (_MODEL.format(n=n, strength=0.9 - 0.01 * n) for n in range(1, MODELS + 1))
    return _HEAD.format(url=upstream_url) + "".join(models)


def command(upstream_url: str, folder: Path, port: int, more: str = "") -> list[str]:
    """The command line of `pointsman serve`, its configuration written to `folder`."""
    (folder / "fleet.yaml").write_text(config(upstream_url) + more, "utf-8")
    executable = str(Path(sys.executable).with_name("pointsman"))
    place = ["--host", "127.0.0.1", "--port", str(port), "--data-dir", str(folder / "data")]
    return [executable, "serve", str(folder / "fleet.yaml"), *place]


def start(upstream_url: str, cores: frozenset[int]) -> Server:
    return _start("pointsman", upstream_url, cores)


def start_routes_only(upstream_url: str, cores: frozenset[int]) -> Server:
    return _start("routes only", upstream_url, cores, ROUTES_ONLY)


def _start(name: str, upstream_url: str, cores: frozenset[int], more: str = "") -> Server:
    port = free_port()
    folder = fresh_folder(name)
    server = started(name, command(upstream_url, folder, port, more), cores, port=port)
    _wait_until_ready(port)
    return server


def _wait_until_ready(port: int) -> None:
    """The socket listens before anything is read or begun: what that takes is part of the start."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("GET", "/readyz")
        if connection.getresponse().status != HTTPStatus.OK:
            raise NotStarted("it is not ready, see /readyz")
