"""Do chunks come through unharmed, under our names, and never look complete when they are not?"""

from __future__ import annotations

import itertools
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from raw_upstream import FixedClock, chunk, documents_in, event
from translating import choice, failure, joined, read

from pointsman.adapters.providers.chunks import ChunkTranslator
from pointsman.adapters.providers.events import EventDecoder
from pointsman.adapters.providers.splice import Naming, Splicer
from pointsman.core.errors import FailureKind as Kind
from pointsman.core.errors import UpstreamError
from pointsman.core.fleet import Usage

DONE = b"data: [DONE]\n\n"
STOP = event(chunk(finish_reason="stop"))


def spaced(document: dict[str, Any]) -> bytes:
    return event(json.dumps(document).encode())


# What may stand in a stream

DELTAS = st.sampled_from(
    [
        {"role": "assistant", "content": ""},
        {"content": 'hé\u2028llo \\ "model":"fine-1-2025" '},
        {"content": ',"usage":null'},
        {"content": "data: [DONE]\n\n"},
        {"reasoning_content": "hm"},
        {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]},
        {},
    ]
)
EXTRAS = st.sampled_from(
    [
        {},
        {"usage": None},
        {"usage": {"prompt_tokens": 1, "completion_tokens": 2}},
        {"x_groq": {"usage": {"prompt_tokens": 1, "completion_tokens": 2}}},
        {"x_groq": {"id": "req"}},
        {"nested": {"model": "fine-1-2025", "usage": None}, "usage": None},
        {"id": ""},
        {"id": None, "model": "", "created": None},
        {"model": "another"},
        {"error": None},
    ]
)


def streams() -> st.SearchStrategy[bytes]:
    part = st.builds(lambda delta, extra: {**chunk(delta), **extra}, DELTAS, EXTRAS)
    render = st.sampled_from([event, spaced])
    middle = st.lists(st.builds(lambda each, how: how(each), part, render), max_size=8)
    return middle.map(lambda parts: b"".join([event(chunk({"content": "x"})), *parts, STOP, DONE]))


@given(streams(), st.data())
def test_any_split_yields_the_same_answer(stream: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    bounds = [0, *cuts, len(stream)]
    split = read(*(stream[a:b] for a, b in itertools.pairwise(bounds)))
    whole = read(stream)
    assert b"".join(piece.data for piece in split) == b"".join(piece.data for piece in whole)
    assert split[-1].usage == whole[-1].usage
    assert sum(piece.completion_chars for piece in split) == whole[-1].completion_chars


@given(streams())
def test_what_is_said_comes_through_under_one_name(stream: bytes) -> None:
    sent = [each for each in stream.split(b"\n\n") if each and not each.endswith(b"[DONE]")]
    said = [json.loads(each.removeprefix(b"data: "))["choices"] for each in sent]
    got = joined(read(stream))
    assert [each["choices"] for each in got] == said
    assert {each["model"] for each in got} == {"house/fine-1"}
    assert len({(each["id"], each["created"]) for each in got}) == 1
    assert not any("usage" in each for each in got)


def endings(rng: random.Random, texts: list[str]) -> list[bytes]:
    """The events of one to three choices, each of which ends after its last text."""
    count = rng.randrange(1, 4)
    turns = [index for index in range(count) for _ in range(rng.randrange(1, 5))]
    rng.shuffle(turns)
    last = {index: place for place, index in enumerate(turns)}
    # Some houses name a reason in every chunk.
    eager = rng.random() < 0.3
    events = []
    for place, index in enumerate(turns):
        events.append(choice(index, rng.choice(texts), "stop" if eager else None))
        if place == last[index]:
            events.append(choice(index, "", "stop"))
    return events


def test_two_thousand_cuts_of_streams_never_look_complete() -> None:
    rng = random.Random(20260101)
    texts = ["a", "bc ", "\n\n", 'data: "x"', "[DONE]", "é"]
    for _ in range(2000):
        usage = event(
            {**chunk(), "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}
        )
        stream = b"".join([*endings(rng, texts), usage, DONE])
        end = stream.rindex(b"[DONE]") + len(b"[DONE]")
        cut = stream[: rng.randrange(end)]
        half = rng.randrange(len(cut) + 1)
        naming = Naming("house/fine-1", "ours", FixedClock())
        decoder, translator = EventDecoder(), ChunkTranslator(Splicer(naming), done_required=True)
        pieces = [translator.take(decoder.feed(each)) for each in (cut[:half], cut[half:])]
        shown = joined([piece for piece in pieces if piece])
        assert all(each["choices"][0]["finish_reason"] is None for each in shown)
        assert not translator.complete
        with pytest.raises(UpstreamError) as caught:
            translator.end(decoder.finish())
        assert caught.value.kind is Kind.TRUNCATED


@pytest.mark.parametrize("done", [b"", DONE])
def test_a_stream_that_lost_any_of_its_last_events_never_looks_complete(done: bytes) -> None:
    rng = random.Random(20260102)
    for _ in range(500):
        count = rng.randrange(1, 4)
        turns = [index for index in range(count) for _ in range(rng.randrange(1, 4))]
        rng.shuffle(turns)
        texts = [choice(index, "word") for index in turns]
        ends = [choice(index, "", "stop") for index in set(turns)]
        whole = [*texts, *ends]
        assert read(*whole, done, done_required=False)[-1].usable
        for kept in range(len(texts), len(whole)):
            cut = [*whole[:kept], done]
            assert failure(*cut, done_required=False).kind is Kind.TRUNCATED


# When a piece is usable


def test_a_role_alone_is_not_usable_and_text_is() -> None:
    role, text, last = read(
        event(chunk({"role": "assistant", "content": ""})),
        event(chunk({"content": "a"})),
        STOP + DONE,
    )
    assert [role.usable, text.usable, last.usable] == [False, True, True]
    assert [role.completion_chars, text.completion_chars] == [0, 1]


@pytest.mark.parametrize(
    ("delta", "chars"),
    [
        ({"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "{}"}}]}, 2),
        ({"tool_calls": [{"index": 0}, "odd"]}, 0),
        ({"tool_calls": "odd"}, 0),
        ({"function_call": {"name": "f"}}, 0),
        ({"refusal": "no"}, 2),
        ({"reasoning_content": "hmm", "content": "a"}, 4),
        ({"reasoning": "hmm"}, 3),
        ({"reasoning_details": [{}]}, 0),
        ({"content": "", "images": [{"type": "image_url"}]}, 0),
        ({"content": "", "annotations": [{"type": "url_citation"}]}, 0),
        ({"audio": {"id": "a"}}, 0),
        ({"content": [{"type": "text"}]}, 0),
    ],
)
def test_everything_a_caller_wants_is_usable(delta: dict[str, Any], chars: int) -> None:
    piece = read(event(chunk(delta)), STOP + DONE)[0]
    assert piece.usable
    assert piece.completion_chars == chars


def test_a_stream_that_stops_and_says_nothing_is_empty() -> None:
    silent = event(chunk({"role": "assistant", "content": ""}))
    assert failure(silent, STOP + DONE).kind is Kind.EMPTY
    assert failure(STOP, done_required=False).kind is Kind.EMPTY
    (piece,) = read(event(chunk(finish_reason="length")) + DONE)
    assert piece.usable


def test_several_events_of_one_read_are_one_piece() -> None:
    (piece,) = read(event(chunk({"content": "a"})) + event(chunk({"content": "b"})) + STOP + DONE)
    assert len(documents_in(piece.data)) == 3


def test_no_images_and_no_annotations_are_nothing() -> None:
    nothing = event(chunk({"content": "", "images": [], "annotations": []}))
    assert failure(nothing, STOP + DONE).kind is Kind.EMPTY


# Ends


def test_done_without_a_finish_reason_is_a_cut() -> None:
    assert failure(event(chunk({"content": "a"})) + DONE).kind is Kind.TRUNCATED


def test_a_last_event_without_its_blank_line_still_counts() -> None:
    said = event(chunk({"content": "a"}))
    assert read(said, STOP, b"data: [DONE]")[-1].usable
    assert read(said, STOP.rstrip(), done_required=False)[-1].usable
    assert read(said, STOP, b"data: [DONE] \n\n")[-1].usable
    assert read(said, STOP, b"data: [DONE] ")[-1].usable
    assert failure(said, b'data: {"error":{"message":"x","code":500}}').kind is Kind.SERVER_ERROR
    assert failure(said, STOP, STOP[:30], done_required=False).kind is Kind.TRUNCATED


def test_each_choice_ends_once_and_all_ends_are_held_back() -> None:
    reads = [
        choice(0, "a"),
        choice(0, "", "stop"),
        choice(1, "b"),
        choice(1, "", "stop"),
        choice(1, "", "stop"),
        choice(0, "late", "stop"),
        DONE,
    ]
    pieces = read(*reads)
    assert [len(documents_in(piece.data)) for piece in pieces] == [1, 1, 1, 2]


def test_odd_indexes_and_reasons_do_no_harm() -> None:
    odd = {
        **chunk({"content": "a"}),
        "choices": [{"index": [], "delta": None, "finish_reason": {}}],
    }
    ending = {**chunk(), "choices": [{"index": [], "delta": {"content": "a"}, "finish_reason": 7}]}
    assert read(event(odd), event(ending) + DONE)[-1].usable


# Failures inside


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b'{"error":{"message":"Rate limited","code":429}}', Kind.RATE_LIMITED),
        (b'{"error":{"message":"gone","code":"502"}}', Kind.BAD_GATEWAY),
        (b'{"error":{"message":"x","type":"server_error"}}', Kind.STREAM_ERROR),
        (b'{"error":{"message":"x","type":"overloaded_error"}}', Kind.OVERLOADED),
        (b'{"error":"words alone"}', Kind.STREAM_ERROR),
        (b'{"choices":"x","error":"words alone"}', Kind.STREAM_ERROR),
        (b'{"object":"error","message":"too long","code":400}', Kind.INVALID_REQUEST),
        (
            b'{"error":{"message":"cut","code":502},"choices":[{"finish_reason":"error"}]}',
            Kind.BAD_GATEWAY,
        ),
        (b'{"choices":[{"delta":{},"finish_reason":"error"}]}', Kind.STREAM_ERROR),
        (b"not json", Kind.MALFORMED),
        (b'{"choices":"x"}', Kind.MALFORMED),
        (b"[1]", Kind.MALFORMED),
        (b'{"choices":[{"delta":{"content":"\xff"}}]}', Kind.MALFORMED),
    ],
)
def test_an_event_that_is_no_chunk_is_a_failure(data: bytes, kind: Kind) -> None:
    assert failure(event(chunk({"content": "a"})), event(data)).kind is kind
    assert failure(event(chunk({"content": "a"})) + event(data)).kind is kind


@pytest.mark.parametrize("nothing", [None, "", {}, False])
def test_an_error_that_says_there_is_none_is_none(nothing: object) -> None:
    assert read(event({**chunk({"content": "a"}), "error": nothing}), STOP + DONE)


# Names and usage


def test_usage_events_and_empty_choices_never_reach_the_caller() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
    odd = {"id": "", "model": "", "object": "", "created": 0, "choices": [], "usage": usage}
    echo = {**chunk({"role": "assistant", "content": ""}), "usage": usage}
    for last in (odd, echo):
        pieces = read(event(chunk({"content": "a"})), STOP, event(last), DONE)
        assert len(joined(pieces)) == 2
        assert pieces[-1].usage == Usage(9, 4)
        assert json.loads(pieces[-1].usage_json or b"") == usage


def test_of_usage_that_grows_from_chunk_to_chunk_the_last_counts() -> None:
    parts = [
        event(
            {**chunk({"content": "a"}), "usage": {"prompt_tokens": 9, "completion_tokens": count}}
        )
        for count in range(1, 4)
    ]
    pieces = read(*parts, event({**chunk(finish_reason="stop"), "usage": None}) + DONE)
    assert pieces[-1].usage == Usage(9, 3)
    assert all(piece.usage is None for piece in pieces[:-1])


def test_a_chunk_that_is_like_the_last_one_keeps_every_byte_but_the_name() -> None:
    first = (
        b'{"id":"c","object":"o","created":1,"model":"m","odd" : 1.50,'
        b'"choices":[{"delta":{"content":"a"}}]}'
    )
    (piece, _) = read(event(first), STOP + DONE)
    assert piece.data == event(first.replace(b'"m"', b'"house/fine-1"'))


def test_an_upstream_without_names_gets_ours() -> None:
    bare = {"choices": [{"delta": {"content": "a"}}]}
    pieces = read(event(bare), event(bare), event({"choices": [{"finish_reason": "stop"}]}) + DONE)
    assert {(each["id"], each["created"], each["model"]) for each in joined(pieces)} == {
        ("chatcmpl-ours", 1767225600, "house/fine-1")
    }
    assert pieces[-1].upstream_model is None


def test_a_chunk_over_several_lines_leaves_on_one() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    said = json.dumps(chunk({"content": "hello"}), indent=1).encode()
    end = json.dumps({**chunk(finish_reason="stop"), "usage": usage}, indent=1).encode()
    lines = [b"data: " + each.replace(b"\n", b"\r\ndata: ") + b"\r\n\r\n" for each in (said, end)]
    pieces = read(*lines, DONE)
    for each in b"".join(piece.data for piece in pieces).split(b"\n\n")[:-1]:
        assert each.startswith(b"data: {")
        assert b"\n" not in each
        assert b"\r" not in each
    assert joined(pieces)[0]["choices"][0]["delta"]["content"] == "hello"
    assert pieces[-1].usage == Usage(3, 2)
    assert b"\n" not in (pieces[-1].usage_json or b"\n")


def test_a_name_of_the_model_is_remembered_only_so_far_and_replaced_whole() -> None:
    name = "m" * 1_000_000
    said = {**chunk({"content": "hello"}), "model": name}
    pieces = read(event(said), event({**chunk(finish_reason="stop"), "model": name}), DONE)
    assert {piece.upstream_model for piece in pieces} == {"m" * 256}
    assert {each["model"] for each in joined(pieces)} == {"house/fine-1"}


def test_an_end_that_never_ends_is_malformed_before_memory_runs_out() -> None:
    def heavy(index: int) -> bytes:
        ending = {"index": index, "delta": {}, "finish_reason": "stop", "odd": "x" * 500_000}
        return event({**chunk(), "choices": [ending]})

    assert failure(*(choice(index, "", "stop") for index in range(1025))).kind is Kind.MALFORMED
    said = choice(0, "a")
    assert failure(said, *map(heavy, range(9))).kind is Kind.MALFORMED
    assert read(said, *(heavy(0) for _ in range(9)), DONE)[-1].usable
    assert read(*(choice(index, "x", "stop") for index in range(1024)), DONE)[-1].usable
