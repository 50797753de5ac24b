"""Events into pieces, without a connection."""

from __future__ import annotations

from typing import Any

import pytest
from raw_upstream import FixedClock, chunk, documents_in, event

from pointsman.adapters.providers.chunks import ChunkTranslator
from pointsman.adapters.providers.events import EventDecoder
from pointsman.adapters.providers.splice import Naming, Splicer
from pointsman.core.errors import UpstreamError
from pointsman.engine.ports import Piece


def choice(index: int, text: str, finish_reason: str | None = None) -> bytes:
    """The event in which one choice says a text, or nothing where that is empty."""
    delta = {"content": text} if text else {}
    said = {"index": index, "delta": delta, "finish_reason": finish_reason}
    return event({**chunk(), "choices": [said]})


def read(*reads: bytes, done_required: bool = True) -> list[Piece]:
    """The pieces to the honest end; raises what the answer would raise."""
    naming = Naming("house/fine-1", "ours", FixedClock())
    decoder, translator = (
        EventDecoder(),
        ChunkTranslator(Splicer(naming), done_required=done_required),
    )
    pieces = []
    for data in reads:
        piece = translator.take(decoder.feed(data))
        if piece:
            pieces.append(piece)
        if translator.complete:
            return pieces
        if translator.failure:
            raise translator.failure
    return [*pieces, translator.end(decoder.finish())]


def failure(*reads: bytes, done_required: bool = True) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        read(*reads, done_required=done_required)
    return caught.value


def joined(pieces: list[Piece]) -> list[dict[str, Any]]:
    return documents_in(b"".join(piece.data for piece in pieces))
