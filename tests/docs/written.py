"""What stands in the pages that can be carried out, and what must not be?

The words behind a block's language say what becomes of it:

- `run`: executed by itself, from the project's root (`python`, `console`);
- `file NAME`: written where the page is carried out;
- `start`: each command is started there and left running; `live`: executed there meanwhile (`sql`
  on a PostgreSQL of its own, which stands for the `DATABASE` of the page);
- `signature`, and everything between `<!-- generated … -->` and `<!-- end -->`: from the code;
- `not run: REASON`: nobody executes it, and the tests print why;
- nothing: `yaml` is a whole configuration, and read as one; `text` is a picture, or what a command
  prints. Of no other language.

What a reader needs not see is carried out too: `<!-- start: COMMAND -->`, `<!-- live: COMMAND -->`,
`<!-- stop -->` ends what runs, `<!-- let WORD: COMMAND -->` puts what COMMAND prints wherever WORD
stands from there on, `<!-- set NAME: COMMAND -->` into a variable of the environment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
STEP = re.compile(
    r"^(```+)(?P<info>[^\n`]*)\n(?P<code>.*?)^\1\s*$"
    r"|^<!-- (?P<hidden>start|live|stop|(?:let|set) \S+?)(?:: (?P<command>.*?))? -->$",
    re.DOTALL | re.MULTILINE,
)
FENCE = re.compile(r"^(```+)([^\n`]*)\n(.*?)^\1\s*$", re.DOTALL | re.MULTILINE)
GENERATED = re.compile(r"<!-- generated: [a-z-]+ -->.*?<!-- end -->", re.DOTALL)
CARRIED_OUT = re.compile(
    r"(?:python|console) (?:run|live)|console start|sql live|\w+ file \S+"
    r"|python signature|yaml|text"
)
NOT_RUN = re.compile(r"\w+ not run: (.+)")


class Block(NamedTuple):
    """A block of a page, or a hidden step, whose `info` then is `hidden` and what it does."""

    page: Path
    line: int
    info: str
    code: str

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def commands(self) -> list[str]:
        """Of a console; a line that ends in a backslash goes on in the next."""
        text = self.code.replace("\\\n", " ")
        return [line[2:] for line in text.splitlines() if line.startswith("$ ")]


def pages() -> Sequence[Path]:
    folders = ("docs", "bench", "examples")
    nested = [path for folder in folders for path in (ROOT / folder).rglob("*.md")]
    return sorted([*ROOT.glob("*.md"), *nested])


def steps(page: Path) -> Iterator[Block]:
    """All blocks and hidden steps of a page, in order."""
    text = page.read_text("utf-8")
    for found in STEP.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        if found["hidden"]:
            yield Block(page, line, f"hidden {found['hidden']}", found["command"] or "")
        else:
            yield Block(page, line, found["info"].strip(), found["code"])


def blocks(page: Path) -> Iterator[Block]:
    """What a reader sees of them."""
    return (step for step in steps(page) if not step.info.startswith("hidden"))


def not_run() -> Iterator[tuple[Block, str]]:
    """The blocks that nobody executes, with the reason that they give."""
    for page in pages():
        for block in blocks(page):
            found = NOT_RUN.fullmatch(block.info)
            if found:
                yield block, found[1]


def unknown() -> Iterator[Block]:
    """The blocks that are neither carried out nor say why not."""
    for page in pages():
        text = page.read_text("utf-8")
        generated = GENERATED.sub(lambda found: "\n" * found[0].count("\n"), text)
        seen = {generated.count("\n", 0, found.start()) + 1 for found in FENCE.finditer(generated)}
        for block in blocks(page):
            known = CARRIED_OUT.fullmatch(block.info) or NOT_RUN.fullmatch(block.info)
            if block.line in seen and not known:
                yield block
