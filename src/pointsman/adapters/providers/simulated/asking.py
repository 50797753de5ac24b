"""What does a chat request ask of a simulated model?"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec

T = TypeVar("T")

CHARS_PER_TOKEN = 4
IMAGE_CHARS = 765 * CHARS_PER_TOKEN
"""What an image counts for in the prompt, as OpenAI charges a mid-sized one."""

_ARABIC = re.compile(r"[\u0600-\u06ff]")
_LETTER = re.compile(r"[^\W\d_]")


class BadRequest(ValueError):
    """The request cannot be understood. `param` names the field."""

    def __init__(self, message: str, param: str | None = None) -> None:
        self.message = message
        self.param = param
        super().__init__(message)


class Tool(NamedTuple):
    name: str
    description: str = ""
    parameters: Mapping[str, Any] = {}


class Asked(NamedTuple):
    """A request as far as it shapes the answer.

    `topic` is the last text of the user. `prefixes` are (checksum, characters) after each message,
    to recognise a prompt that begins like an earlier one. `tool_choice` is `none`, `auto`,
    `required` or the name of one tool in `forced_tool`. `schema` is the JSON schema that the answer
    must satisfy, `json_object` that any object will do.
    """

    topic: str = ""
    prompt_chars: int = 0
    prefixes: tuple[tuple[int, int], ...] = ()
    images: int = 0
    answers_tool: bool = False
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    forced_tool: str | None = None
    parallel_tools: bool = True
    schema: Mapping[str, Any] | None = None
    json_object: bool = False
    max_tokens: int | None = None
    choices: int = 1
    stop: tuple[str, ...] = ()
    stream: bool = False
    include_usage: bool = False

    @property
    def prompt_tokens(self) -> int:
        return max(1, self.prompt_chars // CHARS_PER_TOKEN)

    @property
    def in_arabic(self) -> bool:
        """Is the question mostly written in Arabic script?"""
        return 2 * len(_ARABIC.findall(self.topic)) > len(_LETTER.findall(self.topic))


class _Part(msgspec.Struct):
    type: str = "text"
    text: str | None = None


class _Message(msgspec.Struct):
    role: str
    content: str | list[_Part] | None = None
    tool_calls: msgspec.Raw = msgspec.Raw(b"")

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return " ".join(part.text for part in self.content if part.text)
        return self.content or ""

    @property
    def images(self) -> int:
        if not isinstance(self.content, list):
            return 0
        return sum(part.type in ("image_url", "input_image") for part in self.content)


class _Function(msgspec.Struct):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None


class _Tool(msgspec.Struct):
    function: _Function


class _Named(msgspec.Struct):
    name: str


class _Allowed(msgspec.Struct):
    mode: str = "auto"


class _ToolChoice(msgspec.Struct):
    type: str = "function"
    function: _Named | None = None
    allowed_tools: _Allowed | None = None


class _JsonSchema(msgspec.Struct):
    schema: dict[str, Any] = msgspec.field(default_factory=dict)


class _ResponseFormat(msgspec.Struct):
    type: str = "text"
    json_schema: _JsonSchema | None = None


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


_BOOL = msgspec.json.Decoder(bool)
_COUNT = msgspec.json.Decoder(int)
_MESSAGES = msgspec.json.Decoder(list[msgspec.Raw])
_MESSAGE = msgspec.json.Decoder(_Message)
_TOOLS = msgspec.json.Decoder(list[_Tool])
_TOOL_CHOICE = msgspec.json.Decoder(str | _ToolChoice)
_FORMAT = msgspec.json.Decoder(_ResponseFormat)
_OPTIONS = msgspec.json.Decoder(_StreamOptions)
_STOP = msgspec.json.Decoder(str | list[str])
_BODY = msgspec.json.Decoder(dict[str, msgspec.Raw])


def fields_of(body: bytes) -> dict[str, bytes]:
    """The fields of a request body, each still encoded. Raises `BadRequest`."""
    try:
        return {name: bytes(raw) for name, raw in _BODY.decode(body).items()}
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadRequest(
            "We could not parse the JSON body of your request. (HINT: This likely means you aren't "
            f"using your HTTP library correctly.) {error}"
        ) from error


def asked(fields: Mapping[str, bytes]) -> Asked:
    """Read a request. Raises `BadRequest` naming the first field that makes no sense."""
    messages = _messages(fields)
    last = messages[-1][1]
    tool_choice, forced = _tool_choice(fields)
    tools = _optional(fields, "tools", _TOOLS) or []
    prefixes = _prefixes(fields["tools"] if tools else b"", messages)
    wanted = _optional(fields, "response_format", _FORMAT) or _ResponseFormat()
    options = _optional(fields, "stream_options", _OPTIONS) or _StreamOptions()
    parallel = _optional(fields, "parallel_tool_calls", _BOOL)
    return Asked(
        topic=next((m.text for _, m in reversed(messages) if m.role == "user"), last.text),
        prompt_chars=prefixes[-1][1],
        prefixes=prefixes,
        images=sum(m.images for _, m in messages),
        answers_tool=last.role == "tool",
        tools=tuple(_tool(tool.function) for tool in tools),
        tool_choice=tool_choice,
        forced_tool=forced,
        parallel_tools=parallel is not False,
        schema=wanted.json_schema.schema if wanted.json_schema else None,
        json_object=wanted.type == "json_object",
        max_tokens=_max_tokens(fields),
        choices=_choices(fields),
        stop=_stop(fields),
        stream=_optional(fields, "stream", _BOOL) is True,
        include_usage=bool(options.include_usage),
    )


def _optional(fields: Mapping[str, bytes], name: str, decoder: msgspec.json.Decoder[T]) -> T | None:
    raw = fields.get(name)
    if raw is None or raw.strip() == b"null":
        return None
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadRequest(f"Invalid value for '{name}': {error}", name) from error


def _messages(fields: Mapping[str, bytes]) -> list[tuple[msgspec.Raw, _Message]]:
    raws = _optional(fields, "messages", _MESSAGES)
    if raws is None:
        raise BadRequest("Missing required parameter: 'messages'.", "messages")
    if not raws:
        raise BadRequest(
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an "
            "empty array instead.",
            "messages",
        )
    try:
        return [(raw, _MESSAGE.decode(raw)) for raw in raws]
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadRequest(f"Invalid value for 'messages': {error}", "messages") from error


def _chars(message: _Message) -> int:
    envelope = 16
    return (
        len(message.text)
        + message.images * IMAGE_CHARS
        + len(memoryview(message.tool_calls))
        + envelope
    )


def _prefixes(
    tools: bytes, messages: list[tuple[msgspec.Raw, _Message]]
) -> tuple[tuple[int, int], ...]:
    checksum, chars = zlib.crc32(tools), len(tools)
    prefixes = []
    for raw, message in messages:
        checksum = zlib.crc32(memoryview(raw), checksum)
        chars += _chars(message)
        prefixes.append((checksum, chars))
    return tuple(prefixes)


def _tool(function: _Function) -> Tool:
    return Tool(function.name, function.description or "", function.parameters or {})


def _tool_choice(fields: Mapping[str, bytes]) -> tuple[str, str | None]:
    choice = _optional(fields, "tool_choice", _TOOL_CHOICE) or "auto"
    if isinstance(choice, str):
        if choice not in ("none", "auto", "required"):
            raise BadRequest(f"Invalid value: '{choice}'.", "tool_choice")
        return choice, None
    if choice.allowed_tools is not None:
        return choice.allowed_tools.mode, None
    if choice.function is None:
        raise BadRequest("Missing required parameter: 'tool_choice.function'.", "tool_choice")
    return "required", choice.function.name


def _max_tokens(fields: Mapping[str, bytes]) -> int | None:
    for name in ("max_completion_tokens", "max_tokens"):
        count = _optional(fields, name, _COUNT)
        if count is not None and count < 1:
            raise BadRequest(
                f"Invalid '{name}': integer below minimum value. Expected a value >= 1, but got "
                f"{count} instead.",
                name,
            )
        if count is not None:
            return count
    return None


def _choices(fields: Mapping[str, bytes]) -> int:
    count = _optional(fields, "n", _COUNT)
    if count is None:
        return 1
    if not 1 <= count <= 128:
        raise BadRequest(f"Invalid 'n': expected a value from 1 to 128, but got {count}.", "n")
    return count


def _stop(fields: Mapping[str, bytes]) -> tuple[str, ...]:
    stop = _optional(fields, "stop", _STOP) or []
    return tuple(part for part in ([stop] if isinstance(stop, str) else stop) if part)
