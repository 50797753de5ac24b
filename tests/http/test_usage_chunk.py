"""What does a stream say of usage before that is known?"""

from __future__ import annotations

import json

import pytest

from pointsman.adapters.http.usage_chunk import with_usage_unknown

SAID = b'data: {"id":"a","choices":[{"delta":{"content":"}}"}}]}\n\n'
SPACED = b'data: {"id":"a","choices":[{"delta":{"content":"{}"}}]} \n\n'


@pytest.mark.parametrize("events", [SAID, SAID + SAID, SPACED, SAID + SPACED + SAID])
def test_every_chunk_says_once_that_usage_is_not_known_yet(events: bytes) -> None:
    marked = with_usage_unknown(events)
    assert marked.endswith(b"}\n\n")
    before, after = (part.decode().split("\n\n")[:-1] for part in (events, marked))
    assert len(before) == len(after)
    for was, now in zip(before, after, strict=True):
        assert now.count('"usage"') == 1
        chunk = json.loads(now.removeprefix("data: "))
        assert chunk.pop("usage", "missing") is None
        assert chunk == json.loads(was.removeprefix("data: "))


def test_nothing_stays_nothing() -> None:
    assert with_usage_unknown(b"") == b""
