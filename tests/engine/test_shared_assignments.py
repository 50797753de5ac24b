"""Do gateways that share a store see what each of them decides?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import TypeVar

import pytest
from test_assignments import OPS, USUAL, Office, run_it

from pointsman.core.assignment.records import Run
from pointsman.core.capability import CapabilityScorer
from pointsman.core.errors import Conflict
from pointsman.engine.aside import ThreadAside
from pointsman.engine.assignments import Assignments
from pointsman.engine.registry import Registry
from pointsman.engine.trials import started

R = TypeVar("R")
P = TypeVar("P")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path / "pointsman.db")
    yield office
    office.store.close()


class Neighbour:
    """Another gateway on the same store."""

    def __init__(self, office: Office) -> None:
        self.registry = Registry(office.setup(), CapabilityScorer())
        aside = ThreadAside(office.clock)
        parts = self.registry, CapabilityScorer(), office.clock, Random(2), aside
        self.book = Assignments(office.store.assignments, *parts)
        run_it(self.book.load())

    def posts(self) -> dict[str, str]:
        return {name: post.model_id for name, post in self.registry.current.setup.posts.items()}


def test_what_another_gateway_decides_is_taken_up(office: Office) -> None:
    other = Neighbour(office)
    office.apply()
    assert other.posts() == {}
    run_it(other.book.refresh())
    assert other.posts() == office.posts() != {}
    run_it(other.book.override("clerk", "shop/small", OPS))
    run_it(office.book.refresh())
    assert office.posts()["clerk"] == "shop/small"


def test_where_nobody_decided_anything_nothing_is_read_again(office: Office) -> None:
    office.apply()
    run_it(office.book.refresh())
    known = office.book.roll
    run_it(office.book.refresh())
    assert office.book.roll is known


def test_nothing_is_decided_on_what_another_gateway_has_changed(office: Office) -> None:
    other = Neighbour(office)
    first = office.apply()
    run_it(other.book.override("clerk", "shop/small", OPS))
    with pytest.raises(Conflict, match="something else was decided about clerk"):
        run_it(office.book.undo(first.id, OPS))
    assert office.posts()["clerk"] == "shop/small", "and that is in force here, too"
    office.end("clerk", "shop/small")
    run_it(other.book.refresh())
    assert other.posts()["clerk"] == office.posts()["clerk"] == "lab/large"


class Meanwhile:
    """Something is decided elsewhere while a plan is worked out."""

    def __init__(self, office: Office, other: Neighbour) -> None:
        self._aside = ThreadAside(office.clock)
        self._other = other

    async def run(
        self, rows: Iterator[R], answer: Callable[[Sequence[R]], Iterable[P]]
    ) -> Sequence[P]:
        found = await self._aside.run(rows, answer)
        await self._other.book.override("clerk", "shop/small", OPS)
        return found


def test_a_plan_for_a_fleet_that_another_gateway_changes_meanwhile_is_refused(
    office: Office,
) -> None:
    other = Neighbour(office)
    office.apply()
    office.book.aside = Meanwhile(office, other)
    with pytest.raises(Conflict, match="clerk was moved to shop/small"):
        office.apply()
    assert office.posts() == {"coder": "lab/large", "clerk": "shop/small"}


def test_two_that_decide_about_the_same_agent_at_once_leave_it_on_one_model(
    office: Office,
) -> None:
    other = Neighbour(office)

    async def both() -> None:
        await asyncio.gather(
            office.book.override("clerk", "shop/small", OPS),
            office.book.override("clerk", "lab/large", OPS),
        )

    asyncio.run(both())
    run_it(other.book.refresh())
    assert other.posts() == office.posts()
    assert sum(each.rank == 0 for each in other.book.in_force("clerk")) == 1


@pytest.mark.parametrize("trial_first", [False, True])
@pytest.mark.parametrize("leaving", [False, True])
def test_a_trial_and_another_decision_at_once_leave_no_trial_without_a_primary(
    office: Office, leaving: bool, trial_first: bool
) -> None:
    other = Neighbour(office)
    office.apply()

    async def both() -> list[Run | BaseException]:
        book = office.book
        trial = started(book, "clerk", "shop/small", 0.1, OPS)
        moved = book.override("clerk", "shop/small", OPS)
        gone = book.withdraw(office.found("clerk", "lab/large"), OPS)
        change, unasked = (gone, moved) if leaving else (moved, gone)
        unasked.close()
        asked = [trial, change] if trial_first else [change, trial]
        return await asyncio.gather(*asked, return_exceptions=True)

    done = asyncio.run(both())
    assert sum(isinstance(each, Conflict) for each in done) == (0 if trial_first else 1)
    run_it(other.book.refresh())
    for book in (office.book, other.book):
        assert book.roll.tried("clerk") is None
        assert book.roll.standing().get("clerk") == (None if leaving else "shop/small")


def test_a_trial_is_refused_by_what_another_gateway_has_decided(office: Office) -> None:
    other = Neighbour(office)
    office.apply()
    run_it(other.book.override("clerk", "shop/small", OPS))
    with pytest.raises(Conflict, match="stands on shop/small already"):
        run_it(started(office.book, "clerk", "shop/small", 0.1, OPS))
    assert office.posts()["clerk"] == "shop/small"


def proposed(office: Office) -> Run:
    async def make() -> Run:
        return await office.book.propose(await office.book.solved(USUAL, keeping=True), USUAL, OPS)

    return run_it(make())


def test_of_two_people_who_apply_one_proposal_at_once_one_is_told_that_it_is_done(
    office: Office,
) -> None:
    other, run = Neighbour(office), proposed(office)

    async def both() -> list[Run | BaseException | None]:
        asked = (book.adopt(run.id, OPS) for book in (office.book, office.book, office.book))
        return await asyncio.gather(*asked, return_exceptions=True)

    done = asyncio.run(both())
    assert sum(isinstance(each, Conflict) for each in done) == 2
    with pytest.raises(Conflict, match="is applied, not proposed"):
        run_it(other.book.adopt(run.id, OPS))
    assert other.posts() == office.posts() == {"coder": "lab/large", "clerk": "lab/large"}


def test_a_proposal_that_a_newer_plan_has_replaced_is_not_applied(office: Office) -> None:
    other, run = Neighbour(office), proposed(office)
    run_it(other.book.apply(USUAL, OPS))
    for book in (office.book, other.book):
        with pytest.raises(Conflict, match="is stale, not proposed"):
            run_it(book.adopt(run.id, OPS))


def test_of_two_people_who_undo_one_run_at_once_one_is_told_that_it_is_undone(
    office: Office,
) -> None:
    other, run = Neighbour(office), office.apply()
    run_it(other.book.undo(run.id, OPS))
    with pytest.raises(Conflict, match="is undone, not applied"):
        run_it(office.book.undo(run.id, OPS))
    assert office.posts() == other.posts() == {}
