"""Is what the shipped files point to where they say it is?"""

from __future__ import annotations

import re
from pathlib import Path

_POINTER = re.compile(r"\b(?:docs|deploy|examples)/[\w./-]*\w")


def test_every_page_and_file_that_is_named_is_there() -> None:
    root = Path(__file__).resolve().parents[2]
    files = [path for path in (root / "deploy").rglob("*") if path.is_file()]
    named = {
        (found, path.name)
        for path in (*files, root / "Dockerfile", root / "Makefile")
        for found in _POINTER.findall(path.read_text("utf-8", "replace"))
    }
    assert ("docs/how-to/systemd.md", "pointsman.conf") in named
    assert [each for each in named if not (root / each[0]).exists()] == []
