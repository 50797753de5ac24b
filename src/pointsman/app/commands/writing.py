"""How do commands put a file where a person wants it, without harm to one that is there?"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pointsman.core.errors import ConfigError, Problem


def write_new(path: Path, text: str, *, force: bool) -> None:
    """Write `text`. Raises `ConfigError` if the file is there already or cannot be written."""
    try:
        if force:
            with instead_of(path) as new:
                new.write_text(text, "utf-8")
        else:
            with path.open("x", encoding="utf-8") as stream:
                stream.write(text)
    except FileExistsError as error:
        problem = Problem(str(path), "the file exists", "give another path, or --force")
        raise ConfigError([problem], "writing") from error
    except OSError as error:
        remedy = "give a path that you may write to"
        problem = Problem(str(path), f"cannot be written: {error.strerror}", remedy)
        raise ConfigError([problem], "writing") from error


@contextmanager
def instead_of(path: Path) -> Iterator[Path]:
    """Where to write what takes the place of the file at `path` once all of it is there.

    When something goes wrong before, that one stays as it is. A pipe or a device is written to.
    """
    there = path.resolve()
    if there.exists() and not there.is_file():
        yield path
        return
    beside = there.with_name(f".pointsman-{os.getpid()}.part")
    try:
        yield beside
        if there.exists():
            shutil.copymode(there, beside)
        beside.replace(there)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
