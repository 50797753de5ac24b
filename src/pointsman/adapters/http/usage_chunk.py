"""What does a stream say at its end, to a caller that asked for usage?

One chunk without choices, and the cost of all attempts beside the usage. The same for every
surface on which answers are streamed.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from pointsman.core.fleet import Usage
from pointsman.engine.serve import Served


class _Head(msgspec.Struct):
    """What every chunk of a stream repeats."""

    id: str = ""
    created: int = 0


_head = msgspec.json.Decoder(_Head)


def usage_chunk(served: Served, first: bytes) -> bytes:
    """The chunk as JSON, once the answer has ended. `first` are the first bytes of the stream.

    What the upstream says of usage is passed on as it is.
    """
    head = _head_of(first)
    outcome, given = served.begun.outcome, served.begun.usage_json
    estimate = _usage(outcome.usage) if outcome else None
    cost_usd = served.cost_usd
    chunk = {
        "id": head.id,
        "object": "chat.completion.chunk",
        "created": head.created,
        "model": served.model.id,
        "choices": [],
        "usage": msgspec.Raw(given) if given else estimate,
        "pointsman": {
            "decision": served.decision.id,
            "cost_usd": None if cost_usd is None else float(cost_usd),
        },
    }
    return msgspec.json.encode(chunk)


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
