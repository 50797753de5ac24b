"""Would the image be closed, and well? It is never built here: what it does is done without it.

`hadolint` reads the Dockerfile; the commands of its last stage are carried out in a layer over this
machine's root (see `sandbox`), where its process must serve, be found healthy and stop well.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest
from dockerfile import Stage, stages
from sandbox import Layer, needs_root

KEY = "pm-of-the-image-alone"
FLEET = f"""\
keys: [{{name: operator, role: admin, key: {KEY}}}]
providers: {{sim: {{type: simulated, seed: 1}}}}
models: {{sim/swift-mini: {{}}}}
"""
PLACES = ("/", "/etc", "/opt/pointsman", "/usr", "/var", "/home", "/etc/pointsman")
DRIVER = f"""
import json, os, signal, subprocess, sys, time, urllib.request as r
def reached(request):
    with r.urlopen(request, timeout=20) as answer:
        return answer.status
def writable(place):
    try:
        os.close(os.open(place + "/written", os.O_CREAT | os.O_WRONLY))
        return True
    except OSError:
        return False
process = subprocess.Popen(sys.argv[1:])
health = 1
for _ in range(200):
    health = subprocess.run(HEALTH, capture_output=True).returncode
    if health == 0 or process.poll() is not None:
        break
    time.sleep(0.1)
said = [{{"role": "user", "content": "Hello"}}]
body = json.dumps({{"model": "auto", "messages": said}}).encode()
keyed = {{"authorization": "Bearer {KEY}"}}
chat = r.Request("http://127.0.0.1:8080/v1/chat/completions", body, keyed)
said = dict(line.split(":", 1) for line in open(f"/proc/{{process.pid}}/status"))
seen = {{
    "health": health,
    "answer": reached(chat),
    "user": [os.getuid(), os.getgid()],
    "privileges": {{n: said[n].strip() for n in ("CapEff", "CapBnd", "NoNewPrivs")}},
    "written": [place for place in {PLACES!r} if writable(place)],
}}
process.send_signal(signal.SIGTERM)
seen["status"] = process.wait(30)
print(json.dumps(seen))
"""


@pytest.fixture
def last(repository: Path) -> Stage:
    return stages(repository / "Dockerfile")[1][-1]


def test_who_knows_dockerfiles_finds_nothing(repository: Path) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    command = [str(hadolint), "--failure-threshold", "style", str(repository / "Dockerfile")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_base_has_a_whole_version(repository: Path) -> None:
    before, _ = stages(repository / "Dockerfile")
    bases = [each.rest for each in before if each.word == "ARG"]
    assert len(bases) == 2
    assert all(re.fullmatch(r"\w+=\w+:\d+\.\d+\.\d+-bookworm|.*-slim-bookworm", b) for b in bases)
    assert all(re.search(r":\d+\.\d+\.\d+-", base) for base in bases)


def test_nobody_runs_as_root_and_what_runs_can_be_asked_and_told(last: Stage) -> None:
    user, group = last.only("USER").rest.split(":")
    assert int(user) > 0
    assert int(group) > 0
    assert last.only("STOPSIGNAL").rest == "SIGTERM"
    assert "/readyz" in last.only("HEALTHCHECK").rest
    labels = last.only("LABEL").rest
    for name in ("title", "description", "licenses", "version", "revision"):
        assert f"org.opencontainers.image.{name}=" in labels


def test_nothing_secret_and_nothing_local_is_sent_to_the_builder(repository: Path) -> None:
    rules = (repository / ".dockerignore").read_text("utf-8").split("\n")
    rules = [rule for rule in rules if rule and not rule.startswith("#")]

    def is_sent(path: str) -> bool:
        """The last rule that fits the path, a folder of it or, with `**/`, a name in it."""
        sent, parts = True, Path(path).parts
        whole = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
        for rule in rules:
            bare = rule.removeprefix("!").removeprefix("**/")
            if any(fnmatch(place, bare) for place in (parts if "**/" in rule else whole)):
                sent = rule.startswith("!")
        return sent

    local = (".git/config", ".env", "fleet.yaml", "deploy/compose/secrets/admin_key", "ui/.env")
    for path in (*local, "src/pointsman/dashboard/index.html", "ui/node_modules/x/index.js"):
        assert not is_sent(path), path
    for path in ("src/pointsman/version.py", "ui/build.py", "pyproject.toml"):
        assert is_sent(path), path


@pytest.fixture
def layer(repository: Path, last: Stage, tmp_path: Path) -> Layer:
    needs_root()
    given, kept = tmp_path / "given", tmp_path / "kept"
    given.mkdir()
    kept.mkdir()
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory"]
    subprocess.run([*build, str(given)], cwd=repository, check=True, capture_output=True)
    (given / "fleet.yaml").write_text(FLEET, "utf-8")
    return Layer(last, given, kept)


def test_its_process_serves_with_nothing_to_write_to_but_its_data(layer: Layer) -> None:
    done = layer.run(DRIVER.replace("HEALTH", repr(_health(layer.stage))))
    assert done.returncode == 0, done.stdout + done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["user"] == [10001, 10001]
    assert seen["privileges"] == {"CapEff": "0" * 16, "CapBnd": "0" * 16, "NoNewPrivs": "1"}
    assert seen["written"] == [], "somewhere but in its data and in /tmp something can be written"
    assert (seen["health"], seen["answer"], seen["status"]) == (0, 200, 0)
    kept = {path.name: path.stat() for path in layer.kept.iterdir()}
    assert kept["pointsman.db"].st_uid == 10001
    assert [name for name, stat in kept.items() if stat.st_mode & 0o077] == []


def _health(stage: Stage) -> list[str]:
    words: list[str] = json.loads(stage.only("HEALTHCHECK").rest.partition("CMD ")[2])
    return words


def test_without_keys_it_refuses_to_serve_others(layer: Layer) -> None:
    (layer.given / "fleet.yaml").write_text(FLEET.partition("\n")[2], "utf-8")
    done = layer.run("import os, sys; os.execvp(sys.argv[1], sys.argv[1:])")
    assert done.returncode == 2
    assert "without keys only this machine may be served" in done.stderr
