"""Does text go on without waking the reader, in order, and never past one who cannot take it?"""

from __future__ import annotations

import asyncio

import pytest
from raw_upstream import (
    END,
    EVENTS,
    Request,
    Script,
    Wire,
    call,
    chunk,
    documents_in,
    event,
    framed,
)
from reaching import provider

from pointsman.core.errors import FailureKind, UpstreamError
from pointsman.engine.ports import Piece

WORDS = ("a ", "b ", "c ", "d ", "e ")


def one_by_one(*parts: bytes) -> Script:
    """An upstream that writes these so far apart that each is read alone."""

    async def script(_: Request, wire: Wire) -> None:
        for part in parts:
            await wire.send(part)
            await asyncio.sleep(0.01)

    return script


def said(pieces: list[Piece]) -> str:
    documents = documents_in(b"".join(piece.data for piece in pieces))
    deltas = (each["choices"][0]["delta"] for each in documents)
    return "".join(delta.get("content") or "" for delta in deltas)


STREAM = (
    EVENTS,
    *(framed(event(chunk({"content": word}))) for word in WORDS),
    framed(event(chunk(finish_reason="stop")) + event(b"[DONE]")),
    END,
)


async def test_mere_text_goes_on_and_what_ends_it_comes_to_the_reader() -> None:
    passed: list[Piece] = []

    def pass_on(piece: Piece) -> bool:
        passed.append(piece)
        return True

    async with provider(one_by_one(*STREAM)) as (house, _):
        answer = await house.open(call(stream=True))
        read = [await answer.read(pass_on)]
        while (piece := await answer.read(pass_on)) is not None:
            read.append(piece)
    first, *rest = [piece for piece in read if piece is not None]
    assert said([first]) == "a "
    assert said(passed) == "b c d e "
    assert said(rest) == ""
    assert rest[-1].usable
    assert sum(piece.completion_chars for piece in [first, *passed, *rest]) == 10


async def test_what_cannot_be_taken_is_read_in_its_place() -> None:
    order: list[Piece] = []
    refused = [False, True, True, False]

    def pass_on(piece: Piece) -> bool:
        if refused and refused.pop(0):
            return False
        order.append(piece)
        return True

    async with provider(one_by_one(*STREAM)) as (house, _):
        answer = await house.open(call(stream=True))
        while (piece := await answer.read(pass_on)) is not None:
            order.append(piece)
    assert said(order) == "a b c d e "


async def test_a_defect_of_the_taker_is_the_readers_and_no_failure_of_the_house() -> None:
    def pass_on(_: Piece) -> bool:
        raise ZeroDivisionError

    async with provider(one_by_one(*STREAM)) as (house, _):
        answer = await house.open(call(stream=True))
        await answer.read(pass_on)
        with pytest.raises(ZeroDivisionError):
            await answer.read(pass_on)


async def test_a_stream_cut_after_text_that_went_on_is_cut() -> None:
    passed: list[Piece] = []

    def pass_on(piece: Piece) -> bool:
        passed.append(piece)
        return True

    async with provider(one_by_one(*STREAM[:4], END)) as (house, _):
        answer = await house.open(call(stream=True))
        await answer.read(pass_on)
        with pytest.raises(UpstreamError) as caught:
            await answer.read(pass_on)
    assert said(passed) == "b c "
    assert caught.value.kind is FailureKind.TRUNCATED
