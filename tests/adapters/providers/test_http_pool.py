"""Is a connection used again exactly when that is safe, and never kept for nothing?"""

from __future__ import annotations

import asyncio

import pytest
from channels import OK, answer_to, asked, body_of, channel, fault_in, in_turn, says, until
from raw_upstream import END, Request, Wire, framed
from reaching import saying, saying_then_closing

from pointsman.adapters.providers import http_pool
from pointsman.core.errors import FailureKind as Kind
from pointsman.core.errors import UpstreamError

CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"


async def connections_for_two(said: bytes) -> int:
    """How many connections two requests take, one after the other, each answered by this."""
    async with channel(saying(said)) as (made, up):
        for _ in range(2):
            assert await answer_to(made) == b"hi"
            await asyncio.sleep(0.01)
        return up.connections


@pytest.mark.parametrize(
    ("said", "connections"),
    [
        (says(b"hi"), 1),
        (CHUNKED + framed(b"hi") + END, 1),
        (b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nhi", 1),
        (says(b"hi", b"connection: close"), 2),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nhi", 2),
        (says(b"hi") + b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbad", 2),
        (says(b"hi") + b"H", 2),
        (says(b"hi", b"connection: close") + b"more", 2),
    ],
    ids=["length", "chunks", "1.0-kept", "close", "1.0", "second-answer", "leftover", "close-more"],
)
async def test_a_connection_is_used_again_only_where_that_is_safe(
    said: bytes, connections: int
) -> None:
    assert await connections_for_two(said) == connections


async def test_an_answer_that_nobody_asked_for_closes_the_idle_connection() -> None:
    smuggled = asyncio.Event()

    async def script(_: Request, wire: Wire) -> None:
        await wire.send(says(b"hi"))
        await asyncio.sleep(0.02)
        await wire.send(says(b"for somebody else"))
        smuggled.set()

    async with channel(script) as (made, up):
        assert await answer_to(made) == b"hi"
        await until(smuggled)
        await until(up.hung_up)
        assert await answer_to(made) == b"hi"
        assert up.connections == 2


async def test_an_idle_connection_that_the_upstream_closes_is_not_tried() -> None:
    async with channel(saying_then_closing(says(b"hi"))) as (made, up):
        for _ in range(3):
            assert await answer_to(made) == b"hi"
            await asyncio.sleep(0.02)
        assert len(up.requests) == up.connections == 3


async def test_the_connection_used_last_is_used_next_and_the_others_grow_old(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_pool, "_IDLE_S", 2.0)
    together = asyncio.Event()

    async def wait(_: Request, wire: Wire) -> None:
        if len(up.requests) == 3:
            together.set()
        await together.wait()
        await wire.send(says(b"hi"))

    async with channel(wait) as (made, up), asyncio.timeout(60):
        await asyncio.gather(*(answer_to(made) for _ in range(3)))
        assert up.connections == 3
        while len(up.open) > 1:
            assert await answer_to(made) == b"hi"
            await asyncio.sleep(0.1)
        assert up.connections == 3
        up.hung_up.clear()
        await up.hung_up.wait()
        assert not up.open


async def test_a_connection_that_is_too_old_is_not_used_even_if_nobody_closed_it_yet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with channel(saying(says(b"hi"))) as (made, up):
        await answer_to(made)
        monkeypatch.setattr(http_pool, "_IDLE_S", 0.0)
        await answer_to(made)
        assert up.connections == 2


async def test_a_stale_connection_costs_one_retry_on_a_new_one_and_never_a_second() -> None:
    async def reset(_: Request, wire: Wire) -> None:
        wire.reset()

    async with channel(in_turn(saying(says(b"hi")), reset)) as (made, up):
        await answer_to(made)
        fault = await fault_in(made)
        assert fault.kind is Kind.RESET
        assert "without an answer" in fault.message
        assert len(up.requests) == 3
        assert up.connections == 2


async def test_a_retry_does_not_try_the_other_pooled_connections() -> None:
    together = asyncio.Event()

    async def wait(_: Request, wire: Wire) -> None:
        if len(up.requests) == 2:
            together.set()
        await together.wait()
        await wire.send(says(b"hi"))

    async def reset(_: Request, wire: Wire) -> None:
        wire.reset()

    async with channel(in_turn(wait, wait, reset, saying(says(b"new")))) as (made, up):
        await asyncio.gather(answer_to(made), answer_to(made))
        assert await answer_to(made) == b"new"
        assert up.connections == 3


async def test_a_pooled_connection_that_broke_after_a_first_byte_is_not_tried_again() -> None:
    said = saying_then_closing(b"HTTP/1.1 1")
    async with channel(in_turn(saying(says(b"hi")), said)) as (made, up):
        await answer_to(made)
        assert (await fault_in(made)).kind is Kind.RESET
        assert len(up.requests) == 2


# Letting go


async def test_a_lingering_answer_gives_its_connection_back_when_its_end_comes() -> None:
    lingers, ended = asyncio.Event(), asyncio.Event()

    async def script(_: Request, wire: Wire) -> None:
        await wire.send(CHUNKED + framed(b"hi"))
        await until(lingers)
        await wire.send(END)
        ended.set()

    async with channel(script) as (made, up):
        for _ in range(3):
            response = await asked(made)
            assert await response.read_some() == b"hi"
            made.linger(response)
            lingers.set()
            await until(ended)
            await asyncio.sleep(0.02)  # what was sent is read by this same loop
            made.linger(response)
            lingers.clear()
            ended.clear()
        assert up.connections == 1


async def test_closing_an_answer_after_its_end_leaves_the_next_one_alone() -> None:
    async with channel(saying(says(b"hi"))) as (made, up):
        first = await asked(made)
        second = await asked(made)
        first.close()
        first.abort(RuntimeError("late"))
        assert await body_of(second) == b"hi"
        assert up.connections == 1


async def test_an_answer_is_its_readers_even_after_its_connection_serves_another() -> None:
    async with channel(in_turn(saying(says(b"one")), saying(says(b"two")))) as (made, _):
        first = await asked(made)
        second = await asked(made)
        assert (await body_of(second), await body_of(first)) == (b"two", b"one")


async def test_closing_breaks_off_what_is_under_way_and_can_be_repeated() -> None:
    async def silent(_: Request, wire: Wire) -> None:
        await wire.gone()

    async with channel(in_turn(saying(says(b"hi")), silent)) as (made, up):
        await answer_to(made)
        pending = asyncio.ensure_future(asked(made))
        await asyncio.sleep(0.02)
        await asyncio.gather(made.close(), made.close())
        with pytest.raises(UpstreamError) as caught:
            await pending
        assert caught.value.kind is Kind.RESET
        assert len(up.requests) == 2
        await made.close()


async def test_a_closed_channel_can_be_used_again() -> None:
    async with channel(saying(says(b"hi"))) as (made, up):
        await answer_to(made)
        await made.close()
        assert await answer_to(made) == b"hi"
        assert up.connections == 2
