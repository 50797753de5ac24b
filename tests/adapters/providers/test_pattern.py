"""Does the short cut through a chunk ever say anything else than the careful way?"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.adapters.providers.chunks import ChunkTranslator
from pointsman.adapters.providers.pattern import pattern_of
from pointsman.adapters.providers.splice import Naming, Splicer
from pointsman.core.errors import UpstreamError


class _Noon:
    def now(self) -> datetime:
        return datetime(2026, 11, 23, 12, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(f"nothing here waits, asked for {seconds} s")


def _chunk(delta: bytes, tail: bytes = b"") -> bytes:
    return (
        b'{"id":"c1","object":"chat.completion.chunk","created":7,"model":"up","choices":'
        b'[{"index":0,"delta":' + delta + b',"logprobs":null,"finish_reason":null}]' + tail + b"}"
    )


def _text(raw: bytes) -> bytes:
    return _chunk(b'{"content":"' + raw + b'"}')


def _translator() -> ChunkTranslator:
    return ChunkTranslator(Splicer(Naming("p/up", "r1", _Noon())), done_required=True)


def _fresh(payload: bytes) -> list[object]:
    """What the careful way makes of a chunk: each one is the first of a stream."""
    piece = _translator().take([payload])
    assert piece is not None
    return _documents(piece.data)


def _documents(data: bytes) -> list[object]:
    events = [event.removeprefix(b"data: ") for event in data.split(b"\n\n") if event]
    return [msgspec.json.decode(event) for event in events]


PATTERN = pattern_of(_text(b"one"), _text(b"one").replace(b'"up"', b'"p/up"'))


def _framed(payload: bytes) -> bytes:
    return b"data: " + payload + b"\n\n"


@given(st.lists(st.text(min_size=1), min_size=2, max_size=8), st.booleans())
def test_a_stream_of_any_texts_reads_as_if_each_chunk_were_taken_apart(
    texts: list[str], ascii_only: bool
) -> None:
    encoded = [msgspec.json.encode(text)[1:-1] for text in texts]
    if ascii_only:
        encoded = [raw.decode().encode("ascii", "backslashreplace") for raw in encoded]
        encoded = [raw for raw in encoded if b"\\x" not in raw and b"\\U" not in raw]
    translator = _translator()
    for raw in encoded:
        piece = translator.take([_text(raw)])
        assert piece is not None
        assert piece.usable
        assert _documents(piece.data) == _fresh(_text(raw))


@given(st.binary(min_size=1, max_size=12))
def test_bytes_that_are_not_json_are_never_passed_on_by_the_short_cut(raw: bytes) -> None:
    assert PATTERN is not None
    known = PATTERN.match(_text(raw))
    if known is not None:
        ours, chars = known
        document = msgspec.json.decode(ours)
        assert document["choices"][0]["delta"] == {"content": raw.decode()}
        assert document["model"] == "p/up"
        assert chars == len(raw.decode())


@pytest.mark.parametrize(
    "payload",
    [
        _text(b""),
        _text(b'a\\"b'),
        _text(b"a\\\\"),
        _text(b"a\\"),
        _text(b"caf\xc3"),
        _text(b"tab\there"),
        _chunk(b'{"content":"a","role":"assistant"}'),
        _chunk(b'{"content":"a"}', b',"usage":{"prompt_tokens":1}'),
        _text(b"a").replace(b"null}]", b'"stop"}]'),
        _text(b"a").replace(b'"c1"', b'"c2"'),
    ],
)
def test_whatever_deviates_is_left_to_the_careful_way(payload: bytes) -> None:
    assert PATTERN is not None
    assert PATTERN.match(payload) is None


def test_a_whole_event_is_recognised_however_its_json_is_spaced() -> None:
    for space in (b"", b" "):
        like = partial(bytes.replace, _chunk(b'{"content":%b"TEXT"}' % space), b"TEXT")
        translator = _translator()
        translator.take([like(b"one")])
        piece = translator.alike(_framed(like(b"two")))
        assert piece is not None
        assert _documents(piece.data) == _fresh(like(b"two"))
        assert (piece.usable, piece.completion_chars, piece.upstream_model) == (True, 3, "up")


@pytest.mark.parametrize(
    "event",
    [
        _framed(_text(b"two")) * 2,
        _framed(_text(b"two"))[:-1],
        b": ping\n\n" + _framed(_text(b"two")),
        _framed(_text(b"two")).replace(b"\n", b"\r\n"),
        _framed(b"[DONE]"),
    ],
)
def test_a_read_that_is_not_exactly_one_event_is_left_to_the_careful_way(event: bytes) -> None:
    translator = _translator()
    translator.take([_text(b"one")])
    assert translator.alike(event) is None


def test_nothing_is_like_what_came_before_once_a_choice_has_ended() -> None:
    translator = _translator()
    translator.take([_text(b"one")])
    translator.take([_chunk(b"{}").replace(b"null}]", b'"stop"}]')])
    assert translator.alike(_framed(_text(b"two"))) is None


def test_a_chunk_that_holds_the_key_twice_has_no_pattern() -> None:
    twice = _chunk(b'{"content":"a","extra":{"content":"b"}}')
    assert pattern_of(twice, twice) is None


def test_a_text_with_an_escape_has_no_pattern() -> None:
    escaped = _text(b"a\\nb")
    assert pattern_of(escaped, escaped) is None


def test_broken_utf8_in_the_middle_of_a_stream_breaks_it() -> None:
    translator = _translator()
    assert translator.take([_text(b"one")]) is not None
    with pytest.raises(UpstreamError, match="not a chunk"):
        translator.take([_text(b"caf\xc3")])


def test_a_stream_whose_chunks_are_never_alike_is_read_all_the_same() -> None:
    translator = _translator()
    for number in range(12):
        pad = _chunk(b'{"content":"x"}', b',"obfuscation":"%s"' % (b"y" * number))
        piece = translator.take([pad])
        assert piece is not None
        assert piece.completion_chars == 1
