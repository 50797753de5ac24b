"""What does a chunk of a chat completion say?"""

from __future__ import annotations

from typing import Any

import msgspec

ABSENT = msgspec.Raw(b"")
PLAIN_STOPS = frozenset({"stop", "STOP", "eos", "end_turn"})
"""Finish reasons that claim a whole answer, so they need something said before them."""


class Said(msgspec.Struct):
    """A delta or a message. Nothing of it is trusted to have the documented type."""

    content: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    tool_calls: Any = None
    function_call: Any = None
    refusal: Any = None
    audio: Any = None
    reasoning_details: Any = None
    images: Any = None
    """OpenRouter"""
    annotations: Any = None


class Choice(msgspec.Struct):
    delta: Said | None = None
    finish_reason: Any = None
    index: Any = 0


class Chunk(msgspec.Struct):
    choices: list[Choice] | None = None
    id: Any = None
    model: Any = None
    created: Any = None
    usage: msgspec.Raw = ABSENT
    error: msgspec.Raw = ABSENT
    object: Any = None
    x_groq: msgspec.Raw = ABSENT


def chars_said(said: Said) -> int | None:
    """How many characters the model wrote here, None when there is nothing a caller wants.

    Reasoning and tool arguments count: they are billed. What has no characters counts as none.
    """
    content = said.content
    if not (
        said.tool_calls
        or said.reasoning_content
        or said.reasoning
        or said.refusal
        or said.function_call
        or said.audio
        or said.reasoning_details
        or said.images
        or said.annotations
    ):
        if not content:
            return None
        return len(content) if type(content) is str else 0
    texts = (content, said.reasoning_content or said.reasoning, said.refusal)
    return sum(len(text) for text in texts if isinstance(text, str)) + _arguments(said.tool_calls)


def _arguments(calls: Any) -> int:
    if not isinstance(calls, list):
        return 0
    functions = [call.get("function") for call in calls if isinstance(call, dict)]
    written = [each.get("arguments") for each in functions if isinstance(each, dict)]
    return sum(len(text) for text in written if isinstance(text, str))
