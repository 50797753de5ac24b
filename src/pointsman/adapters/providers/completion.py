"""Is a whole answer a good one, and how does it look to our caller?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from pointsman.adapters.providers.deltas import ABSENT, PLAIN_STOPS, Said, chars_said
from pointsman.adapters.providers.events import BOM
from pointsman.adapters.providers.failures import broken, upstream_error, words_of
from pointsman.adapters.providers.splice import Naming, claimed_name, with_value
from pointsman.adapters.providers.usage import normalised
from pointsman.core.blame import Transport
from pointsman.core.errors import UpstreamError
from pointsman.core.halves import marked, unmarked
from pointsman.engine.ports import Piece

_NO_ERROR = frozenset({b"null", b'""', b"{}", b"false"})
_encode = msgspec.json.encode


class _Reply(msgspec.Struct):
    message: Said | None = None
    finish_reason: Any = None


class _Completion(msgspec.Struct):
    choices: list[_Reply] | None = None
    id: Any = None
    model: Any = None
    usage: msgspec.Raw = ABSENT
    error: msgspec.Raw = ABSENT
    object: Any = None


_Writer = Callable[[bytes, _Completion, Naming], bytes]
_DECODER = msgspec.json.Decoder(_Completion)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


def as_document(body: bytes, naming: Naming, *, may_be_empty: bool = False) -> Piece:
    """The answer with our model's id, otherwise as it came. Raises `UpstreamError` if it is bad.

    `may_be_empty`: the caller named a text to stop at, and what stops at once says nothing.
    """
    return _written(body.removeprefix(BOM), naming, _renamed, may_be_empty=may_be_empty)


def as_events(body: bytes, naming: Naming, *, may_be_empty: bool = False) -> Piece:
    """The same as a stream, for an upstream that answers a streamed request with a document."""
    return _written(body.removeprefix(BOM), naming, _events, may_be_empty=may_be_empty)


def _written(body: bytes, naming: Naming, write: _Writer, *, may_be_empty: bool) -> Piece:
    try:
        answer = _decoded(body)
    except UpstreamError:
        readable = marked(body)
        if readable is None:
            raise
        piece = _written(readable, naming, write, may_be_empty=may_be_empty)
        return piece._replace(data=unmarked(piece.data))
    chars = _checked(body, answer, may_be_empty=may_be_empty)
    return _piece(write(body, answer, naming), answer, chars)


def _events(body: bytes, _: _Completion, naming: Naming) -> bytes:
    document = msgspec.json.decode(body)
    head = {
        "id": document.get("id") or naming.answer_id,
        "object": "chat.completion.chunk",
        "created": document.get("created") or naming.now,
        "model": naming.model_id,
    }
    choices = document["choices"]
    events = [head | {"choices": [_said_in(choice)]} for choice in choices]
    # Where the document names no reason, the stream names none: we do not know how it ended.
    ended = [choice for choice in choices if choice.get("finish_reason")]
    ends = [head | {"choices": [_end_of(choice)]} for choice in ended]
    return b"".join(b"data: " + _encode(event) + b"\n\n" for event in [*events, *ends])


def _said_in(choice: dict[str, Any]) -> dict[str, Any]:
    delta = dict(choice["message"])
    calls = delta.get("tool_calls")
    if isinstance(calls, list):
        delta["tool_calls"] = [{"index": place, **call} for place, call in enumerate(calls)]
    return {"index": choice.get("index", 0), "delta": delta, "finish_reason": None}


def _end_of(choice: dict[str, Any]) -> dict[str, Any]:
    return {"index": choice.get("index", 0), "delta": {}, "finish_reason": choice["finish_reason"]}


def _decoded(body: bytes) -> _Completion:
    if not body.strip():
        raise broken(Transport.EMPTY, "the answer has no body")
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        # Valid JSON of another shape may be an error document, such as Gemini's list.
        if isinstance(fault, msgspec.ValidationError) and b'"error"' in body:
            raise _error(body) from None
        raise broken(Transport.MALFORMED, f"not a chat completion: {fault}") from None


def _checked(body: bytes, answer: _Completion, *, may_be_empty: bool) -> int:
    """How many characters it says. Raises `UpstreamError` when it is not a good answer."""
    failed = answer.error is not ABSENT and bytes(answer.error) not in _NO_ERROR
    if failed or answer.object == "error":
        raise _error(body)
    if answer.choices is None:
        raise broken(Transport.MALFORMED, "the answer has no choices")
    ended = [bool(reply.finish_reason) for reply in answer.choices]
    if any(ended) and not all(ended):
        # Who puts a document together from a stream that was cut has no reason for the others.
        raise broken(Transport.TRUNCATED, "a choice did not end, and another did")
    said: int | None = None
    for reply in answer.choices:
        chars = _chars(reply, may_be_empty=may_be_empty)
        if chars is not None:
            said = chars + (said or 0)
    if said is None:
        raise broken(Transport.EMPTY, "the answer is complete and says nothing")
    return said


def _chars(reply: _Reply, *, may_be_empty: bool) -> int | None:
    """What the reply says, in characters; None when it claims to be whole and says nothing."""
    if reply.finish_reason == "error":
        raise broken(Transport.ERROR_IN_STREAM, "the upstream ended the answer with an error")
    if reply.message is None:
        raise broken(Transport.MALFORMED, "a choice has no message")
    chars = chars_said(reply.message)
    reason = reply.finish_reason
    whole = not reason or (reason in PLAIN_STOPS and not may_be_empty)
    return chars if chars is not None or whole else 0


def _renamed(body: bytes, answer: _Completion, naming: Naming) -> bytes:
    ours = _encode(naming.model_id)
    if answer.id and isinstance(answer.model, str):
        renamed = with_value(body, b'"model"', _encode(answer.model), ours)
        if renamed:
            return renamed
    document = _OBJECT.decode(body)
    document["model"] = msgspec.Raw(ours)
    if not answer.id:
        document["id"] = msgspec.Raw(_encode(naming.answer_id))
    document.setdefault("object", msgspec.Raw(b'"chat.completion"'))
    if "created" not in document:
        document["created"] = msgspec.Raw(_encode(naming.now))
    return _encode(document)


def _error(body: bytes) -> UpstreamError:
    return upstream_error(words_of(body), status=200, transport=Transport.ERROR_IN_STREAM)


def _on_one_line(document: bytes) -> bytes:
    """JSON without its line ends, which are mere white space, so that an event can carry it."""
    return document.replace(b"\r", b" ").replace(b"\n", b" ")


def _piece(data: bytes, answer: _Completion, chars: int) -> Piece:
    usage_json = None if answer.usage is ABSENT else _on_one_line(bytes(answer.usage))
    usage = normalised(usage_json) if usage_json else None
    named = isinstance(answer.model, str) and answer.model
    model = claimed_name(answer.model) if named else None
    return Piece(data, True, usage, usage_json if usage else None, model, chars)
