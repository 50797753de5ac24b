"""What does the JSON of a chat request say?

Read only as far as routing needs: which model, streamed or not, how long, and what it uses. All
else stays as the bytes that the caller sent, so that nothing is lost or reworded on its way.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

from pointsman.core.decision import Strategy, Task
from pointsman.core.errors import RequestError
from pointsman.core.features import Shape, Wishes, task_of
from pointsman.core.naming import STRATEGY_NAMES

OURS = ("pointsman", "models", "fallbacks")
"""Fields that speak to the gateway and never reach an upstream."""


class _Part(msgspec.Struct):
    type: str = ""
    text: str = ""


class _Message(msgspec.Struct):
    role: str
    content: str | list[_Part] | None = None
    tool_calls: msgspec.Raw = msgspec.Raw()


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _ResponseFormat(msgspec.Struct):
    type: str = ""


class _Metadata(msgspec.Struct):
    session_id: str | None = None


class _Wishes(msgspec.Struct, forbid_unknown_fields=True):
    """The body's `pointsman` object."""

    agent: str | None = None
    task_type: str | None = None
    requires: list[str] = []
    prefers: list[str] = []
    min_context: int = 0
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
    models: list[str] = []
    fallbacks: list[str] = []
    pointsman: _Wishes | None = None


class ChatRequest(NamedTuple):
    """A chat request, read as far as routing needs.

    `fields` are the values for the upstream, still encoded; `fallbacks` the names of other models
    that the caller would take; `deadline_s` how long it is willing to wait.
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


_NO_WISHES = _Wishes()
_view = msgspec.json.Decoder(_Chat)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def chat_request(body: bytes) -> ChatRequest:
    """Raises `RequestError` naming the place and what is wrong with it."""
    if not body:
        raise RequestError("The body is empty; a JSON object was expected.", code="invalid_json")
    try:
        if not body.isascii():
            body.decode()
        chat = _view.decode(body)
        fields = {name: bytes(raw) for name, raw in _fields.decode(body).items()}
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
    for name in OURS:
        fields.pop(name, None)
    wishes = chat.pointsman or _NO_WISHES
    asked = chat.max_completion_tokens or chat.max_tokens
    task = task_of(_shape(chat), _wishes(wishes), max_output_tokens=_positive(asked), fields=fields)
    options = chat.stream_options
    return ChatRequest(
        model=chat.model,
        stream=bool(chat.stream),
        include_usage=bool(options and options.include_usage),
        task=task,
        fields=fields,
        fallbacks=chat.models or chat.fallbacks,
        agent=wishes.agent,
        strategy=STRATEGY_NAMES[wishes.strategy] if wishes.strategy else None,
        session=wishes.session or chat.prompt_cache_key or _session_of(chat.metadata),
        deadline_s=deadline_s(wishes.deadline_ms, "pointsman.deadline_ms"),
    )


def deadline_s(deadline_ms: float | None, param: str) -> float | None:
    """A deadline in seconds. Raises `RequestError` unless it is positive."""
    if deadline_ms is None:
        return None
    if not 0 < deadline_ms < 86_400_000:
        raise RequestError(
            f"A deadline is a number of milliseconds above 0, not {deadline_ms:g}.", param=param
        )
    return deadline_ms / 1000


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
            text_bytes += _size(part.text)
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
    )


def _wishes(wishes: _Wishes) -> Wishes:
    if wishes is _NO_WISHES:
        return Wishes()
    if wishes.min_context < 0:
        raise RequestError(
            f"'pointsman.min_context' is a number of tokens, not {wishes.min_context}.",
            param="pointsman.min_context",
        )
    return Wishes(
        type=wishes.task_type,
        requires=frozenset(wishes.requires),
        prefers=frozenset(wishes.prefers),
        min_context=wishes.min_context,
    )


def _size(text: str) -> int:
    """Bytes in UTF-8; lone surrogates, which JSON can spell and UTF-8 cannot, count as three."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _given(raw: msgspec.Raw) -> int:
    """The size of an encoded list, 0 when it is missing, null or empty."""
    return 0 if bytes(raw).strip(b"[ \t\r\n]") in (b"", b"null") else len(raw)


def _positive(tokens: int | None) -> int | None:
    """What is not positive is the upstream's to refuse; for us it says nothing."""
    return tokens if tokens is not None and tokens > 0 else None


def _session_of(metadata: _Metadata | None) -> str | None:
    return metadata.session_id if metadata else None


def _invalid(words: str) -> RequestError:
    """What msgspec says, with its place as `param`: "… - at `$.messages[0].role`"."""
    message, _, place = words.partition(" - at `$")
    param = place.rstrip("`").lstrip(".") or None
    if param is None and "missing required field" in message:
        param = message.rpartition("`")[0].rpartition("`")[2]
    where = f" at '{param}'" if param else ""
    return RequestError(f"{message}{where}.", param=param, code="invalid_request")
