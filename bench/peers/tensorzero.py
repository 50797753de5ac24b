"""How is TensorZero's gateway measured?

Its Python package carries the whole gateway (Rust) and can serve it over HTTP, which needs neither
Docker nor its database; observability is off.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

from bench.peers import venv
from bench.servers import NotStarted, Server, fresh_folder, spawn, wait_for_port

NAME = "tensorzero"

_CONFIG = """\
[gateway]
observability.enabled = false

[models.auto]
routing = ["up"]

[models.auto.providers.up]
type = "openai"
model_name = "bench-upstream"
api_base = "{url}/"
api_key_location = "none"
"""

_HOST = """\
import signal, sys, tensorzero
gateway = tensorzero._start_http_gateway(config_file=sys.argv[1], clickhouse_url=None,
    postgres_url=None, valkey_url=None, async_setup=False)
print("listening", gateway.base_url, flush=True)
signal.pause()
"""


def install() -> None:
    venv.install(NAME, "tensorzero")


def absence() -> str | None:
    found = venv.program(NAME, "python").exists()
    return None if found else 'not installed: make bench ARGS="--install-peers"'


def version() -> str:
    return venv.version(NAME, "tensorzero")


def start(upstream_url: str, cores: frozenset[int]) -> Server:
    folder = fresh_folder(NAME)
    config = folder / "tensorzero.toml"
    config.write_text(_CONFIG.format(url=upstream_url), "utf-8")
    log = folder / "output.log"
    process = spawn([str(venv.program(NAME, "python")), "-c", _HOST, str(config)], log, cores)
    port = _port_it_chose(process, log)
    wait_for_port(process, port, log, timeout_s=30)
    path = "/openai/v1/chat/completions"
    return Server(NAME, process, port, log, path=path, model="tensorzero::model_name::auto")


def _port_it_chose(process: subprocess.Popen[bytes], log: Path) -> int:
    ends_at = time.monotonic() + 60
    while time.monotonic() < ends_at and process.poll() is None:
        for line in log.read_text("utf-8", "replace").splitlines():
            if line.startswith("listening "):
                return urlsplit(line.split()[1]).port or 0
        time.sleep(0.02)
    raise NotStarted(log.read_text("utf-8", "replace")[-600:].strip() or "no output")
