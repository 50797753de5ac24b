"""Does a folder belong to one process alone, for as long as it lives?"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from pointsman.adapters.stores.holding import NAME, Held
from pointsman.core.errors import StoreError

HOLDER = """
import sys, time
from pathlib import Path
from pointsman.adapters.stores.holding import Held
held = Held(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_folder_is_made_and_held_until_it_is_let_go_of(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with closing(Held(folder)):
        with pytest.raises(StoreError, match="stop that one first") as refused:
            Held(folder)
        assert str(folder) in str(refused.value)
        assert f"process {os.getpid()} on " in str(refused.value)
    Held(folder).close()


def test_it_is_the_same_folder_under_another_name(tmp_path: Path) -> None:
    folder, other = tmp_path / "data", tmp_path / "other"
    other.symlink_to(folder, target_is_directory=True)
    with closing(Held(folder)), pytest.raises(StoreError):
        Held(other)


def test_who_dies_holds_nothing_any_more(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreError, match=f"process {holder.pid} on "):
            Held(tmp_path)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        Held(tmp_path).close()


def test_a_holder_that_says_nothing_is_another_process(tmp_path: Path) -> None:
    with closing(Held(tmp_path)):
        (tmp_path / NAME).write_bytes(b"")
        with pytest.raises(StoreError, match="in use by another process"):
            Held(tmp_path)


@pytest.mark.parametrize("place", ["file", "lock"])
def test_a_place_that_cannot_be_held_is_named(tmp_path: Path, place: str) -> None:
    folder = tmp_path / "data"
    if place == "file":
        folder.write_text("here I stand")
    else:
        (folder / NAME).mkdir(parents=True)
    with pytest.raises(StoreError, match=str(folder)):
        Held(folder)
