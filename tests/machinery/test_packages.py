"""Does `make test` say so when the machine lacks a program that tests need?"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ALL_THERE_IS = ("bash", "basename", "dirname", "id")


@pytest.mark.parametrize(("leave_out", "status"), [("", 1), ("1", 0)])
def test_what_cannot_be_installed_is_an_error_unless_it_is_to_be_left_out(
    repository: Path, tmp_path: Path, leave_out: str, status: int
) -> None:
    for name in ALL_THERE_IS:
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    environ = {"PATH": str(tmp_path), "POINTSMAN_LEAVE_OUT": leave_out}
    done = subprocess.run(
        [tmp_path / "bash", repository / ".ci" / "packages"],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status
    assert "tests need" in done.stderr
    assert "chromium" in done.stderr
    assert "as root" in done.stderr
