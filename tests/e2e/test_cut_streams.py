"""Can a stream that was cut anywhere ever be taken for a whole answer?"""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random
from typing import NamedTuple

import pytest
from fleets import fleet
from gateway_process import GatewayProcess, Serve
from raw_client import chat_bytes, connected, unchunked
from scripted_upstream import (
    CHUNKED,
    DONE,
    TO_THE_END,
    ScriptedUpstream,
    Wire,
    event,
    http_chunks,
)
from streams import Seen, seen_in

AT_A_TIME = 32
WORDS = [f"word-{n} " for n in range(12)]

CUT = "cut"
WHOLE = "whole"
REFUSED = "refused"


class Recording(NamedTuple):
    """All bytes of an answer, and how many of them a client needs to know that it is whole."""

    data: bytes
    needed: int


def text_of(choices: int) -> str:
    """What each of so many choices says."""
    return f"{choices} " + "".join(WORDS)


def events_of(chance: Random, *, eager: bool) -> list[bytes]:
    """An answer of one to three choices. `eager` houses name a reason to end in every chunk."""
    choices = range(chance.choice((1, 1, 2, 3)))
    opening = f"{len(choices)} "
    events = [event(opening, role="assistant", index=index) for index in choices]
    reason = "stop" if eager else None
    left = {index: [*WORDS] for index in choices}
    while left:
        index = chance.choice([*left])
        if left[index]:
            events.append(event(left[index].pop(0), index=index, finish=reason))
        else:
            del left[index]
            events.append(event(index=index, finish="stop"))
    return [*events, DONE]


def recording_of(chance: Random) -> Recording:
    """An answer in some framing, its bytes spread over HTTP chunks of any size."""
    to_the_end = chance.random() < 0.3
    body = b"".join(events_of(chance, eager=not to_the_end and chance.random() < 0.2))
    if to_the_end:
        # Here the connection's end is the answer's, so whoever has the finish reason has it all.
        data = TO_THE_END + body
        return Recording(data, len(data) - len(DONE) - len(b"\n\n"))
    places = sorted(chance.sample(range(1, len(body)), chance.randint(0, 20)))
    parts = [body[a:b] for a, b in zip([0, *places], [*places, len(body)], strict=True)]
    data = CHUNKED + b"".join(http_chunks(parts)) + b"0\r\n\r\n"
    # Until the last letter of `[DONE]` nothing is proven.
    return Recording(data, data.rindex(b"]") + 1)


class Cutter:
    """Cuts each answer at a random byte, by closing or by a reset; leaves a few whole."""

    def __init__(self, seed: int) -> None:
        self._chance = Random(seed)
        self.whole = 0

    async def __call__(self, wire: Wire) -> None:
        chance = self._chance
        recording = recording_of(chance)
        if chance.random() < 0.02:
            self.whole += 1
            await wire.send(recording.data)
            return
        end = chance.randrange(recording.needed)
        middle = chance.randint(0, end)
        await wire.send(recording.data[:middle])
        await asyncio.sleep(chance.choice((0, 0, 0.002)))
        await wire.send(recording.data[middle:end])
        if chance.random() < 0.4:
            await asyncio.sleep(chance.choice((0, 0.002)))
            wire.reset()


def texts_in(seen: Seen) -> dict[int, str]:
    """What each choice says, by its index."""
    texts: dict[int, str] = {}
    for chunk in seen.chunks:
        for choice in chunk["choices"]:
            said = choice["delta"].get("content") or ""
            texts[choice["index"]] = texts.get(choice["index"], "") + said
    return texts


async def told(gateway: GatewayProcess) -> str:
    """What a client of one stream would believe."""
    async with connected(gateway) as client:
        await client.send(chat_bytes({"connection": "close"}, stream=True))
        answer = await client.rest()
    status, body, ended_well = unchunked(answer)
    assert ended_well, answer
    if status != 200:
        assert status == 502, answer
        return REFUSED
    seen = seen_in(body)
    texts = texts_in(seen)
    count = int(next(iter(texts.values())).split()[0])
    assert all(text_of(count).startswith(text) for text in texts.values()), seen
    if seen.looks_complete:
        assert texts == dict.fromkeys(range(count), text_of(count)), seen
        assert seen.finish_reasons == ["stop"] * count, seen
        return WHOLE
    return CUT


async def whole_and_believed(serve: Serve, streams: int, seed: int) -> tuple[int, Counter[str]]:
    """How many of so many answers were not cut, and what the clients believe of all."""
    cutter = Cutter(seed)
    turn = asyncio.Semaphore(AT_A_TIME)
    routing = {
        "breaker": {"failures": 10_000, "ratio": 1, "window": 10_000},
        "attempts_per_model": 1,
    }

    async def one(gateway: GatewayProcess) -> str:
        async with turn:
            return await told(gateway)

    async with ScriptedUpstream(cutter) as upstream:
        gateway = serve(fleet(upstream.url, only=("first",), routing=routing))
        found = Counter(await asyncio.gather(*(one(gateway) for _ in range(streams))))
        assert upstream.requests == streams
    return cutter.whole, found


async def test_no_stream_that_was_cut_looks_complete(serve: Serve) -> None:
    whole, found = await whole_and_believed(serve, 300, seed=1)
    assert found[WHOLE] == whole
    assert found[CUT] > 100
    assert found[REFUSED] > 5


@pytest.mark.prove
@pytest.mark.timeout(600)
async def test_of_ten_thousand_streams_that_were_cut_none_looks_complete(serve: Serve) -> None:
    whole, found = await whole_and_believed(serve, 10_000, seed=2)
    print(f"10,000 streams: {whole} not cut; believed: {dict(found)}")
    assert found[WHOLE] == whole
    assert found.total() == 10_000
