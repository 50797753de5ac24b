"""Who stands where, by whose decision: is it kept first, then in force, and can it be undone?"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import TypeVar

import pytest
from scripted import FakeClock

from pointsman.adapters.stores.assignment_rows import unpacked
from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.core.assignment.duty import Duty, Expectations, FleetRules, Mode, Routine
from pointsman.core.assignment.records import (
    Assignment,
    Run,
    RunKind,
    RunState,
    Status,
    assignment_id,
    primary_of,
)
from pointsman.core.assignment.stability import Pace
from pointsman.core.capability import CapabilityScorer
from pointsman.core.errors import Conflict, RequestError, StoreError, UnknownAgent, UnknownModel
from pointsman.core.fleet import FREE, Agent, AgentStatus, Fleet, Model
from pointsman.engine.aside import ThreadAside
from pointsman.engine.assignments import Assignments
from pointsman.engine.in_force import Who
from pointsman.engine.ports import AssignmentQuery, RunQuery
from pointsman.engine.registry import Registry, Setup
from pointsman.engine.solving import KNEE, How, Wish

T = TypeVar("T")

LARGE = Model("lab/large", "lab", "large", strengths={"coding": 0.9, "general": 0.9}, price=FREE)
SMALL = Model("shop/small", "shop", "small", strengths={"general": 0.7}, price=FREE)
CODER = Agent("coder", requires=("coding",))
CLERK = Agent("clerk", requires=("general",))
AWAY = Agent("away", requires=("general",), status=AgentStatus.OFFLINE)
OPS = Who("ops", "because")
USUAL = Wish()


def run_it(work: Awaitable[T]) -> T:
    async def main() -> T:
        return await work

    return asyncio.run(main())


class Office:
    """A registry, a store in a file, and who decides."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = FakeClock()
        self.store = SqliteStore(path)
        self.expectations = Expectations()
        self.models: tuple[Model, ...] = (LARGE, SMALL)
        self.agents: tuple[Agent, ...] = (CODER, CLERK, AWAY)
        self.registry = Registry(self.setup(), CapabilityScorer())
        self.book = self.opened()

    def setup(self) -> Setup:
        fleet = Fleet(self.agents, self.models, "v1")
        return Setup(fleet, {}, expectations=self.expectations)

    def opened(self) -> Assignments:
        scorer = CapabilityScorer()
        store, aside = self.store.assignments, ThreadAside(self.clock)
        book = Assignments(store, self.registry, scorer, self.clock, Random(1), aside)
        run_it(book.load())
        return book

    def configured(self, **changes: object) -> None:
        for name, value in changes.items():
            setattr(self, name, value)
        self.registry.replace(self.setup())
        self.book.repost()

    def restarted(self) -> Assignments:
        self.store.close()
        self.store = SqliteStore(self.path)
        self.registry = Registry(self.setup(), CapabilityScorer())
        self.book = self.opened()
        return self.book

    def posts(self) -> dict[str, str]:
        posts = self.registry.current.setup.posts
        return {name: post.model_id for name, post in posts.items()}

    def found(self, agent_id: str, model_id: str) -> Assignment:
        """As the store has it now."""
        found = self.store.assignments.assignment(assignment_id(agent_id, model_id))
        assert found is not None
        return found

    def end(self, agent_id: str, model_id: str) -> Run:
        return run_it(self.book.end(self.found(agent_id, model_id), OPS))

    def apply(self, wish: Wish = USUAL, expect: str | None = None) -> Run:
        return run_it(self.book.apply(wish, OPS, expect)).run

    def runs(self) -> list[str]:
        return [run.id for run in self.store.assignments.runs(RunQuery())]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path / "pointsman.db")
    yield office
    office.store.close()


def test_a_dry_run_says_what_would_change_and_changes_nothing(office: Office) -> None:
    found = run_it(office.book.solved(USUAL))
    changes = office.book.differing(found)
    moved = {name: primary_of(places) for name, places in changes.items()}
    assert moved == {"coder": "lab/large", "clerk": "lab/large"}
    assert (office.posts(), office.runs()) == ({}, [])


def test_a_plan_in_place_is_kept_and_in_force(office: Office) -> None:
    run = office.apply()
    assert (run.kind, run.state, run.by, run.reason) == (
        RunKind.PLAN,
        RunState.APPLIED,
        "ops",
        "because",
    )
    assert office.posts() == {"coder": "lab/large", "clerk": "lab/large"}
    assert office.store.assignments.run(run.id) == run
    assert office.store.assignments.problem(run.id) is not None
    page = office.store.assignments.listed(AssignmentQuery(status=Status.ACTIVE))
    assert [each.id for each in page.assignments] == [
        assignment_id("clerk", "lab/large"),
        assignment_id("coder", "lab/large"),
    ]


def test_what_was_solved_can_be_solved_again(office: Office) -> None:
    run = office.apply()
    problem = office.store.assignments.problem(run.id)
    found = run_it(office.book.solved(USUAL, keeping=True))
    assert problem is not None
    assert problem.scores == unpacked(found.problem).scores


def test_it_survives_a_restart(office: Office) -> None:
    office.apply()
    office.restarted()
    assert office.posts() == {"coder": "lab/large", "clerk": "lab/large"}


def test_who_looked_at_a_plan_gets_that_plan_or_none(office: Office) -> None:
    seen = run_it(office.book.solved(USUAL))
    office.configured(models=(SMALL, replace(LARGE, strengths={"coding": 0.9, "general": 0.1})))
    with pytest.raises(Conflict, match="the plan is plan_"):
        office.apply(expect=seen.id)
    assert office.runs() == []
    again = run_it(office.book.solved(USUAL))
    assert office.apply(expect=again.id).state is RunState.APPLIED


def test_a_point_of_the_front_is_kept_with_the_run(office: Office) -> None:
    run = office.apply(Wish(How.PARETO, point=KNEE))
    assert run.point is not None
    assert run.point.knee
    kept = office.store.assignments.run(run.id)
    assert kept is not None
    assert kept.point == run.point
    with pytest.raises(RequestError, match="not on the front"):
        office.apply(Wish(How.PARETO, point="plan_0"))


def test_what_a_person_decides_survives_every_plan_until_released(office: Office) -> None:
    office.apply()
    run_it(office.book.override("clerk", "shop/small", OPS))
    office.apply()
    assert office.posts()["clerk"] == "shop/small"
    assert office.registry.current.setup.posts["clerk"].held
    office.restarted()
    assert office.registry.current.setup.posts["clerk"].held
    office.end("clerk", "shop/small")
    assert office.posts()["clerk"] == "lab/large"
    assert not office.registry.current.setup.posts["clerk"].held


@pytest.mark.parametrize(
    ("agent_id", "model_id", "error", "words"),
    [
        ("nobody", "lab/large", UnknownAgent, "no agent is called 'nobody'"),
        ("coder", "lab/gone", UnknownModel, "no model is called 'lab/gone'"),
        ("coder", "shop/small", RequestError, "can serve no request of coder"),
    ],
)
def test_a_pair_that_could_never_be_is_refused(
    office: Office, agent_id: str, model_id: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        run_it(office.book.override(agent_id, model_id, OPS))
    assert office.runs() == []


def test_who_is_pinned_is_not_put_elsewhere(office: Office) -> None:
    office.configured(agents=(replace(CLERK, pinned="shop/small"),))
    with pytest.raises(Conflict, match="pins clerk to shop/small"):
        run_it(office.book.override("clerk", "lab/large", OPS))


def test_who_is_pinned_meanwhile_keeps_what_a_person_decided_until_the_pin_is_gone(
    office: Office,
) -> None:
    run_it(office.book.override("clerk", "shop/small", OPS))
    office.configured(agents=(replace(CLERK, pinned="shop/small"),))
    for work in (
        office.book.end(office.found("clerk", "shop/small"), OPS),
        office.book.withdraw(office.found("clerk", "shop/small"), OPS),
    ):
        with pytest.raises(Conflict, match="pins clerk to shop/small"):
            run_it(work)
    office.configured(agents=(CLERK,))
    run_it(office.book.withdraw(office.found("clerk", "shop/small"), OPS))
    assert office.posts() == {}


def test_undone_everything_is_as_before_and_undone_again_as_after(office: Office) -> None:
    office.apply()
    done = run_it(office.book.override("clerk", "shop/small", OPS))
    undo = run_it(office.book.undo(done.id, OPS))
    assert undo is not None
    assert (undo.kind, undo.undoes) == (RunKind.UNDO, done.id)
    assert office.posts()["clerk"] == "lab/large"
    kept = office.store.assignments.run(done.id)
    assert kept is not None
    assert kept.state is RunState.UNDONE
    with pytest.raises(Conflict, match="is undone, not applied"):
        run_it(office.book.undo(done.id, OPS))
    run_it(office.book.undo(undo.id, OPS))
    assert office.registry.current.setup.posts["clerk"].held
    assert run_it(office.book.undo("run_0", OPS)) is None


def test_what_has_changed_since_is_not_undone(office: Office) -> None:
    first = office.apply()
    run_it(office.book.override("clerk", "shop/small", OPS))
    with pytest.raises(Conflict, match="something else was decided about clerk"):
        run_it(office.book.undo(first.id, OPS))


def test_nobody_goes_back_to_a_model_that_is_gone(office: Office) -> None:
    office.apply()
    done = run_it(office.book.override("clerk", "shop/small", OPS))
    office.configured(models=(SMALL,), agents=(CLERK,))
    with pytest.raises(Conflict, match="cannot have lab/large"):
        run_it(office.book.undo(done.id, OPS))


def test_a_proposal_changes_nothing_until_somebody_applies_it(office: Office) -> None:
    found = run_it(office.book.solved(USUAL))
    proposed = run_it(office.book.propose(found, USUAL, Who("pointsman")))
    assert (proposed.state, office.posts()) == (RunState.PROPOSED, {})
    run = run_it(office.book.adopt(proposed.id, OPS))
    assert run is not None
    assert (run.id, run.state, run.by) == (proposed.id, RunState.APPLIED, "ops")
    assert office.posts()["coder"] == "lab/large"
    assert {each.run_id for each in office.book.in_force("coder")} == {run.id}
    with pytest.raises(Conflict, match="is applied, not proposed"):
        run_it(office.book.adopt(proposed.id, OPS))
    assert run_it(office.book.adopt("run_0", OPS)) is None


def test_a_proposal_that_is_overtaken_is_not_applied(office: Office) -> None:
    found = run_it(office.book.solved(USUAL))
    proposed = run_it(office.book.propose(found, USUAL, Who("pointsman")))
    run_it(office.book.override("clerk", "shop/small", OPS))
    with pytest.raises(Conflict, match="something else was decided about clerk"):
        run_it(office.book.adopt(proposed.id, OPS))


def test_a_plan_made_before_somebody_moved_is_not_put_in_place(office: Office) -> None:
    office.apply()
    found = run_it(office.book.solved(USUAL))
    run_it(office.book.override("clerk", "shop/small", OPS))
    with pytest.raises(Conflict, match="clerk was moved to shop/small"):
        run_it(office.book.put(found, USUAL, OPS))


def test_where_a_file_says_who_stands_where_nothing_else_does(office: Office) -> None:
    office.apply()
    found = office.found("clerk", "lab/large")
    office.configured(expectations=Expectations(standing={"clerk": "shop/small"}))
    assert office.posts() == {"clerk": "shop/small"}
    for work in (
        office.book.apply(USUAL, OPS),
        office.book.override("clerk", "lab/large", OPS),
        office.book.end(found, OPS),
        office.book.withdraw(found, OPS),
    ):
        with pytest.raises(Conflict, match="names a plan"):
            run_it(work)


def test_who_is_offline_keeps_its_place(office: Office) -> None:
    office.apply()
    office.configured(agents=(CODER, replace(CLERK, status=AgentStatus.OFFLINE)))
    run = office.apply()
    assert [change.agent_id for change in run.changes] == []
    assert office.posts()["clerk"] == "lab/large"


def test_what_cannot_be_kept_is_not_in_force(office: Office) -> None:
    office.apply()
    office.store.close()
    with pytest.raises(StoreError):
        run_it(office.book.override("clerk", "shop/small", OPS))
    assert office.posts()["clerk"] == "lab/large"
    office.store = SqliteStore(office.path)


def test_a_caller_that_goes_away_leaves_store_and_memory_agreeing(office: Office) -> None:
    async def left_alone() -> None:
        task = asyncio.create_task(office.book.override("clerk", "shop/small", OPS))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)

    asyncio.run(left_alone())
    kept = office.store.assignments.assignment(assignment_id("clerk", "shop/small"))
    assert (office.posts().get("clerk") == "shop/small") is (kept is not None)


def test_the_cost_of_switching_is_the_agents_own(office: Office) -> None:
    duties = {"clerk": Duty(switch_cost=0.25)}
    office.configured(expectations=Expectations(duties, FleetRules()))
    office.apply()
    assert office.registry.current.setup.posts["clerk"].switch_cost == 0.25


def test_routines_are_off_unless_somebody_says_so() -> None:
    assert Routine().mode is Mode.OFF
    assert Pace() == Routine().pace
    assert timedelta(seconds=Routine().every_s) == timedelta(minutes=10)
