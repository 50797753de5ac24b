"""What does each command say of itself?"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress

from pointsman.app.cli import COMMANDS, main

WIDTH = 100


def commands() -> str:
    return "\n\n".join([_section(), *(_section(name) for name, _ in COMMANDS)])


def _section(*words: str) -> str:
    title = " ".join(("pointsman", *words))
    return f"## {title}\n\n```text\n$ {title} --help\n{_help(words).rstrip()}\n```"


def _help(words: tuple[str, ...]) -> str:
    shown = io.StringIO()
    with _plain_terminal(), redirect_stdout(shown), suppress(SystemExit):
        main([*words, "--help"])
    return shown.getvalue()


@contextmanager
def _plain_terminal() -> Iterator[None]:
    """Neither the width nor the colours of whoever generates the pages."""
    before = dict(os.environ)
    os.environ.update(COLUMNS=str(WIDTH), NO_COLOR="1")
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
