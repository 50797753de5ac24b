"""Can this regular expression be matched without anybody having to wait long for it?

Python's engine tries one way after the other. `(a+)+b` has twice as many for every letter, and
while one silence is compared nobody else is served. So the ways are counted before: of an
expression that has too many, or that another engine would not know, what is wrong is said. What
Alertmanager's own engine (RE2) takes besides is rare in silences, and can be written otherwise.
"""

from __future__ import annotations

import re

MAX_CHARS = 256
"""Of an expression, and of what it is compared to."""

MOST_WAYS = 100_000.0
"""Two places where anything may stand, and some choices: some milliseconds at worst."""

MOST_DEPTH = 20
MOST_REPEATED = 20
_TIMES = re.compile(r"\{(\d*)(,?)(\d*)\}")
_GROUP = re.compile(r"\(\?(?:[ims]*:|P<\w+>)|\((?!\?)")
_FLAGS = re.compile(r"\(\?[ims]+\)")


def pattern(text: str) -> re.Pattern[str]:
    """The expression, to be compared to whole values.

    Raises `ValueError` when it is none, is too long, or could take too long.
    """
    if len(text) > MAX_CHARS:
        raise ValueError(f"an expression has {MAX_CHARS} characters at most")
    try:
        made = re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from error
    if _Ways(_without_end(text)).counted() > MOST_WAYS:
        raise ValueError(
            f"{text!r} could take too long to compare; repeat no groups that can be read in several"
            " ways (write [ab]* for (a|b)*), and say at most twice that anything may stand there"
        )
    return made


def _without_end(text: str) -> str:
    """Without `.*` at its end: that takes the rest, whatever it is."""
    if not text.endswith(".*"):
        return text
    before = text[:-2]
    escapes = len(before) - len(before.rstrip("\\"))
    return text if escapes % 2 else before


class _Ways:
    """In how many ways can a text be read by this expression? It is known to be one."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def counted(self) -> float:
        """As many as there are at most; infinity for more than can be counted."""
        return self._choice()

    def _choice(self) -> float:
        ways = self._sequence()
        while self._text.startswith("|", self._at):
            self._at += 1
            ways += self._sequence()
        return ways

    def _sequence(self) -> float:
        ways = 1.0
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            ways *= self._repeated(self._one())
        return ways

    def _one(self) -> float:
        char = self._text[self._at]
        if char == "(":
            return self._group()
        if char == "[":
            self._skip_class()
        elif char == "\\":
            self._refuse_reference()
            self._at += 2
        else:
            self._at += 1
        return 1.0

    def _group(self) -> float:
        flags = _FLAGS.match(self._text, self._at)
        if flags is not None:
            self._at = flags.end()
            return 1.0
        opening = _GROUP.match(self._text, self._at)
        if opening is None:
            raise ValueError(
                f"{self._text!r} looks around itself, or has a group of a kind that is not known"
                " here; write (…) or (?:…)"
            )
        self._at, self._depth = opening.end(), self._depth + 1
        if self._depth > MOST_DEPTH:
            raise ValueError(f"{self._text!r} has groups within groups within groups")
        ways = self._choice()
        self._at, self._depth = self._at + 1, self._depth - 1
        return ways

    def _skip_class(self) -> None:
        """To behind `[…]`, in which a bracket that comes first is a letter."""
        self._at += 1
        self._at += self._text.startswith("^", self._at)
        self._at += self._text.startswith("]", self._at)
        while self._text[self._at] != "]":
            self._at += 2 if self._text[self._at] == "\\" else 1
        self._at += 1

    def _refuse_reference(self) -> None:
        if self._text[self._at + 1] in "123456789":
            raise ValueError(f"{self._text!r} refers to a group; that cannot be compared here")

    def _repeated(self, ways: float) -> float:
        found = self._times()
        if found is None:
            return ways
        least, most = found
        if self._text.startswith("+", self._at):
            raise ValueError(f"{self._text!r} keeps what it took; that cannot be compared here")
        self._at += self._text.startswith("?", self._at)
        if ways == 1.0:
            return max(1.0, most - least + 1.0)
        if most > MOST_REPEATED or ways > MOST_WAYS:
            return float("inf")
        return sum(ways**times for times in range(least, most + 1))

    def _times(self) -> tuple[int, int] | None:
        """How often what came before may stand there, if that is said."""
        char = self._text[self._at : self._at + 1]
        if char in _OFTEN:
            self._at += 1
            return _OFTEN[char]
        found = _TIMES.match(self._text, self._at)
        if found is None or found[0] == "{}":
            return None
        self._at = found.end()
        least = int(found[1] or 0)
        most = int(found[3]) if found[3] else MAX_CHARS if found[2] else least
        return min(least, MAX_CHARS), min(most, MAX_CHARS)


_OFTEN = {"*": (0, MAX_CHARS), "+": (1, MAX_CHARS), "?": (0, 1)}
