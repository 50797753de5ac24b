"""Which tests does a table name, and which of them are there?"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from functools import cache

from written import ROOT

NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def lines_of(page: str, head: str) -> Sequence[str]:
    """The lines of the tables of `page` that `head` begins, without their heads."""
    lines = (ROOT / page).read_text("utf-8").splitlines()
    return [each for each in lines if each.startswith("| ") and not each.startswith(f"| {head}")]


def first_words(line: str) -> str:
    """The first cell of a line of a table, short enough to be the name of a test's case."""
    return line.split("|")[1].strip()[:60]


def holds(line: str) -> None:
    """Fails unless the line names tests, and each of them is there."""
    named = NAMED.findall(line)
    assert named, "no test holds this off"
    assert [each for each in named if each[1] not in _names_in(each[0])] == []
    assert all(name.startswith("test_") for _, name in named)


@cache
def _names_in(name: str) -> frozenset[str]:
    path = ROOT / name
    if not path.is_file():
        return frozenset()
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in nodes if isinstance(node, kinds))
