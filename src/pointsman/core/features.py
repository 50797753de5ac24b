"""What does a request need of a model, judged by its shape?

Nothing of its text is kept, only counts and the names of what it uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from pointsman.core.decision import Task
from pointsman.core.task_type import inferred_type

BYTES_PER_TOKEN = 4
"""UTF-8 bytes per token: 4 for English; Arabic and CJK take 2 and 3 bytes a letter, which fits."""

TOKENS_PER_MESSAGE = 4
TOKENS_PER_IMAGE = 850
"""A high-detail image of 1024 × 1024 costs 765 tokens at OpenAI, and up to 1,105 when wider."""
TOKENS_PER_ATTACHMENT = 1500

NEED_OF_PART = {
    "image_url": "vision",
    "input_audio": "audio_input",
    "file": "file_input",
    "video_url": "video_input",
}
"""Which capability a content part of a type calls for."""

ALWAYS_TAKEN = frozenset({"model", "messages", "stream", "stream_options", "user", "metadata"})
"""Fields that every upstream takes, so they are not worth remembering with a request."""


MAX_PARAMETERS = 64
"""Most parameters remembered with a request; no model takes half as many."""

_USUAL = frozenset(
    {
        "max_tokens",
        "max_completion_tokens",
        "temperature",
        "top_p",
        "n",
        "stop",
        "seed",
        "presence_penalty",
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "top_logprobs",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "response_format",
        "reasoning_effort",
        "service_tier",
        "store",
        "prompt_cache_key",
    }
)
"""Parameters that need no looking at: most requests have no others."""
_KNOWN = _USUAL | ALWAYS_TAKEN

_SOUND_NAME = re.compile(r"[A-Za-z_][\w.-]{0,63}", re.ASCII).fullmatch


class Shape(NamedTuple):
    """The countable facts of a request: bytes of text, messages, and content parts by type."""

    text_bytes: int = 0
    messages: int = 0
    parts: frozenset[str] = frozenset()
    images: int = 0
    attachments: int = 0
    tool_bytes: int = 0
    uses_tools: bool = False
    wants_schema: bool = False
    wants_json: bool = False
    wants_reasoning: bool = False
    in_tool_loop: bool = False


class Wishes(NamedTuple):
    """What the caller says of its request beyond OpenAI's own fields."""

    type: str | None = None
    requires: frozenset[str] = frozenset()
    prefers: frozenset[str] = frozenset()
    min_context: int = 0
    max_cost_usd: float | None = None


def task_of(
    shape: Shape,
    wishes: Wishes,
    *,
    max_output_tokens: int | None,
    fields: Iterable[str],
    stream: bool = False,
) -> Task:
    """The task: an estimate of its size, and the capabilities it cannot or would not do without."""
    return Task(  # by position: names would double what this takes of every request
        wishes.type,
        estimated_tokens(shape),
        max_output_tokens,
        _needs(shape, wishes),
        _preferences(shape, wishes),
        wishes.min_context,
        parameters(fields),
        stream,
        shape.in_tool_loop,
        None,
        wishes.max_cost_usd,
    )


def _needs(shape: Shape, wishes: Wishes) -> frozenset[str]:
    if not (shape.parts or shape.uses_tools or shape.wants_schema):
        return wishes.requires  # Most ask for nothing, and a set of their own is 216 bytes.
    needs = {NEED_OF_PART[part] for part in shape.parts if part in NEED_OF_PART}
    if shape.uses_tools:
        needs.add("function_calling")
    if shape.wants_schema:
        needs.add("structured_output")
    return wishes.requires.union(needs)


def _preferences(shape: Shape, wishes: Wishes) -> frozenset[str]:
    if not (shape.wants_json or shape.wants_reasoning):
        return wishes.prefers
    prefers = set(wishes.prefers)
    if shape.wants_json:
        prefers.add("structured_output")
    if shape.wants_reasoning:
        prefers.add("reasoning")
    return frozenset(prefers)


class TypesInferred:
    """The task types that words suggest. The same words come again with every turn of a tool loop,
    so what was inferred lately is remembered, and of the words a hash.
    """

    def __init__(self, most: int = 4096) -> None:
        self._most = most
        self._known: dict[int, tuple[str, float] | None] = {}

    def typed(self, task: Task, words: str) -> Task:
        """The task with the type that its words suggest, if any is likely enough."""
        key = hash(words)
        try:
            found = self._known[key]
        except KeyError:
            found = self._known[key] = _inferred(words)
            if len(self._known) > self._most:
                del self._known[next(iter(self._known))]
        # By place, at a third of what `_replace` takes of every request.
        return Task._make((found[0], *task[1:9], found[1], *task[10:])) if found else task


def _inferred(words: str) -> tuple[str, float] | None:
    guess = inferred_type(words)
    return None if guess.type is None else (guess.type, guess.probability)


def parameters(fields: Iterable[str]) -> frozenset[str]:
    """The names of fields that a model may not take.

    What is not a name is no parameter of any model, and passes unremembered.
    """
    given = tuple(fields)
    if _KNOWN.issuperset(given):
        return _known_parameters(given)
    names = frozenset(filter(_SOUND_NAME, given)) - ALWAYS_TAKEN
    return names if len(names) <= MAX_PARAMETERS else frozenset(sorted(names)[:MAX_PARAMETERS])


@lru_cache(maxsize=1024)
def _known_parameters(fields: tuple[str, ...]) -> frozenset[str]:
    """Requests look alike, so those that do share the set: the last thousand are kept to be shown.

    Of known fields alone, since what callers make up must not be kept.
    """
    return frozenset(fields) - ALWAYS_TAKEN


def estimated_tokens(shape: Shape) -> int:
    """Prompt tokens, estimated from bytes: good to some 20 %, and free of any tokenizer."""
    return (
        (shape.text_bytes + shape.tool_bytes) // BYTES_PER_TOKEN
        + shape.messages * TOKENS_PER_MESSAGE
        + shape.images * TOKENS_PER_IMAGE
        + shape.attachments * TOKENS_PER_ATTACHMENT
    )
