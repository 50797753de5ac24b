"""Is there anything to be told of this alert now? A table, and a law on made-up histories."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts_made import CRITICAL, ERROR, WARNING, alert, at, breach, rule
from pointsman.core.alert import Severity
from pointsman.core.alert_conditions import WELL
from pointsman.core.alert_log import AlertLog, State
from pointsman.core.alert_telling import (
    LOUD,
    NOTHING,
    Quiet,
    Told,
    Why,
    after_opening,
    after_telling,
    due,
)

COOLDOWN_S, REPEAT_S = 300.0, 3_600.0
FIRING, RECOVERING, PENDING, RESOLVED = (
    State.FIRING,
    State.RECOVERING,
    State.PENDING,
    State.RESOLVED,
)
HIDDEN, ACKED = Quiet(hidden=True), Quiet(taken_by="ada")
CHANNEL = frozenset({"pager"})


def told(severity: Severity | None, last_s: float = 0.0, *, flapping: bool = False) -> Told:
    return Told(severity, CHANNEL, ((WARNING, last_s),), last_s, flapping)


TAKEN = told(WARNING)._replace(taken_by="ada")
OFTEN = (10.0, 110.0, 210.0, 310.0)


@pytest.mark.parametrize(
    ("state", "severity", "known", "quiet", "now_s", "why"),
    [
        (FIRING, WARNING, NOTHING, LOUD, 0, Why.BEGAN),
        (RECOVERING, WARNING, NOTHING, LOUD, 0, Why.BEGAN),
        (PENDING, WARNING, NOTHING, LOUD, 0, None),
        (PENDING, WARNING, told(WARNING), LOUD, 9_999, None),
        (RESOLVED, WARNING, NOTHING, LOUD, 0, None),
        (FIRING, WARNING, NOTHING, HIDDEN, 0, None),
        (FIRING, WARNING, NOTHING, ACKED, 0, Why.BEGAN),
        # Told before: only what is worse, over, taken, or has been so for long.
        (FIRING, WARNING, told(WARNING), LOUD, 60, None),
        (FIRING, CRITICAL, told(WARNING), LOUD, 60, Why.ROSE),
        (FIRING, CRITICAL, told(WARNING), ACKED, 60, Why.ROSE),
        (FIRING, CRITICAL, told(WARNING), HIDDEN, 60, None),
        (FIRING, WARNING, told(WARNING), ACKED, 60, Why.TAKEN),
        (FIRING, WARNING, TAKEN, ACKED, 9_999, None),
        (FIRING, WARNING, TAKEN, Quiet(taken_by="bob"), 60, Why.TAKEN),
        (FIRING, WARNING, TAKEN, LOUD, 60, Why.BACK),
        (FIRING, WARNING, TAKEN, HIDDEN, 60, None),
        (FIRING, CRITICAL, TAKEN, LOUD, 60, Why.ROSE),
        (RESOLVED, WARNING, TAKEN, LOUD, 60, Why.ENDED),
        (FIRING, WARNING, told(WARNING), LOUD, 3_600, Why.GOES_ON),
        (RESOLVED, WARNING, told(WARNING), LOUD, 1, Why.ENDED),
        (RESOLVED, WARNING, told(WARNING), HIDDEN, 1, Why.ENDED),
        # Over and back again within the cooldown of its severity.
        (FIRING, WARNING, told(None), LOUD, 299, None),
        (FIRING, WARNING, told(None), LOUD, 300, Why.BEGAN),
        (FIRING, ERROR, told(None), LOUD, 299, Why.BEGAN),
    ],
)
def test_an_alert_is_told(
    state: State, severity: Severity, known: Told, quiet: Quiet, now_s: float, why: Why | None
) -> None:
    assert due(alert(state, severity), known, quiet, now_s, COOLDOWN_S, REPEAT_S) is why


@pytest.mark.parametrize(
    ("state", "severity", "known", "why"),
    [
        (FIRING, WARNING, NOTHING, Why.BEGAN),
        (FIRING, WARNING, told(None, -900, flapping=True), None),
        (RESOLVED, WARNING, told(WARNING, flapping=True), None),
        (FIRING, CRITICAL, told(WARNING, flapping=True), Why.ROSE),
        (FIRING, WARNING, told(WARNING, -9_999, flapping=True), None),
    ],
)
def test_one_that_comes_and_goes_is_told_once_until_it_has_calmed_down(
    state: State, severity: Severity, known: Told, why: Why | None
) -> None:
    one = alert(state, severity, episodes=OFTEN)
    assert due(one, known, LOUD, 400.0, COOLDOWN_S, REPEAT_S) is why
    if state is RESOLVED:
        assert due(one, known, LOUD, 4_000.0, COOLDOWN_S, REPEAT_S) is Why.ENDED


def test_without_repeats_nobody_is_reminded() -> None:
    assert due(alert(), told(WARNING), LOUD, 1e9, COOLDOWN_S, 0.0) is None


def test_what_was_told_is_known_afterwards() -> None:
    one = alert(FIRING, WARNING)
    first = after_telling(one, NOTHING, CHANNEL, 5.0, "")
    assert first == Told(WARNING, CHANNEL, ((WARNING, 5.0),), 5.0)
    worse = after_telling(one._replace(severity=ERROR), first, frozenset({"mail"}), 9.0, "ada")
    assert worse.channels == {"pager", "mail"}
    assert worse.marks == ((WARNING, 5.0), (ERROR, 9.0))
    assert worse.taken_by == "ada"
    again = after_telling(one, first, CHANNEL, 7.0, "")
    assert again.marks == ((WARNING, 7.0),)
    over = after_telling(one._replace(state=RESOLVED), worse, CHANNEL, 11.0, "ada")
    assert over == Told(None, frozenset(), worse.marks, 11.0)


def test_to_whom_a_route_opens_joins_those_who_know_and_nobody_is_reminded_later() -> None:
    joined = after_opening(told(WARNING, 5.0), frozenset({"mail"}))
    assert joined == told(WARNING, 5.0)._replace(channels=frozenset({"mail", "pager"}))


STEPS = st.lists(
    st.tuples(st.sampled_from([5.0, 30.0, 200.0]), st.sampled_from([None, WARNING, CRITICAL])),
    max_size=80,
)


@given(STEPS)
def test_one_notice_per_severity_and_cooldown_and_whoever_was_told_hears_the_end(
    steps: list[tuple[float, Severity | None]],
) -> None:
    log, known, now_s = AlertLog(), NOTHING, 0.0
    made = rule(keep_firing_for_s=20)
    began: dict[Severity, list[float]] = {}
    for step_s, severity in [*steps, *[(200.0, None)] * 40]:
        now_s += step_s
        log.step(made, alert().scope, breach(severity) if severity else WELL, at(now_s))
        one = log.get("test", alert().scope)
        why = one and due(one, known, LOUD, now_s, COOLDOWN_S, 0.0)
        if one is None or why is None:
            continue
        if why in (Why.BEGAN, Why.ROSE):
            began.setdefault(one.severity, []).append(now_s)
        known = after_telling(one, known, CHANNEL, now_s, "")
    assert known.severity is None
    for times in began.values():
        assert all(later - sooner >= COOLDOWN_S for sooner, later in pairwise(times))
