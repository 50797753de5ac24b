"""Do two gateways on one PostgreSQL see what each of them decides about the fleet?"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from random import Random

import pytest

from pointsman.adapters.stores.postgres.address import address_of
from pointsman.adapters.stores.postgres.store import PostgresStore
from pointsman.core.capability import CapabilityScorer
from pointsman.core.errors import Conflict
from pointsman.core.fleet import FREE, Agent, Fleet, Model
from pointsman.engine.aside import ThreadAside
from pointsman.engine.assignments import Assignments
from pointsman.engine.in_force import Who
from pointsman.engine.registry import Registry, Setup
from pointsman.engine.solving import Wish

LARGE = Model("lab/large", "lab", "large", strengths={"general": 0.9}, price=FREE)
SMALL = Model("shop/small", "shop", "small", strengths={"general": 0.7}, price=FREE)
OPS = Who("ops")


class StoppedClock:
    def now(self) -> datetime:
        return datetime(2026, 3, 1, 12, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        del seconds
        await asyncio.sleep(0)


class Gateway:
    """What of a gateway decides about the fleet, on a connection of its own."""

    def __init__(self, store: PostgresStore, seed: int) -> None:
        fleet = Fleet((Agent("clerk"), Agent("coder")), (LARGE, SMALL), "v1")
        self.registry = Registry(Setup(fleet, {}), CapabilityScorer())
        clock = StoppedClock()
        parts = CapabilityScorer(), clock, Random(seed), ThreadAside(clock)
        self.book = Assignments(store.assignments, self.registry, *parts)

    def posts(self) -> dict[str, str]:
        return {name: post.model_id for name, post in self.registry.current.setup.posts.items()}


@pytest.fixture
def pair(upgraded_database: str) -> Iterator[tuple[Gateway, Gateway]]:
    with ExitStack() as stack:
        stores = [PostgresStore(address_of(upgraded_database)) for _ in range(2)]
        for store in stores:
            stack.callback(store.close)
        yield Gateway(stores[0], 1), Gateway(stores[1], 2)


def test_what_one_decides_the_other_takes_up_and_decides_upon(
    pair: tuple[Gateway, Gateway],
) -> None:
    one, other = pair

    async def day() -> None:
        await one.book.load()
        await other.book.load()
        applied = (await one.book.apply(Wish(), OPS)).run
        assert other.posts() == {}
        await other.book.refresh()
        assert other.posts() == one.posts() == {"clerk": LARGE.id, "coder": LARGE.id}
        await other.book.override("clerk", SMALL.id, OPS)
        with pytest.raises(Conflict, match="something else was decided about clerk"):
            await one.book.undo(applied.id, OPS)
        assert one.posts()["clerk"] == SMALL.id
        held = one.book.roll.primary("clerk")
        assert held is not None
        await one.book.end(held, OPS)
        await other.book.refresh()
        assert other.posts() == one.posts() == {"clerk": LARGE.id, "coder": LARGE.id}

    asyncio.run(day())
