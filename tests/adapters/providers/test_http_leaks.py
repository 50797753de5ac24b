"""Does nothing stay behind, whatever is opened, cancelled, aborted and broken off?"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
from collections.abc import AsyncIterator

import pytest
from channels import OK, answer_to, asked, channel, says
from raw_upstream import END, RawUpstream, Request, Wire, framed

from pointsman.adapters.providers.http_connection import HttpConnection
from pointsman.adapters.providers.http_response import Response
from pointsman.adapters.providers.transport import BREAKS, Channel
from pointsman.core.errors import FailureKind, UpstreamError

CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"


class Chance:
    """An upstream that does at random what upstreams do."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    async def script(self, _: Request, wire: Wire) -> None:
        await asyncio.sleep(self.random.random() * 0.01)
        what = self.random.randrange(8)
        if what == 0:
            wire.reset()
        elif what == 1:
            await wire.send(OK + b"content-length: 10\r\n\r\nhalf")
            wire.writer.close()
        elif what == 2:
            await wire.send(b"not http at all\r\n\r\n")
        elif what == 3:
            await wire.send(CHUNKED, framed(b"a"))
            await asyncio.sleep(0.01)
            await wire.send(framed(b"b") + END)
        else:
            await wire.send(says(b"hi"))


async def use(made: Channel, chance: random.Random) -> None:
    """One request that is read, closed, aborted or left to linger."""
    response = await asked(made, b"x" * chance.choice([2, 2, 2, 300_000]))
    what = chance.randrange(5)
    if what == 0:
        response.close()
    elif what == 1:
        response.abort(UpstreamError(FailureKind.STALLED, "enough"))
    elif what == 2:
        await response.read_some()
        made.linger(response)
    else:
        while await response.read_some():
            pass


async def left_alone(made: Channel, chance: random.Random) -> None:
    """A request whose caller may leave at any moment."""
    task = asyncio.ensure_future(use(made, chance))
    if chance.random() < 0.4:
        await asyncio.sleep(chance.random() * 0.02)
        task.cancel()
    with contextlib.suppress(UpstreamError, asyncio.CancelledError, *BREAKS):
        await task


@pytest.fixture
async def strict() -> AsyncIterator[list[str]]:
    """asyncio's debug mode; gives what the loop complained of."""
    complaints: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 10.0
    loop.set_exception_handler(lambda _, context: complaints.append(str(context)))
    yield complaints
    loop.set_debug(False)


def alive(kind: type) -> int:
    gc.collect()
    return sum(isinstance(each, kind) for each in gc.get_objects())


@pytest.mark.parametrize("seed", range(5))
async def test_chaos_leaves_no_connection_and_no_task_behind(seed: int, strict: list[str]) -> None:
    before = alive(HttpConnection)
    chance = random.Random(seed)
    async with channel(Chance(seed).script) as (made, up):
        for _ in range(4):
            await asyncio.gather(*(left_alone(made, chance) for _ in range(50)))
        await made.close()
        async with asyncio.timeout(5):
            while up.open:  # noqa: ASYNC110 - the upstream has no event for the last one
                await asyncio.sleep(0.005)
    await asyncio.sleep(0.02)
    assert len(asyncio.all_tasks()) == 1
    del made, up
    assert alive(HttpConnection) == before
    assert strict == []


async def test_a_thousand_requests_at_once_are_served_and_let_go() -> None:
    together = asyncio.Event()

    async def wait(_: Request, wire: Wire) -> None:
        if len(upstream.requests) == 1_000:
            together.set()
        await together.wait()
        await wire.send(says(b"hi"))

    async with channel(wait) as (made, upstream):
        answers = await asyncio.gather(*(answer_to(made) for _ in range(1_000)))
        assert answers == [b"hi"] * 1_000
        assert upstream.connections == 1_000
        assert await answer_to(made) == b"hi"
        assert upstream.connections == 1_000
        await made.close()
        await until_none(upstream)


async def until_none(upstream: RawUpstream) -> None:
    async with asyncio.timeout(5):
        while upstream.open:  # noqa: ASYNC110 - the upstream has no event for the last one
            await asyncio.sleep(0.005)


async def test_an_answered_request_leaves_nothing_for_the_garbage_collector() -> None:
    async def script(_: Request, wire: Wire) -> None:
        await wire.send(CHUNKED, framed(b"hi"), END)

    async with channel(script) as (made, _):
        await answer_to(made)
        gc.collect()
        gc.disable()
        try:
            before = sum(isinstance(each, Response) for each in gc.get_objects())
            for _ in range(10):
                await answer_to(made)
            after = sum(isinstance(each, Response) for each in gc.get_objects())
        finally:
            gc.enable()
        assert after == before
