"""How do commands put a file where a person wants it, without overwriting another?"""

from __future__ import annotations

from pathlib import Path

from pointsman.core.errors import ConfigError, Problem


def write_new(path: Path, text: str, *, force: bool) -> None:
    """Write `text`. Raises `ConfigError` if the file is there already or cannot be written."""
    try:
        with path.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError as error:
        problem = Problem(str(path), "the file exists", "give another path, or --force")
        raise ConfigError([problem], "writing") from error
    except OSError as error:
        remedy = "give a path that you may write to"
        problem = Problem(str(path), f"cannot be written: {error.strerror}", remedy)
        raise ConfigError([problem], "writing") from error
