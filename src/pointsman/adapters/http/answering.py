"""How does an answer that has begun reach the caller?

Plain answers go out whole. Streams follow OpenAI's grammar: chunks, then one usage chunk if it was
asked for, then `[DONE]`. After a failure there is an error event instead, and no `[DONE]`: an
answer that was cut never looks complete.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

from pointsman.adapters.http.asgi import Send, send_whole
from pointsman.adapters.http.replies import JSON, Header, error_body, surface_of
from pointsman.core.decision import Outcome
from pointsman.core.errors import UpstreamError
from pointsman.core.fleet import Usage
from pointsman.engine.serve import Served

DONE = b"data: [DONE]\n\n"
EVENT_STREAM: tuple[Header, ...] = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)


class _Head(msgspec.Struct):
    """What every chunk of a stream repeats."""

    id: str = ""
    created: int = 0


_head = msgspec.json.Decoder(_Head)


def facts_of(served: Served, overhead_s: float) -> tuple[Header, ...]:
    """The headers that say who answers, and what it took to get there."""
    facts: tuple[Header, ...] = (
        (b"x-request-id", served.decision.request_id.encode()),
        (b"x-pointsman-decision", served.decision.id.encode()),
        (b"x-pointsman-model", _printable(served.model.id)),
        (b"x-pointsman-attempts", str(len(served.earlier) + 1).encode()),
        (b"x-pointsman-overhead-ms", b"%.3f" % (overhead_s * 1000)),
    )
    claimed = served.begun.upstream_model
    if claimed is not None and claimed != served.model.upstream_name:
        # What the upstream says it served, where that is not what it was asked for.
        facts += ((b"x-pointsman-upstream-model", _printable(claimed)),)
    return facts


async def send_plain(send: Send, body: bytes, served: Served, facts: tuple[Header, ...]) -> None:
    """The whole document, with what it cost."""
    cost = _text(served.cost_usd)
    await send_whole(send, 200, body, (JSON, *facts, (b"x-pointsman-cost", cost.encode())))


async def send_stream(
    send: Send, served: Served, facts: tuple[Header, ...], *, include_usage: bool
) -> bytes:
    """All pieces of a stream as they come. Returns the last bytes, for the caller to send.

    A failure of the upstream is told in those bytes; only the caller's own leaving is raised.
    """
    start = {"type": "http.response.start", "status": 200, "headers": [*EVENT_STREAM, *facts]}
    await send(start)
    begun = served.begun
    first = data = await begun.read()
    try:
        while data is not None:
            await send({"type": "http.response.body", "body": data, "more_body": True})
            data = await begun.read()
    except UpstreamError as error:
        return _error_event(error)
    if include_usage and begun.outcome is not None and first is not None:
        return _usage_event(served, begun.outcome, first) + DONE
    return DONE


def _error_event(error: UpstreamError) -> bytes:
    _, kind, code = surface_of(error)
    message = f"The answer broke off: {error}"
    return b"data: " + error_body(message, kind, code=code) + b"\n\n"


def _usage_event(served: Served, outcome: Outcome, first: bytes) -> bytes:
    """The one chunk without choices; what the upstream says of usage is passed on as it is."""
    head = _head_of(first)
    given = served.begun.usage_json
    chunk = {
        "id": head.id,
        "object": "chat.completion.chunk",
        "created": head.created,
        "model": served.model.id,
        "choices": [],
        "usage": msgspec.Raw(given) if given else _usage(outcome.usage),
        "pointsman": {"decision": served.decision.id, "cost_usd": _number(served.cost_usd)},
    }
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"


def _head_of(data: bytes) -> _Head:
    """Id and time of the stream, from the first event of its first piece."""
    event = data[data.find(b"{") : data.find(b"\n\n")]
    try:
        return _head.decode(event)
    except msgspec.DecodeError:
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


def _text(cost: Decimal | None) -> str:
    return "unknown" if cost is None else f"{cost.normalize():f}"


def _number(cost: Decimal | None) -> float | None:
    return None if cost is None else float(cost)


@lru_cache(maxsize=1024)
def _printable(name: str) -> bytes:
    """A header value; what HTTP cannot carry is written as UTF-8 in percent signs."""
    return b"".join(
        byte if 0x20 < byte[0] < 0x7F else b"%%%02X" % byte[0]
        for byte in (bytes([value]) for value in name.encode())
    )
