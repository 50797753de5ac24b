"""Does pointsman ask anybody before a request makes it: when it is imported, when it starts?

Every module is imported with an ear on the interpreter's sockets. And the gateway is started where
there is no network but its own: the kernel counts what was sent or connected to, whoever tried.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

IMPORTING = """
import importlib, pkgutil, sys
heard = []
def hear(event, arguments):
    if event.startswith("socket.") and event not in ("socket.__new__", "socket.gethostname"):
        heard.append((event, repr(arguments)[:200]))
sys.addaudithook(hear)
import pointsman
names = [each.name for each in pkgutil.walk_packages(pointsman.__path__, "pointsman.")]
for name in names:
    if not name.startswith("pointsman.adapters.stores.migrations.env"):
        importlib.import_module(name)
print(len(names))
sys.exit(str(heard) if heard else 0)
"""
STARTING = """
import json, subprocess, sys
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
def counted():
    found = {}
    lines = open("/proc/net/snmp").read().splitlines()
    for names, values in zip(lines[::2], lines[1::2]):
        kind = names.partition(":")[0]
        found |= {kind + n: int(v) for n, v in zip(names.split()[1:], values.split()[1:])}
    return [found[n] for n in ("TcpActiveOpens", "UdpOutDatagrams", "IpOutNoRoutes")]
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)
said = b""
while b"  data  " not in said:
    line = process.stdout.readline()
    if not line:
        sys.exit("it ended instead of serving")
    said += line
before = counted()
process.terminate()
process.wait(20)
import socket
try:
    socket.create_connection(("192.0.2.1", 443), 1)
except OSError:
    pass
print(json.dumps([before, counted()]))
"""
FLEET = {
    "providers": {
        "openai": {"type": "openai", "api_key": "sk-of-the-tests-alone"},
        "mistral": {"type": "mistral", "api_key": "sk-of-the-tests-alone"},
    },
    "models": {"openai/gpt-4o-mini": {}, "mistral/codestral-2508": {}},
    "alerts": {"channels": {"hook": {"type": "webhook", "url": "https://hooks.example/abcdefgh"}}},
}


def test_no_module_asks_anybody_when_it_is_imported() -> None:
    command = [sys.executable, "-c", IMPORTING]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 200


def test_no_start_asks_anybody_though_providers_are_configured(tmp_path: Path) -> None:
    alone = ["unshare", "--user", "--map-root-user", "--net"]
    able = shutil.which("unshare") and shutil.which("ip")
    if not able or subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody make a network of their own")
    (tmp_path / "fleet.yaml").write_text(json.dumps(FLEET), "utf-8")
    serve = [str(Path(sys.executable).with_name("pointsman")), "serve"]
    serve += [str(tmp_path / "fleet.yaml"), "--port", "0", "--data-dir", str(tmp_path / "data")]
    command = [*alone, sys.executable, "-c", STARTING, *serve]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    started, tried = json.loads(done.stdout.splitlines()[-1])
    assert started == [0, 0, 0], "connections opened, packets sent, packets without a way"
    assert tried[2] > 0, "had it tried, it would have been counted"
