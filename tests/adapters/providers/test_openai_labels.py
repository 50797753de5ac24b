"""Is an answer read for what it is, whatever it is labelled, and when may it say nothing?"""

from __future__ import annotations

import json

import pytest
from raw_upstream import (
    END,
    EVENTS,
    Script,
    call,
    chunk,
    completion,
    document,
    documents_in,
    event,
    framed,
)
from reaching import answered, failing, saying, saying_then_closing

from pointsman.adapters.providers.presets import Quirks
from pointsman.core.errors import FailureKind as Kind
from pointsman.core.fleet import Usage

BOM = b"\xef\xbb\xbf"
DONE = b"data: [DONE]\n\n"
EVENTS_OF_AN_ANSWER = [
    event(chunk({"role": "assistant", "content": ""})),
    event(chunk({"content": "hel"})),
    event(chunk({"content": "lo"})),
    event(chunk(finish_reason="stop")),
    event({**chunk(), "choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 7}}),
]


def text_of(data: bytes) -> str:
    said = [each["choices"][0]["delta"] for each in documents_in(data)]
    return "".join(delta.get("content") or "" for delta in said)


# Labels


@pytest.mark.parametrize("stream", [False, True])
async def test_a_document_may_begin_with_a_byte_order_mark(stream: bool) -> None:
    (piece,) = await answered(saying(document(BOM + completion())), call(stream=stream))
    assert not piece.data.startswith(BOM)
    if stream:
        assert text_of(piece.data) == "hello"
    else:
        assert json.loads(piece.data)["model"] == "house/fine-1"


@pytest.mark.parametrize("before", [b"", BOM, b": one moment\n\n", b"event: message\n"])
@pytest.mark.parametrize("after", [DONE, b"data: [DONE]", b"data: [DONE] \n\n"])
async def test_events_that_are_labelled_a_document_are_events(before: bytes, after: bytes) -> None:
    body = before + b"".join(EVENTS_OF_AN_ANSWER) + after
    (piece,) = await answered(saying(document(body)), call(stream=True))
    assert text_of(piece.data) == "hello"
    assert piece.completion_chars == 5
    assert piece.usage == Usage(5, 7)
    assert piece.usable


async def test_events_labelled_a_document_end_as_others_do() -> None:
    whole = b"".join(EVENTS_OF_AN_ANSWER)
    cut = b"".join(EVENTS_OF_AN_ANSWER[:-2])
    broken = cut + event(b'{"error":{"message":"gone","code":502}}')
    assert (await failing(saying(document(whole)), call(stream=True))).kind is Kind.TRUNCATED
    assert (await failing(saying(document(cut + DONE)), call(stream=True))).kind is Kind.TRUNCATED
    assert (await failing(saying(document(broken)), call(stream=True))).kind is Kind.BAD_GATEWAY
    comment = saying(document(b": nothing else\n\n"))
    assert (await failing(comment, call(stream=True))).kind is Kind.TRUNCATED


async def test_events_labelled_a_document_may_do_without_done_where_others_may() -> None:
    quirks = Quirks(done_required=False)
    body = b"".join(EVENTS_OF_AN_ANSWER)
    (piece,) = await answered(saying(document(body)), call(stream=True), quirks)
    assert text_of(piece.data) == "hello"
    assert piece.completion_chars == 5


async def test_a_document_without_a_reason_becomes_a_stream_without_one() -> None:
    said = {"role": "assistant", "content": "hello"}
    body = completion(choices=[{"index": 0, "message": said, "finish_reason": None}])
    (piece,) = await answered(saying(document(body)), call(stream=True))
    (only,) = documents_in(piece.data)
    assert only["choices"][0]["finish_reason"] is None


# Nothing said

EMPTY = completion({"role": "assistant", "content": ""})
NO_REASON = completion(choices=[{"index": 0, "message": {"content": ""}, "finish_reason": None}])
SILENT_STREAM = saying_then_closing(
    EVENTS,
    framed(event(chunk({"role": "assistant", "content": ""}))),
    framed(event(chunk(finish_reason="stop")) + DONE),
    END,
)
SILENT = [
    (saying(document(EMPTY)), False),
    (saying(document(EMPTY)), True),
    (SILENT_STREAM, True),
]
FORMS = pytest.mark.parametrize(("script", "stream"), SILENT, ids=["plain", "document", "stream"])


@FORMS
@pytest.mark.parametrize("stop", [b'"x"', b'["x","y"]'])
async def test_a_text_to_stop_at_that_comes_first_leaves_nothing_to_say(
    script: Script, stream: bool, stop: bytes
) -> None:
    pieces = await answered(script, call({"stop": stop}, stream=stream))
    assert pieces[-1].usable
    assert b'"stop"' in pieces[-1].data


@FORMS
@pytest.mark.parametrize("fields", [{}, {"stop": b"null"}, {"stop": b"[]"}, {"stop": b'""'}])
async def test_without_such_a_text_an_empty_answer_is_a_failure(
    script: Script, stream: bool, fields: dict[str, bytes]
) -> None:
    assert (await failing(script, call(fields, stream=stream))).kind is Kind.EMPTY


@FORMS
async def test_a_text_that_the_upstream_was_not_told_of_explains_nothing(
    script: Script, stream: bool
) -> None:
    quirks = Quirks(drop_fields=("stop",))
    failure = await failing(script, call({"stop": b'"x"'}, stream=stream), quirks)
    assert failure.kind is Kind.EMPTY


@pytest.mark.parametrize("stream", [False, True])
async def test_an_empty_answer_that_names_no_reason_is_a_failure_all_the_same(
    stream: bool,
) -> None:
    fields = {"stop": b'"x"'}
    script = saying(document(NO_REASON))
    assert (await failing(script, call(fields, stream=stream))).kind is Kind.EMPTY
