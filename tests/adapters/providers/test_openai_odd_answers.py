"""Is an answer of an odd shape the upstream's fault, whatever it would break in us?"""

from __future__ import annotations

import pytest
from raw_upstream import END, EVENTS, call, chunk, completion, document, event, framed
from reaching import answered, failing, saying

from pointsman.adapters.providers.failures import words_of
from pointsman.adapters.providers.usage import normalised
from pointsman.core.errors import FailureKind as Kind

DEEP = b"[" * 100_000 + b"]" * 100_000
LONG = b"9" * 5000


def replying(**fields: object) -> bytes:
    message = {"role": "assistant", "content": "hello"}
    return completion(choices=[{"index": 0, "message": message, **fields}])


def with_extra(body: bytes, value: bytes) -> bytes:
    """The document with a value that nobody asked for, in its first choice."""
    return body.replace(b'"index": 0', b'"index": 0, "extra": ' + value)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (replying(finish_reason=["stop"]), Kind.MALFORMED),
        (replying(finish_reason={"stop": 1}), Kind.MALFORMED),
        (with_extra(completion(), DEEP), Kind.MALFORMED),
        (with_extra(completion({"content": ""}), LONG), Kind.EMPTY),
        (DEEP, Kind.MALFORMED),
        (b'{"error": ' + DEEP + b"}", None),
        (b'{"error": {"message": ' + LONG + b"}}", None),
    ],
    ids=["list", "object", "deep", "long", "only-deep", "deep-error", "long-error"],
)
async def test_an_odd_document_is_the_fault_of_the_upstream(
    body: bytes, kind: Kind | None, stream: bool
) -> None:
    failure = await failing(saying(document(body)), call(stream=stream))
    assert failure.kind is (kind or failure.kind)
    assert failure.kind.movable


@pytest.mark.parametrize("calls", [["x"], [7], [None]])
async def test_tool_calls_that_are_none_do_not_become_a_stream(calls: list[object]) -> None:
    body = completion({"role": "assistant", "content": None, "tool_calls": calls})
    failure = await failing(saying(document(body)), call(stream=True))
    assert failure.kind is Kind.MALFORMED


async def test_a_figure_of_thousands_of_digits_does_not_become_a_stream() -> None:
    body = with_extra(completion(), LONG).replace(b'"role"', b'"x": ' + LONG + b', "role"')
    failure = await failing(saying(document(body)), call(stream=True))
    assert failure.kind is Kind.MALFORMED


@pytest.mark.parametrize("value", [DEEP, b'{"a":' * 100_000])
async def test_an_odd_chunk_is_the_fault_of_the_upstream(value: bytes) -> None:
    said = framed(b'data: {"choices": [{"index": 0, "delta": {"content": ' + value + b"}}]}\n\n")
    failure = await failing(saying(EVENTS, said), call(stream=True))
    assert failure.kind is Kind.MALFORMED


@pytest.mark.parametrize("value", [DEEP, LONG, b'{"message": ' + LONG + b"}"])
def test_odd_words_of_a_refusal_are_their_own_message(value: bytes) -> None:
    assert words_of(b'{"error": ' + value + b"}").message


@pytest.mark.parametrize("value", [DEEP, LONG, b'"' + LONG + b'e9"'])
def test_odd_figures_are_no_usage(value: bytes) -> None:
    assert normalised(b'{"prompt_tokens": ' + value + b"}") is None


@pytest.mark.parametrize("blank", [b"data:", b"data: ", b"data:  ", b"data:\ndata:"])
async def test_an_event_without_data_says_nothing(blank: bytes) -> None:
    """Wherever it comes: some send it to keep the connection alive."""
    blank += b"\n\n"
    said = [event(chunk({"content": word})) for word in ("one", "two")]
    last = event(chunk({}, finish_reason="stop"))
    sent = [blank, said[0], blank + said[1], said[1] + blank, last, blank, b"data: [DONE]\n\n"]
    pieces = await answered(saying(EVENTS, *map(framed, sent), END), call(stream=True))
    assert sum(piece.completion_chars for piece in pieces) == len("onetwotwo")
    assert pieces[0].usable
    assert b"data:\n" not in b"".join(piece.data for piece in pieces)
