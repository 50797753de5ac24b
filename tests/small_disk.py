"""Where can a test fill a disk without filling anybody else's?"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

FILLER = "filler"


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system in memory of so many megabytes. Skips the test where nobody may mount one."""
    place = folder / "small"
    place.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={megabytes}m,mode=700"]
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    done = subprocess.run(
        ["mount", *options, "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path) -> None:
    """Leave no byte free."""
    with (disk / FILLER).open("ab", buffering=0) as filler:
        for size in (1 << 20, 4096, 1):
            _append(filler.fileno(), size)


def clear(disk: Path) -> None:
    """Take the filler away."""
    (disk / FILLER).unlink()


def _append(descriptor: int, size: int) -> None:
    while True:
        try:
            if os.write(descriptor, b"x" * size) < size:
                return
        except OSError:
            return
