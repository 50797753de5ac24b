"""Does every line of the threat model name tests that there are?"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def threats() -> Iterator[str]:
    """The lines of the tables, without their heads."""
    for line in (ROOT / "SECURITY.md").read_text("utf-8").splitlines():
        if line.startswith("| ") and not line.startswith("| threat"):
            yield line


LINES = list(threats())


@cache
def names_in(name: str) -> frozenset[str]:
    path = ROOT / name
    if not path.is_file():
        return frozenset()
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in nodes if isinstance(node, kinds))


def test_the_model_covers_what_a_gateway_is_attacked_by() -> None:
    text = "\n".join(LINES).lower()
    for threat in (
        *("smuggl", "slowloris", "yaml bomb", "decompression", "cardinality", "xss", "formula"),
        *("rebinding", "metadata", "redirect", "traversal", "log injection", "files 0600"),
    ):
        assert threat in text or threat in (ROOT / "SECURITY.md").read_text("utf-8").lower(), threat
    assert len(LINES) > 30


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.split("|")[1].strip()[:60])
def test_every_threat_names_tests_that_there_are(line: str) -> None:
    named = NAMED.findall(line)
    assert named, "no test holds this off"
    assert [each for each in named if each[1] not in names_in(each[0])] == []
    assert all(name.startswith("test_") for _, name in named)
