"""Does an answer come through whole, and only when it is one?"""

from __future__ import annotations

import asyncio
import gzip
import json

import pytest
from raw_upstream import (
    END,
    EVENTS,
    Request,
    Wire,
    call,
    chunk,
    completion,
    document,
    documents_in,
    event,
    framed,
    head,
    pieces_of,
)
from reaching import (
    WHOLE_STREAM,
    answered,
    failing,
    provider,
    saying,
    saying_then_closing,
    saying_then_resetting,
)

from pointsman.adapters.providers import answers, transport
from pointsman.adapters.providers.presets import Quirks
from pointsman.core.errors import FailureKind as Kind
from pointsman.core.errors import UpstreamError
from pointsman.core.fleet import Usage


async def test_a_whole_answer_is_one_piece_that_names_our_model() -> None:
    (piece,) = await answered(saying(document(completion())), call())
    assert json.loads(piece.data)["model"] == "house/fine-1"
    assert piece.usable
    assert piece.usage == Usage(5, 7)
    assert piece.usage_json is not None
    assert json.loads(piece.usage_json)["total_tokens"] == 12
    assert piece.upstream_model == "fine-1-2025"
    assert piece.completion_chars == 5


async def test_an_answer_may_come_in_parts_chunked_compressed_or_until_the_end() -> None:
    body = completion()
    parts = [framed(body[:40]), framed(body[40:]), END]
    chunked = saying(head(transfer_encoding="chunked"), *parts)
    packed = gzip.compress(body)
    zipped = saying(document(packed, content_encoding="gzip"))
    until_close = saying_then_closing(head(connection="close"), body[:50], body[50:])
    for script in (chunked, zipped, until_close):
        (piece,) = await answered(script, call())
        assert piece.completion_chars == 5


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", Kind.EMPTY),
        (b"<html>hello</html>", Kind.MALFORMED),
        (b"[]", Kind.MALFORMED),
        (b"{}", Kind.MALFORMED),
        (b'{"choices":[]}', Kind.EMPTY),
        (b'{"choices":[{"finish_reason":"stop"}]}', Kind.MALFORMED),
        (completion({"role": "assistant", "content": ""}), Kind.EMPTY),
        (completion({"role": "assistant", "content": None}), Kind.EMPTY),
        (b'{"error":{"message":"down","code":502}}', Kind.BAD_GATEWAY),
        (b'{"error":{"message":"slow down","code":429},"choices":[]}', Kind.RATE_LIMITED),
        (b'[{"error":{"message":"x","status":"INTERNAL","code":500}}]', Kind.SERVER_ERROR),
        (b'{"object":"error","message":"oh","code":400}', Kind.INVALID_REQUEST),
        (b'{"error":"something"}', Kind.STREAM_ERROR),
        (completion(choices=[{"message": {}, "finish_reason": "error"}]), Kind.STREAM_ERROR),
        (b"\xff\xfe", Kind.MALFORMED),
    ],
)
async def test_a_200_that_is_no_answer_is_a_failure(body: bytes, kind: Kind) -> None:
    assert (await failing(saying(document(body)), call())).kind is kind


@pytest.mark.parametrize(
    "message",
    [
        {
            "content": None,
            "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"content": None, "refusal": "no"},
        {"content": "", "reasoning_content": "hm"},
        {"content": None, "audio": {"id": "a"}},
        {"content": [{"type": "text", "text": "hi"}]},
        {"content": "", "images": [{"type": "image_url", "image_url": {"url": "data:,"}}]},
        {"content": "", "annotations": [{"type": "url_citation"}]},
    ],
)
async def test_an_answer_without_plain_text_may_still_be_one(message: dict[str, object]) -> None:
    (piece,) = await answered(saying(document(completion(message))), call())
    assert piece.usable


@pytest.mark.parametrize("stream", [False, True])
async def test_a_document_of_which_one_choice_ended_and_another_did_not_was_cut(
    stream: bool,
) -> None:
    said = {"role": "assistant", "content": "hi"}
    choices = [
        {"index": 0, "message": said, "finish_reason": "stop"},
        {"index": 1, "message": said, "finish_reason": None},
    ]
    failure = await failing(saying(document(completion(choices=choices))), call(stream=stream))
    assert failure.kind is Kind.TRUNCATED


async def test_an_empty_answer_with_an_honest_reason_is_passed_on() -> None:
    body = completion(choices=[{"index": 0, "message": {"content": ""}, "finish_reason": "length"}])
    (piece,) = await answered(saying(document(body)), call())
    assert piece.usable


async def test_what_an_answer_lacks_is_filled_in() -> None:
    body = b'{"choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":-4}}'
    (piece,) = await answered(saying(document(body)), call())
    filled = json.loads(piece.data)
    assert filled["id"] == "chatcmpl-req-1"
    assert filled["object"] == "chat.completion"
    assert filled["created"] == 1767225600
    assert filled["model"] == "house/fine-1"
    assert piece.usage is None
    assert piece.upstream_model is None


async def test_a_body_without_bounds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MAX_BODY_BYTES", 1000)
    bomb = gzip.compress(b" " * 5_000_000)
    script = saying(document(bomb, content_encoding="gzip"))
    assert (await failing(script, call())).kind is Kind.MALFORMED


# Streams


@pytest.mark.parametrize("kind", [EVENTS, head(content_type="text/event-stream")])
async def test_a_stream_comes_as_pieces_with_usage_on_the_last(kind: bytes) -> None:
    if kind is EVENTS:
        script = saying(*WHOLE_STREAM)
    else:
        plain = [part.split(b"\r\n", 1)[1][:-2] for part in WHOLE_STREAM[1:-1]]
        script = saying_then_closing(kind, *plain)
    pieces = await answered(script, call(stream=True))
    documents = documents_in(b"".join(piece.data for piece in pieces))
    text = "".join(each["choices"][0]["delta"].get("content", "") for each in documents)
    assert text == "hello"
    assert {each["model"] for each in documents} == {"house/fine-1"}
    assert [each["choices"][0]["finish_reason"] for each in documents][-1] == "stop"
    assert all("usage" not in each and each["choices"] for each in documents)
    assert pieces[-1].usage == Usage(3, 2)
    assert pieces[-1].upstream_model == "fine-1-2025"
    assert all(piece.usage is None for piece in pieces[:-1])
    assert sum(piece.completion_chars for piece in pieces) == 5


async def test_a_finished_stream_gives_its_connection_back() -> None:
    async with provider(saying(*WHOLE_STREAM)) as (house, upstream):
        for _ in range(5):
            answer = await house.open(call(stream=True))
            await pieces_of(answer)
            await answer.close()
            await asyncio.sleep(0.01)
        assert upstream.connections == 1


async def test_an_upstream_that_talks_on_after_the_end_is_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transport, "_LINGER_S", 0.01)

    async def script(_: Request, wire: Wire) -> None:
        await wire.send(*WHOLE_STREAM[:-1])
        assert await wire.gone()
        raise ConnectionError

    async with provider(script) as (house, upstream):
        answer = await house.open(call(stream=True))
        assert len(await pieces_of(answer)) >= 1
        assert await answer.read() is None
        await asyncio.wait_for(upstream.hung_up.wait(), 5)


async def test_a_cut_stream_is_a_failure_however_it_was_cut() -> None:
    begun = WHOLE_STREAM[:4]
    finished = WHOLE_STREAM[:5]
    for said in (begun, finished):
        assert (await failing(saying_then_closing(*said), call(stream=True))).kind is Kind.TRUNCATED
        assert (await failing(saying(*said, END), call(stream=True))).kind is Kind.TRUNCATED
        reset = await failing(saying_then_resetting(*said), call(stream=True))
        assert reset.kind in {Kind.RESET, Kind.TRUNCATED}


async def test_a_clean_end_after_the_finish_is_enough_where_done_is_not_required() -> None:
    pieces = await answered(
        saying(*WHOLE_STREAM[:5], END), call(stream=True), Quirks(done_required=False)
    )
    assert documents_in(pieces[-1].data)[-1]["choices"][0]["finish_reason"] == "stop"
    cut = await failing(
        saying_then_closing(*WHOLE_STREAM[:4]), call(stream=True), Quirks(done_required=False)
    )
    assert cut.kind is Kind.TRUNCATED


async def test_what_came_before_an_error_is_handed_out_before_it() -> None:
    both = event(chunk({"content": "a"})) + event({"error": {"message": "lost", "code": 503}})
    async with provider(saying(EVENTS, framed(both), END)) as (house, _):
        answer = await house.open(call(stream=True))
        piece = await answer.read()
        assert piece is not None
        assert piece.usable
        for _ in range(2):
            with pytest.raises(UpstreamError) as caught:
                await answer.read()
            assert caught.value.kind is Kind.UNAVAILABLE


async def test_a_document_that_comes_instead_of_a_stream_becomes_one() -> None:
    calls = [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    body = completion({"role": "assistant", "content": None, "tool_calls": calls})
    (piece,) = await answered(saying(document(body)), call(stream=True))
    first, last = documents_in(piece.data)
    assert first["object"] == "chat.completion.chunk"
    assert first["model"] == "house/fine-1"
    assert first["choices"][0]["delta"]["tool_calls"][0]["index"] == 0
    assert first["choices"][0]["finish_reason"] is None
    assert last["choices"] == [{"index": 0, "delta": {}, "finish_reason": "stop"}]
    assert piece.usage == Usage(5, 7)


async def test_a_web_page_is_no_stream() -> None:
    page = head(content_type="text/html", content_length="2") + b"hi"
    assert (await failing(saying(page), call(stream=True))).kind is Kind.MALFORMED


async def test_an_event_without_end_is_refused() -> None:
    async def script(_: Request, wire: Wire) -> None:
        await wire.send(head(content_type="text/event-stream"), b"data: ")
        while True:
            await wire.send(b"x" * 1_000_000)

    assert (await failing(script, call(stream=True))).kind is Kind.MALFORMED


@pytest.mark.parametrize("stream", [False, True])
async def test_the_usage_of_a_spread_out_document_fits_on_one_line(stream: bool) -> None:
    body = json.dumps(json.loads(completion()), indent=2).replace("\n", "\r\n").encode()
    script = saying(document(body))
    (piece,) = await answered(script, call(stream=stream))
    assert piece.usage_json is not None
    assert not {b"\r"[0], b"\n"[0]} & set(piece.usage_json)
    assert json.loads(piece.usage_json)["total_tokens"] == 12


async def test_the_name_that_a_document_claims_is_remembered_only_so_far() -> None:
    (piece,) = await answered(saying(document(completion(model="m" * 1_000_000))), call())
    assert piece.upstream_model == "m" * 256
    assert json.loads(piece.data)["model"] == "house/fine-1"
