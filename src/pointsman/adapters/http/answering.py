"""How does an answer that has begun reach the caller?

Plain answers go out whole. Streams follow OpenAI's grammar: chunks, then one usage chunk if it was
asked for, then `[DONE]`. After a failure there is an error event instead, and no `[DONE]`: an
answer that was cut never looks complete.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

from pointsman.adapters.http.exchange import Exchange
from pointsman.adapters.http.replies import JSON, Header, error_body, surface_of
from pointsman.adapters.http.usage_chunk import usage_chunk
from pointsman.core.errors import Blame, UpstreamError
from pointsman.engine.serve import Served

DONE = b"data: [DONE]\n\n"
EVENT_STREAM: tuple[Header, ...] = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)


def facts_of(served: Served, overhead_s: float) -> tuple[Header, ...]:
    """The headers that say who answers, and what it took to get there."""
    facts: tuple[Header, ...] = (
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


async def send_plain(
    exchange: Exchange, body: bytes, served: Served, facts: tuple[Header, ...]
) -> None:
    """The whole document, with what it cost."""
    cost = _text(served.cost_usd)
    await exchange.answer(200, (JSON, *facts, (b"x-pointsman-cost", cost.encode())), body)


async def send_stream(
    exchange: Exchange, served: Served, facts: tuple[Header, ...], *, include_usage: bool
) -> None:
    """All pieces of a stream as they come, to its end.

    A failure of the upstream is told in the last of them; only the caller's own leaving is raised.
    """
    begun = served.begun
    first = await begun.read()
    await exchange.begin((*EVENT_STREAM, *facts), first or b"")
    try:
        while (data := await begun.read()) is not None:
            await exchange.more(data)
    except UpstreamError as error:
        await exchange.end(_error_event(error))
        return
    if include_usage and first is not None:
        await exchange.end(b"data: " + usage_chunk(served, first) + b"\n\n" + DONE)
    else:
        await exchange.end(DONE)


def _error_event(error: UpstreamError) -> bytes:
    """What broke off; the upstream's own words only where they are meant for the caller."""
    _, kind, code = surface_of(error)
    callers = error.kind.blames is Blame.CALLER
    words = error.message if callers else error.kind.code.replace("_", " ")
    return b"data: " + error_body(f"The answer broke off: {words}.", kind, code=code) + b"\n\n"


def _text(cost: Decimal | None) -> str:
    return "unknown" if cost is None else f"{cost.normalize():f}"


@lru_cache(maxsize=1024)
def _printable(name: str) -> bytes:
    """A header value; what HTTP cannot carry is written as UTF-8 in percent signs."""
    return b"".join(
        byte if 0x20 < byte[0] < 0x7F else b"%%%02X" % byte[0]
        for byte in (bytes([value]) for value in name.encode())
    )
