"""Does half a character come through as it came, in every form of an answer?"""

from __future__ import annotations

import pytest
from raw_upstream import (
    END,
    EVENTS,
    call,
    completion,
    document,
    documents_in,
    event,
    framed,
    head,
)
from reaching import answered, failing, saying
from translating import choice, read

from pointsman.core.errors import FailureKind as Kind

FIRST, SECOND = "\ud83d", "\ude00"
DONE = b"data: [DONE]\n\n"


@pytest.mark.parametrize("reason", [None, "stop"])
def test_an_emoji_cut_over_two_chunks_comes_through(reason: str | None) -> None:
    reads = [choice(0, "a"), choice(0, f"b{FIRST}", reason), choice(0, SECOND + FIRST + SECOND)]
    pieces = read(*reads, choice(0, "", "stop"), DONE)
    data = b"".join(piece.data for piece in pieces)
    assert data.count(b"\\ud83d") == data.count(b"\\ude00") == 2
    said = [each["choices"][0]["delta"].get("content", "") for each in documents_in(data)]
    assert said == ["a", f"b{FIRST}", SECOND + "\U0001f600", ""]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_document_with_half_a_character_comes_through(stream: bool) -> None:
    body = completion({"role": "assistant", "content": FIRST})
    (piece,) = await answered(saying(document(body)), call(stream=stream))
    assert b'"\\ud83d"' in piece.data
    assert b"house/fine-1" in piece.data


async def test_a_stream_over_a_socket_may_begin_with_half_a_character() -> None:
    parts = [framed(choice(0, FIRST)), framed(choice(0, "", "stop") + DONE), END]
    first, *_ = await answered(saying(EVENTS, *parts), call(stream=True))
    assert b'"\\ud83d"' in first.data


async def test_what_is_no_json_beside_half_a_character_is_still_malformed() -> None:
    failure = await failing(saying(document(b'{"choices": "\\ud83d"')), call())
    assert failure.kind is Kind.MALFORMED
    said = event(b'{"choices": "\\ud83d"')
    streamed = saying(head(content_type="text/event-stream", content_length=str(len(said))), said)
    assert (await failing(streamed, call(stream=True))).kind is Kind.MALFORMED


async def test_an_error_with_half_a_character_is_the_error_that_it_is() -> None:
    body = b'{"error":{"message":"down \\ud83d","code":502}}'
    assert (await failing(saying(document(body)), call())).kind is Kind.BAD_GATEWAY
    streamed = saying(EVENTS, framed(event(body)), END)
    assert (await failing(streamed, call(stream=True))).kind is Kind.BAD_GATEWAY
