"""Does the documentation tell the truth: do its links lead somewhere, does its code run?

`written.py` says how a block is marked as one to be executed, and as one that is not.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from written import FENCE, ROOT, Block, blocks, not_run, pages, unknown

from pointsman.app.cli import COMMANDS

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+\s+(.*)$", re.MULTILINE)
TIME_LIMIT_S = 60


RUNNABLE = [
    block
    for page in pages()
    for block in blocks(page)
    if block.info in ("python run", "console run")
]


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings get where it is usually read."""
    headings = HEADING.findall(FENCE.sub("", page.read_text("utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(page: Path) -> Iterator[str]:
    """The relative links of a page that lead nowhere."""
    for target in LINK.findall(FENCE.sub("", page.read_text("utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        aim = (page.parent / path).resolve() if path else page
        if not aim.exists() or (anchor and aim.suffix == ".md" and anchor not in anchors(aim)):
            yield target


def ran(command: Sequence[str], code: str = "") -> subprocess.CompletedProcess[str]:
    """`command` run in the project's root, with our own interpreter's commands first."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        command,
        input=code,
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT_S,
        check=False,
    )


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    assert list(broken(page)) == []


def test_every_block_is_carried_out_or_says_why_not() -> None:
    missed = [f"{block.place}: {block.info!r}" for block in unknown()]
    assert missed == [], "mark them as tests/docs/written.py says"


@pytest.mark.parametrize(
    ("block", "why"), list(not_run()), ids=lambda each: getattr(each, "place", "")
)
def test_code_that_is_not_run(block: Block, why: str) -> None:
    pytest.skip(f"{block.place}: {why}")


@pytest.mark.parametrize("block", RUNNABLE, ids=lambda block: block.place)
def test_code_that_is_marked_as_runnable_runs(block: Block) -> None:
    if block.info == "python run":
        done = ran([sys.executable, "-W", "error", "-"], block.code)
        assert done.returncode == 0, f"{block.place}\n{done.stderr}"
        return
    commands = block.commands
    assert commands, f"{block.place}: no line starts with `$ `"
    for command in commands:
        done = ran(["bash", "-euo", "pipefail", "-c", command])
        assert done.returncode == 0, f"{block.place}: {command}\n{done.stdout}{done.stderr}"


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    named = {
        shlex.split(line, comments=True)[1]
        for block in blocks(page)
        for line in block.code.replace("$ ", "").splitlines()
        if re.match(r"make [a-z]+", line)
    }
    assert named <= make_targets()


def test_every_make_target_says_what_it_is_for() -> None:
    shown = ran(["make", "--no-print-directory", "help"]).stdout
    assert {line.split()[0] for line in shown.splitlines()[1:]} == make_targets()


def test_every_decision_is_listed_and_fits_a_page() -> None:
    folder = ROOT / "docs" / "decisions"
    records = sorted(folder.glob("[0-9]*.md"))
    index = (folder / "README.md").read_text("utf-8")
    assert [record.name for record in records if record.name not in index] == []
    assert [r.name for r in records if r.read_text("utf-8").count("\n") > 60] == []


def test_the_map_leads_to_every_page() -> None:
    docs = ROOT / "docs"
    leads = set(LINK.findall((docs / "README.md").read_text("utf-8")))
    written = [path for path in docs.glob("*/*.md") if path.parent.name != "decisions"]
    written += [path for path in docs.glob("*.md") if path.name != "README.md"]
    named = {str(path.relative_to(docs)) for path in written}
    assert named - leads == set()


def test_the_readme_names_every_command_and_no_other() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    (line,) = (line for line in text.splitlines() if "all commands: " in line)
    assert set(re.findall(r"`(\w+)`", line)) == {each.name.split()[0] for each in COMMANDS}
