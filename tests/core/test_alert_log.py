"""What is the life of an alert? Against a small model of it, on made-up histories."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts_made import (
    CRITICAL,
    ERROR,
    FIGURES,
    INFO,
    MODEL,
    NOON,
    WARNING,
    alert,
    at,
    breach,
    rule,
)
from pointsman.core.alert import Severity
from pointsman.core.alert_conditions import UNKNOWN, WELL, Finding
from pointsman.core.alert_log import (
    COMES_AND_GOES,
    REMEMBERED_S,
    STALE_S,
    Alert,
    AlertLog,
    Now,
    State,
    ended,
    fingerprint,
)
from pointsman.core.alert_metrics import Scope, ScopeKind
from pointsman.core.alert_rules import NoData, Rule

HELD = Finding(held=True, figures=FIGURES)


class Model:
    """The life of one alert, told as plainly as possible: times and severities, no objects."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.state = "well"
        self.severity = 0
        self.began = self.well_since = self.known = 0.0

    def step(self, t: float, found: Finding) -> None:
        severity, known = int(found.severity or 0), found.known
        if not known and self.rule.no_data is not NoData.KEEP:
            fires = self.rule.no_data is NoData.FIRE
            known, severity = True, int(self.rule.least_severity) if fires else 0
        if self.state in ("well", "resolved"):
            if severity:
                self.begin(t, severity)
        elif self.state == "pending":
            self.wait(t, severity)
        elif not known:
            if t - self.known >= STALE_S:
                self.state = "resolved"
            return
        elif severity or found.held:
            self.state, self.severity = "firing", max(self.severity, severity)
        else:
            self.recover(t)
        self.known = t

    def recover(self, t: float) -> None:
        if self.state == "firing":
            self.state, self.well_since = "recovering", t
            if self.rule.keep_firing_for_s <= 0:
                self.state = "resolved"
        elif t - self.well_since >= self.rule.keep_firing_for_s:
            self.state = "resolved"

    def begin(self, t: float, severity: int) -> None:
        self.began, self.severity = t, severity
        self.state = "pending" if self.rule.for_s > 0 else "firing"

    def wait(self, t: float, severity: int) -> None:
        self.severity = severity
        if not severity:
            self.state = "well"
        elif t - self.began >= self.rule.for_s:
            self.state = "firing"


findings = st.one_of(
    st.sampled_from([WELL, UNKNOWN, HELD]), st.sampled_from([INFO, WARNING, CRITICAL]).map(breach)
)
rules = st.builds(
    rule,
    for_s=st.sampled_from([0.0, 20.0, 60.0]),
    keep_firing_for_s=st.sampled_from([0.0, 20.0, 60.0]),
    no_data=st.sampled_from(NoData),
)
histories = st.lists(
    st.tuples(st.sampled_from([5.0, 10.0, 25.0, 2_000.0]), findings), min_size=1, max_size=60
)


@given(rules, histories, st.integers(-7_200, 7_200))
def test_an_alert_lives_as_the_model_says_whatever_the_wall_clock_does(
    made: Rule, history: list[tuple[float, Finding]], jump_s: int
) -> None:
    log, model, t = AlertLog(), Model(made), 0.0
    for place, (step_s, found) in enumerate(history):
        t += step_s
        wall = NOON + timedelta(seconds=t + (jump_s if place % 3 == 1 else 0))
        before = log.get("test", MODEL)
        happened = log.step(made, MODEL, found, Now(t, wall))
        model.step(t, found)
        seen = log.get("test", MODEL)
        _agree(seen, model)
        _event_tells(before, seen, happened)
        log.forget(Now(t - REMEMBERED_S, wall))


def _agree(seen: Alert | None, model: Model) -> None:
    if seen is None or (seen.why == "passed" and seen.state is State.RESOLVED):
        assert model.state == "well"
        return
    assert seen.state.value == model.state
    assert int(seen.severity) == model.severity
    assert (seen.ends_at is None) == (model.state != "resolved")
    assert seen.ends_at is None or seen.ends_at >= seen.starts_at


def _event_tells(before: Alert | None, after: Alert | None, happened: Any) -> None:
    """There is an event exactly where state or severity have changed."""
    was = (before.state, before.severity, before.starts_at) if before else None
    now = (after.state, after.severity, after.starts_at) if after else None
    assert (happened is not None) == (was != now)
    if happened is not None and after is not None:
        assert happened.after is after.state
        assert happened.alert is after


def _after(*history: tuple[float, Finding], made: Rule | None = None) -> Alert | None:
    log = AlertLog()
    for t, found in history:
        log.step(made or rule(), MODEL, found, at(t))
    return log.get("test", MODEL)


def test_severity_rises_at_once_and_never_falls() -> None:
    found = _after((0, breach(WARNING)), (1, breach(CRITICAL)), (2, breach(WARNING)))
    assert found is not None
    assert found.severity is CRITICAL


def test_what_happens_is_told_step_by_step() -> None:
    log = AlertLog()
    history = [(0, breach()), (1, breach(ERROR)), (2, WELL), (3, breach()), (4, WELL), (70, WELL)]
    events = [log.step(rule(), MODEL, found, at(t)) for t, found in history]
    steps = [(e.before, e.after, e.severity_before) for e in events if e is not None]
    assert steps == [
        (None, State.FIRING, None),
        (State.FIRING, State.FIRING, WARNING),
        (State.FIRING, State.RECOVERING, None),
        (State.RECOVERING, State.FIRING, None),
        (State.FIRING, State.RECOVERING, None),
        (State.RECOVERING, State.RESOLVED, None),
    ]
    last = events[-1]
    assert last is not None
    assert (last.alert.why, last.alert.ends_at) == ("well again", at(70).at)


def test_a_pending_alert_that_passes_never_was() -> None:
    made = rule(for_s=30)
    log = AlertLog()
    log.step(made, MODEL, breach(), at(0))
    happened = log.step(made, MODEL, WELL, at(10))
    assert happened is not None
    assert (happened.before, happened.after) == (State.PENDING, State.RESOLVED)
    assert log.get("test", MODEL) is None
    assert not list(log.all())


def test_one_that_fired_lately_is_remembered_when_it_only_threatens() -> None:
    made = rule(for_s=30, keep_firing_for_s=0)
    history = [(0, breach()), (30, breach()), (40, WELL), (50, breach()), (60, WELL)]
    found = _after(*history, made=made)
    assert found is not None
    assert (found.why, found.episodes) == ("passed", (30,))


def test_nothing_measured_for_an_hour_ends_it_for_that_reason() -> None:
    found = _after((0, breach()), (STALE_S - 1, UNKNOWN), (STALE_S, UNKNOWN))
    assert found is not None
    assert (found.state, found.why) == (State.RESOLVED, "nothing was measured for an hour")


@pytest.mark.parametrize(("gap_s", "flaps"), [(100, True), (1_300, False)])
def test_what_comes_often_within_an_hour_is_flapping(gap_s: float, flaps: bool) -> None:
    made = rule(keep_firing_for_s=0)
    history: list[tuple[float, Finding]] = []
    for episode in range(COMES_AND_GOES):
        history += [(gap_s * episode, breach()), (gap_s * episode + 50, WELL)]
    found = _after(*history, made=made)
    assert found is not None
    assert found.is_flapping(history[-1][0]) is flaps
    assert not found.is_flapping(history[-1][0] + REMEMBERED_S)


def test_episodes_have_ids_of_their_own_and_a_fingerprint_in_common() -> None:
    made = rule(keep_firing_for_s=0)
    first = _after((0, breach()), made=made)
    second = _after((0, breach()), (1, WELL), (2, breach()), made=made)
    assert first is not None
    assert second is not None
    assert first.fingerprint == second.fingerprint == fingerprint("test", MODEL)
    assert first.id != second.id
    assert first.fingerprint != fingerprint("test", Scope(ScopeKind.AGENT, "p/m"))
    assert first.key == ("test", MODEL)


def test_an_alert_can_end_without_a_look() -> None:
    log = AlertLog()
    log.restore(alert(State.FIRING))
    open_one = log.get("test", MODEL)
    assert open_one is not None
    happened = log.end(open_one, at(5), "its rule is gone")
    assert happened is not None
    assert (happened.alert.state, happened.alert.why) == (State.RESOLVED, "its rule is gone")
    assert ended(alert(State.PENDING), at(5), "") is None


def test_what_was_resolved_long_ago_is_forgotten() -> None:
    log = AlertLog()
    log.restore(alert(State.RESOLVED))
    log.forget(at(REMEMBERED_S))
    assert list(log.all())
    log.forget(at(REMEMBERED_S + 1))
    assert not list(log.all())
    assert log.of("test") == []


def test_only_live_alerts_of_a_rule_have_to_be_looked_at() -> None:
    log = AlertLog()
    for number, state in enumerate(State):
        log.restore(alert(state, scope=Scope(ScopeKind.MODEL, f"p/{number}")))
    assert {each.state for each in log.of("test")} == set(State) - {State.RESOLVED}
    assert log.of("other") == []


def test_severities_compare() -> None:
    assert max(Severity) is CRITICAL
