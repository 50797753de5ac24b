"""What does every store of assignments and runs promise?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Protocol

import pytest
from store_contract import a_decision, an_outcome
from store_learning_contract import a_feedback

from pointsman.core.aggregate import first_id
from pointsman.core.assignment.problem import (
    AgentNeeds,
    Bar,
    BarCode,
    Expected,
    ModelRoom,
    Problem,
    Rules,
)
from pointsman.core.assignment.records import (
    Assignment,
    Change,
    Chosen,
    Described,
    Figures,
    Match,
    Means,
    Place,
    Run,
    RunKind,
    RunState,
    Status,
    Trial,
    Usage,
    assignment_id,
)
from pointsman.core.assignment.trial import Results
from pointsman.core.decision import Decision, Outcome
from pointsman.core.errors import FailureKind
from pointsman.engine.ports import AssignmentQuery, AssignmentStore, DrawnQuery, RunQuery, Store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
AGENT = "builder"
MODEL = "acme/big"


class StoreOfBoth(Store, Protocol):
    assignments: AssignmentStore


def an_assignment(agent_id: str = AGENT, model_id: str = MODEL) -> Assignment:
    return Assignment(
        agent_id,
        model_id,
        Status.ACTIVE,
        Means.AUTO,
        at=NOON,
        changed_at=NOON,
        by="ops",
        run_id="run_1",
        rank=0,
    )


def a_run(number: int = 1, kind: RunKind = RunKind.PLAN) -> Run:
    change = Change(AGENT, (), (Place(MODEL, Status.ACTIVE, Means.AUTO, 0),))
    return Run(
        f"run_{number}", NOON, kind, RunState.APPLIED, "ops", "cfg_1", (change,), settled_at=NOON
    )


def a_problem() -> Problem:
    known = [[0.001, None]]
    return Problem(
        (AgentNeeds(AGENT, current=1),),
        (ModelRoom(MODEL, "acme", in_flight=4.0), ModelRoom("acme/small", "acme")),
        scores=[[0.9, 0.1 + 0.2]],
        bars=[{1: Bar(BarCode.INCAPABLE, "cannot see")}],
        expected=Expected(known, known, [[1.0, 2.0]], [[0.9, 0.3]]),
        rules=Rules(provider_shares=MappingProxyType({"acme": 0.5})),
    )


def told_again(store: AssignmentStore, **changes: object) -> Assignment:
    store.rematch([replace(an_assignment(), **changes)])  # type: ignore[arg-type]  # by name
    (found,) = all_of(store)
    return found


def all_of(store: AssignmentStore) -> list[Assignment]:
    return list(store.listed(AssignmentQuery(limit=None)).assignments)


class AssignmentStoreContract:
    @pytest.fixture
    def book(self, store: StoreOfBoth) -> AssignmentStore:
        return store.assignments

    def test_what_speaks_for_a_pair_is_told_anew_and_nothing_else(
        self, book: AssignmentStore
    ) -> None:
        book.keep(a_run(), [an_assignment()])
        match, said = Match(0.5, 0.25, 0.75, 9.0, 0.5), Described("New", "tool", ("math",), "Newer")
        found = told_again(book, match=match, described=said, notes="other", by="somebody")
        assert found == replace(an_assignment(), match=match, described=said)

    def test_what_was_is_forgotten_once_nobody_has_used_it_for_long(
        self, store: StoreOfBoth, book: AssignmentStore
    ) -> None:
        left = replace(an_assignment(), status=Status.INACTIVE, rank=None)
        used = replace(left, model_id="acme/other")
        standing, spare = (
            replace(an_assignment(), agent_id="x"),
            replace(left, agent_id="y", rank=1),
        )
        book.keep(a_run(), [left, used, standing, spare])
        late = NOON + timedelta(days=2)
        answer = an_outcome()._replace(agent_id=used.agent_id, model_id=used.model_id, at=late)
        store.append([a_decision(), answer])
        assert book.forget_unused(NOON) == 0
        assert book.forget_unused(NOON + timedelta(days=1)) == 1
        assert {each.id for each in all_of(book)} == {used.id, standing.id, spare.id}

    def test_an_assignment_comes_back_as_it_was(self, book: AssignmentStore) -> None:
        kept = replace(
            an_assignment(),
            status=Status.TESTING,
            means=Means.MANUAL,
            rank=None,
            match=Match(0.875, 0.75, 0.5, 12.0, 0.25),
            described=Described("Builder", "tool", ("coding", "math"), "Big", {"coding": 0.5}),
            notes="tried for a week, ليوم",
            until=NOON + timedelta(days=7),
            trial=Trial(0.25, Results(1.0, 0.5), Results(8.0, 7.0)),
        )
        book.keep(a_run(), [kept])
        assert all_of(book) == [kept]
        assert book.assignment(kept.id) == kept
        assert book.assignment("asg_0") is None

    def test_a_run_comes_back_as_it_was_with_what_was_solved(self, book: AssignmentStore) -> None:
        figures = Figures(0.5, 12.5, 0.0, (("clerk", ("no room",)),), ("a note",))
        kept = replace(
            a_run(),
            strategy="pareto",
            plan=figures,
            point=Chosen("plan_1", 0.5, 1.5, 12.5, knee=True),
        )
        book.keep(kept, (), book.packed(a_problem()))
        assert book.run("run_1") == kept
        assert book.problem("run_1") == a_problem()
        assert book.run("run_2") is None
        assert book.problem("run_2") is None

    def test_a_later_word_on_a_pair_replaces_the_earlier(self, book: AssignmentStore) -> None:
        book.keep(a_run(), [an_assignment()])
        later = replace(an_assignment(), means=Means.MANUAL, run_id="run_2", by="mary")
        book.keep(a_run(2), [later])
        assert all_of(book) == [later]

    def test_they_are_listed_by_agent_and_rank_a_page_at_a_time(
        self, book: AssignmentStore
    ) -> None:
        names = [("b", "m/1"), ("a", "m/2"), ("a", "m/1")]
        kept = [an_assignment(*pair) for pair in names]
        kept[2] = replace(kept[2], status=Status.INACTIVE, means=Means.FALLBACK, rank=1)
        book.keep(a_run(), kept)
        page = book.listed(AssignmentQuery(limit=2))
        assert (list(page.assignments), page.total) == ([kept[1], kept[2]], 3)
        rest = book.listed(AssignmentQuery(limit=2, offset=2))
        assert (list(rest.assignments), rest.total) == ([kept[0]], 3)

    def test_they_are_found_by_what_they_are(self, book: AssignmentStore) -> None:
        standing = an_assignment("a", "m/1")
        spare = replace(
            an_assignment("a", "m/2"), status=Status.INACTIVE, means=Means.FALLBACK, rank=1
        )
        other = an_assignment("b", "m/2")
        book.keep(a_run(), [standing, spare, other])
        for query, found in (
            (AssignmentQuery(status=Status.ACTIVE), [standing, other]),
            (AssignmentQuery(means=Means.FALLBACK), [spare]),
            (AssignmentQuery(agent_id="a"), [standing, spare]),
            (AssignmentQuery(model_id="m/2", status=Status.ACTIVE), [other]),
        ):
            page = book.listed(query)
            assert (list(page.assignments), page.total) == (found, len(found))

    def test_runs_are_listed_newest_first(self, book: AssignmentStore) -> None:
        for number in (1, 2, 3):
            book.keep(a_run(number))
        assert [run.id for run in book.runs(RunQuery(limit=2))] == ["run_3", "run_2"]
        assert [run.id for run in book.runs(RunQuery(before="run_2"))] == ["run_1"]

    def test_runs_are_found_by_what_they_are(self, book: AssignmentStore) -> None:
        book.keep(a_run(1))
        book.keep(a_run(2, RunKind.OVERRIDE))
        asked = replace(a_run(3), by="carol", strategy="greedy", at=NOON + timedelta(hours=2))
        book.keep(asked)
        for query, found in (
            (RunQuery(kind=RunKind.OVERRIDE), ["run_2"]),
            (RunQuery(strategy="greedy"), ["run_3"]),
            (RunQuery(by="carol"), ["run_3"]),
            (RunQuery(by="nobody's \udc80"), []),
            (RunQuery(since=asked.at), ["run_3"]),
            (RunQuery(until=asked.at), ["run_2", "run_1"]),
            (RunQuery(kind=RunKind.PLAN, until=asked.at, before="run_2"), ["run_1"]),
        ):
            assert [run.id for run in book.runs(query)] == found

    def test_the_mark_is_another_after_every_decision(
        self, store: StoreOfBoth, book: AssignmentStore
    ) -> None:
        marks = [book.mark()]

        def decided(run: Run) -> None:
            book.keep(run, [an_assignment()])
            marks.append(book.mark())

        later = NOON + timedelta(hours=1)
        decided(replace(a_run(1), state=RunState.PROPOSED))
        decided(a_run(2, RunKind.OVERRIDE))
        decided(replace(a_run(1), settled_at=later))
        book.remove(a_run(4, RunKind.RELEASE), assignment_id(AGENT, MODEL))
        marks.append(book.mark())
        assert len(set(marks)) == len(marks)
        store.append([a_decision(), an_outcome()])
        assert book.mark() == marks[-1], "what is asked of models decides nothing"

    def test_what_is_undone_says_so(self, book: AssignmentStore) -> None:
        book.keep(a_run(1))
        later = NOON + timedelta(hours=1)
        book.keep(replace(a_run(2, RunKind.UNDO), undoes="run_1", settled_at=later))
        undone = book.run("run_1")
        assert undone is not None
        assert (undone.state, undone.settled_at) == (RunState.UNDONE, later)

    def test_a_new_plan_makes_proposals_stale_and_an_override_does_not(
        self, book: AssignmentStore
    ) -> None:
        proposed = replace(a_run(1), state=RunState.PROPOSED)
        book.keep(proposed)
        book.keep(a_run(2, RunKind.OVERRIDE))
        assert book.runs(RunQuery(state=RunState.PROPOSED)) == [proposed]
        book.keep(a_run(3))
        assert book.runs(RunQuery(state=RunState.PROPOSED)) == []
        assert [run.id for run in book.runs(RunQuery(state=RunState.STALE))] == ["run_1"]

    def test_what_is_removed_is_gone_with_its_usage(self, book: AssignmentStore) -> None:
        book.keep(a_run(), [an_assignment()])
        book.remove(a_run(2, RunKind.RELEASE), assignment_id(AGENT, MODEL))
        assert all_of(book) == []
        assert book.run("run_2") is not None

    def test_usage_is_counted_from_outcomes_and_survives_a_later_word(
        self, store: StoreOfBoth, book: AssignmentStore
    ) -> None:
        outcome = an_outcome()._replace(failure=None)
        pair = (outcome.agent_id, outcome.model_id)
        book.keep(a_run(), [an_assignment(*pair)])
        failed = outcome._replace(decision_id="dec_x", failure=FailureKind.SERVER_ERROR)
        callers = outcome._replace(decision_id="dec_y", failure=FailureKind.INVALID_REQUEST)
        others = outcome._replace(decision_id="dec_z", model_id="acme/other")
        store.append([a_decision(), outcome, failed, callers, others])
        book.keep(a_run(2), [replace(an_assignment(*pair), notes="again")])
        (found,) = all_of(book)
        assert found.notes == "again"
        assert found.usage._replace(latency_s=0.0) == Usage(2, 1, 0.0, 1.0, outcome.at)
        assert found.usage.latency_s == pytest.approx(outcome.total_s)

    def test_an_answer_is_worth_what_was_last_said_of_it(
        self, store: StoreOfBoth, book: AssignmentStore
    ) -> None:
        outcome = an_outcome()._replace(failure=None)
        early = replace(an_assignment(outcome.agent_id, outcome.model_id), at=outcome.at)
        early = replace(early, at=early.at - timedelta(days=1))
        book.keep(a_run(), [early])
        store.append([a_decision(), outcome])
        said = a_feedback()._replace(model_id=outcome.model_id, success=None)
        for rating, worth in ((1, 0.0), (3, 0.5), (5, 1.0)):
            store.judge(said._replace(rating=rating))
            assert all_of(book)[0].usage.worth == worth

    def test_of_a_trial_counts_what_was_drawn_first_and_what_was_said_of_it(
        self, store: StoreOfBoth, book: AssignmentStore
    ) -> None:
        usual = a_decision()._replace(propensity=0.5, band=0.0, panic=False, explored=False)
        chosen, other = usual.candidates[0].model_id, "acme/other"
        query = DrawnQuery(usual.agent_id, (chosen, other), usual.at, usual.strategy)
        assert book.drawn(query) == {}

        def made(number: int, **changes: Any) -> Decision:
            begin = first_id(int(usual.at.timestamp()) + 1)
            return usual._replace(id=f"{begin}{number:016x}", **changes)

        def ended(of: Decision, model_id: str = chosen, attempt: int = 1) -> Outcome:
            found = an_outcome()._replace(decision_id=of.id, agent_id=of.agent_id, failure=None)
            return found._replace(model_id=model_id, attempt=attempt)

        drawn, named, stays, failed = made(1), made(2, band=None), made(3, propensity=1.0), made(4)
        broken = ended(failed)._replace(failure=FailureKind.SERVER_ERROR)
        callers = ended(made(5))._replace(failure=FailureKind.INVALID_REQUEST)
        spent = [made(6, explored=True), made(7, panic=True), made(8, agent_id="another")]
        early = usual._replace(id="dec_00000000000" + "0" * 16)
        counted = [drawn, named, stays, failed, made(5), *spent, early]
        ends = [ended(drawn), ended(named), ended(stays), broken, callers, *map(ended, spent)]
        store.append([*counted, *ends, ended(early), ended(failed, other, 2)])
        assert book.drawn(query) == {chosen: Results(2.0, 1.0)}
        said = a_feedback()._replace(decision_id=drawn.id, model_id=chosen, success=None)
        store.judge(said._replace(rating=2))
        assert book.drawn(query) == {chosen: Results(2.0, 0.25)}
        store.judge(said._replace(rating=None, success=False))
        assert book.drawn(query) == {chosen: Results(2.0, 0.0)}
