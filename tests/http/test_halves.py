"""Is half a character, which JSON allows, passed on as it was sent?"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.adapters.http.wire import MOST_FIELDS, chat_request
from pointsman.core.errors import RequestError

TEXTS = st.text(
    st.characters(exclude_characters="\ufdd0")
    | st.sampled_from("\ud83d\udc00\udfff\ue000\ue001\\u\"'😀")
    | st.characters(categories=["Cs"])
)
VALUES = st.recursive(
    TEXTS | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
)


def body_of(content: Any, **fields: Any) -> bytes:
    messages = [{"role": "user", "content": content}]
    return json.dumps({"model": "auto", "messages": messages, **fields}).encode()


@given(TEXTS, VALUES)
def test_any_text_is_passed_on_as_it_was_sent(content: str, metadata: Any) -> None:
    fields = chat_request(body_of(content, x=metadata)).fields
    assert fields["messages"] == json.dumps([{"role": "user", "content": content}]).encode()
    assert fields["x"] == json.dumps(metadata).encode()


@pytest.mark.parametrize(
    "spelled",
    [
        rb"\ud83d",
        rb"\uD83d and more",
        rb"\uDE00\uD83D",
        rb"\ud83d\ud83d\ude00",
        rb"\\\ud83d",
        rb"\ud83d\\ud83d",
        rb"\ud83d \ue000 \uE001 \\ue002",
        rb"\ud83d\u0041",
        rb"\ud83d\n",
    ],
)
def test_every_spelling_is_kept(spelled: bytes) -> None:
    message = b'[{"role":"user","content":"%b"}]' % spelled
    body = b'{"messages":%b,"model":"auto","y":"%b", "metadata" : {"a":1.0}}' % (message, spelled)
    request = chat_request(body, previewed=True)
    assert request.fields["messages"] == message
    assert request.fields["y"] == b'"%b"' % spelled
    assert request.fields["metadata"] == b'{"a":1.0}'
    request.words.encode()
    request.asked.encode()


def test_what_is_read_of_it_has_the_sign_for_no_character() -> None:
    body = body_of("ab\ud83d", pointsman={"session": "s\udc00"}, metadata={"a": "\ud83d"})
    request = chat_request(body, previewed=True)
    assert (request.asked, request.session) == ("ab\ufffd", "s\ufffd")
    assert request.fields.keys() == {"model", "messages", "metadata"}


def test_halves_of_all_kinds_in_all_their_spellings_are_read() -> None:
    kinds = [f"\\u{code:04x}" for code in range(0xD800, 0xE000)]
    kinds += [kind.replace("d", "D") for kind in kinds]
    many = " ".join([*kinds, *(kind[:2] + kind[2:].upper() for kind in kinds)])
    body = b'{"model": "auto", "messages": [{"role": "user", "content": "%b"}]}' % many.encode()
    assert many.encode() in chat_request(body).fields["messages"]


@pytest.mark.parametrize("mark", [r"\ufdd0", r"\uFDD0", "\ufdd0"])
def test_halves_beside_what_no_text_needs_are_refused(mark: str) -> None:
    said = rb"\ud83d " + mark.encode()
    body = b'{"model": "auto", "messages": [{"role": "user", "content": "%b"}]}' % said
    with pytest.raises(RequestError) as caught:
        chat_request(body)
    assert caught.value.code == "invalid_json"


@pytest.mark.parametrize("name", ["a\ud83d", "\udc00"])
def test_a_field_whose_name_holds_a_half_is_refused(name: str) -> None:
    with pytest.raises(RequestError, match="half a character"):
        chat_request(body_of("hi", **{name: 1}))


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        (b'{"messages":[{"content":"\\ud83d"}],', None, "invalid_json"),
        (b'{"messages":[{"content":"\\ud83d"}]}', "model", "invalid_request"),
        (b'{"model":"auto","messages":["\\ud83d"]}', "messages[0]", "invalid_request"),
        (b'["\\ud83d"]', None, "invalid_request"),
        (b'{"model":"auto","messages":"\\ud83', None, "invalid_json"),
    ],
)
def test_a_mistake_beside_it_is_named_as_ever(body: bytes, param: str | None, code: str) -> None:
    with pytest.raises(RequestError) as caught:
        chat_request(body)
    assert (caught.value.param, caught.value.code) == (param, code)


def test_too_many_fields_are_too_many_with_a_half_among_them_too() -> None:
    fields: dict[str, Any] = {f"x{n}": n for n in range(MOST_FIELDS)}
    with pytest.raises(RequestError) as caught:
        chat_request(body_of("\ud83d", **fields))
    assert caught.value.code == "too_many_fields"
