"""Are server-sent events read as the standard says, wherever the network cuts them?"""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.adapters.providers.events import EventDecoder
from pointsman.core.errors import FailureKind, UpstreamError

LINES = st.sampled_from(
    [
        b"data: {}",
        b"data:{}",
        b"data: [DONE]",
        b"data:",
        b"data:  two spaces",
        b": a comment",
        b"event: message",
        b"id: 7",
        b"retry: 10",
        b"database: not data",
        b"",
        b"",
    ]
)
ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])
STREAMS = st.lists(st.tuples(LINES, ENDS), max_size=30).map(
    lambda parts: b"".join(line + end for line, end in parts)
)


def events_of(*reads: bytes) -> list[bytes]:
    decoder = EventDecoder()
    events = [event for read in reads for event in decoder.feed(read)]
    return events + decoder.finish()


def as_the_standard_says(stream: bytes) -> list[bytes]:
    """A slow reading of the standard, but a last event needs no blank line, and a space joins."""
    lines = stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    events, data = [], []
    for line in [*lines, b""]:
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        if line == b"" and data:
            events.append(b" ".join(data))
            data = []
    return events


@given(STREAMS, st.data())
def test_any_split_of_any_stream_yields_the_same_events(stream: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    bounds = [0, *cuts, len(stream)]
    reads = [stream[a:b] for a, b in itertools.pairwise(bounds)]
    assert events_of(*reads) == as_the_standard_says(stream)


@given(STREAMS)
def test_byte_by_byte_is_the_same_as_at_once(stream: bytes) -> None:
    assert events_of(*(bytes([byte]) for byte in stream)) == events_of(stream)


def test_a_byte_order_mark_is_read_over_only_at_the_start() -> None:
    assert events_of(b"\xef\xbb", b"\xbfdata: a\n\n") == [b"a"]
    assert events_of(b"data: a\n\n", b"\xef\xbb\xbfdata: b\n\n") == [b"a"]


def test_whole_events_of_one_read_come_at_once() -> None:
    decoder = EventDecoder()
    assert decoder.feed(b"data: a\n\ndata: b\n\n") == [b"a", b"b"]
    assert decoder.feed(b"data: c\n\ndata") == [b"c"]
    assert decoder.feed(b": d\n\n") == [b"d"]
    assert decoder.feed(b"") == []
    assert decoder.finish() == []


def test_a_last_event_needs_no_blank_line() -> None:
    assert events_of(b"data: a\n\ndata: [DONE]") == [b"a", b"[DONE]"]


def test_an_event_beyond_the_limit_is_malformed_before_memory_runs_out() -> None:
    decoder = EventDecoder(limit=100)
    decoder.feed(b"data: " + b"x" * 50)
    with pytest.raises(UpstreamError) as caught:
        decoder.feed(b"x" * 60)
    assert caught.value.kind is FailureKind.MALFORMED
    with pytest.raises(UpstreamError):
        EventDecoder(limit=10).feed(b"data: a\n\ndata: " + b"x" * 60)
