"""Is the built dashboard that of these sources, and if not, can it be built here?

`python ui/build.py` builds it where it can and says why where it cannot; with `--must` that is a
failure, and so is, with `--check`, what the type checker, the linter or a test finds. What was
built carries a stamp, the hash of the sources that it was made from: times tell nothing after a
checkout or from an archive. So whoever has the built files needs no Node.js.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

UI = Path(__file__).resolve().parent
BUILT = UI.parent / "src" / "pointsman" / "dashboard"
STAMP = "sources.sha256"
LEAST_NODE = (20, 19)

_SOURCES = ("index.html", "openapi.json", "package.json", "package-lock.json", "tsconfig.json")
_MORE_SOURCES = ("vite.config.ts", "eslint.config.js", ".prettierrc.json")
_GENERATED = "schema.d.ts"


class CannotBuild(Exception):
    """There is no Node.js, or it has failed."""


def fingerprint(folders: Sequence[str] = ("src",)) -> str:
    """The hash of everything that the built files depend on, or more."""
    whole = hashlib.sha256()
    for path in _sources(folders):
        content = path.read_bytes()
        whole.update(f"{path.relative_to(UI).as_posix()}\0{len(content)}\0".encode() + content)
    return whole.hexdigest()


def is_built() -> bool:
    """Whether what is there was built from the sources as they are."""
    stamp = BUILT / STAMP
    return stamp.is_file() and stamp.read_text("ascii").strip() == fingerprint()


def build() -> None:
    """Build it unless it is built. Raises `CannotBuild`."""
    if is_built():
        return
    npm = _npm()
    with _alone():
        if is_built():
            return
        made_from = fingerprint()
        _install(npm)
        _run(npm, "run", "build")
        (BUILT / STAMP).write_text(made_from + "\n", "ascii")


def check() -> None:
    """Let the type checker, the linter and the tests look at it, unless they have.

    Raises `CannotBuild` with what they found.
    """
    npm, mark = _npm(), UI / "node_modules" / ".checked"
    with _alone():
        _install(npm)
        seen = fingerprint(("src", "test"))
        if mark.is_file() and mark.read_text("ascii") == seen:
            return
        _run(npm, "run", "check")
        _run(npm, "test")
        mark.write_text(seen, "ascii")


@contextmanager
def _alone() -> Iterator[None]:
    """One at a time: several tests may want it at once."""
    with (UI / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build_if_possible(say: Callable[[str], None]) -> bool:
    """Build it where that is possible, else `say` why not; the gateway serves its API without."""
    try:
        build()
    except CannotBuild as reason:
        say(f"The dashboard is not built: {reason}")
        return False
    return True


def _sources(folders: Sequence[str]) -> Iterator[Path]:
    yield from (UI / name for name in (*_SOURCES, *_MORE_SOURCES))
    for path in sorted(found for name in folders for found in (UI / name).rglob("*")):
        if path.is_file() and path.name != _GENERATED and not path.name.startswith("."):
            yield path


def _npm() -> str:
    """The command. Raises `CannotBuild` unless there is a Node.js that is new enough."""
    wanted = ".".join(map(str, LEAST_NODE))
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise CannotBuild(f"it takes Node.js {wanted} or later with npm, which is not here.")
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = tuple(map(int, re.findall(r"\d+", said)[:2]))
    if found < LEAST_NODE:
        raise CannotBuild(f"it takes Node.js {wanted} or later, not {said.strip() or 'this one'}.")
    return npm


def _install(npm: str) -> None:
    """The packages that the lock file names, unless they are there."""
    mark = UI / "node_modules" / ".made-from"
    wanted = hashlib.sha256((UI / "package-lock.json").read_bytes()).hexdigest()
    if not mark.is_file() or mark.read_text("ascii") != wanted:
        _run(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        mark.write_text(wanted, "ascii")


def _run(npm: str, *arguments: str) -> None:
    command = [npm, *arguments]
    environ = {**os.environ, "CI": "1", "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=UI, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-40:])
        raise CannotBuild(f"`npm {' '.join(arguments)}` has failed:\n{said}")


def main(arguments: list[str]) -> int:
    def say(words: str) -> None:
        print(words, file=sys.stderr)

    built = build_if_possible(say)
    if "--check" in arguments:
        try:
            check()
        except CannotBuild as reason:
            say(str(reason))
            return 1
    return 0 if built or "--must" not in arguments else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
