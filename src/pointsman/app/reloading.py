"""Has the configuration changed, may it be served, and what may be told of one that may not?"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from pointsman.app.additions import Additions
from pointsman.app.configuration import Configuration
from pointsman.core.errors import ConfigError, Problem

Signature = tuple[tuple[int, int, int] | None, ...]


class Load(Protocol):
    """Reads the configuration: with what was added to it, or with `additions` in its place."""

    def __call__(self, additions: Additions | None = None, /) -> Configuration: ...


def refuse_emptied(now: Configuration, before: Configuration) -> None:
    """A file that has lost its contents must not open the gateway with other models and no keys."""
    if now.stands_in and not before.stands_in:
        problem = Problem(
            "(file)",
            "declares neither providers nor models any more",
            "write it again; to serve what stands in for them, restart",
        )
        raise ConfigError([problem], now.source)


def in_public(error: ConfigError) -> str:
    """That and where there are mistakes; what stands there may be a secret in the wrong place."""
    count = len(error.problems)
    places = ", ".join(problem.path for problem in error.problems[:5])
    return f"not used, {count} mistake{'s' if count != 1 else ''} ({places}); the log has more"


def signature(paths: Iterable[Path]) -> Signature:
    """What of the files changes when they do; None for one that cannot be looked at."""
    return tuple(_stamp(path) for path in paths)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
