"""What does the JSON of a chat request say?

Read only as far as routing needs: which model, streamed or not, how long, and what it uses. All
else stays as the bytes that the caller sent, so that nothing is lost or reworded on its way. What
we only glance at never refuses a request: where it has a shape that we do not know, it says nothing
to us, and the upstream decides. Such a request is read a second time, field by field.
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple, TypeVar

import msgspec

from pointsman.core.decision import Strategy, Task
from pointsman.core.errors import RequestError
from pointsman.core.features import Shape, Wishes, task_of
from pointsman.core.naming import STRATEGY_NAMES

T = TypeVar("T")

DAY_MS = 86_400_000

MAX_TOKENS = 1_000_000_000
"""More tokens than this are the same to us."""


_Capability = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
_Capabilities = Annotated[list[_Capability], msgspec.Meta(max_length=16)]
"""Bounded, since kinds of request are remembered, and decisions are kept."""


class _Part(msgspec.Struct):
    type: str = "text"
    text: str | None = None


class _Message(msgspec.Struct):
    role: msgspec.Raw = msgspec.Raw()
    content: str | list[_Part] | None = None
    tool_calls: msgspec.Raw = msgspec.Raw()


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _ResponseFormat(msgspec.Struct):
    type: str = ""


class _Metadata(msgspec.Struct):
    session_id: str | None = None


class _Wishes(msgspec.Struct, forbid_unknown_fields=True):
    """The body's `pointsman` object: it speaks to us alone, so its mistakes are for us to name."""

    agent: str | None = None
    task_type: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    requires: _Capabilities = []
    prefers: _Capabilities = []
    min_context: Annotated[int, msgspec.Meta(ge=0, le=MAX_TOKENS)] = 0
    strategy: Literal["balanced", "quality", "cost", "fast", "speed"] | None = None
    deadline_ms: float | None = None
    session: str | None = None


class _Chat(msgspec.Struct):
    model: str
    messages: list[_Message]
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    tools: msgspec.Raw = msgspec.Raw()
    functions: msgspec.Raw = msgspec.Raw()
    response_format: _ResponseFormat | None = None
    reasoning_effort: str | None = None
    prompt_cache_key: str | None = None
    metadata: _Metadata | None = None
    models: list[str] | None = None
    fallbacks: list[str] | None = None
    pointsman: _Wishes | None = None


class _Essentials(msgspec.Struct):
    """What a request must be right in, whatever else it holds."""

    model: str
    messages: list[dict[str, msgspec.Raw]]
    stream: bool | None = None
    pointsman: _Wishes | None = None


class _OddPart(msgspec.Struct):
    type: msgspec.Raw = msgspec.Raw()
    text: msgspec.Raw = msgspec.Raw()


class _OddMetadata(msgspec.Struct):
    session_id: msgspec.Raw = msgspec.Raw()


class _Named(msgspec.Struct):
    """LiteLLM's way of naming a fallback."""

    model: str


class ChatRequest(NamedTuple):
    """A chat request, read as far as routing needs.

    `fields` are the values for the upstream, still encoded: all but `pointsman`, and but `models`
    and `fallbacks` where these are lists of names. `fallbacks` are the names of other models that
    the caller would take, `deadline_s` how long it is willing to wait.
    """

    model: str
    stream: bool
    include_usage: bool
    task: Task
    fields: dict[str, bytes]
    fallbacks: list[str]
    agent: str | None
    strategy: Strategy | None
    session: str | None
    deadline_s: float | None


_TOOL_ROLES = frozenset({b'"tool"', b'"function"'})
_NO_WISHES, _NOTHING_WISHED = _Wishes(), Wishes()
_view = msgspec.json.Decoder(_Chat)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_essentials = msgspec.json.Decoder(_Essentials)
_content_view = msgspec.json.Decoder(str | list[_Part] | None)


def chat_request(body: bytes) -> ChatRequest:
    """Raises `RequestError` naming the place and what is wrong with it."""
    if not body:
        raise RequestError("The body is empty; a JSON object was expected.", code="invalid_json")
    try:
        if not body.isascii():
            body.decode()
        fields = {name: bytes(raw) for name, raw in _fields.decode(body).items()}
        try:
            chat = _view.decode(body)
        except msgspec.ValidationError:
            chat = _field_by_field(body, fields)
    except UnicodeDecodeError as error:
        found = f"byte {body[error.start]:#04x} at position {error.start}"
        raise RequestError(f"The body is not valid UTF-8: {found}.", code="invalid_utf8") from None
    except msgspec.ValidationError as error:
        raise _invalid(str(error)) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise RequestError(f"The body is not valid JSON: {error}.", code="invalid_json") from None
    return _request(chat, fields)


def _request(chat: _Chat, fields: dict[str, bytes]) -> ChatRequest:
    if not chat.messages:
        raise RequestError("'messages' is empty.", param="messages", code="empty_array")
    if not chat.model:
        raise RequestError("'model' is empty; 'auto' lets us choose.", param="model")
    fields.pop("pointsman", None)
    if chat.models is not None:
        fields.pop("models", None)
    if chat.fallbacks is not None:
        fields.pop("fallbacks", None)
    wishes = chat.pointsman or _NO_WISHES
    asked = chat.max_completion_tokens or chat.max_tokens
    task = task_of(
        _shape(chat),
        _wishes(wishes),
        max_output_tokens=_positive(asked),
        fields=fields,
        stream=bool(chat.stream),
    )
    options = chat.stream_options
    return ChatRequest(
        model=chat.model,
        stream=bool(chat.stream),
        include_usage=bool(options and options.include_usage),
        task=task,
        fields=fields,
        fallbacks=chat.models or chat.fallbacks or [],
        agent=wishes.agent,
        strategy=STRATEGY_NAMES[wishes.strategy] if wishes.strategy else None,
        session=wishes.session or chat.prompt_cache_key or _session_of(chat.metadata),
        deadline_s=deadline_s(wishes.deadline_ms, "pointsman.deadline_ms"),
    )


def deadline_s(deadline_ms: float | None, param: str) -> float | None:
    """A deadline in seconds. Raises `RequestError` unless it is positive and below a day."""
    if deadline_ms is None:
        return None
    if not 0 < deadline_ms < DAY_MS:
        raise no_deadline(f"{deadline_ms:.15g}", param)
    return deadline_ms / 1000


def no_deadline(given: str, param: str) -> RequestError:
    """What is said of something that is no deadline."""
    words = f"{param!r} is a number of milliseconds above 0 and below {DAY_MS}, not {given}."
    return RequestError(words, param=param, code="invalid_value")


def _field_by_field(body: bytes, fields: dict[str, bytes]) -> _Chat:
    """The request without what has a shape that we do not know.

    Raises `msgspec.ValidationError` where it is wrong in what a request must be right in.
    """
    sure = _essentials.decode(body)
    raw = {name: fields.get(name, b"null") for name in _Chat.__struct_fields__}
    metadata = _glance(raw["metadata"], _OddMetadata)
    return _Chat(
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
        metadata=_Metadata(_as_text(metadata.session_id)) if metadata else None,
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


def _message(fields: dict[str, msgspec.Raw]) -> _Message:
    content = fields.get("content")
    return _Message(
        role=fields.get("role", msgspec.Raw()),
        content=None if content is None else _content(content),
        tool_calls=fields.get("tool_calls", msgspec.Raw()),
    )


def _content(raw: msgspec.Raw) -> str | list[_Part] | None:
    try:
        content: str | list[_Part] | None = _content_view.decode(raw)
    except msgspec.DecodeError:
        parts = _glance(raw, list[msgspec.Raw])
        return _written(raw) if parts is None else [_part(part) for part in parts]
    return content


def _part(raw: msgspec.Raw) -> _Part:
    """A part of an unknown shape is taken for the text that it is written in."""
    part = _glance(raw, _Part)
    if part is not None:
        return part
    odd = _glance(raw, _OddPart)
    kind = _glance(odd.type, str) if odd else None
    if odd is None or kind is None:
        return _Part("text", _written(raw))
    return _Part(kind, _written(odd.text))


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


def _shape(chat: _Chat) -> Shape:
    text_bytes = images = attachments = 0
    parts: set[str] = set()
    for message in chat.messages:
        text_bytes += len(message.tool_calls)
        content = message.content
        if isinstance(content, str):
            text_bytes += _size(content)
            continue
        for part in content or ():
            parts.add(part.type)
            text_bytes += _size(part.text or "")
            images += part.type == "image_url"
            attachments += part.type not in ("text", "image_url", "refusal")
    tools = _given(chat.tools) or _given(chat.functions)
    wanted = chat.response_format.type if chat.response_format else ""
    return Shape(
        text_bytes=text_bytes,
        messages=len(chat.messages),
        parts=frozenset(parts),
        images=images,
        attachments=attachments,
        tool_bytes=tools,
        uses_tools=tools > 0,
        wants_schema=wanted == "json_schema",
        wants_json=wanted == "json_object",
        wants_reasoning=chat.reasoning_effort not in (None, "none"),
        in_tool_loop=_in_tool_loop(chat.messages[-1]),
    )


def _in_tool_loop(last: _Message) -> bool:
    """True when a model has called a tool, and is now told of it or about to be."""
    return bytes(last.role) in _TOOL_ROLES or _given(last.tool_calls) > 0


def _wishes(wishes: _Wishes) -> Wishes:
    if wishes is _NO_WISHES:
        return _NOTHING_WISHED
    return Wishes(
        type=wishes.task_type,
        requires=frozenset(wishes.requires),
        prefers=frozenset(wishes.prefers),
        min_context=wishes.min_context,
    )


def _size(text: str) -> int:
    """Bytes in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def _given(raw: msgspec.Raw) -> int:
    """The size of an encoded list, 0 when it is missing, null or empty."""
    size = len(raw)
    return 0 if not size or bytes(raw).strip(b"[ \t\r\n]") in (b"", b"null") else size


def _positive(tokens: int | None) -> int | None:
    """What is not positive is the upstream's to refuse; for us it says nothing."""
    return min(tokens, MAX_TOKENS) if tokens is not None and tokens > 0 else None


def _session_of(metadata: _Metadata | None) -> str | None:
    return metadata.session_id if metadata else None


def _invalid(words: str) -> RequestError:
    """What msgspec says, with its place as `param`: "… - at `$.messages[0].role`"."""
    message, _, place = words.partition(" - at `$")
    param = place.rstrip("`").lstrip(".") or None
    if param is None and "missing required field" in message:
        param = message.rpartition("`")[0].rpartition("`")[2]
    if "unknown field" in message:
        known = ", ".join(_Wishes.__struct_fields__)
        message = f"{message[:120]} (known are {known})"
    where = f" at '{param}'" if param else ""
    return RequestError(f"{message}{where}.", param=param, code="invalid_request")
