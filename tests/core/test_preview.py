"""Is what is kept of a prompt short, plain, and without its secrets?"""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.preview import MASK, MOST_CHARS, READ_CHARS, Previews

TOKENS = st.text(string.ascii_letters + string.digits, min_size=20, max_size=60)


@given(st.text(max_size=3 * MOST_CHARS), st.integers(1, MOST_CHARS))
def test_it_is_never_longer_than_was_asked_for_and_every_database_takes_it(
    prompt: str, chars: int
) -> None:
    preview = Previews(chars).of(prompt)
    assert preview is None or 0 < len(preview) <= chars
    assert "\0" not in (preview or "")
    (preview or "").encode()


@pytest.mark.parametrize("prompt", ["", "  \n\t "])
def test_of_no_words_there_is_none(prompt: str) -> None:
    assert Previews(80).of(prompt) is None


def test_white_space_is_one_space_and_what_cannot_be_shown_a_question_mark() -> None:
    assert Previews(80).of("Sum\n\n\tup:  a\0b \ud800 naïve ☃") == "Sum up: a?b ? naïve ☃"


@given(st.text("ab ", max_size=600), st.integers(1, MOST_CHARS), TOKENS)
def test_not_even_a_piece_of_a_key_is_left_wherever_the_preview_ends(
    before: str, chars: int, token: str
) -> None:
    preview = Previews(chars).of(f"{before} sk-proj-{token} and more") or ""
    assert "sk-" not in preview
    plain = " ".join(f"{before} ".split())
    assert preview.startswith(plain[:chars])
    assert set(preview[len(plain) :]) <= set(" *andmore")


def test_what_the_expressions_match_is_masked_also_where_they_overlap() -> None:
    previews = Previews(80, [r"\d{4} \d{4}", r"4444 [a-z]+", r"(?i)account \w+", r"x*"])
    seen = previews.of("Card 1234 4444 gone, of ACCOUNT 77a, then 12")
    assert seen == f"Card {MASK} gone, of {MASK}, then 12".replace(" gone", "")


def test_known_secrets_are_masked_as_they_are_and_not_as_expressions() -> None:
    previews = Previews(80, known=["hunter.2(", ""])
    assert previews.of("say hunter.2( not hunterX2(") == f"say {MASK} not hunterX2("


def test_what_lies_far_behind_is_not_read() -> None:
    previews = Previews(MOST_CHARS, ["a+z"])
    assert previews.of("a" * READ_CHARS + "z") == "a" * MOST_CHARS
    assert previews.of("a" * (READ_CHARS - 1) + "z") == MASK


@pytest.mark.parametrize("chars", [0, -1, MOST_CHARS + 1])
def test_a_length_out_of_range_is_refused(chars: int) -> None:
    with pytest.raises(ValueError, match="1 to 500"):
        Previews(chars)


def test_what_is_no_expression_is_refused() -> None:
    with pytest.raises(re.error):
        Previews(80, ["("])
