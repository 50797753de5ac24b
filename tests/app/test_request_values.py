"""Is it said of a request in Python what of it cannot be written as JSON, and where?"""

from __future__ import annotations

import json
from typing import Any

import pytest

from pointsman.app.request_values import body_of
from pointsman.core.errors import RequestError

HELLO: dict[str, Any] = {"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}
HOLDS_ITSELF: dict[str, Any] = {}
HOLDS_ITSELF["x"] = HOLDS_ITSELF


@pytest.mark.parametrize(
    ("fields", "place", "words"),
    [
        ({"temperature": float("nan")}, "temperature", "nan is no number"),
        ({"logit_bias": {"50256": float("-inf")}}, "logit_bias.50256", "-inf is no number"),
        ({"stop": [None, float("inf")]}, "stop[1]", "inf is no number"),
        ({"user": "\ud83d"}, "user", "half a character"),
        ({"metadata": {"a\ud83d": 1}}, "metadata", "half a character"),
        ({"metadata": {"\ud83d": object()}}, "metadata.\\ud83d", "'object'"),
        ({"messages": [{"role": "user", "content": object()}]}, "messages[0].content", "'object'"),
        ({"messages": ({"role": "user", "content": "\udc00"},)}, "messages[0].content", "half"),
        ({"metadata": {(1, 2): 3}}, "metadata", "'dict'"),
        ({"x" * 5_000: object()}, "x" * 200, "'object'"),
        ({"metadata": HOLDS_ITSELF}, None, "holds itself"),
    ],
)
def test_what_cannot_be_written_as_json_is_named_with_its_place(
    fields: dict[str, Any], place: str | None, words: str
) -> None:
    with pytest.raises(RequestError) as caught:
        body_of({**HELLO, **fields}, stream=False)
    assert (caught.value.param, caught.value.code) == (place, "invalid_value")
    assert words in caught.value.message
    assert len(caught.value.message) < 600
    caught.value.message.encode()


def test_what_is_null_or_looks_so_is_no_mistake() -> None:
    fields = {"user": "null, NaN", "stop": None, "logit_bias": {50256: -1.5}}
    body = json.loads(body_of({**HELLO, **fields}, stream=True))
    assert body == {**HELLO, **fields, "logit_bias": {"50256": -1.5}, "stream": True}


@pytest.mark.parametrize("request_", ["Hello", None, [HELLO]])
def test_what_is_no_dictionary_is_no_request(request_: Any) -> None:
    with pytest.raises(RequestError, match="dictionary"):
        body_of(request_, stream=False)
