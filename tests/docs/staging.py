"""How is a page carried out from top to bottom, in a folder and on ports of its own?"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
from written import ROOT, Block

from free_ports import free_port

PORTS = ("8080", "8081", "8082", "8100", "9000")
DATABASE = (
    "postgresql://pointsman:${DATABASE_PASSWORD}@db.internal:5432/pointsman?sslmode=verify-full"
)
"""What the pages call the database of whoever reads them."""
FILE = re.compile(r"^\w+ file (\S+)$")
START_S = 20.0
RUN_S = 60.0
STOP_S = 20.0
SHELL = ("bash", "-euo", "pipefail", "-c")


async def executed(address: str, statements: str) -> None:
    server = await asyncpg.connect(address)
    try:
        await server.execute(statements)
    finally:
        await server.close()


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


class Stage:
    """Where one page is carried out, and what runs there meanwhile, on ports that are free."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.words: dict[str, str] = {port: str(free_port()) for port in PORTS}
        self.running: list[subprocess.Popen[bytes]] = []
        self.begun = 0
        bin_path = str(Path(sys.executable).parent)
        kept = {k: v for k, v in os.environ.items() if not k.endswith(("_API_KEY", "_BASE_URL"))}
        self.environ: dict[str, str] = {
            **kept,
            "PATH": f"{bin_path}{os.pathsep}{os.environ['PATH']}",
            "XDG_DATA_HOME": str(folder / "data"),
            "NO_PROXY": "127.0.0.1,localhost",
            "POINTSMAN_URL": f"http://127.0.0.1:{self.words['8080']}",
        }
        (folder / "examples").symlink_to(ROOT / "examples")

    def moved(self, text: str) -> str:
        """The text with other ports, and what `let` has found out, in it."""
        for usual, ours in self.words.items():
            text = re.sub(rf"(?<![\w-]){re.escape(usual)}(?![\w-])", ours, text)
        return text.replace(".venv/bin/", "").replace("make run ARGS=", "pointsman serve ")

    def play(self, block: Block) -> None:
        named = FILE.match(block.info)
        if named:
            (self.folder / named[1]).write_text(self.moved(block.code), "utf-8")
        elif block.info == "console start":
            for command in block.commands:
                self.start(command, block)
        elif block.info == "console live":
            for command in block.commands:
                self.run([*SHELL, self.moved(command)], block)
        elif block.info == "python live":
            self.run([sys.executable, "-W", "error", "-c", self.moved(block.code)], block)
        elif block.info == "sql live":
            asyncio.run(executed(self.words[DATABASE], self.moved(block.code)))
        elif block.info.startswith("hidden "):
            self.play_hidden(block.info.removeprefix("hidden "), block)

    def play_hidden(self, what: str, block: Block) -> None:
        if what == "start":
            self.start(block.code, block)
        elif what == "stop":
            self.clear()
        else:
            said = self.run([*SHELL, self.moved(block.code)], block).strip()
            verb, _, name = what.partition(" ")
            if name:
                (self.words if verb == "let" else self.environ)[name] = said

    def start(self, command: str, block: Block) -> None:
        """Begin it, and wait until it listens where it says, else where a gateway usually does."""
        command = re.sub(r"\bmake run$", "pointsman serve", self.moved(command))
        port = re.search(r"--port[ =](\d+)", command) or re.search(r"\b(\d{4,5})$", command)
        if port is None:
            command += f" --port {self.words['8080']}"
        place = int(port[1] if port else self.words["8080"])
        self.begun += 1
        log = self.folder / f"log-{self.begun}.txt"
        with log.open("wb") as out:
            process = subprocess.Popen(
                ["bash", "-c", command],
                cwd=self.folder,
                env=self.environ,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.running.append(process)
        until = time.monotonic() + START_S
        while not answers(place):
            said = log.read_text()
            assert process.poll() is None, f"{block.place}: {command}\n{said}"
            assert time.monotonic() < until, f"{block.place}: {command} did not start\n{said}"
            time.sleep(0.02)

    def run(self, command: list[str], block: Block) -> str:
        """What it prints. Fails the test unless it ends with 0."""
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
        return done.stdout

    def clear(self) -> None:
        """End what runs."""
        for process in self.running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.running:
            process.wait(STOP_S)
        self.running.clear()
