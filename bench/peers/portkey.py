"""How is Portkey's open gateway measured? On Node, told by headers to use our upstream."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from bench.servers import CACHE, Server, free_port, fresh_folder, spawn, wait_for_port

NAME = "portkey"
PACKAGE = "@portkey-ai/gateway"


def _script() -> Path:
    return CACHE / "peers" / NAME / "node_modules" / PACKAGE / "build" / "start-server.js"


def install() -> None:
    if _script().exists() or not shutil.which("npm"):
        return
    folder = CACHE / "peers" / NAME
    folder.mkdir(parents=True, exist_ok=True)
    quiet = ["--no-audit", "--no-fund", "--silent", "--ignore-scripts"]
    subprocess.run(["npm", "install", "--prefix", str(folder), *quiet, PACKAGE], check=True)


def absence() -> str | None:
    if not shutil.which("node"):
        return "no Node here"
    return None if _script().exists() else 'not installed: make bench ARGS="--install-peers"'


def version() -> str:
    """What its package says, and which Node runs it."""
    package = json.loads((_script().parents[1] / "package.json").read_text("utf-8"))
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
    return f"{package.get('version', 'unknown')} (Node {node.stdout.strip().removeprefix('v')})"


def start(upstream_url: str, cores: frozenset[int]) -> Server:
    port = free_port()
    log = fresh_folder(NAME) / "output.log"
    command = ["node", str(_script()), "--headless", f"--port={port}"]
    # It refuses to call a private address unless that is declared as trusted.
    trusted = {"NODE_ENV": "production", "TRUSTED_CUSTOM_HOSTS": "127.0.0.1,localhost"}
    process = spawn(command, log, cores, env=trusted)
    wait_for_port(process, port, log, timeout_s=30)
    headers = (
        "authorization: Bearer bench",
        "x-portkey-provider: openai",
        f"x-portkey-custom-host: {upstream_url}",
    )
    return Server(NAME, process, port, log, headers=headers)
