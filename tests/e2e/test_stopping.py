"""Does a gateway that is told to stop end in time, honestly, and with all it knew written down?"""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest
from fleets import fleet
from gateway_process import GatewayProcess, Serve, wait_until
from raw_client import RawClient, chat_bytes, connected, unchunked
from scripted_upstream import CHUNKED, DONE, ScriptedUpstream, Wire, event

GRACE_S = 6.0
MARGIN_S = 1.5
"""What a busy machine may add to it: to hear of the signal, and to take the process apart."""
CALLERS = 12


class Told(NamedTuple):
    """What a caller has had: the status, 0 without any, the decision, and how the body ended."""

    status: int
    decision: str
    body: bytes
    whole: bool


def told(answer: bytes) -> Told:
    if b"\r\n\r\n" not in answer:
        return Told(0, "", b"", whole=False)
    status, body, whole = unchunked(answer)
    _, found, rest = answer.partition(b"x-pointsman-decision: ")
    decision = rest.partition(b"\r\n")[0].decode() if found else ""
    return Told(status, decision, body, whole)


def is_honest(answer: Told) -> bool:
    """Whether it is complete, or could not be taken for complete."""
    if answer.status != 200:
        return answer.status in {0, 503}
    finished = answer.body.endswith(DONE) and answer.whole
    cut = b'"shutting_down"' in answer.body and DONE not in answer.body
    return finished is not cut


@asynccontextmanager
async def unhurried_upstream() -> AsyncIterator[ScriptedUpstream]:
    """Of its streams one in three ends at once, one after a second, and one never."""
    turn = count()

    async def script(wire: Wire) -> None:
        kind = next(turn) % 3
        await wire.send(CHUNKED)
        await wire.events(event("one"))
        if kind == 1:
            await asyncio.sleep(1.0)  # what takes its time is what is tried out
        if kind == 2:
            await wire.gone()
            return
        await wire.events(event("two"), event(finish="stop"), DONE)
        await wire.send(b"0\r\n\r\n")

    async with ScriptedUpstream(script) as upstream:
        yield upstream


async def keep_asking(gateway: GatewayProcess, answers: list[Told], some: asyncio.Event) -> None:
    """Until nobody answers any more."""
    while True:
        try:
            async with connected(gateway) as client:
                await client.send(chat_bytes({"connection": "close"}, stream=True))
                answer = told(await client.rest())
        except OSError:
            return
        answers.append(answer)
        if len(answers) == CALLERS:
            some.set()
        assert is_honest(answer), answer
        if answer.status != 200:
            return


async def test_under_load_every_answer_ends_honestly_and_is_kept(serve: Serve) -> None:
    async with unhurried_upstream() as upstream:
        server = {"log_format": "json", "shutdown_grace_s": GRACE_S}
        gateway = serve(fleet(upstream.url, only=("first",), server=server))
        answers: list[Told] = []
        async with asyncio.TaskGroup() as callers:
            some = asyncio.Event()
            for _ in range(CALLERS):
                callers.create_task(keep_asking(gateway, answers, some))
            await some.wait()
            gateway.signal(signal.SIGTERM)
            begun = time.monotonic()
            status = await asyncio.to_thread(gateway.wait)
            took_s = time.monotonic() - begun
    assert status == 0
    assert took_s < GRACE_S + MARGIN_S
    assert any(b'"shutting_down"' in answer.body for answer in answers), "none was cut"
    gateway.start()
    for answer in answers:
        if answer.decision:
            outcomes = gateway.decision(answer.decision)["outcomes"]
            assert len(outcomes) == 1, answer


@contextmanager
def nobody_else_writes(data_dir: Path) -> Iterator[None]:
    """As on a disk that does not answer: whoever wants to write waits."""
    with closing(sqlite3.connect(data_dir / "pointsman.db", isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        yield


async def endless(wire: Wire) -> None:
    await wire.send(CHUNKED)
    await wire.events(event("one"))
    await wire.gone()


@asynccontextmanager
async def an_open_stream(
    serve: Serve, grace_s: float
) -> AsyncIterator[tuple[GatewayProcess, RawClient]]:
    async with ScriptedUpstream(endless) as upstream:
        server = {"log_format": "json", "shutdown_grace_s": grace_s}
        gateway = serve(fleet(upstream.url, only=("first",), server=server))
        async with connected(gateway) as client:
            await client.send(chat_bytes(stream=True))
            await client.until(b'"one"')
            yield gateway, client


async def test_answers_and_what_they_leave_to_write_share_one_grace(serve: Serve) -> None:
    async with an_open_stream(serve, 2.0) as (gateway, client):
        with nobody_else_writes(gateway.data_dir):
            begun = time.monotonic()
            gateway.signal(signal.SIGTERM)
            rest = await client.rest()
            status = await asyncio.to_thread(gateway.wait)
            took_s = time.monotonic() - begun
    assert b'"shutting_down"' in rest
    assert took_s < 2.0 + MARGIN_S
    assert status == 1, "what could not be written is no success"
    assert "the last records" in gateway.log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_cuts_what_is_still_answered(
    serve: Serve, number: signal.Signals
) -> None:
    async with an_open_stream(serve, 60.0) as (gateway, client):
        gateway.signal(signal.SIGTERM)
        await asyncio.to_thread(wait_until, lambda: _deaf(gateway))
        gateway.signal(number)
        rest = await client.rest()
        assert await asyncio.to_thread(gateway.wait, 5.0) == 0
    assert b'"shutting_down"' in rest
    assert DONE not in rest
    gateway.start()
    (decision,) = gateway.control("/decisions")["decisions"]
    (outcome,) = gateway.decision(decision["decision_id"])["outcomes"]
    assert (outcome["failure"], outcome["blames"]) == ("cancelled", "caller")


async def test_a_third_signal_waits_for_no_disk(serve: Serve) -> None:
    async with an_open_stream(serve, 60.0) as (gateway, client):
        with nobody_else_writes(gateway.data_dir):
            gateway.signal(signal.SIGTERM)
            await asyncio.to_thread(wait_until, lambda: _deaf(gateway))
            gateway.signal(signal.SIGTERM)
            await client.rest()
            gateway.signal(signal.SIGTERM)
            assert await asyncio.to_thread(gateway.wait) == 1
    assert "told to stop for the third time" in gateway.log


def _deaf(gateway: GatewayProcess) -> bool:
    try:
        gateway.get("/livez")
    except OSError:
        return True
    return False
