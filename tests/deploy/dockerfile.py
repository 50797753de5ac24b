"""What does a Dockerfile say, instruction by instruction?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Instruction(NamedTuple):
    word: str
    rest: str

    @property
    def words(self) -> list[str]:
        """What stands there in the form of a list."""
        words: list[str] = json.loads(self.rest)
        return words


class Stage(NamedTuple):
    """From one FROM to the next."""

    base: str
    instructions: tuple[Instruction, ...]

    def all(self, word: str) -> list[Instruction]:
        return [each for each in self.instructions if each.word == word]

    def only(self, word: str) -> Instruction:
        (found,) = self.all(word)
        return found


def instructions(text: str) -> Iterator[Instruction]:
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    whole = re.sub(r"\\\n", " ", "\n".join(lines))
    for line in filter(str.strip, whole.splitlines()):
        word, _, rest = line.strip().partition(" ")
        yield Instruction(word.upper(), " ".join(rest.split()))


def stages(path: Path) -> tuple[list[Instruction], list[Stage]]:
    """What stands before the first stage, and the stages."""
    before: list[Instruction] = []
    found: list[tuple[str, list[Instruction]]] = []
    for each in instructions(path.read_text("utf-8")):
        if each.word == "FROM":
            found.append((each.rest, []))
        elif found:
            found[-1][1].append(each)
        else:
            before.append(each)
    return before, [Stage(base, tuple(said)) for base, said in found]
