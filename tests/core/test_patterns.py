"""Which regular expressions are compared, and which are refused because somebody would wait?"""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.patterns import MAX_CHARS, pattern


@pytest.mark.parametrize(
    "text",
    [
        "",
        "coder.*",
        ".*gpt.*mini.*",
        "openai/(gpt-4o|gpt-4o-mini|o[1-9])(-[0-9]{4}-[0-9]{2}-[0-9]{2})?",
        "(?i)CODER",
        "(?:a|b)/(?P<name>[a-z]+)",
        "(ab)*",
        r"[^]\]]+x",
        r"a\.b\\.*",
        r"\.*",
        "a{2,5}",
        "a{3}b{2,}",
        "a{x}|{}|b{,}",
        "a+?b??",
        "^a$",
        "(a|b){1,3}",
    ],
)
def test_what_people_write_is_taken_and_means_what_it_means(text: str) -> None:
    for value in ("", "coder-1", "openai/gpt-4o-2024-08-06", "aab", "x" * 40):
        assert bool(pattern(text).fullmatch(value)) is bool(re.fullmatch(text, value))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("(a+)+b", "too long"),
        ("(a|a)*b", "too long"),
        ("(a*)*", "too long"),
        ("(a|b|ab)*c", "too long"),
        ("([a-z]+)*x", "too long"),
        ("(.*)(.*)(.*)x", "too long"),
        (".*.*.*.*x", "too long"),
        ("a?" * 30 + "a" * 30, "too long"),
        ("(x|y)" * 20, "too long"),
        ("((a{1,20}){1,20}){1,20}", "too long"),
        ("(a|b){30}", "too long"),
        ("(a)\\1", "refers"),
        ("(?=a)b", "looks around"),
        ("(?<!a)b", "looks around"),
        ("(?x) a", "not known"),
        ("a++", "keeps what it took"),
        ("(" * 21 + "a" + ")" * 21, "groups within groups"),
        ("[", "no regular expression"),
        ("a" * (MAX_CHARS + 1), "256 characters at most"),
    ],
)
def test_what_could_take_long_or_is_not_known_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        pattern(text)


PIECES = (
    "a",
    "b",
    ".",
    "[ab]",
    "a*",
    "(a|b)",
    "(ab)*",
    "(a|b)*",
    "a?",
    "|",
    "(a*)+",
    "b{1,3}",
    "\\.",
)


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_whatever_is_taken_is_soon_compared_to_the_worst_of_texts(text: str) -> None:
    """Had it too many ways to be read, this would not end."""
    try:
        taken = pattern(text)
    except ValueError:
        return
    assert taken.fullmatch("a" * MAX_CHARS + "!") is None or "." in text
