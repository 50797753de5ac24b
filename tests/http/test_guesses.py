"""Who tries keys out waits, and is nobody locked out by that?"""

from __future__ import annotations

import asyncio

import pytest

from pointsman.adapters.http import guesses as module
from pointsman.adapters.http.guesses import HELD_S, MOST_OF_ALL, MOST_OF_ONE, Guesses


class Door:
    """Guesses, and a clock that is told the time; who is held sleeps in it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []
        self.awake = asyncio.Event()
        self.awake.set()
        self.guesses = Guesses(lambda: self.now, self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self.awake.wait()

    async def tried(self, times: int, address: str = "10.0.0.1") -> list[int]:
        """The statuses, 401 where nothing else is to be said."""
        found = [await self.guesses.refusal(address) for _ in range(times)]
        return [401 if reply is None else reply.status for reply in found]


async def test_a_few_are_told_at_once_and_more_wait_and_are_told_when_to_come_back() -> None:
    door = Door()
    assert await door.tried(MOST_OF_ONE) == [401] * MOST_OF_ONE
    assert door.slept == []
    door.now = 10.0
    reply = await door.guesses.refusal("10.0.0.1")
    assert reply is not None
    assert (reply.status, dict(reply.headers)[b"retry-after"]) == (429, b"50")
    assert dict(reply.headers)[b"x-should-retry"] == b"false"
    assert door.slept == [HELD_S]
    assert await door.tried(1, "10.0.0.2") == [401], "somebody else had to wait"
    door.now = 71.0
    assert await door.tried(1) == [401]


async def test_many_from_everywhere_are_one_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    door = Door()
    for number in range(MOST_OF_ALL):
        assert await door.guesses.refusal(f"10.{number // 250}.1.{number % 250}") is None
    assert await door.tried(1, "192.0.2.1") == [429]
    door.now = 61.0
    assert await door.tried(1, "192.0.2.1") == [401]


@pytest.mark.parametrize(
    ("addresses", "told"),
    [
        (("2001:db8::1", "2001:db8::2"), 429),
        (("2001:db8:0:1::1", "2001:db8:0:2::1"), 401),
        (("::ffff:10.0.0.1", "::ffff:10.0.0.2"), 401),
        (("fe80::1%eth0", "fe80::2%eth0"), 429),
        (("", ""), 429),
    ],
)
async def test_a_network_of_ipv6_is_one_place(addresses: tuple[str, str], told: int) -> None:
    door, (one, other) = Door(), addresses
    await door.tried(MOST_OF_ONE, one)
    assert await door.tried(1, other) == [told]


async def test_no_more_than_some_are_held_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_HELD", 2)
    door = Door()
    await door.tried(MOST_OF_ONE)
    door.awake.clear()
    held = [asyncio.ensure_future(door.tried(1)) for _ in range(2)]
    for _ in range(5):  # until both have come as far as they can
        await asyncio.sleep(0)
    assert len(door.slept) == 2
    assert await door.tried(1) == [429], "the third is told at once"
    held[0].cancel()
    await asyncio.gather(held[0], return_exceptions=True)
    door.awake.set()
    assert await held[1] == [429]
    assert await door.tried(1) == [429]
    assert len(door.slept) == 3, "who goes away makes room"


async def test_addresses_take_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ADDRESSES", 3)
    door = Door()
    await door.tried(MOST_OF_ONE, "10.0.0.9")
    for number in range(5):
        await door.tried(1, f"10.0.0.{number}")
    assert await door.tried(1, "10.0.0.9") == [401], "the one of longest ago is forgotten"
