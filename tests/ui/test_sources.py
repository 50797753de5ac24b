"""Are the sources of the dashboard sound, and is what was built from them known again?"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.timeout(600)
def test_the_type_checker_the_linter_and_its_own_tests_find_nothing(
    building: dict[str, Any],
) -> None:
    building["check"]()


@pytest.mark.timeout(600)
def test_what_was_built_is_known_again_and_a_changed_source_is_noticed(
    building: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    building["build"]()
    assert building["is_built"]()
    copy = tmp_path / "ui"
    shutil.copytree(building["UI"], copy, ignore=shutil.ignore_patterns("node_modules", ".lock"))
    functions = building["fingerprint"].__globals__
    before = building["fingerprint"]()
    monkeypatch.setitem(functions, "UI", copy)
    assert building["fingerprint"]() == before, "it depends on where it stands"
    (copy / "src" / "one_more.ts").write_text("export {};\n", "utf-8")
    assert not building["is_built"]()


def test_without_node_it_says_what_is_missing(
    building: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    functions = building["fingerprint"].__globals__
    monkeypatch.setitem(functions, "fingerprint", lambda: "of other sources")
    monkeypatch.setenv("PATH", "/nowhere")
    said: list[str] = []
    assert not building["build_if_possible"](said.append)
    assert "Node.js 20.19 or later" in said[0]
