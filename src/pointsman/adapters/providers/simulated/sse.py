"""How does OpenAI write an answer, whole and as a stream of events?"""

from __future__ import annotations

from itertools import zip_longest
from typing import Any, NamedTuple

import msgspec

from pointsman.adapters.providers.simulated.answers import Choice, ToolCall
from pointsman.core.fleet import Usage

DONE = b"data: [DONE]\n\n"

_encode = msgspec.json.encode


class Step(NamedTuple):
    """One token of a choice on its way: text, or else a delta already encoded."""

    choice: int
    text: str = ""
    delta: bytes = b""


class Head(NamedTuple):
    """What stands the same in every event of one answer. `created` in seconds of the epoch."""

    id: str
    created: int
    model: str
    with_usage: bool = False


def steps(choices: tuple[Choice, ...]) -> list[Step]:
    """The tokens of all choices in the order in which they leave: in turn, token by token."""
    rows = [_steps_of(number, choice) for number, choice in enumerate(choices)]
    if len(rows) == 1:
        return rows[0]
    return [step for row in zip_longest(*rows) for step in row if step is not None]


def usage_json(usage: Usage) -> bytes:
    """The `usage` object as OpenAI writes it."""
    return _encode(_usage(usage))


class Writer:
    """Writes the events of one answer; `head` goes into every one of them."""

    def __init__(self, head: Head) -> None:
        opening = {
            "id": head.id,
            "object": "chat.completion.chunk",
            "created": head.created,
            "model": head.model,
            "service_tier": "default",
            "system_fingerprint": "fp_simulated",
        }
        self._opening = b"data: " + _encode(opening)[:-1] + b","
        self._closing = b',"usage":null}\n\n' if head.with_usage else b"}\n\n"

    def roles(self, choices: tuple[Choice, ...]) -> bytes:
        """The first event of every choice."""
        events = []
        for number, choice in enumerate(choices):
            content = None if choice.calls else ""
            delta = {"role": "assistant", "content": content, "refusal": None}
            events.append(self._delta(number, _encode(delta)))
        return b"".join(events)

    def step(self, step: Step) -> bytes:
        return self._delta(step.choice, step.delta or b'{"content":%b}' % _encode(step.text))

    def steps(self, due: list[Step]) -> bytes:
        """The events of tokens that are due together; the text of one choice shares an event."""
        if len(due) == 1:
            return self.step(due[0])
        events = []
        texts: dict[int, list[str]] = {}
        for step in due:
            if step.delta:
                events.append(self.step(step))
            else:
                texts.setdefault(step.choice, []).append(step.text)
        events += [self.step(Step(number, "".join(parts))) for number, parts in texts.items()]
        return b"".join(events)

    def finishes(self, choices: tuple[Choice, ...]) -> bytes:
        """The event that ends each choice."""
        return b"".join(
            self._event(number, b"{}", _encode(choice.finish_reason))
            for number, choice in enumerate(choices)
        )

    def usage(self, usage: Usage) -> bytes:
        """The event with the usage and no choice."""
        return self._opening + b'"choices":[],"usage":' + usage_json(usage) + b"}\n\n"

    def _delta(self, choice: int, delta: bytes) -> bytes:
        return self._event(choice, delta, b"null")

    def _event(self, choice: int, delta: bytes, finish_reason: bytes) -> bytes:
        return b'%b"choices":[{"index":%d,"delta":%b,"logprobs":null,"finish_reason":%b}]%b' % (
            self._opening,
            choice,
            delta,
            finish_reason,
            self._closing,
        )


def completion(head: Head, choices: tuple[Choice, ...], usage: Usage) -> bytes:
    """The whole answer as one document."""
    return _encode(
        {
            "id": head.id,
            "object": "chat.completion",
            "created": head.created,
            "model": head.model,
            "choices": [
                {
                    "index": number,
                    "message": _message(choice),
                    "logprobs": None,
                    "finish_reason": choice.finish_reason,
                }
                for number, choice in enumerate(choices)
            ],
            "usage": _usage(usage),
            "service_tier": "default",
            "system_fingerprint": "fp_simulated",
        }
    )


def _steps_of(number: int, choice: Choice) -> list[Step]:
    steps = [Step(number, text) for text in choice.tokens]
    for index, call in enumerate(choice.calls):
        steps.append(Step(number, delta=_call_start(index, call)))
        steps += [Step(number, delta=_call_part(index, part)) for part in call.arguments]
    return steps


def _call_start(index: int, call: ToolCall) -> bytes:
    function = {"name": call.name, "arguments": ""}
    return _encode(
        {"tool_calls": [{"index": index, "id": call.id, "type": "function", "function": function}]}
    )


def _call_part(index: int, part: str) -> bytes:
    return _encode({"tool_calls": [{"index": index, "function": {"arguments": part}}]})


def _message(choice: Choice) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": None if choice.calls else choice.text,
        "refusal": None,
        "annotations": [],
    }
    if choice.calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": "".join(call.arguments)},
            }
            for call in choice.calls
        ]
    return message


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
