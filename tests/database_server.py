"""How does a test get a real PostgreSQL, and who stops it?

`DatabaseServer` is a server of one's own, which a test may kill. `SharedServer` is one for all
processes of a test run: whoever comes first starts a keeper, which stops the server once the last
of them is gone, however it went. PostgreSQL refuses to run as root, so then it runs as `nobody`.

    python tests/database_server.py FOLDER      keep a server while somebody locks FOLDER/users
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from free_ports import free_port

UNPACKED = Path(sys.prefix) / "packages"
"""Where `.ci/packages` puts PostgreSQL on a machine that it may not install anything on."""
START_S = 30.0
STOP_S = 10.0
USER = "pointsman"

SETTINGS: Mapping[str, str] = {
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "log_min_messages": "warning",
    "timezone": "UTC",
}
CARELESS: Mapping[str, str] = {"fsync": "off", "full_page_writes": "off"}
"""What the kernel has been given outlives the server, so only a dead machine would lose it."""


class NoDatabaseServer(Exception):
    """There is no PostgreSQL on this machine; says what to do about it."""


def programs() -> Path:
    """The folder of `initdb` and `postgres`, the newest where there are several."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    for root in (Path("/"), UNPACKED):
        installed = root.glob("usr/lib/postgresql/*/bin/initdb")
        versions = sorted(installed, key=lambda path: int(path.parts[-3]))
        if versions:
            return versions[-1].parent
    raise NoDatabaseServer("PostgreSQL is not installed: run .ci/packages")


def surroundings() -> Mapping[str, str]:
    """The environment of those programs: what was unpacked has its libraries with it."""
    folders = [str(path) for path in UNPACKED.glob("usr/lib/*-linux-*")]
    if not programs().is_relative_to(UNPACKED):
        return os.environ
    return {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(folders)}


def _person() -> dict[str, Any]:
    """As whom the server runs: not as root, which it refuses."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


class DatabaseServer:
    """A server in a new folder below `/tmp`, on the loopback; gone, with its folder, when left."""

    def __init__(self, settings: Mapping[str, str] = CARELESS) -> None:
        self._programs = programs()
        self._settings = {**SETTINGS, **settings}
        self._process: subprocess.Popen[bytes] | None = None
        self.folder = Path()
        self.port = free_port()

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="pointsman-pg-"))
        person = _person()
        if person:
            os.chown(self.folder, person["user"], person["group"])
        try:
            self._run("initdb", "-N", "-A", "trust", "-E", "UTF8", "--locale", "C", "-U", USER)
            return self.start()
        except BaseException:
            self._remove()
            raise

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.stop()
        self._remove()

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), "-D", str(self.folder / "data"), *arguments]
        subprocess.run(
            command,
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=self.folder,
            env=surroundings(),
            **_person(),
        )

    def start(self) -> Self:
        """Start it, also again after `stop` or `kill`; returns once it takes connections."""
        settings = [f"--{name}={value}" for name, value in self._settings.items()]
        with (self.folder / "log.txt").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(self._programs / "postgres"),
                    *("-D", str(self.folder / "data"), "-p", str(self.port)),
                    *("-k", str(self.folder), "-h", "127.0.0.1", *settings),
                ],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
                env=surroundings(),
                **_person(),
            )
        self._await_ready()
        return self

    def _await_ready(self) -> None:
        """Its own file says so: a connection that is taken may still be refused a session."""
        state = self.folder / "data" / "postmaster.pid"
        until = time.monotonic() + START_S
        while True:
            with suppress(FileNotFoundError):
                lines = state.read_text().splitlines()
                if len(lines) > 7 and lines[7].strip() == "ready" and lines[0] == str(self.pid):
                    return
            assert self._process is not None
            if self._process.poll() is not None or time.monotonic() > until:
                raise AssertionError(f"PostgreSQL did not start:\n{self.log}")
            time.sleep(0.01)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        return (self.folder / "log.txt").read_text("utf-8", "replace")

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def stop(self) -> None:
        """Stop it as at a shutdown of the machine: sessions are ended, what was written stays."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """Kill it and every session of it, as a power failure would but for what the kernel has.

        A session is a child with a process group of its own, so they are looked up.
        """
        if self._process is None:
            return
        sessions = list(sessions_of(self.pid))
        for pid in (self.pid, *sessions):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        for pid in sessions:
            _await_end(pid)
        self._process = None

    def _remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def sessions_of(pid: int) -> Iterator[int]:
    """The processes of a server: one for each session, and some that look after it."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = int(status.read_text().rpartition(")")[2].split()[1])
            if parent == pid:
                yield int(status.parent.name)


def _await_end(pid: int) -> None:
    """Wait for a process that is not ours to be gone: a new server refuses to start before."""
    until = time.monotonic() + STOP_S
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return
        if state == "Z":
            return
        time.sleep(0.005)


@contextmanager
def _locked(path: Path, kind: int) -> Iterator[None]:
    with path.open("ab") as file:
        fcntl.flock(file, kind)
        yield


@contextmanager
def shared_server(folder: Path) -> Iterator[str]:
    """The address of the one server that all who name the same `folder` share.

    It ends with a `%s` for the database's name.
    """
    programs()
    folder.mkdir(parents=True, exist_ok=True)
    address = folder / "address"
    with (folder / "users").open("ab") as users:
        with _locked(folder / "start", fcntl.LOCK_EX):
            # Waits for a keeper that is just stopping, which then takes the address away.
            fcntl.flock(users, fcntl.LOCK_SH)
            if not address.exists():
                _start_keeper(folder, address)
        yield address.read_text()


def _start_keeper(folder: Path, address: Path) -> None:
    log = folder / "keeper.txt"
    with log.open("wb") as out:
        keeper = subprocess.Popen(
            [sys.executable, __file__, str(folder)],
            stdout=out,
            stderr=out,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    until = time.monotonic() + START_S
    while not address.exists():
        if keeper.poll() is not None or time.monotonic() > until:
            raise AssertionError(f"PostgreSQL did not start:\n{log.read_text()}")
        time.sleep(0.01)
    # It outlives this process, which is not to wait for it.
    keeper.returncode = 0


def keep(folder: Path) -> None:
    """Serve until nobody holds a lock on the file `users` any more."""
    address = folder / "address"
    with DatabaseServer() as server:
        new = folder / "address.new"
        new.write_text(server.url("%s"))
        new.rename(address)
        with _locked(folder / "users", fcntl.LOCK_EX):
            address.unlink()
            server.stop()


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
