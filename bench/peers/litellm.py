"""How is LiteLLM's proxy measured? One worker, no database, one model: our upstream."""

from __future__ import annotations

from bench.peers import venv
from bench.servers import Server, free_port, fresh_folder, spawn, wait_for_port

NAME = "litellm"

_CONFIG = """\
model_list:
  - model_name: auto
    litellm_params:
      model: openai/bench-upstream
      api_base: {url}
      api_key: bench
litellm_settings:
  telemetry: false
"""


def install() -> None:
    venv.install(NAME, "litellm[proxy]")


def absence() -> str | None:
    found = venv.program(NAME, "litellm").exists()
    return None if found else 'not installed: make bench ARGS="--install-peers"'


def version() -> str:
    return venv.version(NAME, "litellm")


def start(upstream_url: str, cores: frozenset[int]) -> Server:
    port = free_port()
    folder = fresh_folder(NAME)
    config = folder / "config.yaml"
    config.write_text(_CONFIG.format(url=upstream_url), "utf-8")
    command = [str(venv.program(NAME, "litellm")), "--config", str(config)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    log = folder / "output.log"
    # Its price map is downloaded at start unless told to use the one it ships with.
    # Without a key it serves only when told that this is meant: here, on loopback, it is.
    settings = {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
    }
    process = spawn(command, log, cores, env=settings)
    wait_for_port(process, port, log, timeout_s=120)
    return Server(NAME, process, port, log)
