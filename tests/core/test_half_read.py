"""Is JSON with half a character readable in the meantime, and afterwards as it came?"""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.halves import marked, replaced, unmarked


@given(
    st.text(st.characters(codec=None, categories=["Cs", "Ll", "So"]) | st.sampled_from('\\"u')),
    st.sampled_from(["{}", "x{}\\ud83d", "\\\\ud83d{}"]),
)
def test_what_is_marked_can_be_unmarked_byte_for_byte(text: str, around: str) -> None:
    given_text = json.dumps([around.format(text)]).encode()
    readable = marked(given_text)
    if readable is not None:
        assert unmarked(readable) == given_text
        assert not [c for c in json.loads(readable)[0] if 0xD800 <= ord(c) < 0xE000]


def test_whole_characters_are_left_as_they_are() -> None:
    assert marked(rb'["\ud83d\ude00 \\ud83d"]') is None
    assert marked(rb'["\ud83d\ude00\ud83d"]') == rb'["\ud83d\ude00\ufdd0d83d"]'


@pytest.mark.parametrize("mark", [rb"\ufdd0", rb"\uFDD0", "\ufdd0".encode()])
def test_what_holds_the_mark_already_is_not_marked(mark: bytes) -> None:
    assert marked(rb'["\ud83d %b"]' % mark) is None


def test_who_only_looks_sees_a_sign_for_no_character() -> None:
    assert replaced(rb'["a\\\ud83d\ud83d\ude00"]') == rb'["a\\\ufffd\ud83d\ude00"]'
