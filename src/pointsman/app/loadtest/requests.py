"""What is asked, by whom, and in which proportions?"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from pointsman.app.prompt_lines import (
    Line,
    max_tokens_in,
    messages_in,
    read_lines,
    request_in,
    text_in,
)

FIELDS = frozenset({"prompt", "messages", "agent", "model", "max_tokens", "request"})

AGENT_HEADER = "x-pointsman-agent"

_TOPICS = (
    "Explain in two sentences why the sky is blue.",
    "Write a Python function that returns the n-th Fibonacci number.",
    "What is 17 * 23? Answer with the number only.",
    "Summarise: a router sends each request to the model that suits it, and learns from outcomes.",
    "Translate into French: the train leaves at nine.",
)
"""Asked where no file says what."""


class Ask(NamedTuple):
    """A request that may be sent again and again. `agent` and `model` are empty where not said."""

    messages: Sequence[Mapping[str, Any]]
    agent: str = ""
    model: str = ""
    fields: Mapping[str, Any] = {}


class Request(NamedTuple):
    """A request ready to be sent."""

    body: bytes
    headers: Mapping[str, str]
    streamed: bool
    agent: str


def read_asks(path: Path) -> tuple[Ask, ...]:
    """The requests in a file of JSON lines. Raises `ConfigError` with every mistake."""
    return read_lines(path, FIELDS, _ask)


def usual_asks() -> tuple[Ask, ...]:
    return tuple(Ask(({"role": "user", "content": topic},)) for topic in _TOPICS)


def _ask(_number: int, given: Line) -> Ask:
    tokens = max_tokens_in(given)
    fields = dict(request_in(given) or {})
    if tokens is not None:
        fields["max_tokens"] = tokens
    return Ask(messages_in(given), text_in(given, "agent"), text_in(given, "model"), fields)


class Traffic:
    """Draws requests: a prompt, who asks it, whether it is streamed. The same seed, the same ones.

    `agents` has the weight of each; a line that names its agent keeps it. `streamed` is the share
    of streams in [0, 1]. `fields` are sent where a line does not say otherwise.
    """

    def __init__(
        self,
        asks: Sequence[Ask],
        random: Random,
        *,
        model: str = "auto",
        agents: Mapping[str, float] | None = None,
        streamed: float = 0.0,
        fields: Mapping[str, Any] | None = None,
    ) -> None:
        self._asks = asks
        self._random = random
        self._model = model
        self._agents, self._weights = list(agents or {}), list((agents or {}).values())
        self._streamed = streamed
        self._fields = dict(fields or {})

    def draw(self) -> Request:
        ask = self._random.choice(self._asks)
        agent = ask.agent
        if not agent and self._agents:
            (agent,) = self._random.choices(self._agents, self._weights)
        streamed = self._random.random() < self._streamed
        body = {
            **self._fields,
            **ask.fields,
            "model": ask.model or self._model,
            "messages": ask.messages,
        }
        if streamed:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        headers = {AGENT_HEADER: agent} if agent else {}
        return Request(json.dumps(body).encode(), headers, streamed, agent)
