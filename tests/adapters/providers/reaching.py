"""How does a test reach the adapter through a socket?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from raw_upstream import (
    END,
    EVENTS,
    FixedClock,
    RawUpstream,
    Request,
    Script,
    Wire,
    chunk,
    documents_in,
    event,
    framed,
    pieces_of,
)

from pointsman.adapters.providers.openai import OpenAIProvider
from pointsman.adapters.providers.presets import Endpoint, Quirks
from pointsman.core.errors import UpstreamError
from pointsman.engine.ports import Call, Piece

KEY = "very-secret-key"
PLAIN = Quirks()


@asynccontextmanager
async def provider(
    script: Script, quirks: Quirks = PLAIN, **headers: str
) -> AsyncIterator[tuple[OpenAIProvider, RawUpstream]]:
    async with RawUpstream(script) as upstream:
        made = OpenAIProvider(
            Endpoint("house", upstream.url + "/v1", KEY, quirks, headers), FixedClock()
        )
        try:
            yield made, upstream
        finally:
            await made.close()


def saying(*parts: bytes) -> Script:
    """An upstream that answers every request with these writes."""

    async def script(_: Request, wire: Wire) -> None:
        await wire.send(*parts)

    return script


def saying_then_closing(*parts: bytes) -> Script:
    async def script(_: Request, wire: Wire) -> None:
        await wire.send(*parts)
        wire.writer.close()

    return script


def saying_then_resetting(*parts: bytes) -> Script:
    async def script(_: Request, wire: Wire) -> None:
        await wire.send(*parts)
        await asyncio.sleep(0.02)
        wire.reset()

    return script


WHOLE_STREAM = (
    EVENTS,
    framed(event(chunk({"role": "assistant", "content": ""}))),
    framed(event(chunk({"content": "hel"}))),
    framed(event(chunk({"content": "lo"}))),
    framed(event(chunk(finish_reason="stop"))),
    framed(
        event({**chunk(), "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}})
    ),
    framed(b"data: [DONE]\n\n"),
    END,
)


async def answered(script: Script, made: Call, quirks: Quirks = PLAIN) -> list[Piece]:
    async with provider(script, quirks) as (house, _):
        return await pieces_of(await house.open(made))


async def failing(script: Script, made: Call, quirks: Quirks = PLAIN) -> UpstreamError:
    """The failure of the call, wherever it shows; nothing before it may look complete."""
    async with provider(script, quirks) as (house, _):
        seen: list[bytes] = []

        async def attempt() -> None:
            answer = await house.open(made)
            while (piece := await answer.read()) is not None:
                seen.append(piece.data)

        with pytest.raises(UpstreamError) as caught:
            await attempt()
        choices = [each["choices"][0] for each in documents_in(b"".join(seen))]
        assert all(choice["finish_reason"] is None for choice in choices)
        return caught.value
