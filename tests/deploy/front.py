"""How does a test put nginx in front of gateways, as those who run several do?"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from free_ports import free_port

CONFIGURATION = """\
daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {repository}/deploy/nginx/pointsman.conf;
}}
"""
START_S = 10.0


def nginx() -> str:
    """The program. Skips where it is not, or fails where every test is wanted."""
    unpacked = Path(sys.prefix, "nginx", "usr", "sbin")
    found = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin:{unpacked}")
    if found:
        return found
    if os.environ.get("POINTSMAN_EVERY_TEST"):
        pytest.fail("nginx is not installed; .ci/packages does that on Debian")
    pytest.skip("nginx is not installed; .ci/packages does that on Debian")


@contextmanager
def in_front_of(ports: Sequence[int], folder: Path, repository: Path) -> Iterator[str]:
    """nginx with the configuration that `deploy/` ships, its ports moved; yields its address."""
    ours = free_port()
    shipped = (repository / "deploy" / "nginx" / "pointsman.conf").read_text("utf-8")
    servers = "".join(f"server 127.0.0.1:{port} max_fails=0;\n" for port in ports)
    moved = moved_to(shipped, ours, servers)
    (folder / "deploy" / "nginx").mkdir(parents=True)
    (folder / "deploy" / "nginx" / "pointsman.conf").write_text(moved, "utf-8")
    main = CONFIGURATION.format(folder=folder, repository=folder)
    (folder / "nginx.conf").write_text(main, "utf-8")
    command = [nginx(), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    command += ["-e", str(folder / "error.log")]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        try:
            _wait_for(ours, process)
            yield f"http://127.0.0.1:{ours}"
        finally:
            process.terminate()
            process.wait(START_S)


def moved_to(shipped: str, port: int, servers: str) -> str:
    """The configuration listening on `port`, in front of `servers`; nothing else is changed."""
    lines = []
    for line in shipped.splitlines():
        words = line.split()
        if words[:1] == ["server"] and line.endswith(";"):
            lines.append(servers)
            servers = ""
        elif words[:1] == ["listen"]:
            lines.append(f"listen 127.0.0.1:{port};")
        else:
            lines.append(line)
    return "\n".join(lines)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        assert process.poll() is None, process.stderr and process.stderr.read()
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise AssertionError(f"nginx did not listen within {START_S} s")
