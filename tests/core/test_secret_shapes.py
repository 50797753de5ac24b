"""Is whatever looks like a key found, and little else?"""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.secret_shapes import KEY_PREFIX, SECRET_HEADER, SECRET_SHAPE

TOKENS = st.text(string.ascii_letters + string.digits + "-_", min_size=20, max_size=60)
MARKS = ["sk-", "sk-proj-", "gsk_", "xai-", "fw_", "pplx-", "hf_", "AIza", KEY_PREFIX]


@given(
    st.sampled_from([*MARKS, "Bearer ", "bearer  ", "Basic ", "api_key=", 'api-key": "']), TOKENS
)
def test_nothing_of_a_key_is_left(mark: str, token: str) -> None:
    left = SECRET_SHAPE.sub("", f"the key <{mark}{token}> is wrong")
    assert left == "the key <> is wrong"


@pytest.mark.parametrize(
    "words",
    [
        "the task-force of bears",
        "agent pm-assistant",
        "xai-main/grok-4",
        "a bearer of news",
        "ask-me",
    ],
)
def test_words_are_left_alone(words: str) -> None:
    assert SECRET_SHAPE.sub("", words) == words


@pytest.mark.parametrize("name", ["Authorization", "x-api-key", "X-Token", "cookie"])
def test_headers_that_hold_secrets_are_known_by_name(name: str) -> None:
    assert SECRET_HEADER.search(name)
    assert not SECRET_HEADER.search("x-title")
