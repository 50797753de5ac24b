"""Does every failure of others that we hold ourselves to name tests that there are?"""

from __future__ import annotations

import re

import pytest
from named_tests import first_words, holds, lines_of

LINES = lines_of("docs/explanation/lessons.md", "what goes wrong")
ISSUE = re.compile(r"\[[\w.-]+#(\d+)\]\(https://github\.com/[\w.-]+/[\w.-]+/issues/\1\)")


def test_each_failure_is_told_once() -> None:
    assert len(LINES) == len({first_words(line) for line in LINES}) > 45


@pytest.mark.parametrize("line", LINES, ids=first_words)
def test_every_lesson_says_where_it_was_seen(line: str) -> None:
    seen_in = line.split("|")[2]
    assert ISSUE.sub("", seen_in).strip(" ,") == "", "an issue and its address"
    assert ISSUE.search(seen_in)


@pytest.mark.parametrize("line", LINES, ids=first_words)
def test_every_lesson_names_tests_that_there_are(line: str) -> None:
    holds(line)
