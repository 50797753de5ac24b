"""What does a stream say of usage, to a caller that asked for it?

At its end one chunk without choices, and the cost of all attempts beside the usage; in every chunk
before, that it is still unknown. An explanation, where it is wanted, stands in that last one, too.
The same for every surface on which answers are streamed.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from pointsman.adapters.http.control.decision_bodies import DecisionBody
from pointsman.core.fleet import Usage
from pointsman.engine.serve import Served


class _Head(msgspec.Struct):
    """What every chunk of a stream repeats."""

    id: str = ""
    created: int = 0
    service_tier: Any = msgspec.UNSET
    system_fingerprint: Any = msgspec.UNSET


_EVENT_END = b"\n\n"
_LAST_BRACE = b"}" + _EVENT_END
_UNKNOWN_YET = b',"usage":null' + _LAST_BRACE

_head = msgspec.json.Decoder(_Head)


def with_usage_unknown(events: bytes) -> bytes:
    """The same chunks, each with `"usage": null`, as OpenAI has it where usage was asked for.

    `events` are whole, hold no usage, and each is a JSON object on one line.
    """
    if events.endswith(_LAST_BRACE) and events.find(_EVENT_END) == len(events) - len(_EVENT_END):
        return events[: -len(_LAST_BRACE)] + _UNKNOWN_YET  # One chunk, as nearly always.
    if events.count(_LAST_BRACE) != events.count(_EVENT_END):  # Some end in spaces.
        events = _EVENT_END.join([event.rstrip() for event in events.split(_EVENT_END)])
    return events.replace(_LAST_BRACE, _UNKNOWN_YET)


def last_chunk(
    served: Served, first: bytes, *, include_usage: bool, explanation: DecisionBody | None = None
) -> bytes:
    """The chunk as JSON, once the answer has ended. `first` are the first bytes of the stream.

    What the upstream says of usage is passed on as it is.
    """
    head = _head_of(first)
    outcome, given = served.begun.outcome, served.begun.usage_json
    estimate = _usage(outcome.usage) if outcome else None
    cost_usd = served.cost_usd
    chunk: dict[str, Any] = {
        "id": head.id,
        "object": "chat.completion.chunk",
        "created": head.created,
        "model": served.model.id,
        **_repeated(head),
        "choices": [],
    }
    if include_usage:
        chunk["usage"] = msgspec.Raw(given) if given else estimate
    said: dict[str, Any] = {
        "decision": served.decision.id,
        "cost_usd": None if cost_usd is None else float(cost_usd),
    }
    if explanation is not None:
        said["explanation"] = explanation
    chunk["pointsman"] = said
    return msgspec.json.encode(chunk)


def _repeated(head: _Head) -> dict[str, Any]:
    """What some houses say in every chunk."""
    said = {"service_tier": head.service_tier, "system_fingerprint": head.system_fingerprint}
    return {name: value for name, value in said.items() if value is not msgspec.UNSET}


def _head_of(data: bytes) -> _Head:
    """Id and time of the stream, from the first event of its first piece."""
    event = data[data.find(b"{") : data.find(b"\n\n")]
    try:
        return _head.decode(event)
    except msgspec.DecodeError:
        pass  # half a character in it, which the standard library reads
    try:
        return msgspec.convert(json.loads(event), _Head)
    except ValueError:
        return _Head()


def _usage(usage: Usage | None) -> dict[str, Any] | None:
    """Our own estimate, marked as one."""
    if usage is None:
        return None
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "estimated": usage.estimated,
    }
