"""How does what an agent has end, and who is told when somebody else was quicker?"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_assignments import AWAY, CLERK, CODER, OPS, Office, run_it

from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.core.assignment.duty import Expectations
from pointsman.core.assignment.records import Means, Run, RunKind, Status
from pointsman.core.audit import ITSELF
from pointsman.core.errors import Conflict, StoreError
from pointsman.engine.ports import AssignmentQuery, RunQuery
from pointsman.engine.trials import started


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


def gone(office: Office) -> None:
    """The clerk is not declared any more."""
    office.configured(agents=(CODER, AWAY))
    run_it(office.book.refresh())


def test_what_an_agent_has_ends_with_it_and_history_says_why(office: Office) -> None:
    office.apply()
    run_it(office.book.override("clerk", "shop/small", OPS))
    gone(office)
    (run, *_) = office.store.assignments.runs(RunQuery())
    assert (run.kind, run.by, run.reason) == (
        RunKind.RELEASE,
        ITSELF,
        "not declared any more: clerk",
    )
    assert [(change.agent_id, change.source, change.after) for change in run.changes] == [
        ("clerk", "shop/small", ())
    ]
    kept = office.store.assignments.listed(AssignmentQuery(agent_id="clerk", limit=None))
    assert {(each.status, each.rank) for each in kept.assignments} == {(Status.INACTIVE, None)}
    assert office.posts() == {"coder": "lab/large"}
    run_it(office.book.refresh())
    assert office.runs()[0] == run.id, "once"


def test_who_is_added_again_starts_fresh(office: Office) -> None:
    office.apply()
    run_it(office.book.override("clerk", "shop/small", OPS))
    run_it(started(office.book, "clerk", "lab/large", 0.5, OPS))
    gone(office)
    office.configured(agents=(CODER, CLERK, AWAY))
    assert "clerk" not in office.posts()
    assert office.book.in_force("clerk") == ()
    office.apply()
    post = office.registry.current.setup.posts["clerk"]
    assert (post.model_id, post.held, post.trying) == ("lab/large", False, None)


def test_who_is_gone_and_back_before_anybody_looked_starts_fresh_too(office: Office) -> None:
    office.apply()
    run_it(office.book.override("clerk", "shop/small", OPS))
    office.configured(agents=(CODER, AWAY))
    office.configured(agents=(CODER, CLERK, AWAY))
    assert "clerk" not in office.posts()
    office.apply()
    assert not office.registry.current.setup.posts["clerk"].held


def test_what_cannot_be_written_down_yet_is_ended_later_and_served_by_nobody(
    office: Office,
) -> None:
    office.apply()
    office.configured(agents=(CODER, AWAY))
    office.store.close()
    with pytest.raises(StoreError):
        run_it(office.book.refresh())
    office.configured(agents=(CODER, CLERK, AWAY))
    assert "clerk" not in office.posts()
    office.store = SqliteStore(office.path)
    office.book.store = office.store.assignments
    run_it(office.book.refresh())
    assert office.book.in_force("clerk") == ()


def test_agents_that_only_another_gateway_knows_keep_what_they_have(office: Office) -> None:
    office.apply()
    agents, office.agents = office.agents, (CODER,)
    office.restarted()
    run_it(office.book.refresh())
    assert office.book.undeclared() == {"clerk"}
    office.configured(agents=agents)
    assert office.posts()["clerk"] == "lab/large"


def test_what_an_agent_that_is_gone_had_is_not_given_back(office: Office) -> None:
    done = office.apply()
    gone(office)
    (ended, *_) = office.store.assignments.runs(RunQuery())
    with pytest.raises(Conflict, match="clerk is not declared any more: it stands nowhere"):
        run_it(office.book.undo(ended.id, OPS))
    with pytest.raises(Conflict, match="something else was decided about clerk"):
        run_it(office.book.undo(done.id, OPS))
    office.configured(agents=(CODER, CLERK, AWAY))
    run_it(office.book.undo(ended.id, OPS))
    assert office.posts()["clerk"] == "lab/large", "a person may want it back"


def test_it_ends_also_where_a_file_says_who_stands_where(office: Office) -> None:
    office.apply()
    office.configured(expectations=Expectations(standing={"clerk": "shop/small"}))
    gone(office)
    assert office.book.in_force("clerk") == ()
    office.configured(agents=(CODER, CLERK, AWAY))
    assert office.posts() == {"clerk": "shop/small"}
