"""Which bytes go over the wire in a measurement, and how is an answer known to be whole?"""

from __future__ import annotations

import json
from collections.abc import Mapping

MARK = "points-are-set"
"""Stands in every plain answer; a gateway that invents, caches or cuts an answer loses it."""

CHUNKS = 20
PLAIN_BYTES = 970
PROMPT_BYTES = 1900

_WORDS = "A signal box holds the levers that set the points for each train on its way. "


def plain_answer() -> bytes:
    """A chat completion of `PLAIN_BYTES` bytes."""
    answer = {
        "id": "chatcmpl-bench",
        "object": "chat.completion",
        "created": 1_760_000_000,
        "model": "bench-upstream",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": MARK},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 450, "completion_tokens": 150, "total_tokens": 600},
    }
    missing = PLAIN_BYTES - len(json.dumps(answer))
    padding = (_WORDS * (missing // len(_WORDS) + 1))[: missing - 1]
    answer["choices"][0]["message"]["content"] = f"{MARK} {padding}"  # type: ignore[index]
    return json.dumps(answer).encode()


def _event(document: Mapping[str, object]) -> bytes:
    return b"data: " + json.dumps(document).encode() + b"\n\n"


def stream_events(usage: bool) -> list[bytes]:
    """The `CHUNKS` events of a streamed answer, then its usage and its end as one."""
    head = {
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "created": 1_760_000_000,
        "model": "bench-upstream",
        "system_fingerprint": "fp_bench",
    }

    def chunk(delta: Mapping[str, str], finish: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _event({**head, "choices": [choice]})

    events = [chunk({"role": "assistant", "content": "tok00 "}, None)]
    events += [chunk({"content": f"tok{n:02} "}, None) for n in range(1, CHUNKS - 1)]
    events.append(chunk({}, "stop"))
    spent = {"prompt_tokens": 450, "completion_tokens": 19, "total_tokens": 469}
    tail = _event({**head, "choices": [], "usage": spent}) if usage else b""
    return [*events, tail + b"data: [DONE]\n\n"]


def request_body(model: str, stream: bool) -> bytes:
    """A chat of `PROMPT_BYTES` bytes and a little; the usage of a stream is asked for."""
    body: dict[str, object] = {
        "model": model,
        "messages": [
            {"role": "system", "content": "You answer in one sentence."},
            {"role": "user", "content": (_WORDS * 30)[: PROMPT_BYTES - 180]},
        ],
        "temperature": 0.2,
        "max_tokens": 256,
    }
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return json.dumps(body).encode()


def fault(status: int, body: bytes, stream: bool) -> str | None:
    """What is wrong with an answer, or None when it is whole."""
    if status != 200:
        return f"status {status}"
    if not stream:
        return None if MARK.encode() in body else "the answer is not the upstream's"
    if not body.rstrip().endswith(b"data: [DONE]"):
        return "the stream has no end"
    return None if all(b"tok%02d " % n in body for n in range(CHUNKS - 1)) else "tokens are missing"
