"""How is a server under test started, pinned to a core, watched and stopped?"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "pointsman-bench"
"""Where peers are installed and servers write: outside the source tree, free to be deleted."""

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class NotStarted(Exception):
    """A server did not come up; the message holds the end of what it wrote."""


@dataclass(frozen=True)
class Cores:
    """Which cores serve, and which ask and answer. The server has its core for itself."""

    server: frozenset[int]
    upstream: frozenset[int]
    load: frozenset[int]

    @classmethod
    def of_this_machine(cls) -> Cores:
        free = sorted(os.sched_getaffinity(0))
        server, *others = free if len(free) > 1 else free * 2
        return cls(frozenset({server}), frozenset(others[:1]), frozenset(others[1:] or others))


@dataclass(frozen=True)
class Server:
    """A running server and how it wants to be asked."""

    name: str
    process: subprocess.Popen[bytes]
    port: int
    log: Path
    path: str = "/v1/chat/completions"
    model: str = "auto"
    headers: Sequence[str] = field(default=("authorization: Bearer bench",))

    def stop(self) -> None:
        """End the server and everything it started."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def cpu_s(self) -> float:
        """User and system time spent so far by the whole process tree, in seconds."""
        return sum(_cpu_s(pid) for pid in _family(self.process.pid))

    def rss_mb(self) -> float:
        return sum(_rss_bytes(pid) for pid in _family(self.process.pid)) / 1e6


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the command, which may hold spaces; [] once it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _family(pid: int) -> list[int]:
    parents = {
        int(entry.name): int(stat[1])
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and (stat := _stat(int(entry.name)))
    }
    family = [pid]
    for member in family:
        family += [child for child, parent in parents.items() if parent == member]
    return family


def _cpu_s(pid: int) -> float:
    # utime, stime and those of children that have ended (see proc_pid_stat(5))
    return sum(int(ticks) for ticks in _stat(pid)[11:15]) / _TICKS


def _rss_bytes(pid: int) -> int:
    stat = _stat(pid)
    return int(stat[21]) * _PAGE if stat else 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def fresh_folder(name: str) -> Path:
    """An empty folder for the files of one server; it goes when this process ends."""
    folder = CACHE / "run" / str(os.getpid()) / name
    atexit.register(shutil.rmtree, folder.parent, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


@contextmanager
def machine_to_itself() -> Iterator[None]:
    """Wait until no other measurement runs here: two at once would measure each other."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def spawn(
    command: Sequence[str],
    log: Path,
    cores: frozenset[int],
    *,
    env: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` on `cores` in a process group of its own, its output going to `log`."""
    pin = ["taskset", "-c", ",".join(map(str, sorted(cores)))] if shutil.which("taskset") else []
    with log.open("wb") as output:
        return subprocess.Popen(
            [*pin, *command],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )


def wait_for_port(process: subprocess.Popen[bytes], port: int, log: Path, timeout_s: float) -> None:
    """Return once something listens on `port`. Raises NotStarted with the end of the log."""
    ends_at = time.monotonic() + timeout_s
    while time.monotonic() < ends_at and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.005)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    raise NotStarted(log.read_text("utf-8", "replace")[-600:].strip() or "no output")


def started(
    name: str, command: Sequence[str], cores: frozenset[int], *, port: int, timeout_s: float = 20
) -> Server:
    """A server that listens on `port`."""
    log = fresh_folder(f"{name}-log") / "output.log"
    process = spawn(command, log, cores)
    wait_for_port(process, port, log, timeout_s)
    return Server(name, process, port, log)


def upstream(cores: frozenset[int], gap_ms: float) -> Server:
    port = free_port()
    arguments = ["-m", "bench.upstream", "--port", str(port), "--gap-ms", str(gap_ms)]
    return started("upstream", [sys.executable, *arguments], cores, port=port)


def floor(upstream_url: str, cores: frozenset[int]) -> Server:
    return _floor("floor", "bench.floor", upstream_url, cores)


def lean_floor(upstream_url: str, cores: frozenset[int]) -> Server:
    return _floor("lean floor", "bench.lean_floor", upstream_url, cores)


def _floor(name: str, module: str, upstream_url: str, cores: frozenset[int]) -> Server:
    port = free_port()
    arguments = ["-m", module, "--upstream", upstream_url, "--port", str(port)]
    return started(name, [sys.executable, *arguments], cores, port=port)
