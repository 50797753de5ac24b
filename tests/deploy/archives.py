"""How does a test build what is published?"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def built_in(folder: Path, repository: Path, *targets: str, epoch: int | None = None) -> list[Path]:
    """The archives of this checkout, by the tools that are installed here."""
    environ = {k: v for k, v in os.environ.items() if k != "SOURCE_DATE_EPOCH"}
    if epoch is not None:
        environ["SOURCE_DATE_EPOCH"] = str(epoch)
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)]
    for target in targets:
        command += ["--target", target]
    subprocess.run(command, cwd=repository, env=environ, check=True, capture_output=True)
    return sorted(folder.iterdir())
