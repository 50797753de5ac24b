"""How does an answer that has begun reach the caller?

Plain answers go out whole. Streams follow OpenAI's grammar: chunks, then one usage chunk if it was
asked for (the others say `"usage": null` then), then `[DONE]`. After a failure there is an error
event instead, and no `[DONE]`: an answer that was cut never looks complete.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache, partial

from pointsman.adapters.http.exchange import Exchange
from pointsman.adapters.http.explanation import explanation
from pointsman.adapters.http.replies import JSON, Header, error_body, lines_of, surface_of
from pointsman.adapters.http.usage_chunk import last_chunk, with_usage_unknown
from pointsman.core.decision import Outcome, total_cost_usd
from pointsman.core.errors import Blame, UpstreamError
from pointsman.engine.serve import Served

DONE = b"data: [DONE]\n\n"

_STREAM_LINES = lines_of(
    [
        (b"content-type", b"text/event-stream; charset=utf-8"),
        (b"cache-control", b"no-cache"),
        (b"x-accel-buffering", b"no"),
    ]
)
_JSON_LINE = lines_of([JSON])
_FACTS = (
    b"x-pointsman-decision: %b\r\n"
    b"x-pointsman-model: %b\r\n"
    b"x-pointsman-attempts: %d\r\n"
    b"x-pointsman-overhead-ms: %.3f\r\n"
)


def facts_of(served: Served, overhead_s: float) -> bytes:
    """The headers that say who answers, and what it took to get there, as they are sent."""
    model = served.model
    facts = _FACTS % (
        served.decision.id.encode(),
        _printable(model.id),
        len(served.earlier) + 1,
        overhead_s * 1000,
    )
    claimed = served.begun.upstream_model
    if claimed is not None and claimed != model.upstream_name:
        # What the upstream says it served, where that is not what it was asked for.
        facts += b"x-pointsman-upstream-model: %b\r\n" % _printable(claimed)
    return facts


def facts_of_failure(failures: Sequence[tuple[Outcome, UpstreamError]]) -> tuple[Header, ...]:
    """The same of a request that nobody could answer: who was asked last, and what all cost."""
    outcomes = [outcome for outcome, _ in failures]
    return (
        (b"x-pointsman-decision", outcomes[-1].decision_id.encode()),
        (b"x-pointsman-model", _printable(outcomes[-1].model_id)),
        (b"x-pointsman-attempts", b"%d" % len(outcomes)),
        (b"x-pointsman-cost", _text(total_cost_usd(outcomes)).encode()),
    )


def plain_lines(served: Served, facts: bytes) -> bytes:
    """The headers of a whole document, with what it cost."""
    return b"%b%bx-pointsman-cost: %b\r\n" % (_JSON_LINE, facts, _text(served.cost_usd).encode())


async def send_stream(
    exchange: Exchange, served: Served, facts: bytes, *, include_usage: bool, explain: str | None
) -> bytes:
    """All pieces of a stream as they come; returns the last, which is still to be sent.

    `explain` is the version of the configuration in force where an explanation is wanted, too.
    A failure of the upstream is told in the last of them, and so is that we had to stop; only the
    caller's own leaving, and being cancelled, are raised.
    """
    begun = served.begun
    first = await begun.read()
    sent = first or b""
    passed_on = exchange.more_now
    if include_usage:
        sent = with_usage_unknown(sent)
        passed_on = partial(_with_usage_unknown_now, exchange)
    await exchange.begin(_STREAM_LINES + facts, sent)
    try:
        while (data := await begun.read(passed_on)) is not None:
            await exchange.more(with_usage_unknown(data) if include_usage else data)
    except UpstreamError as error:
        return _error_event(error)
    except asyncio.CancelledError:
        if not exchange.left:
            exchange.break_off(_STOPPED)
        raise
    if first is None or not (include_usage or explain):
        return DONE
    why = explanation(served, explain) if explain else None
    last = last_chunk(served, first, include_usage=include_usage, explanation=why)
    return b"data: " + last + b"\n\n" + DONE


def _with_usage_unknown_now(exchange: Exchange, data: bytes) -> bool:
    return exchange.more_now(with_usage_unknown(data))


def _error_event(error: UpstreamError) -> bytes:
    """What broke off; the upstream's own words only where they are meant for the caller."""
    _, kind, code = surface_of(error)
    callers = error.kind.blames is Blame.CALLER
    return _broken_off(error.message if callers else error.kind.code.replace("_", " "), kind, code)


def _broken_off(words: str, kind: str, code: str) -> bytes:
    return b"data: " + error_body(f"The answer broke off: {words}.", kind, code=code) + b"\n\n"


_STOPPED = _broken_off("the gateway has stopped", "server_error", "shutting_down")


def _text(cost: Decimal | None) -> str:
    return "unknown" if cost is None else f"{cost.normalize():f}"


@lru_cache(maxsize=1024)
def _printable(name: str) -> bytes:
    """A header value; what HTTP cannot carry is written as UTF-8 in percent signs."""
    return b"".join(
        byte if 0x20 < byte[0] < 0x7F else b"%%%02X" % byte[0]
        for byte in (bytes([value]) for value in name.encode())
    )
