"""Does a tried model get its share, and does what it shows decide?"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import BEST, LAST, NEXT, World
from test_assignments import CLERK, CODER, LARGE, OPS, SMALL, Office, run_it

from pointsman.core.assignment.records import Run, RunKind, Status, assignment_id
from pointsman.core.assignment.trial import Results, Verdict
from pointsman.core.audit import ITSELF
from pointsman.core.decision import Candidate, Decision, Outcome, Strategy, Task
from pointsman.core.errors import Conflict, FailureKind, RequestError
from pointsman.core.explanation import Why, reason_of
from pointsman.core.fleet import Agent, Model
from pointsman.engine.policy import Policy
from pointsman.engine.standing import Trying, post_of
from pointsman.engine.trials import JUDGE, judged, started, trials
from pointsman.engine.why_there import why_there


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path / "pointsman.db")
    office.apply()
    yield office
    office.store.close()


def drawn(office: Office, number: int, *models: str, **changes: object) -> Decision:
    """A request of the clerk that was drawn for the first of the models."""
    at = office.clock.now()
    made = Decision(
        id=f"dec_{int(at.timestamp() * 1000):011x}{models[0][:3]}{number:013x}",
        request_id=f"req_{number}",
        at=at,
        agent_id="clerk",
        task=Task(),
        strategy=Strategy.BALANCED,
        candidates=tuple(Candidate(name, 0.5, ()) for name in models),
        rejections=(),
        propensity=0.25,
        config_version="v1",
    )
    return made._replace(**changes)  # type: ignore[arg-type]  # by name


def ending(decision: Decision, model_id: str, attempt: int = 1, *, good: bool = True) -> Outcome:
    failure = None if good else FailureKind.SERVER_ERROR
    return Outcome(
        decision.id, attempt, model_id, "clerk", decision.at, failure, False, total_s=1.0
    )


def answers(office: Office, model_id: str, good: int, bad: int, first: int = 0) -> None:
    """So many answers to the clerk, good and bad."""
    records: list[Decision | Outcome] = []
    for number in range(good + bad):
        made = drawn(office, first + number, model_id)
        records += [made, ending(made, model_id, good=number < good)]
    office.store.append(records)


def shown(office: Office) -> tuple[Results, Results]:
    """What counts of the model on trial, and of the standing one."""
    (going,) = run_it(trials(office.book))
    return going.tried, going.standing


def on_trial(office: Office, share: float = 0.25) -> None:
    run_it(started(office.book, "clerk", "shop/small", share, OPS))


def test_a_trial_is_beside_what_the_agent_stands_on(office: Office) -> None:
    on_trial(office)
    post = office.registry.current.setup.posts["clerk"]
    assert (post.model_id, post.trying) == ("lab/large", Trying("shop/small", 0.25))
    (going,) = run_it(trials(office.book))
    assert (going.verdict, going.tried.answers) == (Verdict.UNDECIDED, 0.0)


def test_a_trial_survives_a_restart(office: Office) -> None:
    on_trial(office)
    office.restarted()
    assert office.registry.current.setup.posts["clerk"].trying == Trying("shop/small", 0.25)


def test_what_was_before_the_trial_does_not_count(office: Office) -> None:
    answers(office, "lab/large", good=100, bad=0)
    office.clock.t += 10.0
    on_trial(office)
    answers(office, "lab/large", good=10, bad=0, first=100)
    (going,) = run_it(trials(office.book))
    assert going.standing.answers == 10.0


def test_what_was_shown_still_counts_when_the_share_changes(office: Office) -> None:
    on_trial(office)
    answers(office, "shop/small", good=10, bad=0)
    on_trial(office, share=0.5)
    (going,) = run_it(trials(office.book))
    assert going.tried.answers == 10.0
    assert office.registry.current.setup.posts["clerk"].trying == Trying("shop/small", 0.5)


def test_a_worse_model_goes(office: Office) -> None:
    on_trial(office)
    answers(office, "lab/large", good=200, bad=0)
    answers(office, "shop/small", good=30, bad=30)
    (run,) = run_it(judged(office.book))
    assert (run.kind, run.by) == (RunKind.TRIAL, JUDGE)
    assert "shop/small is worse: 50.0% of 60 against 100.0% of 200 answers" in run.reason
    assert office.posts()["clerk"] == "lab/large"
    assert office.registry.current.setup.posts["clerk"].trying is None


def test_a_better_model_takes_over(office: Office) -> None:
    on_trial(office)
    answers(office, "lab/large", good=30, bad=30)
    answers(office, "shop/small", good=200, bad=0)
    run_it(judged(office.book))
    assert office.posts()["clerk"] == "shop/small"
    assert [each.model_id for each in office.book.in_force("clerk")][:2] == [
        "shop/small",
        "lab/large",
    ]


def test_a_trial_that_a_person_ended_meanwhile_is_not_decided_for_them(office: Office) -> None:
    on_trial(office)
    answers(office, "lab/large", good=30, bad=30)
    answers(office, "shop/small", good=200, bad=0)

    async def both() -> list[Run]:
        ending = asyncio.create_task(office.book.end(office.found("clerk", "shop/small"), OPS))
        await asyncio.sleep(0)
        return [*await judged(office.book), await ending]

    (run,) = asyncio.run(both())
    assert run.by == "ops", "nothing is written down of a verdict that nobody needs"
    assert office.posts()["clerk"] == "lab/large"


def test_where_a_person_put_the_agent_it_stays_whatever_a_trial_proves(office: Office) -> None:
    run_it(office.book.override("clerk", "lab/large", OPS))
    on_trial(office)
    answers(office, "lab/large", good=30, bad=30)
    answers(office, "shop/small", good=200, bad=0)
    (run,) = run_it(judged(office.book))
    assert (run.kind, run.by) == (RunKind.TRIAL, ITSELF)
    assert run.reason == (
        "shop/small is better: 100.0% of 200 against 50.0% of 60 answers; but a person put clerk"
        " on lab/large, so it stays where it is and the trial is over"
    )
    assert office.registry.current.setup.posts["clerk"].held
    assert office.posts()["clerk"] == "lab/large"
    assert list(office.book.roll.trying()) == []
    assert run_it(judged(office.book)) == []


def test_what_an_override_hides_outlives_a_trial_beside_it(office: Office) -> None:
    run_it(office.book.override("clerk", "shop/small", OPS))
    run_it(started(office.book, "clerk", "lab/large", 0.25, OPS))
    answers(office, "lab/large", good=200, bad=0)
    answers(office, "shop/small", good=30, bad=30)
    run_it(judged(office.book))
    assert office.posts()["clerk"] == "shop/small"


def test_a_trial_of_an_agent_that_is_pinned_meanwhile_ends(office: Office) -> None:
    on_trial(office)
    answers(office, "lab/large", good=30, bad=30)
    answers(office, "shop/small", good=200, bad=0)
    office.configured(agents=(CODER, replace(CLERK, pinned="lab/large")))
    (run,) = run_it(judged(office.book))
    assert run.reason == "the configuration pins clerk to lab/large: shop/small gets nothing"
    assert office.posts()["clerk"] == "lab/large"


def test_as_long_as_nothing_is_proved_it_goes_on(office: Office) -> None:
    on_trial(office)
    answers(office, "lab/large", good=5, bad=1)
    answers(office, "shop/small", good=5, bad=0)
    assert run_it(judged(office.book)) == []
    assert run_it(trials(office.book))


def test_what_is_undecided_for_too_long_ends_with_the_old_one_and_says_so(office: Office) -> None:
    on_trial(office)
    answers(office, "lab/large", good=5, bad=1)
    answers(office, "shop/small", good=5, bad=0)
    office.clock.t += 14 * 86_400.0 - 1.0
    assert run_it(judged(office.book)) == []
    office.clock.t += 2.0
    (run,) = run_it(judged(office.book))
    assert (run.kind, run.by) == (RunKind.TRIAL, JUDGE)
    assert run.reason == (
        "shop/small is undecided after 14.0 days, so lab/large is kept:"
        " 100.0% of 5 against 83.3% of 6 answers"
    )
    assert office.posts()["clerk"] == "lab/large"
    assert run_it(trials(office.book)) == []


def test_what_is_proved_at_the_last_moment_counts(office: Office) -> None:
    on_trial(office)
    answers(office, "lab/large", good=30, bad=30)
    answers(office, "shop/small", good=200, bad=0)
    office.clock.t += 15 * 86_400.0
    run_it(judged(office.book))
    assert office.posts()["clerk"] == "shop/small"


def test_a_trial_of_a_model_that_is_gone_ends_and_may_begin_again_when_it_is_back(
    office: Office,
) -> None:
    on_trial(office)
    answers(office, "lab/large", good=30, bad=30)
    answers(office, "shop/small", good=200, bad=0)
    models = office.models
    office.configured(models=models[:1])
    (run,) = run_it(judged(office.book))
    assert (run.kind, run.by) == (RunKind.TRIAL, ITSELF)
    assert run.reason == "shop/small is not declared any more: lab/large is kept"
    assert office.posts()["clerk"] == "lab/large"
    assert list(office.book.roll.trying()) == []
    assert run_it(judged(office.book)) == []
    office.restarted()
    assert list(office.book.roll.trying()) == []
    office.configured(models=models)
    office.clock.t += 10.0
    on_trial(office)
    assert run_it(judged(office.book)) == [], "what it showed before does not count"


def test_a_trial_that_was_left_without_a_primary_ends(office: Office) -> None:
    on_trial(office)
    lone = office.book.roll.places("clerk")[-1:]
    run_it(office.book.change("clerk", lambda _: lone, OPS, RunKind.TRIAL))
    (run,) = run_it(judged(office.book))
    assert (run.by, run.reason) == (ITSELF, "clerk stands on no model to compare shop/small with")
    assert office.book.roll.places("clerk") == ()
    assert run_it(judged(office.book)) == []


def test_who_is_on_trial_is_not_moved_by_a_plan(office: Office) -> None:
    on_trial(office)
    office.apply()
    assert any(each.status is Status.TESTING for each in office.book.in_force("clerk"))


def test_what_is_worth_more_is_told_also_of_an_agent_that_no_plan_moves_while_it_tries_that(
    office: Office,
) -> None:
    office.configured(models=(SMALL,))
    office.apply()
    office.configured(models=(SMALL, LARGE))
    run_it(started(office.book, "clerk", "lab/large", 0.25, OPS))
    book = office.book
    why = run_it(why_there(book.aside, book.question(), book.scores, "clerk"))
    assert why is not None
    assert why.words[1] == (
        "lab/large is worth 11.00 points more to it; there is room, and the plan does not use it"
    )
    assert why.words[-1].startswith("it is on trial: lab/large gets 25% of the requests of clerk")


def test_a_person_may_stop_it(office: Office) -> None:
    on_trial(office)
    office.end("clerk", "shop/small")
    assert run_it(trials(office.book)) == []


def test_there_must_be_something_to_compare(office: Office) -> None:
    with pytest.raises(Conflict, match="The agent stands on lab/large already"):
        run_it(started(office.book, "clerk", "lab/large", 0.5, OPS))
    with pytest.raises(Conflict, match="stands on no model yet"):
        run_it(started(office.book, "away", "lab/large", 0.5, OPS))
    with pytest.raises(RequestError, match="can serve no request of coder"):
        run_it(started(office.book, "coder", "shop/small", 0.5, OPS))


def test_one_override_and_a_trial_of_that_model_leave_a_primary_in_either_order(
    office: Office,
) -> None:
    run_it(office.book.override("clerk", "shop/small", OPS))
    with pytest.raises(Conflict, match="stands on shop/small already"):
        on_trial(office)
    assert office.posts()["clerk"] == "shop/small"
    office.end("clerk", "shop/small")
    on_trial(office)
    run_it(office.book.override("clerk", "shop/small", OPS))
    assert office.posts()["clerk"] == "shop/small"
    assert office.book.roll.tried("clerk") is None


TRIER = Agent("trier", requires=("general",))


def trying(share: float) -> World:
    """A world in which an agent stands on the best model and tries the last."""
    policy = Policy(band=0.0)
    world = World(BEST, NEXT, LAST, agents=[TRIER], policy=policy)
    world.registry.post({"trier": post_of("trier", BEST.id, 0.03, trying=Trying(LAST.id, share))})
    return world


def test_the_tried_model_gets_its_share_and_every_decision_says_how_likely_it_was() -> None:
    world = trying(0.2)
    seen: dict[str, int] = {}
    for _ in range(2_000):
        made = world.service.decide(world.ask("trier"))
        assert made.chosen is not None
        seen[made.chosen.model_id] = seen.get(made.chosen.model_id, 0) + 1
        chance = 0.2 if made.chosen.model_id == LAST.id else 0.8
        assert made.propensity == pytest.approx(chance)
    assert set(seen) == {BEST.id, LAST.id}
    assert 330 <= seen[LAST.id] <= 470


def test_every_decision_says_what_is_on_trial_and_whether_it_fell_to_it() -> None:
    world, told = trying(0.125), f"{LAST.id} is on trial (tried on 12.5% of the requests of trier)"
    seen = {}
    for _ in range(200):
        made = world.service.decide(world.ask("trier"))
        reason = reason_of(made)
        assert told in reason.words
        seen[made.candidates[0].model_id] = reason.code
    assert seen == {BEST.id: Why.BEST, LAST.id: Why.TRIED}


@pytest.mark.parametrize("named", [BEST, LAST], ids=lambda model: model.id)
def test_who_names_a_model_gets_it_whatever_is_on_trial(named: Model) -> None:
    world = trying(0.5)
    other = LAST if named is BEST else BEST
    ask = world.ask("trier")
    selection = ask.selection._replace(pinned=named.id, fallbacks=(other.id,))
    for _ in range(20):
        made = world.service.decide(ask._replace(selection=selection))
        assert made.candidates[0].model_id == named.id
        assert "trial" not in reason_of(made).words


def test_who_is_as_good_as_the_best_gets_its_share_and_no_more() -> None:
    twin = replace(LAST, id="third/twin", strengths=BEST.strengths)
    world = World(BEST, twin, agents=[TRIER], policy=Policy(band=0.5))
    world.registry.post({"trier": post_of("trier", BEST.id, 0.03, trying=Trying(twin.id, 0.2))})
    seen = [world.service.decide(world.ask("trier")) for _ in range(500)]
    tried = [each for each in seen if each.chosen and each.chosen.model_id == twin.id]
    assert 60 <= len(tried) <= 140
    assert {each.propensity for each in tried} == {0.2}


def test_who_alone_is_able_serves_all_and_that_proves_nothing() -> None:
    only = World(LAST, agents=[TRIER])
    only.registry.post({"trier": post_of("trier", BEST.id, 0.03, trying=Trying(LAST.id, 0.2))})
    made = only.service.decide(only.ask("trier"))
    assert made.chosen is not None
    assert (made.chosen.model_id, made.propensity) == (LAST.id, 1.0)


def test_a_conversation_is_tried_as_a_whole() -> None:
    world = trying(0.5)
    for name in ("one", "two", "three", "four"):
        chosen = set()
        for _ in range(8):
            ask = world.ask("trier")._replace(session=name)
            made = world.service.decide(ask)
            assert made.chosen is not None
            chosen.add(made.chosen.model_id)
        assert len(chosen) == 1


def test_others_and_other_wishes_try_nothing() -> None:
    world = trying(0.9)
    made = [world.service.decide(world.ask()) for _ in range(50)]
    assert {each.chosen.model_id for each in made if each.chosen} == {BEST.id}


def test_the_decision_names_the_assignment() -> None:
    made = trying(0.5).service.decide(trying(0.5).ask("trier"))
    assert made.assignment_id == assignment_id("trier", BEST.id)
