"""Is the fleet assigned anew when something has changed, at a pace, and as somebody allowed?"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from test_assignments import CLERK, CODER, LARGE, OPS, SMALL, Office, run_it
from test_trials import answers

from pointsman.core.assignment.duty import Expectations, FleetRules, Mode, Routine
from pointsman.core.assignment.records import Run, RunState
from pointsman.core.assignment.stability import Pace
from pointsman.core.fleet import Agent, Model
from pointsman.engine.ports import RunQuery
from pointsman.engine.reassign import ITSELF, Reassigning
from pointsman.engine.standing import Trying

SPARE = Model("else/spare", "else", "spare", strengths={"coding": 0.8, "general": 0.8})


class Watched(Office):
    """An office in which somebody looks after the assignments."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.down: frozenset[str] = frozenset()
        self.keeper = Reassigning(self.book, self.clock, down=lambda: self.down)

    def allows(self, mode: Mode, **changes: object) -> None:
        routine = replace(Routine(mode, "optimal", 600.0), **changes)  # type: ignore[arg-type]  # by name
        self.configured(expectations=Expectations(routine=routine))

    def turn(self, later_s: float = 15.0) -> Run | None:
        self.clock.t += later_s
        return run_it(self.keeper.turn())


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Watched]:
    office = Watched(tmp_path / "pointsman.db")
    office.configured(models=(LARGE, SPARE, SMALL), agents=(CODER, CLERK))
    yield office
    office.store.close()


def test_nobody_is_moved_unless_somebody_allows_it(office: Watched) -> None:
    assert office.turn() is None
    assert office.runs() == []


def test_it_is_proposed_once_and_a_person_applies_it(office: Watched) -> None:
    office.allows(Mode.PROPOSE)
    run = office.turn()
    assert run is not None
    assert (run.state, run.by, office.posts()) == (RunState.PROPOSED, ITSELF, {})
    assert office.turn(700.0) is None
    assert len(office.runs()) == 1
    run_it(office.book.adopt(run.id, OPS))
    assert office.posts() == {"coder": "lab/large", "clerk": "lab/large"}


def test_auto_puts_it_in_place_and_then_leaves_well_alone(office: Watched) -> None:
    office.allows(Mode.AUTO)
    run = office.turn()
    assert run is not None
    assert run.state is RunState.APPLIED
    for _ in range(5):
        assert office.turn(700.0) is None
    assert len(office.runs()) == 1


def test_a_model_that_fails_for_two_looks_loses_its_agents(office: Watched) -> None:
    office.allows(Mode.AUTO)
    office.turn()
    office.down = frozenset({"lab/large"})
    assert office.turn() is None
    run = office.turn()
    assert run is not None
    assert "lab/large does not answer" in run.reason
    assert set(office.posts().values()) == {"else/spare"}


def test_a_model_that_failed_for_one_look_loses_nobody(office: Watched) -> None:
    office.allows(Mode.AUTO)
    office.turn()
    for down in (frozenset({"lab/large"}), frozenset[str](), frozenset({"lab/large"})):
        office.down = down
        assert office.turn() is None
    assert set(office.posts().values()) == {"lab/large"}


def better(model: Model, strength: float) -> Model:
    return replace(model, strengths={"coding": strength, "general": strength})


def test_so_many_move_in_an_hour_and_no_more(office: Watched) -> None:
    many = tuple(Agent(f"a{number}", requires=("general",)) for number in range(6))
    office.configured(agents=many)
    office.allows(Mode.AUTO, pace=Pace(moves_per_hour=2, cool_off_s=0.0))
    office.turn()
    office.configured(models=(LARGE, better(SPARE, 1.0), SMALL))
    moved = []
    for _ in range(12):
        run = office.turn(660.0)
        moved.append(0 if run is None else len(run.moves))
    assert sum(moved[:5]) == 2
    assert sum(moved) == 6 - 2 or set(office.posts().values()) == {"else/spare"}
    assert max(moved) == 2


def test_who_has_moved_rests(office: Watched) -> None:
    office.configured(agents=(CLERK,))
    office.allows(Mode.AUTO, pace=Pace(cool_off_s=7200.0))
    office.turn()
    office.configured(models=(LARGE, better(SPARE, 1.0), SMALL))
    assert office.turn(700.0) is not None
    office.configured(models=(better(LARGE, 1.0), better(SPARE, 0.5), SMALL))
    assert office.turn(700.0) is None
    assert office.turn(7200.0) is not None
    assert office.posts() == {"clerk": "lab/large"}


def test_whoever_would_move_by_choice_tries_first_where_it_would_go(office: Watched) -> None:
    office.allows(Mode.AUTO, try_share=0.25)
    office.turn()
    assert office.posts() == {"coder": "lab/large", "clerk": "lab/large"}
    office.configured(models=(LARGE, better(SPARE, 1.0), SMALL))
    assert office.turn(700.0) is None
    posts = office.registry.current.setup.posts
    assert {(p.model_id, p.trying) for p in posts.values()} == {
        ("lab/large", Trying("else/spare", 0.25))
    }
    begun = len(office.runs())
    assert office.turn(700.0) is None
    assert len(office.runs()) == begun, "one that goes on is not begun again"
    answers(office, "lab/large", good=30, bad=30)
    answers(office, "else/spare", good=200, bad=0)
    office.turn()
    assert office.posts()["clerk"] == "else/spare"


def test_who_has_lost_its_model_does_not_try_but_moves(office: Watched) -> None:
    office.allows(Mode.AUTO, try_share=0.25)
    office.turn()
    office.down = frozenset({"lab/large"})
    office.turn()
    run = office.turn()
    assert run is not None
    assert set(office.posts().values()) == {"else/spare"}
    assert all(p.trying is None for p in office.registry.current.setup.posts.values())


def test_who_breaks_a_rule_by_staying_has_no_choice(office: Watched) -> None:
    office.allows(Mode.AUTO, try_share=0.25)
    office.turn()
    routine = Routine(Mode.AUTO, "optimal", 600.0, try_share=0.25)
    rules = FleetRules(exclusive=frozenset({"lab/large"}))
    office.configured(expectations=Expectations(rules=rules, routine=routine))
    run = office.turn(700.0)
    assert run is not None
    assert sorted(office.posts().values()) == ["else/spare", "lab/large"]


def test_an_override_ends_when_its_time_is_over_in_any_mode(office: Watched) -> None:
    office.apply()
    until = office.clock.now() + timedelta(seconds=60)
    run_it(office.book.override("clerk", "shop/small", OPS, until))
    office.turn(30.0)
    assert office.posts()["clerk"] == "shop/small"
    office.turn(30.0)
    assert office.posts()["clerk"] == "lab/large"
    (last, *_) = office.store.assignments.runs(RunQuery())
    assert (last.by, last.reason[:17]) == (ITSELF, "its time was over")


def test_after_an_override_from_nowhere_the_agent_is_nowhere_again(office: Watched) -> None:
    until = office.clock.now() + timedelta(seconds=60)
    run_it(office.book.override("clerk", "shop/small", OPS, until))
    later = until + timedelta(seconds=60)
    run_it(office.book.override("clerk", "else/spare", OPS, later))
    run_it(office.book.override("coder", "lab/large", OPS))
    office.turn(61.0)
    assert office.posts()["clerk"] == "else/spare", "its time was prolonged"
    office.turn(61.0)
    assert office.posts() == {"coder": "lab/large"}


def test_after_an_override_of_where_a_plan_had_the_agent_it_stays_there(office: Watched) -> None:
    office.apply()
    until = office.clock.now() + timedelta(seconds=60)
    run_it(office.book.override("clerk", "lab/large", OPS, until))
    office.turn(61.0)
    assert office.posts()["clerk"] == "lab/large"
    assert not office.book.roll.held(), "the next plan may move it"


def test_an_override_whose_history_is_forgotten_ends_where_it_is(office: Watched) -> None:
    until = office.clock.now() + timedelta(seconds=60)
    run = run_it(office.book.override("clerk", "shop/small", OPS, until))
    office.store.assignments.keep(replace(run, changes=()))
    office.turn(61.0)
    assert office.posts()["clerk"] == "shop/small"


def test_what_was_tried_and_not_taken_is_not_tried_again_at_once(office: Watched) -> None:
    office.allows(Mode.AUTO, try_share=0.25)
    office.turn()
    office.configured(models=(LARGE, better(SPARE, 1.0), SMALL))
    office.turn(700.0)
    assert office.turn(15 * 86_400.0) is None
    posts = office.registry.current.setup.posts
    assert {(p.model_id, p.trying) for p in posts.values()} == {("lab/large", None)}
    assert office.turn(700.0) is None
    assert all(p.trying is None for p in office.registry.current.setup.posts.values())
    office.turn(15 * 86_400.0)
    assert all(p.trying for p in office.registry.current.setup.posts.values()), "after a rest"


def test_an_override_ends_in_time_also_where_the_agent_is_pinned_by_then(office: Watched) -> None:
    office.allows(Mode.AUTO)
    until = office.clock.now() + timedelta(seconds=60)
    run_it(office.book.override("clerk", "shop/small", OPS, until))
    office.configured(agents=(CODER, replace(CLERK, pinned="else/spare")))
    office.turn(30.0)
    assert office.turn(700.0) is not None, "the fleet is looked after all the same"
    assert office.posts() == {"coder": "lab/large", "clerk": "else/spare"}


def test_where_a_file_names_a_plan_nobody_looks_after_anything(office: Watched) -> None:
    routine = Routine(Mode.AUTO)
    standing = {"clerk": "shop/small"}
    office.configured(expectations=Expectations(standing=standing, routine=routine))
    assert office.turn() is None
    assert office.runs() == []


def test_a_person_who_is_quicker_is_respected(office: Watched) -> None:
    office.allows(Mode.AUTO)

    async def both() -> None:
        await asyncio.gather(office.keeper.turn(), office.book.override("clerk", "shop/small", OPS))

    asyncio.run(both())
    assert office.posts()["clerk"] == "shop/small"
    office.turn()
    assert office.posts() == {"coder": "lab/large", "clerk": "shop/small"}
