"""What is an ASGI application told of the exchange that it answers, until when?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest
from litestar import Litestar, get
from litestar.response import Stream
from wires import RecordedLine, an_exchange

from pointsman.adapters.http.asgi import ENDLESS_IN_SCOPE, AsgiApp, AsgiExchange, Message

START: Message = {"type": "http.response.start", "status": 200, "headers": []}
SOME: Message = {"type": "http.response.body", "body": b"some", "more_body": True}
ALL: Message = {"type": "http.response.body", "body": b"all", "more_body": False}
AT_ONCE_S = 5.0
"""Only a test that fails waits so long."""


@get("/a")
async def lines() -> Stream:
    async def made() -> AsyncIterator[bytes]:
        yield b"one\n"
        yield b"two\n"

    return Stream(made())


@pytest.mark.parametrize("version", ["1.1", "1.0"])
async def test_a_stream_that_listens_while_it_sends_is_over_with_its_last_byte(
    version: str,
) -> None:
    line, app = RecordedLine(), cast("AsgiApp", Litestar([lines], openapi_config=None))
    before = len(asyncio.all_tasks())
    for _ in range(3):
        asgi = AsgiExchange(an_exchange(line, method="GET", version=version), b"")
        async with asyncio.timeout(AT_ONCE_S):
            await app(asgi.scope(), asgi.receive, asgi.send)
    assert len(asyncio.all_tasks()) == before
    assert line.sent.count(b"two\n") == len(line.ended) == 3


async def test_who_waits_to_hear_more_hears_that_it_is_over() -> None:
    asgi = AsgiExchange(an_exchange(RecordedLine()), b"body")
    assert (await asgi.receive())["body"] == b"body"
    hearing = asyncio.create_task(asgi.receive())
    await asgi.send(START)
    await asgi.send(SOME)
    assert not hearing.done()
    await asgi.send(ALL)
    async with asyncio.timeout(AT_ONCE_S):
        assert await hearing == {"type": "http.disconnect"}
        assert await asgi.receive() == {"type": "http.disconnect"}


async def test_a_stop_is_told_to_answers_without_an_end_alone() -> None:
    exchange = an_exchange(RecordedLine())
    asgi = AsgiExchange(exchange, b"")
    scope = asgi.scope()
    told = [exchange.when_stopping]
    scope[ENDLESS_IN_SCOPE]()
    told.append(exchange.when_stopping)
    unheard, heard = told
    assert unheard is None
    assert heard is not None
    heard()
    await asgi.receive()
    async with asyncio.timeout(AT_ONCE_S):
        assert await asgi.receive() == {"type": "http.disconnect"}


async def test_an_answer_without_an_end_that_begins_after_the_stop_hears_of_it() -> None:
    line = RecordedLine()
    line.stopping = True
    asgi = AsgiExchange(an_exchange(line), b"")
    asgi.scope()[ENDLESS_IN_SCOPE]()
    await asgi.receive()
    async with asyncio.timeout(AT_ONCE_S):
        assert await asgi.receive() == {"type": "http.disconnect"}
