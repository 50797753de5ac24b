"""Do the pages that show something at work show the truth, and is the generated part up to date?

A page is carried out from top to bottom in a folder of its own. By the info string of its blocks:
`… file NAME` writes NAME, `console start` starts each command and leaves it running, `console live`
and `python live` run while those do. Ports are moved to free ones. Every block marked `yaml` and
every file written as YAML for pointsman is a configuration without mistakes.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from test_docs import ROOT, Block, blocks, pages

from pointsman.app.config import parse

PORTS = ("8080", "8081", "8100")
FILE = re.compile(r"^\w+ file (\S+)$")
REFERENCE = re.compile(r"\$\{([A-Z0-9_]+)\}")
SIGNS = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
START_S = 20.0
RUN_S = 60.0

LIVE = ("console start", "console live", "python live")
STAGED = [page for page in pages() if any(block.info in LIVE for block in blocks(page))]
CONFIGURATIONS = [block for page in pages() for block in blocks(page) if block.info == "yaml"]


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return str(listening.getsockname()[1])


def commands_of(block: Block) -> list[str]:
    """The commands of a console block; a line that ends in a backslash goes on in the next."""
    text = block.code.replace("\\\n", " ")
    return [line[2:] for line in text.splitlines() if line.startswith("$ ")]


class Stage:
    """Where one page is carried out, and what runs there meanwhile."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {port: free_port() for port in PORTS}
        self.running: list[subprocess.Popen[bytes]] = []
        bin_path = str(Path(sys.executable).parent)
        kept = {k: v for k, v in os.environ.items() if not k.endswith(("_API_KEY", "_BASE_URL"))}
        self.environ: Mapping[str, str] = {
            **kept,
            "PATH": f"{bin_path}{os.pathsep}{os.environ['PATH']}",
            "XDG_DATA_HOME": str(folder / "data"),
            "NO_PROXY": "127.0.0.1,localhost",
        }

    def moved(self, text: str) -> str:
        for usual, ours in self.ports.items():
            text = re.sub(rf"\b{usual}\b", ours, text)
        return text

    def play(self, block: Block) -> None:
        named = FILE.match(block.info)
        if named:
            (self.folder / named[1]).write_text(self.moved(block.code), "utf-8")
        elif block.info == "console start":
            for command in commands_of(block):
                self.start(command, block)
        elif block.info == "console live":
            for command in commands_of(block):
                self.run(["bash", "-euo", "pipefail", "-c", self.moved(command)], block)
        elif block.info == "python live":
            self.run([sys.executable, "-W", "error", "-c", self.moved(block.code)], block)

    def start(self, command: str, block: Block) -> None:
        command = command.replace("make run", "pointsman serve")
        port = re.search(r"--port (\d+)", command)
        if port is None:
            command += " --port 8080"
        place = self.ports[port[1] if port else "8080"]
        log = (self.folder / f"log-{len(self.running)}.txt").open("wb")
        with log:
            process = subprocess.Popen(
                ["bash", "-c", self.moved(command)],
                cwd=self.folder,
                env=self.environ,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.running.append(process)
        until = time.monotonic() + START_S
        while not answers(int(place)):
            said = Path(log.name).read_text()
            assert process.poll() is None, f"{block.place}: {command}\n{said}"
            assert time.monotonic() < until, f"{block.place}: {command} did not start\n{said}"
            time.sleep(0.02)

    def run(self, command: list[str], block: Block) -> None:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=RUN_S,
            check=False,
        )
        said = f"{block.place}: {command[-1]}\n{done.stdout}{done.stderr}"
        assert done.returncode == 0, said

    def clear(self) -> None:
        for process in self.running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.running:
            process.wait(20)


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.clear()


@pytest.mark.skipif(shutil.which("curl") is None, reason="the pages use curl")
@pytest.mark.parametrize("page", STAGED, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_can_be_followed_from_top_to_bottom(page: Path, stage: Stage) -> None:
    for block in blocks(page):
        stage.play(block)


@pytest.mark.parametrize("block", CONFIGURATIONS, ids=lambda block: block.place)
def test_a_configuration_that_a_page_shows_has_no_mistakes(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(ROOT / "tests" / "standin")  # else SAP's driver would be missed
    checked(block.code, tmp_path)


def checked(text: str, folder: Path) -> None:
    """Raises `ConfigError` unless it is a configuration, whatever its secrets are."""
    text = re.sub(r"file:/\S+", "a-secret-that-is-long", text)
    parse(text, {**values_for(text), "HOME": str(folder)})


def values_for(text: str) -> dict[str, str]:
    """A value for each variable that a configuration names; a key that signs has its own form."""
    found = REFERENCE.findall(text)
    return {n: SIGNS if n.endswith("SIGNING_KEY") else f"value-of-{n.lower()}" for n in found}


@pytest.mark.parametrize("name", ["alerts.yaml", "fleet.yaml"])
def test_an_example_configuration_has_no_mistakes_and_no_warnings(
    name: str, tmp_path: Path
) -> None:
    text = (ROOT / "examples" / name).read_text("utf-8")
    configuration = parse(text, {**values_for(text), "HOME": str(tmp_path)})
    assert configuration.warnings == ()


def test_the_quick_start_runs_against_a_gateway(stage: Stage) -> None:
    place = Block(ROOT / "examples" / "quickstart.py", 1, "", "")
    stage.start("pointsman serve", place)
    script = stage.moved(place.page.read_text("utf-8"))
    stage.run([sys.executable, "-W", "error", "-c", script], place)


def test_the_example_without_a_server_runs(stage: Stage) -> None:
    place = Block(ROOT / "examples" / "in_process.py", 1, "", "")
    stage.run([sys.executable, "-W", "error", str(place.page)], place)


@pytest.mark.skipif(
    sys.version_info[:2] not in ((3, 11), (3, 12)),
    reason="the help texts are those of argparse before 3.13",
)
def test_what_is_read_from_the_code_is_up_to_date() -> None:
    command = [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=RUN_S)
    assert done.returncode == 0, f"run `python docs/generate.py`\n{done.stdout}{done.stderr}"
