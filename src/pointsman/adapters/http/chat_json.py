"""What is looked at in the JSON of a chat request, and what of it has a shape that we do not know?

What we only glance at never refuses a request: where it has another shape than expected, it says
nothing to us, and the upstream decides. Such a request is read a second time, field by field.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

import msgspec

T = TypeVar("T")

MAX_TOKENS = 1_000_000_000
"""More tokens than this are the same to us."""

MAX_TYPE_CHARS = 64
"""Longest name of a task type."""

_Capability = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
_Capabilities = Annotated[list[_Capability], msgspec.Meta(max_length=16)]
"""Bounded, since kinds of request are remembered, and decisions are kept."""


class Part(msgspec.Struct):
    type: str = "text"
    text: str | None = None


class Message(msgspec.Struct):
    role: msgspec.Raw = msgspec.Raw()
    content: str | list[Part] | None = None
    tool_calls: msgspec.Raw = msgspec.Raw()


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _ResponseFormat(msgspec.Struct):
    type: str = ""


class Metadata(msgspec.Struct):
    session_id: str | None = None


class WeightsSaid(msgspec.Struct, forbid_unknown_fields=True):
    """What counts how much; what is left out counts nothing."""

    quality: float = 0.0
    latency: float = 0.0
    cost: float = 0.0


class Said(msgspec.Struct, forbid_unknown_fields=True):
    """The body's `pointsman` object: it speaks to us alone, so its mistakes are for us to name."""

    agent: str | None = None
    task_type: Annotated[str, msgspec.Meta(max_length=MAX_TYPE_CHARS)] | None = None
    requires: _Capabilities = []
    prefers: _Capabilities = []
    min_context: Annotated[int, msgspec.Meta(ge=0, le=MAX_TOKENS)] = 0
    strategy: Literal["balanced", "quality", "cost", "fast", "speed"] | None = None
    tradeoff: float | None = None
    weights: WeightsSaid | None = None
    deadline_ms: float | None = None
    max_cost_usd: float | None = None
    session: str | None = None
    explain: bool = False


class Chat(msgspec.Struct):
    model: str
    messages: list[Message]
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    tools: msgspec.Raw = msgspec.Raw()
    functions: msgspec.Raw = msgspec.Raw()
    response_format: _ResponseFormat | None = None
    reasoning_effort: str | None = None
    prompt_cache_key: str | None = None
    metadata: Metadata | None = None
    models: list[str] | None = None
    fallbacks: list[str] | None = None
    pointsman: Said | None = None


class _Essentials(msgspec.Struct):
    """What a request must be right in, whatever else it holds."""

    model: str
    messages: list[dict[str, msgspec.Raw]]
    stream: bool | None = None
    pointsman: Said | None = None


class _OddPart(msgspec.Struct):
    type: msgspec.Raw = msgspec.Raw()
    text: msgspec.Raw = msgspec.Raw()


class _OddMetadata(msgspec.Struct):
    session_id: msgspec.Raw = msgspec.Raw()


class _Named(msgspec.Struct):
    """LiteLLM's way of naming a fallback."""

    model: str


_view = msgspec.json.Decoder(Chat)
_essentials = msgspec.json.Decoder(_Essentials)
_content_view = msgspec.json.Decoder(str | list[Part] | None)


def read_chat(body: bytes, fields: dict[str, bytes]) -> Chat:
    """The request as far as we know its shape; `fields` are those of `body`, still encoded.

    Raises `msgspec.ValidationError` where it is wrong in what a request must be right in, and
    `msgspec.DecodeError` where it is no JSON.
    """
    try:
        return _view.decode(body)
    except msgspec.ValidationError:
        return _field_by_field(body, fields)


def _field_by_field(body: bytes, fields: dict[str, bytes]) -> Chat:
    """The request without what has a shape that we do not know.

    Raises `msgspec.ValidationError` where it is wrong in what a request must be right in.
    """
    sure = _essentials.decode(body)
    raw = {name: fields.get(name, b"null") for name in Chat.__struct_fields__}
    metadata = _glance(raw["metadata"], _OddMetadata)
    return Chat(
        model=sure.model,
        messages=[_message(message) for message in sure.messages],
        stream=sure.stream,
        stream_options=_glance(raw["stream_options"], _StreamOptions),
        max_tokens=_tokens(raw["max_tokens"]),
        max_completion_tokens=_tokens(raw["max_completion_tokens"]),
        tools=msgspec.Raw(raw["tools"]),
        functions=msgspec.Raw(raw["functions"]),
        response_format=_glance(raw["response_format"], _ResponseFormat),
        reasoning_effort=_glance(raw["reasoning_effort"], str),
        prompt_cache_key=_as_text(raw["prompt_cache_key"]),
        metadata=Metadata(_as_text(metadata.session_id)) if metadata else None,
        models=_names(raw["models"]),
        fallbacks=_names(raw["fallbacks"]),
        pointsman=sure.pointsman,
    )


def _glance(raw: bytes | msgspec.Raw, kind: type[T]) -> T | None:
    """The value, or None when it is of another shape."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.DecodeError:
        return None


def _message(fields: dict[str, msgspec.Raw]) -> Message:
    content = fields.get("content")
    return Message(
        role=fields.get("role", msgspec.Raw()),
        content=None if content is None else _content(content),
        tool_calls=fields.get("tool_calls", msgspec.Raw()),
    )


def _content(raw: msgspec.Raw) -> str | list[Part] | None:
    try:
        content: str | list[Part] | None = _content_view.decode(raw)
    except msgspec.DecodeError:
        parts = _glance(raw, list[msgspec.Raw])
        return _written(raw) if parts is None else [_part(part) for part in parts]
    return content


def _part(raw: msgspec.Raw) -> Part:
    """A part of an unknown shape is taken for the text that it is written in."""
    part = _glance(raw, Part)
    if part is not None:
        return part
    odd = _glance(raw, _OddPart)
    kind = _glance(odd.type, str) if odd else None
    if odd is None or kind is None:
        return Part("text", _written(raw))
    return Part(kind, _written(odd.text))


def _tokens(raw: bytes) -> int | None:
    """A number of tokens, also one that is written as 16.0."""
    number = _glance(raw, float)
    return None if number is None else int(min(max(number, 0.0), MAX_TOKENS))


def _names(raw: bytes) -> list[str] | None:
    """The models that a list names, None when it is no list of names."""
    named = _glance(raw, list[str | _Named])
    if named is None:
        return None
    return [one if isinstance(one, str) else one.model for one in named]


def _as_text(raw: bytes | msgspec.Raw) -> str | None:
    """A text, or the JSON of what stands in its place."""
    text = _glance(raw, str)
    return text if text is not None else _written(raw).removeprefix("null") or None


def _written(raw: bytes | msgspec.Raw) -> str:
    return bytes(raw).strip().decode()
