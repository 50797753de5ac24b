"""What does the JSON of a chat request say?

Read only as far as routing needs: which model, streamed or not, how long, and what it uses. All
else stays as the bytes that the caller sent, so that nothing is lost or reworded on its way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from pointsman.adapters.http.chat_json import (
    MAX_TOKENS,
    Chat,
    Message,
    Metadata,
    Said,
    WeightsSaid,
    read_chat,
)
from pointsman.core.decision import Strategy, Task
from pointsman.core.errors import RequestError
from pointsman.core.features import Shape, Wishes, task_of
from pointsman.core.fleet import WEIGHTS_TOLERANCE, Weights
from pointsman.core.halves import marked, replaced, unmarked
from pointsman.core.naming import STRATEGY_NAMES
from pointsman.core.preview import READ_CHARS
from pointsman.core.task_type import READ_HEAD, READ_TAIL

DAY_MS = 86_400_000
MOST_USD = 1e6

MOST_FIELDS = 1_024
"""OpenAI's API has some forty. A million of them would hold up everybody else for seconds."""

LOOKED_AT = 32
"""Among so many messages from either end of a conversation we look for its user's words."""


class ChatRequest(NamedTuple):
    """A chat request, read as far as routing needs.

    `fields` are the values for the upstream, still encoded: all but `pointsman`, and but `models`
    and `fallbacks` where these are lists of names. `fallbacks` are the names of other models that
    the caller would take, in the field that `fallbacks_in` names; `deadline_s` is how long it is
    willing to wait. `tradeoff` in [0, 1] is from cheap to good, `weights` say the same in full; at
    most one of them is given. `words` is a piece of what the conversation began with and of what
    was asked last, and is not to be kept. `explain` wants the explanation of the choice with the
    answer. `asked` is how what was asked last begins, empty unless it is wanted.
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
    tradeoff: float | None = None
    weights: Weights | None = None
    words: str = ""
    explain: bool = False
    fallbacks_in: str = "models"
    asked: str = ""


_NO_PARTS: frozenset[str] = frozenset()
_TOOL_ROLES = frozenset({b'"tool"', b'"function"'})
_NO_WISHES, _NOTHING_WISHED = Said(), Wishes()
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def chat_request(body: bytes, *, previewed: bool = False) -> ChatRequest:
    """Raises `RequestError` naming the place and what is wrong with it.

    Only of one that is to be `previewed` it says how what was asked begins.
    """
    if not body:
        raise RequestError("The body is empty; a JSON object was expected.", code="invalid_json")
    try:
        if not body.isascii():
            body.decode()
        fields, chat = _read(body)
    except UnicodeDecodeError as error:
        found = f"byte {body[error.start]:#04x} at position {error.start}"
        raise RequestError(f"The body is not valid UTF-8: {found}.", code="invalid_utf8") from None
    except msgspec.ValidationError as error:
        raise _invalid(str(error)) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise RequestError(f"The body is not valid JSON: {error}.", code="invalid_json") from None
    request = _request(chat, fields)
    return request._replace(asked=_asked(chat.messages)) if previewed else request


def _read(body: bytes) -> tuple[dict[str, bytes], Chat]:
    """The fields, still encoded, and what we look at. Raises what msgspec does."""
    try:
        given = _fields.decode(body)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        readable = marked(body)
        if readable is None:
            raise
        return _read_with_halves(body, readable)
    if len(given) > MOST_FIELDS:
        raise _too_many_fields(len(given))
    fields = {name: bytes(raw) for name, raw in given.items()}
    return fields, read_chat(body, fields)


def _read_with_halves(body: bytes, readable: bytes) -> tuple[dict[str, bytes], Chat]:
    """As `_read`: the fields as they were sent, and what we look at with nothing halved in it."""
    known, chat = _read(replaced(body))
    passed_on = _fields.decode(readable)
    if passed_on.keys() != known.keys():
        words = "The name of a field holds half a character; send it whole, or leave it out."
        raise RequestError(words, code="invalid_json")
    return {name: unmarked(bytes(raw)) for name, raw in passed_on.items()}, chat


def _request(chat: Chat, fields: dict[str, bytes]) -> ChatRequest:
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
    # By position, as below: every request passes here, and names would double what this takes.
    return ChatRequest(
        chat.model,
        bool(chat.stream),
        bool(options and options.include_usage),
        task,
        fields,
        chat.models or chat.fallbacks or [],
        wishes.agent,
        STRATEGY_NAMES[wishes.strategy] if wishes.strategy else None,
        wishes.session or chat.prompt_cache_key or _session_of(chat.metadata),
        deadline_s(wishes.deadline_ms, "pointsman.deadline_ms"),
        tradeoff(wishes.tradeoff, "pointsman.tradeoff"),
        _weights(wishes),
        _words(chat.messages),
        wishes.explain,
        "models" if chat.models else "fallbacks",
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


def max_cost_usd(given: float | None, param: str) -> float | None:
    """US dollars. Raises `RequestError` unless they are above 0 and no more than a million."""
    if given is None or 0.0 < given <= MOST_USD:
        return given
    raise no_cost(f"{given:.15g}", param)


def no_cost(given: str, param: str) -> RequestError:
    """What is said of something that is no sum of money."""
    words = f"{param!r} is a number of US dollars above 0 and up to {MOST_USD:.0f}, not {given}."
    return RequestError(words, param=param, code="invalid_value")


def tradeoff(given: float | None, param: str) -> float | None:
    """What is given, in hundredths. Raises `RequestError` unless it is in [0, 1]."""
    if given is None:
        return None
    if not 0.0 <= given <= 1.0:
        raise no_tradeoff(f"{given:.15g}", param)
    return round(given, 2)


def no_tradeoff(given: str, param: str) -> RequestError:
    """What is said of something that is no tradeoff."""
    words = f"{param!r} is a number from 0 (as cheap as can be) to 1 (as good as can be)"
    return RequestError(f"{words}, not {given}.", param=param, code="invalid_value")


def _weights(said: Said) -> Weights | None:
    """The weights in hundredths, since every kind of request is remembered."""
    given, place = said.weights, "pointsman.weights"
    if given is None:
        return None
    if said.tradeoff is not None:
        words = f"'pointsman.tradeoff' and {place!r} say the same in two ways; give one of them."
        raise RequestError(words, param=place, code="conflicting_values")
    for name in WeightsSaid.__struct_fields__:
        if getattr(given, name) < 0.0:
            words = f"'{place}.{name}' must not be negative, not {getattr(given, name):.15g}."
            raise RequestError(words, param=f"{place}.{name}", code="invalid_value")
    total = given.quality + given.latency + given.cost
    if not abs(total - 1.0) <= WEIGHTS_TOLERANCE:
        words = f"quality, latency and cost in {place!r} must sum to 1, not {total:.15g}."
        raise RequestError(words, param=place, code="invalid_value")
    quality = round(100 * given.quality / total)
    latency = min(round(100 * given.latency / total), 100 - quality)
    return Weights(quality / 100, latency / 100, (100 - quality - latency) / 100)


def _words(messages: Sequence[Message]) -> str:
    """A piece of what the conversation began with, and of what was asked last.

    A conversation is about what it began with for longer than about its last remark.
    """
    first = _first_words(messages[:LOOKED_AT])
    last = _first_words(messages[: -1 - LOOKED_AT : -1]) if len(messages) > 1 else first
    if last is first:
        last = last[READ_HEAD - 1 :]
    tail = last[-READ_TAIL:]
    return f"{first[: READ_HEAD - 1]}\n{tail}" if tail else first


def _asked(messages: Sequence[Message]) -> str:
    """How what the user has asked last begins."""
    return _first_words(messages[: -1 - LOOKED_AT : -1])[:READ_CHARS]


def _first_words(messages: Iterable[Message]) -> str:
    """What the first of these that is the user's says in text."""
    for message in messages:
        if bytes(message.role) != b'"user"':
            continue
        content = message.content
        if isinstance(content, str):
            if content:
                return content
            continue
        for part in reversed(content or ()):
            if part.type == "text" and part.text:
                return part.text
    return ""


def _shape(chat: Chat) -> Shape:
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
        text_bytes,
        len(chat.messages),
        frozenset(parts) if parts else _NO_PARTS,
        images,
        attachments,
        tools,
        tools > 0,
        wanted == "json_schema",
        wanted == "json_object",
        chat.reasoning_effort not in (None, "none"),
        _in_tool_loop(chat.messages[-1]),
    )


def _in_tool_loop(last: Message) -> bool:
    """True when a model has called a tool, and is now told of it or about to be."""
    return bytes(last.role) in _TOOL_ROLES or _given(last.tool_calls) > 0


def _wishes(wishes: Said) -> Wishes:
    if wishes is _NO_WISHES:
        return _NOTHING_WISHED
    return Wishes(
        type=wishes.task_type,
        requires=frozenset(wishes.requires),
        prefers=frozenset(wishes.prefers),
        min_context=wishes.min_context,
        max_cost_usd=max_cost_usd(wishes.max_cost_usd, "pointsman.max_cost_usd"),
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


def _session_of(metadata: Metadata | None) -> str | None:
    return metadata.session_id if metadata else None


def _too_many_fields(count: int) -> RequestError:
    words = f"The body has {count} fields; at most {MOST_FIELDS} are taken."
    return RequestError(words, code="too_many_fields")


def _invalid(words: str) -> RequestError:
    """What msgspec says, with its place as `param`: "… - at `$.messages[0].role`"."""
    message, _, place = words.partition(" - at `$")
    param = place.rstrip("`").lstrip(".") or None
    if param is None and "missing required field" in message:
        param = message.rpartition("`")[0].rpartition("`")[2]
    if "unknown field" in message:
        section = WeightsSaid if param == "pointsman.weights" else Said
        known = ", ".join(section.__struct_fields__)
        message = f"{message[:120]} (known are {known})"
    where = f" at '{param}'" if param else ""
    return RequestError(f"{message}{where}.", param=param, code="invalid_request")
