"""How does a chunk get our names without being taken apart?

Most chunks of a stream differ from the first in their delta alone. For them one replacement in the
bytes puts our model's name in, and one takes the usage out. A key such as `"model"` cannot occur
inside a JSON string, where its quotes would be escaped. It may occur twice in a document, and then,
or when anything else is unusual, the document is taken apart and put together again.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from pointsman.adapters.providers.deltas import ABSENT, Chunk
from pointsman.engine.ports import Clock

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encode = msgspec.json.encode


_LONGEST_NAME = 256


def claimed_name(name: str) -> str:
    """As much of a model's name as is remembered of what an upstream claims."""
    return name[:_LONGEST_NAME]


class Naming(NamedTuple):
    """What an answer is called towards our caller.

    `model_id` is the served model's id. An upstream that gives its answer no id or time gets one
    made of the other two.
    """

    model_id: str
    request_id: str
    clock: Clock

    @property
    def answer_id(self) -> str:
        return f"chatcmpl-{self.request_id}"

    @property
    def now(self) -> int:
        """Seconds since 1970."""
        return int(self.clock.now().timestamp())


class Splicer:
    """Gives all chunks of one answer the same id, the same time and our model's id.

    `model` is what the upstream calls itself, `claimed` as much of that as is remembered.
    """

    __slots__ = ("_created", "_id", "_naming", "_ours", "_run", "_run_ours", "claimed", "model")

    def __init__(self, naming: Naming) -> None:
        self._ours = _encode(naming.model_id)
        self._naming = naming
        self._id: str | None = None
        self._created: int | None = None
        self._run = self._run_ours = b""
        self.model: str | None = None
        self.claimed: str | None = None

    def spliced(self, payload: bytes, chunk: Chunk) -> bytes:
        """The chunk as our caller sees it: our model's id, one id and time, no usage."""
        if chunk.model != self.model or self._id is None:
            self._learn(payload, chunk)
        if chunk.id != self._id or chunk.created != self._created or chunk.model != self.model:
            return self._rebuilt(payload)
        if chunk.x_groq is not ABSENT:
            return self._rebuilt(payload)
        if chunk.usage is not ABSENT:
            payload = without_usage(payload, chunk.usage)
            if b'"usage"' in payload:
                return self._rebuilt(payload)
        renamed = replaced_once(payload, b'"model"', self._run, self._run_ours)
        return renamed or self._rebuilt(payload)

    def _learn(self, payload: bytes, chunk: Chunk) -> None:
        if isinstance(chunk.model, str) and chunk.model:
            self.model = chunk.model
            self.claimed = claimed_name(chunk.model)
            name = _encode(chunk.model)
            key = b'"model":' if b'"model":' + name in payload else b'"model": '
            self._run, self._run_ours = key + name, key + self._ours
        if self._id is None:
            named = isinstance(chunk.id, str) and chunk.id
            self._id = chunk.id if named else self._naming.answer_id
            self._created = chunk.created if isinstance(chunk.created, int) else self._naming.now

    def _rebuilt(self, payload: bytes) -> bytes:
        document = _OBJECT.decode(payload)
        document["id"] = msgspec.Raw(_encode(self._id))
        document["object"] = msgspec.Raw(b'"chat.completion.chunk"')
        document["created"] = msgspec.Raw(_encode(self._created))
        document["model"] = msgspec.Raw(self._ours)
        document.pop("usage", None)
        document.pop("x_groq", None)
        return _encode(document)


def replaced_once(payload: bytes, key: bytes, run: bytes, by: bytes) -> bytes:
    """The payload with `run` replaced, or nothing unless it stands there once, as does its key.

    A second `key` may belong to an inner object, and a run be that object's.
    """
    if payload.count(key) != 1 or payload.count(run) != 1:
        return b""
    return payload.replace(run, by)


def with_value(document: bytes, key: bytes, value: bytes, by: bytes) -> bytes:
    """The document with `by` as the value of `key`, or nothing unless one cut surely does it.

    `key` must stand there once, with `value` behind it: then it is no part of a string, and no
    inner object has one of its own.
    """
    place = document.find(key)
    behind = place + len(key)
    if place < 0 or document.find(key, behind) >= 0:
        return b""
    start = document.find(value, behind, behind + len(value) + 3)
    if start < 0 or document[behind:start].strip() != b":":
        return b""
    return document[:start] + by + document[start + len(value) :]


def without_usage(payload: bytes, usage: msgspec.Raw) -> bytes:
    """The document without its `usage`, whose value is `usage`, if one cut does it."""
    value = bytes(usage)
    return (
        replaced_once(payload, b'"usage"', b',"usage":' + value, b"")
        or replaced_once(payload, b'"usage"', b', "usage": ' + value, b"")
        or payload
    )
