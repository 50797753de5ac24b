"""What does pointsman cost before its first request: to install, to import, to start?"""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from bench import gateway
from bench.servers import ROOT, NotStarted, free_port, fresh_folder, spawn
from bench.wire import request_body

IMPORTED = "import pointsman"
SERVED = "import pointsman.app.cli, pointsman.app.wiring"


def import_s(statement: str, runs: int = 7) -> float:
    """How long `statement` takes in a new interpreter, above a bare one; the median, in seconds.

    From bytecode, as pip leaves it behind and as every start but the first finds it.
    """
    with tempfile.TemporaryDirectory() as bytecode:
        env = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode, "PYTHONDONTWRITEBYTECODE": ""}
        _python_s(statement, env)
        return statistics.median(
            _python_s(statement, env) - _python_s("pass", env) for _ in range(runs)
        )


def _python_s(statement: str, env: Mapping[str, str]) -> float:
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", statement], check=False, capture_output=True, env=env
    )
    if done.returncode:
        raise NotStarted(done.stderr.decode("utf-8", "replace")[-300:])
    return time.perf_counter() - began


def first_answer_s(upstream_url: str, cores: frozenset[int], runs: int = 5) -> float:
    """From starting the command to the first routed answer; the median, in seconds."""
    return statistics.median(_first_answer_s(upstream_url, cores) for _ in range(runs))


def _first_answer_s(upstream_url: str, cores: frozenset[int]) -> float:
    port = free_port()
    folder = fresh_folder("first-answer")
    log = folder / "output.log"
    began = time.perf_counter()
    process = spawn(gateway.command(upstream_url, folder, port), log, cores)
    try:
        while not _answers(port):
            if process.poll() is not None or time.perf_counter() - began > 30:
                raise NotStarted(log.read_text("utf-8", "replace")[-600:])
            time.sleep(0.005)
        return time.perf_counter() - began
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("POST", "/v1/chat/completions", request_body("auto", stream=False))
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def installed_mb() -> dict[str, float]:
    """What a fresh install adds to an empty environment, by distribution folder, largest first."""
    with tempfile.TemporaryDirectory() as name:
        venv = Path(name) / "venv"
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        packages = next((venv / "lib").glob("python*")) / "site-packages"
        before = {entry.name for entry in packages.iterdir()}
        pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", str(ROOT)]
        subprocess.run(pip, check=True, stderr=subprocess.DEVNULL)
        sizes = {
            entry.name: _size_mb(entry) for entry in packages.iterdir() if entry.name not in before
        }
        shutil.rmtree(venv)
    return dict(sorted(sizes.items(), key=lambda item: -item[1]))


def _size_mb(path: Path) -> float:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files) / 1e6
