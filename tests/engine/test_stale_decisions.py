"""Is what was proposed or done on another day held against what is configured now?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from test_assignments import AWAY, CLERK, CODER, LARGE, OPS, SMALL, USUAL, run_it
from test_reassign import SPARE, Watched, better
from test_trials import answers

from pointsman.core.assignment.duty import Duty, Expectations, FleetRules, Mode, Routine
from pointsman.core.assignment.problem import Load
from pointsman.core.assignment.records import Run, RunState
from pointsman.core.errors import Conflict
from pointsman.core.fleet import AgentStatus, Model, Price, PriceState, Rate
from pointsman.engine.in_force import Who
from pointsman.engine.trials import judged, started

ROUTINE = Routine(Mode.PROPOSE, "optimal", 600.0)
BEST = better(SPARE, 1.0)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Watched]:
    """Everybody stands on lab/large, and proposals are made by themselves."""
    office = Watched(tmp_path / "pointsman.db")
    office.configured(models=(LARGE, SPARE, SMALL), agents=(CODER, CLERK))
    office.apply()
    ruled(office)
    assert office.turn() is None
    yield office
    office.store.close()


def ruled(office: Watched, duties: dict[str, Duty] | None = None, **rules: object) -> None:
    found = replace(FleetRules(), **rules)  # type: ignore[arg-type]  # by name
    office.configured(expectations=Expectations(duties or {}, found, routine=ROUTINE))


def proposed(office: Watched) -> Run:
    """That all move to the spare, which has become better."""
    office.configured(models=(LARGE, BEST, SMALL))
    run = office.turn(700.0)
    assert run is not None
    assert {(each.source, each.target) for each in run.moves} == {("lab/large", "else/spare")}
    return run


def stayed(office: Watched, run: Run) -> bool:
    kept = office.store.assignments.run(run.id)
    assert kept is not None
    return set(office.posts().values()) == {"lab/large"} and kept.state is RunState.PROPOSED


def test_a_proposal_whose_reason_is_gone_is_not_applied(office: Watched) -> None:
    run = proposed(office)
    office.configured(models=(LARGE, SPARE, SMALL))
    with pytest.raises(Conflict, match=r"proposed to gain 14\.00 points; .* it would lose 14\.00"):
        run_it(office.book.adopt(run.id, OPS))
    assert stayed(office, run)
    run_it(office.book.adopt(run.id, OPS, force=True))
    assert set(office.posts().values()) == {"else/spare"}


def test_a_plan_that_moves_nobody_outdates_what_was_proposed(office: Watched) -> None:
    run = proposed(office)
    office.configured(models=(LARGE, SPARE, SMALL))
    assert office.turn(700.0) is None
    kept = office.store.assignments.run(run.id)
    assert kept is not None
    assert (kept.state, kept.settled_at) == (RunState.STALE, office.clock.now())
    with pytest.raises(Conflict, match="is stale, not proposed"):
        run_it(office.book.adopt(run.id, OPS, force=True))


def test_a_proposal_puts_nobody_on_a_model_that_it_may_not_have_by_now(office: Watched) -> None:
    run = proposed(office)
    office.configured(agents=(CODER, replace(CLERK, deny=frozenset({"else/spare"}))))
    words = "clerk may not stand on else/spare: on the deny list"
    with pytest.raises(Conflict, match=words) as refused:
        run_it(office.book.adopt(run.id, OPS))
    assert refused.value.code == "breaks_rules"
    assert stayed(office, run)


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"provider_shares": {"else": 0.1}}, "the share of else exceeded by 1.8"),
        ({"budget_usd_per_day": 0.001}, "the budget per day of the fleet exceeded by"),
    ],
)
def test_a_proposal_exceeds_no_limit_of_now(
    office: Watched, rules: dict[str, object], words: str
) -> None:
    office.configured(models=(LARGE, priced(BEST), SMALL))
    duties = {name: Duty(Load(1.0, 1000.0, 100.0)) for name in ("coder", "clerk")}
    ruled(office, duties)
    run = office.turn(700.0)
    assert run is not None
    assert run.moves
    ruled(office, duties, **rules)
    with pytest.raises(Conflict, match=words):
        run_it(office.book.adopt(run.id, OPS))
    assert stayed(office, run)
    run_it(office.book.adopt(run.id, OPS, force=True))
    assert "else/spare" in office.posts().values()


def priced(model: Model) -> Model:
    dollar = Rate(Decimal(1))
    return replace(model, price=Price(PriceState.KNOWN, dollar, dollar))


def test_what_is_exceeded_anyway_is_no_reason_against_what_exceeds_it_less(
    office: Watched,
) -> None:
    ruled(office, provider_shares={"lab": 0.5})
    run = office.turn(700.0)
    assert run is not None
    ruled(office, provider_shares={"lab": 0.1})
    run_it(office.book.adopt(run.id, OPS))
    assert sorted(office.posts().values()) == ["else/spare", "lab/large"]


def test_who_must_move_anyway_may_lose_by_it(office: Watched) -> None:
    run = proposed(office)
    denying = (replace(CODER, deny=frozenset({"lab/large"})), CLERK)
    office.configured(models=(LARGE, SPARE, SMALL), agents=denying)
    run_it(office.book.adopt(run.id, OPS))
    assert set(office.posts().values()) == {"else/spare"}


def test_nobody_goes_back_to_a_model_that_it_may_not_have_by_now(office: Watched) -> None:
    done = run_it(office.book.override("clerk", "shop/small", OPS))
    office.configured(agents=(CODER, replace(CLERK, deny=frozenset({"lab/large"}))))
    with pytest.raises(Conflict, match="clerk may not stand on lab/large: on the deny list"):
        run_it(office.book.undo(done.id, OPS))
    assert office.posts()["clerk"] == "shop/small"
    undone = run_it(office.book.undo(done.id, OPS, force=True))
    assert undone is not None
    assert office.posts()["clerk"] == "lab/large"


def test_who_is_offline_goes_back_to_no_such_model_either(office: Watched) -> None:
    done = run_it(office.book.override("clerk", "shop/small", OPS))
    away = replace(CLERK, deny=frozenset({"lab/large"}), status=AgentStatus.OFFLINE)
    office.configured(agents=(CODER, away))
    with pytest.raises(Conflict, match="clerk may not stand on lab/large"):
        run_it(office.book.undo(done.id, OPS))


def test_what_a_person_decided_against_a_measure_is_put_back(office: Watched) -> None:
    run_it(office.book.override("clerk", "shop/small", OPS))
    let_go = office.end("clerk", "shop/small")
    ruled(office, {"clerk": Duty(quality_floor=0.8)})
    run_it(office.book.undo(let_go.id, OPS))
    assert office.registry.current.setup.posts["clerk"].held


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"agents": (CODER, replace(CLERK, deny=frozenset({"else/spare"})))},
            "clerk may not stand on else/spare: on the deny list of agent clerk",
        ),
        (
            {"expectations": Expectations(rules=FleetRules(provider_shares={"else": 0.0}))},
            "the share of else exceeded by 1",
        ),
    ],
)
def test_what_has_proved_itself_does_not_take_over_where_it_may_not_by_now(
    office: Watched, changes: dict[str, object], words: str
) -> None:
    run_it(started(office.book, "clerk", "else/spare", 0.25, OPS))
    answers(office, "lab/large", good=30, bad=30)
    answers(office, "else/spare", good=200, bad=0)
    office.configured(**changes)
    (run,) = run_it(judged(office.book))
    assert run.reason == (
        "else/spare is better: 100.0% of 200 against 50.0% of 60 answers; "
        f"but {words}, so it stays where it is and the trial is over"
    )
    assert office.posts()["clerk"] == "lab/large"
    assert list(office.book.roll.trying()) == []


def test_all_that_is_in_the_way_is_named_and_the_rest_counted(office: Watched) -> None:
    many = tuple(replace(AWAY, id=f"a{n}", status=AgentStatus.ONLINE) for n in range(8))
    office.configured(agents=many)
    first = office.apply()
    run_it(office.book.undo(first.id, OPS))
    found = run_it(office.book.solved(USUAL))
    run = run_it(office.book.propose(found, USUAL, Who("pointsman")))
    office.configured(agents=[replace(each, deny=frozenset({"lab/large"})) for each in many])
    with pytest.raises(Conflict, match=r"a4 may not stand .*; and 3 more\. Make a new plan"):
        run_it(office.book.adopt(run.id, OPS))
