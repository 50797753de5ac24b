"""Does what is in force follow what is known, and do requests follow what is in force?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from test_assignments import CLERK, CODER, LARGE, OPS, SMALL, USUAL, Office, run_it

from pointsman.core.assignment.duty import Duty, Expectations
from pointsman.core.assignment.posting import planned
from pointsman.core.assignment.records import PINNED, Means, RunKind, Status, assignment_id
from pointsman.core.capability import CapabilityScorer
from pointsman.core.decision import Candidate, Selection, Strategy, Task, Term
from pointsman.core.errors import Conflict, StoreError
from pointsman.core.fleet import Agent, Model
from pointsman.engine.ports import AssignmentQuery

ALL = AssignmentQuery(limit=None)
PLAN = RunKind.PLAN


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path / "pointsman.db")
    yield office
    office.store.close()


class Moody(CapabilityScorer):
    """Scores that somebody may change by the way."""

    lift = 0.0

    def score(self, agent: Agent, task: Task, selection: Selection, model: Model) -> Candidate:
        found = super().score(agent, task, selection, model)
        more = Term("mood", self.lift)
        return found._replace(score=found.score + self.lift, terms=(*found.terms, more))


def test_what_is_told_of_a_pair_follows_what_is_known(office: Office) -> None:
    office.book.scores = scores = Moody()
    office.apply()
    before = office.book.in_force("clerk")[0].match.score
    assert run_it(office.book.rematch()) == 0
    scores.lift = -0.25
    assert run_it(office.book.rematch()) == len(office.store.assignments.listed(ALL).assignments)
    kept = office.store.assignments.assignment(assignment_id("clerk", "lab/large"))
    assert kept is not None
    assert kept.match.score == pytest.approx(before - 0.25)
    assert office.book.in_force("clerk")[0].match == kept.match
    assert kept.run_id == office.runs()[0], "nothing was decided"


def test_an_assignment_whose_model_is_gone_is_told_as_it_was(office: Office) -> None:
    office.apply()
    office.configured(models=(SMALL,))
    assert run_it(office.book.rematch()) == 0
    assert office.book.in_force("coder")[0].match.score > 0.0


def test_nothing_is_changed_before_it_is_known_what_was_in_force(office: Office) -> None:
    office.apply()
    office.book.loaded = False
    for work in (office.book.apply(USUAL, OPS), office.book.override("clerk", SMALL.id, OPS)):
        with pytest.raises(StoreError, match="could not be read"):
            run_it(work)


def test_a_pinned_agent_is_where_it_is_by_hand(office: Office) -> None:
    office.configured(agents=(CODER, replace(CLERK, pinned="shop/small")))
    office.apply()
    (stood, *_) = office.book.in_force("clerk")
    assert (stood.model_id, stood.means, stood.notes) == ("shop/small", Means.MANUAL, PINNED)
    with pytest.raises(Conflict, match="the configuration pins clerk"):
        office.end("clerk", "shop/small")
    office.configured(agents=(CODER, CLERK))
    office.apply()
    assert office.posts()["clerk"] == "lab/large"


def test_who_stands_by_is_next_when_the_model_of_an_agent_fails(office: Office) -> None:
    third = replace(SMALL, id="else/third", provider="else", strengths={"general": 0.75})
    duties = {"clerk": Duty(fallbacks=1)}
    office.configured(models=(LARGE, SMALL, third), expectations=Expectations(duties))
    office.apply()
    run_it(office.book.change("clerk", lambda _: planned((), [LARGE.id, SMALL.id]), OPS, PLAN))
    snapshot = office.registry.current
    assert snapshot.setup.posts["clerk"].standby == (SMALL.id,)
    usual = snapshot.shortlists.of(CLERK, Task(), Selection())
    assert [c.model_id for c in usual.starting_at(0)] == [LARGE.id, SMALL.id, third.id]
    assert [c.model_id for c in usual.starting_at(1)] == [third.id, LARGE.id, SMALL.id]
    other = snapshot.shortlists.of(CLERK, Task(), Selection(Strategy.QUALITY))
    assert [c.model_id for c in other.starting_at(0)] == [LARGE.id, third.id, SMALL.id]


def test_the_model_that_an_override_hides_stands_by_as_the_plan_says(office: Office) -> None:
    third = replace(SMALL, id="else/third", provider="else", strengths={"general": 0.75})
    duties = {"clerk": Duty(fallbacks=2)}
    office.configured(models=(LARGE, SMALL, third), expectations=Expectations(duties))
    office.apply()
    run_it(office.book.override("clerk", SMALL.id, OPS))
    office.apply()
    assert office.found("clerk", LARGE.id).status is Status.OVERRIDDEN
    assert office.registry.current.setup.posts["clerk"].standby == (LARGE.id, third.id)
    office.restarted()
    assert office.registry.current.setup.posts["clerk"].standby == (LARGE.id, third.id)
    listed = [(each.model_id, each.rank) for each in office.book.in_force("clerk")]
    assert listed == [(SMALL.id, 0), (LARGE.id, 1), (third.id, 2)]
    office.end("clerk", SMALL.id)
    assert office.posts()["clerk"] == LARGE.id
