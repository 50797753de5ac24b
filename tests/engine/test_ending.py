"""How does what an agent has end, and who is told when somebody else was quicker?"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_assignments import OPS, Office, run_it

from pointsman.core.assignment.records import Means, Run
from pointsman.core.errors import Conflict


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path / "pointsman.db")
    yield office
    office.store.close()


def test_what_is_not_in_force_is_not_ended(office: Office) -> None:
    office.apply()
    office.end("clerk", "lab/large")
    with pytest.raises(Conflict, match="is not in force: there is nothing to end"):
        office.end("clerk", "lab/large")


def test_of_two_who_end_the_same_at_once_one_is_told_that_it_is_over(office: Office) -> None:
    office.apply()
    run_it(office.book.override("clerk", "shop/small", OPS))
    found = office.found("clerk", "shop/small")

    async def both() -> list[Run | BaseException]:
        ends = (office.book.end(found, OPS) for _ in range(2))
        return list(await asyncio.gather(*ends, return_exceptions=True))

    first, second = asyncio.run(both())
    assert isinstance(first, Run)
    assert isinstance(second, Conflict)
    assert second.code == "changed_since"
    assert office.posts()["clerk"] == "lab/large", "where the plan had it is not ended as well"
    assert office.runs()[0] == first.id


def test_what_became_the_primary_meanwhile_is_not_ended_as_the_spare_that_it_was(
    office: Office,
) -> None:
    office.apply()
    spare = office.found("clerk", "shop/small")
    assert spare.means is Means.FALLBACK

    async def both() -> list[Run | BaseException]:
        put = office.book.override("clerk", "shop/small", OPS)
        return list(await asyncio.gather(put, office.book.end(spare, OPS), return_exceptions=True))

    _, refused = asyncio.run(both())
    assert isinstance(refused, Conflict)
    assert office.posts()["clerk"] == "shop/small"


def test_what_means_something_again_is_not_forgotten(office: Office) -> None:
    office.apply()
    office.end("clerk", "shop/small")
    nothing = office.found("clerk", "shop/small")

    async def both() -> list[Run | BaseException]:
        put = office.book.override("clerk", "shop/small", OPS)
        return list(
            await asyncio.gather(put, office.book.forget(nothing, OPS), return_exceptions=True)
        )

    _, refused = asyncio.run(both())
    assert isinstance(refused, Conflict)
    assert office.posts()["clerk"] == "shop/small"
    office.restarted()
    assert office.posts()["clerk"] == "shop/small"


def test_whose_place_is_ended_stands_nowhere(office: Office) -> None:
    office.apply()
    office.end("clerk", "lab/large")
    assert set(office.posts()) == {"coder"}


def test_one_that_means_nothing_any_more_is_forgotten(office: Office) -> None:
    office.apply()
    run_it(office.book.override("clerk", "shop/small", OPS))
    office.end("clerk", "shop/small")
    left = office.found("clerk", "shop/small")
    assert left.id not in {each.id for each in office.book.in_force("clerk")} or (
        left.means is Means.FALLBACK
    )
    run_it(office.book.forget(left, OPS))
    assert office.store.assignments.assignment(left.id) is None
