"""How does a contract test ask a provider, and read what it gives?

What the upstream does is said in `Order`s of the simulated fleet, which a simulated provider shows
itself and an HTTP provider meets at a simulator on the loopback.
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Protocol

import msgspec
import pytest

from pointsman.adapters.providers.simulated.faults import Order
from pointsman.core.errors import UpstreamError
from pointsman.core.fleet import Model
from pointsman.engine.ports import Answer, Call, Piece, Provider


class Upstream(Protocol):
    """An implementation under test, and the means to say what happens behind it.

    `model` can use tools and has a context window of at most 100,000 tokens.
    """

    @property
    def provider(self) -> Provider: ...

    @property
    def model(self) -> Model: ...

    def show(self, order: Order) -> None:
        """The next request shows this fault."""

    def in_flight(self) -> int:
        """How many requests to the model are still being served upstream."""


class RealClock:
    """The time of the machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def call(model: Model, *, stream: bool, text: str = "Tell me of trains", **more: Any) -> Call:
    body = {"model": "whatever", "messages": [{"role": "user", "content": text}], **more}
    if stream:
        body["stream"] = True
    fields = {name: msgspec.json.encode(value) for name, value in body.items()}
    return Call(model, fields, stream=stream, request_id="req_contract", connect_s=5.0)


async def pieces_of(answer: Answer, into: list[Piece] | None = None) -> list[Piece]:
    pieces: list[Piece] = [] if into is None else into
    while (piece := await answer.read()) is not None:
        pieces.append(piece)
    return pieces


def events_in(data: bytes) -> list[dict[str, Any]]:
    """The documents in whole server-sent events; fails when an event is not whole."""
    assert data == b"" or data.endswith(b"\n\n")
    lines = [part for part in data.split(b"\n\n") if part]
    assert all(line.startswith(b"data: ") for line in lines)
    return [json.loads(line.removeprefix(b"data: ")) for line in lines]


def finish_reasons(pieces: list[Piece]) -> list[str]:
    events = [event for piece in pieces for event in events_in(piece.data)]
    reasons = [choice.get("finish_reason") for event in events for choice in event["choices"]]
    return [reason for reason in reasons if reason is not None]


async def answered(upstream: Upstream, stream: bool, into: list[Piece]) -> None:
    """One call read to its end; every piece goes into `into` as it comes."""
    answer = await upstream.provider.open(call(upstream.model, stream=stream))
    try:
        await pieces_of(answer, into)
    finally:
        await answer.close()


async def failure_of(upstream: Upstream, order: Order, *, stream: bool) -> UpstreamError:
    """How an answer fails, be it at `open` or at `read`; what it showed holds no end."""
    upstream.show(order)
    shown: list[Piece] = []
    with pytest.raises(UpstreamError) as caught:
        await answered(upstream, stream, shown)
    assert not stream or not finish_reasons(shown)
    return caught.value


async def nothing_in_flight(upstream: Upstream) -> None:
    """Returns once the upstream serves nothing any more; a network needs a moment for it."""
    async with asyncio.timeout(5):
        while upstream.in_flight():  # noqa: ASYNC110 - the server may run in another thread
            await asyncio.sleep(0.002)
