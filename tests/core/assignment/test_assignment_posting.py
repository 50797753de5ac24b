"""What does a decision change for an agent, what does it leave alone, and can it be taken back?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.assignment.posting import (
    Facts,
    Places,
    Stamp,
    adopted,
    changed,
    differing,
    expired,
    overridden,
    planned,
    released,
    tried,
    untried,
    withdrawn,
    without,
)
from pointsman.core.assignment.records import (
    PINNED,
    Assignment,
    Change,
    Described,
    Match,
    Means,
    Place,
    Roll,
    Status,
    Trial,
    Usage,
    assignment_id,
    primary_of,
)
from pointsman.core.errors import Conflict

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
SCORES = {"a": 0.75, "b": 0.5, "c": 0.25, "d": 0.125}
TRIAL = Trial(0.25)
ON_A = planned((), ["a", "b", "c"])
LONE = (Place("a", Status.TESTING, Means.AUTO, None, trial=TRIAL),)


def facts(_: str, model_id: str) -> Facts:
    return Facts(Match(SCORES[model_id]), Described(model_name=model_id.upper()))


def after(roll: Roll, places: Places, at: datetime = NOON, run: str = "run_1") -> Roll:
    if not differing(roll, {"x": places}):
        return roll
    return roll.with_those_of({"x": changed(roll, "x", places, facts, Stamp(at, "ops", run)).after})


def change(roll: Roll, places: Places) -> Change:
    return changed(roll, "x", places, facts, Stamp(LATER, "ops", "run_2")).change


def shown(places: Places) -> list[tuple[str, str, str, int | None]]:
    return [(p.model_id, p.status.value, p.means.value, p.rank) for p in places]


def test_a_plan_names_a_primary_and_who_stands_by() -> None:
    assert shown(ON_A) == [
        ("a", "ACTIVE", "AUTO", 0),
        ("b", "INACTIVE", "FALLBACK", 1),
        ("c", "INACTIVE", "FALLBACK", 2),
    ]


def test_an_agent_for_whom_a_plan_has_nothing_has_nothing() -> None:
    assert planned(ON_A, []) == ()


def test_where_a_person_put_an_agent_it_survives_every_plan() -> None:
    held = overridden(ON_A, "d", "because", None)
    again = planned(held, ["d", "a", "b"])
    assert shown(again) == [
        ("d", "ACTIVE", "MANUAL", 0),
        ("a", "OVERRIDDEN", "AUTO", 1),
        ("b", "INACTIVE", "FALLBACK", 2),
    ]
    assert again[0].notes == "because"
    assert planned(held, [])[0].model_id == "d"


def test_what_an_override_hides_stands_by_where_a_plan_says_so_and_is_gone_back_to() -> None:
    held = planned(overridden(ON_A, "d", "", None), ["d", "b", "a"])
    assert shown(held)[1:] == [("b", "INACTIVE", "FALLBACK", 1), ("a", "OVERRIDDEN", "AUTO", 2)]
    assert shown(planned(held, ["d", "b"]))[1:] == [
        ("b", "INACTIVE", "FALLBACK", 1),
        ("a", "OVERRIDDEN", "AUTO", None),
    ]
    elsewhere = overridden(held, "c", "", None)
    assert shown(elsewhere)[1:] == [
        ("b", "INACTIVE", "FALLBACK", 1),
        ("a", "OVERRIDDEN", "AUTO", 2),
    ]
    assert shown(released(held)) == [("a", "ACTIVE", "AUTO", 0), ("b", "INACTIVE", "FALLBACK", 1)]
    waiting = next(place for place in held if place.status is Status.OVERRIDDEN)
    assert shown(without(held, waiting))[1:] == [("b", "INACTIVE", "FALLBACK", 1)]


def test_released_it_goes_back_to_where_it_was() -> None:
    held = overridden(ON_A, "b", "", None)
    assert shown(released(held)) == [("a", "ACTIVE", "AUTO", 0), ("c", "INACTIVE", "FALLBACK", 1)]


def test_released_from_its_own_model_it_stays_there_for_the_next_plan_to_decide() -> None:
    assert shown(released(overridden(ON_A, "a", "", None)))[0] == ("a", "ACTIVE", "AUTO", 0)
    assert shown(released(overridden((), "a", "", None))) == [("a", "ACTIVE", "AUTO", 0)]


def test_a_second_override_still_comes_back_to_the_plan() -> None:
    twice = overridden(overridden(ON_A, "b", "", None), "c", "", None)
    assert primary_of(released(twice)) == "a"


def test_who_is_not_held_is_not_released() -> None:
    assert released(ON_A) == ON_A


def test_who_loses_its_primary_has_nothing() -> None:
    assert without(ON_A, ON_A[0]) == ()


def test_an_override_that_ends_comes_back_to_the_plan() -> None:
    held = overridden(ON_A, "b", "", None)
    assert without(held, held[0]) == released(held)
    waiting = next(place for place in held if place.status is Status.OVERRIDDEN)
    assert primary_of(released(without(held, waiting))) == "b"


def test_a_trial_that_ends_leaves_all_else() -> None:
    trial = tried(ON_A, "d", TRIAL, Means.MANUAL, "")
    assert without(trial, trial[-1]) == ON_A
    assert without(LONE, LONE[0]) == ()


def test_an_override_ends_when_its_time_is_over_and_not_before() -> None:
    held = overridden(ON_A, "b", "", LATER)
    assert expired(held, NOON) == held
    assert expired(held, LATER) == released(held)
    assert expired(overridden(ON_A, "b", "", None), LATER) == overridden(ON_A, "b", "", None)
    assert expired(ON_A, LATER) == ON_A


def test_a_primary_that_is_taken_away_is_gone_also_where_nothing_is_behind_it() -> None:
    assert withdrawn(overridden((), "a", "", None), "a") == ()
    assert withdrawn(overridden(ON_A, "a", "", None), "a") == ()
    assert primary_of(withdrawn(overridden(ON_A, "b", "", None), "b")) == "a"
    assert withdrawn(ON_A, "a") == ()
    assert withdrawn(ON_A, "b") == ON_A


def test_one_that_stands_by_is_taken_away_and_the_next_moves_up() -> None:
    assert shown(without(ON_A, ON_A[1]))[1:] == [("c", "INACTIVE", "FALLBACK", 1)]


def test_evidence_has_changed_a_score_only_where_there_is_some() -> None:
    assert Match(0.75, 0.5, 0.9, evidence=20.0).adjustment == 0.25
    assert Match(0.75, 0.5).adjustment == 0.0
    assert Match(0.75).adjustment == 0.0


def test_a_trial_is_beside_the_primary_and_ends_without_a_trace() -> None:
    trying = tried(ON_A, "d", TRIAL, Means.MANUAL, "new here")
    assert shown(trying)[-1] == ("d", "TESTING", "MANUAL", None)
    assert untried(trying) == ON_A


def test_there_is_no_trial_without_another_model_to_compare() -> None:
    for before in ((), untried(LONE), LONE):
        with pytest.raises(Conflict, match="stands on no model yet") as refused:
            tried(before, "d", TRIAL, Means.MANUAL, "")
        assert refused.value.code == "nothing_standing"
    for before in (ON_A, overridden(ON_A, "a", "", None), overridden((), "a", "", None)):
        with pytest.raises(Conflict, match="stands on a already") as refused:
            tried(before, "a", TRIAL, Means.MANUAL, "")
        assert refused.value.code == "already_standing"


def test_there_is_one_trial_at_a_time() -> None:
    twice = tried(tried(ON_A, "d", TRIAL, Means.AUTO, ""), "c", TRIAL, Means.AUTO, "")
    assert [p.model_id for p in twice if p.status is Status.TESTING] == ["c"]
    assert [p.rank for p in twice] == [0, 1, None]


def test_a_trial_goes_on_while_the_primary_stays_and_no_longer() -> None:
    trying = tried(ON_A, "d", TRIAL, Means.AUTO, "")
    assert [p.trial for p in planned(trying, ["a", "c"])] == [None, None, TRIAL]
    assert all(p.trial is None for p in planned(trying, ["b", "c"]))
    assert shown(planned(trying, ["d"])) == [("d", "ACTIVE", "AUTO", 0)]
    assert all(p.trial is None for p in overridden(trying, "b", "", None))


def test_a_model_that_has_proved_itself_leads_and_the_other_stands_by() -> None:
    trying = tried(ON_A, "c", TRIAL, Means.AUTO, "")
    assert [(p.model_id, p.rank) for p in adopted(trying)] == [("c", 0), ("a", 1), ("b", 2)]
    assert shown(adopted(LONE)) == [("a", "ACTIVE", "AUTO", 0)]


def test_what_is_left_is_told_once_more_and_then_not_remembered() -> None:
    first = after(Roll(), planned((), ["a"]))
    used = first.with_those_of({"x": [replace(first.of("x")[0], usage=Usage(5, 4))]})
    stamp = Stamp(LATER, "ops", "run_2")
    left, stood = changed(used, "x", planned((), ["b"]), facts, stamp).after
    assert (left.status, left.rank, left.usage.requests) == (Status.INACTIVE, None, 5)
    assert (stood.model_id, stood.at, stood.run_id) == ("b", LATER, "run_2")
    assert after(used, planned((), ["b"]), LATER, "run_2").of("x") == (stood,)


def test_a_pin_is_a_decision_by_hand_that_ends_with_the_pin() -> None:
    pinned = planned((), ["a", "b"], pinned=True)
    assert shown(pinned)[0] == ("a", "ACTIVE", "MANUAL", 0)
    roll = after(Roll(), pinned)
    assert (roll.of("x")[0].notes, roll.held()) == (PINNED, {})
    assert shown(planned(pinned, ["b"]))[0] == ("b", "ACTIVE", "AUTO", 0)
    by_hand = overridden(pinned, "c", PINNED, None)
    assert by_hand[0].notes == ""
    assert after(Roll(), by_hand).held() == {"x": "c"}


def test_what_does_not_change_is_not_touched() -> None:
    roll = after(Roll(), ON_A)
    assert differing(roll, {"x": ON_A}) == {}
    assert differing(roll, {"x": ON_A[:1]}) == {"x": ON_A[:1]}
    moved = after(roll, planned((), ["a", "b"]), LATER, "run_2")
    assert moved.of("x")[:2] == roll.of("x")[:2]


def test_a_change_says_what_it_gains() -> None:
    roll = after(Roll(), planned((), ["b"]))
    up, out = change(roll, planned((), ["a"])), change(roll, ())
    assert (up.source, up.target, up.gain) == ("b", "a", 0.25)
    assert (out.source, out.target, out.gain) == ("b", None, None)


STEPS = st.lists(
    st.sampled_from(
        [
            lambda before: planned(before, ["a", "b", "c"]),
            lambda before: planned(before, ["c", "b"]),
            lambda before: planned(before, []),
            lambda before: overridden(before, "d", "why", NOON),
            lambda before: overridden(before, "b", "", None),
            released,
            lambda before: without(before, before[0]) if before else before,
            lambda before: without(before, before[-1]) if before else before,
            lambda before: withdrawn(before, primary_of(before) or "a"),
            lambda before: (
                tried(before, "d", TRIAL, Means.MANUAL, "")
                if primary_of(before) not in {None, "d"}
                else before
            ),
            untried,
        ]
    ),
    max_size=8,
)


@given(STEPS)
def test_whatever_happens_there_is_one_primary_at_most_and_all_of_it_can_be_undone(
    steps: list[object],
) -> None:
    roll = Roll()
    history = [roll.places("x")]
    for number, step in enumerate(steps):
        roll = after(roll, step(roll.places("x")), NOON, f"run_{number}")  # type: ignore[operator]  # a step
        places = roll.places("x")
        history.append(places)
        assert sum(p.rank == 0 for p in places) <= 1
        assert sum(p.status is Status.TESTING for p in places) <= sum(p.rank == 0 for p in places)
        ranks = [p.rank for p in places if p.means is Means.FALLBACK]
        assert ranks == list(range(1, len(ranks) + 1))
        assert len({each.model_id for each in roll.of("x")}) == len(roll.of("x"))
    for number, places in enumerate(reversed(history)):
        roll = after(roll, places, LATER, f"undo_{number}")
        assert roll.places("x") == places


def test_an_assignment_that_contradicts_itself_is_refused() -> None:
    stamp = {"at": NOON, "changed_at": NOON, "by": "ops", "run_id": "run_1"}
    with pytest.raises(ValueError, match="is the primary"):
        Assignment("x", "a", Status.INACTIVE, Means.AUTO, rank=0, **stamp)  # type: ignore[arg-type]  # by name
    with pytest.raises(ValueError, match="has a trial"):
        Assignment("x", "a", Status.TESTING, Means.AUTO, **stamp)  # type: ignore[arg-type]  # by name
    with pytest.raises(ValueError, match="between 0 and 1"):
        Assignment("x", "a", Status.TESTING, Means.AUTO, trial=Trial(1.0), **stamp)  # type: ignore[arg-type]  # by name


def test_a_pair_has_one_name_for_ever() -> None:
    assert after(Roll(), ON_A).of("x")[0].id == assignment_id("x", "a")
    assert len({assignment_id(x, y) for x in "xy" for y in "ab"}) == 4
