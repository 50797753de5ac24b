"""Do the pages that show something at work show the truth, and is the generated part up to date?

How a page is carried out is said in `written.py`. Every block marked `yaml` and every file written
as YAML for pointsman is a configuration without mistakes.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from staging import DATABASE, RUN_S, Stage
from written import ROOT, Block, blocks, pages, steps

from pointsman.app.config import parse

REFERENCE = re.compile(r"\$\{([A-Z0-9_]+)\}")
SIGNS = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

LIVE = ("console start", "console live", "python live", "hidden start", "hidden live")
STAGED = [page for page in pages() if any(step.info in LIVE for step in steps(page))]
CONFIGURATIONS = [block for page in pages() for block in blocks(page) if block.info == "yaml"]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.clear()


@pytest.mark.skipif(shutil.which("curl") is None, reason="the pages use curl")
@pytest.mark.parametrize("page", STAGED, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_can_be_followed_from_top_to_bottom(
    page: Path, stage: Stage, request: pytest.FixtureRequest
) -> None:
    if any(step.info == "sql live" for step in steps(page)):
        stage.words[DATABASE] = request.getfixturevalue("database")
    for step in steps(page):
        stage.play(step)


@pytest.mark.parametrize("block", CONFIGURATIONS, ids=lambda block: block.place)
def test_a_configuration_that_a_page_shows_has_no_mistakes(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(ROOT / "tests" / "standin")  # else SAP's driver would be missed
    checked(block.code, tmp_path)


def checked(text: str, folder: Path) -> None:
    """Raises `ConfigError` unless it is a configuration, whatever its secrets are."""
    text = re.sub(r"file:/\S+", "a-secret-that-is-long", text)
    parse(text, {**values_for(text), "HOME": str(folder)})


def values_for(text: str) -> dict[str, str]:
    """A value for each variable that a configuration names; a key that signs has its own form."""
    found = REFERENCE.findall(text)
    return {n: SIGNS if n.endswith("SIGNING_KEY") else f"value-of-{n.lower()}" for n in found}


@pytest.mark.parametrize("name", ["alerts.yaml", "fleet.yaml"])
def test_an_example_configuration_has_no_mistakes_and_no_warnings(
    name: str, tmp_path: Path
) -> None:
    text = (ROOT / "examples" / name).read_text("utf-8")
    configuration = parse(text, {**values_for(text), "HOME": str(tmp_path)})
    assert configuration.warnings == ()


def test_the_quick_start_runs_against_a_gateway(stage: Stage) -> None:
    place = Block(ROOT / "examples" / "quickstart.py", 1, "", "")
    stage.start("pointsman serve", place)
    script = stage.moved(place.page.read_text("utf-8"))
    stage.run([sys.executable, "-W", "error", "-c", script], place)


def test_the_example_without_a_server_runs(stage: Stage) -> None:
    place = Block(ROOT / "examples" / "in_process.py", 1, "", "")
    stage.run([sys.executable, "-W", "error", str(place.page)], place)


@pytest.mark.skipif(
    sys.version_info[:2] not in ((3, 11), (3, 12)),
    reason="the help texts are those of argparse before 3.13",
)
def test_what_is_read_from_the_code_is_up_to_date() -> None:
    command = [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=RUN_S)
    assert done.returncode == 0, f"run `python docs/generate.py`\n{done.stdout}{done.stderr}"
