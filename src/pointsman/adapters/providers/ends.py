"""How is the end of a choice taken off what the choice says along with it?"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from pointsman.adapters.providers.deltas import Choice

_HEAD = ("id", "object", "created", "model")
_REASONS = ("finish_reason", "native_finish_reason", "stop_reason")
"""OpenAI's, OpenRouter's and vLLM's: by any of them a client may take an answer for whole."""
_SAID = ("delta", "logprobs")
_NULL = msgspec.Raw(b"null")
_NOTHING = msgspec.Raw(b"{}")
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_CHOICES = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_encode = msgspec.json.encode


class End(NamedTuple):
    """Why a choice ended, and the chunk that says so and nothing else."""

    reason: str
    chunk: bytes


def index_of(choice: Choice) -> int:
    """Which choice it is; the first where nothing of use says so."""
    return choice.index if isinstance(choice.index, int) else 0


def reason_of(choice: Choice) -> str:
    """Why it ended, which it has: `stop` where the reason is no text."""
    return choice.finish_reason if isinstance(choice.finish_reason, str) else "stop"


def parted(chunk: bytes, choices: list[Choice]) -> tuple[bytes, dict[int, End]]:
    """The chunk without any reason to end, and by index the ends that it held.

    `choices` are those of the chunk.
    """
    document = _OBJECT.decode(chunk)
    head = {key: document[key] for key in _HEAD if key in document}
    raw = _CHOICES.decode(document["choices"])
    ends = {}
    for choice, fields in zip(choices, raw, strict=True):
        if choice.finish_reason:
            last = {key: value for key, value in fields.items() if key not in _SAID}
            ended = head | {"choices": [last | {"delta": _NOTHING}]}
            ends[index_of(choice)] = End(reason_of(choice), _encode(ended))
    going_on = [{k: _NULL if k in _REASONS else v for k, v in fields.items()} for fields in raw]
    return _encode(document | {"choices": going_on}), ends
