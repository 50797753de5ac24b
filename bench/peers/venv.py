"""Where does a peer written in Python live? In a virtual environment of its own, never in ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench.servers import CACHE


def folder(name: str) -> Path:
    return CACHE / "peers" / name


def program(name: str, command: str) -> Path:
    """The path of a command of the peer's environment, whether it exists or not."""
    return folder(name) / "bin" / command


def version(name: str, distribution: str) -> str:
    """The version of a distribution in the peer's environment."""
    question = f"from importlib.metadata import version; print(version({distribution!r}))"
    command = [str(program(name, "python")), "-c", question]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def install(name: str, requirement: str) -> None:
    """Create the peer's environment and install `requirement` in it. Does nothing if it exists."""
    if program(name, "pip").exists():
        return
    subprocess.run([sys.executable, "-m", "venv", str(folder(name))], check=True)
    pip = [str(program(name, "python")), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, requirement], check=True)
