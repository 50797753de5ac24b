"""What does a simulated model answer?"""

from __future__ import annotations

import math
import re
from random import Random
from typing import NamedTuple

import msgspec

from pointsman.adapters.providers.simulated import wording
from pointsman.adapters.providers.simulated.asking import Asked, Tool
from pointsman.adapters.providers.simulated.personas import Persona
from pointsman.adapters.providers.simulated.schema import instance

MOST_CALLS = 4
_MEDIAN_TOKENS = 90
_SIGMA = 0.5
_FEWEST, _MOST = 24, 600

_TOKEN = re.compile(r"\s?\w{1,6}|\s?[^\w\s]+|\s+")
_WORD = re.compile(r"[a-z]{3,}")
_ASKS_FOR_TOOL = re.compile(
    r"\b(use|call|look ?up|search|fetch|find|check|get|book|run|calculate|query|send)\b",
    re.IGNORECASE,
)


class ToolCall(NamedTuple):
    """`arguments` are the tokens of the JSON text of the arguments."""

    id: str
    name: str
    arguments: tuple[str, ...]


class Choice(NamedTuple):
    """One of the answers asked for: text in tokens, or tool calls, and why it ends."""

    tokens: tuple[str, ...]
    calls: tuple[ToolCall, ...]
    finish_reason: str

    @property
    def text(self) -> str:
        return "".join(self.tokens)

    @property
    def token_count(self) -> int:
        return len(self.tokens) + sum(1 + len(call.arguments) for call in self.calls)


def compose(persona: Persona, asked: Asked, chance: Random) -> tuple[Choice, ...]:
    """All choices of one answer; the same question and chance give the same answer."""
    called = called_tools(asked)
    limit = min(asked.max_tokens or persona.max_output_tokens, persona.max_output_tokens)
    if called:
        return tuple(_calling(called, asked, chance) for _ in range(asked.choices))
    return tuple(_telling(persona, asked, chance, limit) for _ in range(asked.choices))


def called_tools(asked: Asked) -> tuple[Tool, ...]:
    """Which tools the model calls.

    One that is forced; one or more when `required`; on `auto` those whose name the user mentions,
    or else the one whose description shares most words with a request to do something. After a
    tool's result, `auto` answers in text.
    """
    if not asked.tools or asked.tool_choice == "none":
        return ()
    if asked.forced_tool is not None:
        return tuple(tool for tool in asked.tools if tool.name == asked.forced_tool)[:1]
    required = asked.tool_choice == "required"
    if asked.answers_tool and not required:
        return ()
    mentioned = [tool for tool in asked.tools if _mentions(asked.topic, tool)]
    if mentioned:
        return tuple(mentioned[: MOST_CALLS if asked.parallel_tools else 1])
    related = max(asked.tools, key=lambda tool: _kinship(asked.topic, tool))
    wanted = bool(_ASKS_FOR_TOOL.search(asked.topic)) and _kinship(asked.topic, related) > 0
    return (related,) if required or wanted else ()


def in_tokens(text: str) -> tuple[str, ...]:
    """Cut text into parts of a few characters that join to it again."""
    return tuple(_TOKEN.findall(text))


def _mentions(topic: str, tool: Tool) -> bool:
    said = topic.lower()
    return tool.name.lower() in said or tool.name.lower().replace("_", " ") in said


def _kinship(topic: str, tool: Tool) -> int:
    known = set(_WORD.findall(f"{tool.name.replace('_', ' ')} {tool.description}".lower()))
    return len(known & set(_WORD.findall(topic.lower())))


def _calling(called: tuple[Tool, ...], asked: Asked, chance: Random) -> Choice:
    words = " ".join(wording.topic_words(asked))
    calls = tuple(
        ToolCall(
            id=f"call_{chance.getrandbits(96):024x}",
            name=tool.name,
            arguments=in_tokens(_json(instance(tool.parameters or {"type": "object"}, words))),
        )
        for tool in called
    )
    # OpenAI ends with `stop`, not `tool_calls`, when the caller named the function.
    return Choice((), calls, "stop" if asked.forced_tool else "tool_calls")


def _telling(persona: Persona, asked: Asked, chance: Random, limit: int) -> Choice:
    text = _structured(persona, asked)
    if text is None:
        length = chance.lognormvariate(math.log(_MEDIAN_TOKENS), _SIGMA)
        chars = 4 * min(max(int(length), _FEWEST), _MOST)
        text = wording.prose(persona, asked, chance, chars)
    ends = [at for at in (text.find(stop) for stop in asked.stop) if at >= 0]
    tokens = in_tokens(text[: min(ends)] if ends else text)
    if len(tokens) > limit:
        return Choice(tokens[:limit], (), "length")
    return Choice(tokens, (), "stop")


def _structured(persona: Persona, asked: Asked) -> str | None:
    words = wording.topic_words(asked)
    if asked.schema is not None:
        return _json(instance(asked.schema, " ".join(words)))
    if asked.json_object:
        return _json({"simulated": True, "model": persona.name, "topics": words})
    return None


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
