"""What of an alert outlives the process, and how is it taken up again?"""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts_made import NOON, WARNING, alert, at
from pointsman.core.alert_log import Event, Now, State
from pointsman.core.alert_memory import Kept, Step, on_the_wall, since_start, step_of
from pointsman.core.alert_telling import Told

PENDING, FIRING, RECOVERING, RESOLVED = (
    State.PENDING,
    State.FIRING,
    State.RECOVERING,
    State.RESOLVED,
)


@pytest.mark.parametrize(
    ("before", "after", "step"),
    [
        (None, PENDING, Step.PENDING),
        (None, FIRING, Step.FIRING),
        (PENDING, FIRING, Step.FIRING),
        (PENDING, RESOLVED, Step.PASSED),
        (FIRING, FIRING, Step.ROSE),
        (FIRING, RECOVERING, Step.RECOVERING),
        (RECOVERING, FIRING, Step.RELAPSED),
        (RECOVERING, RESOLVED, Step.RESOLVED),
        (FIRING, RESOLVED, Step.RESOLVED),
    ],
)
def test_every_step_has_a_name(before: State | None, after: State, step: Step) -> None:
    assert step_of(Event(NOON, before, after, alert(after))) is step


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.integers(0, 86_400), st.integers(-7_200, 7_200))
def test_ages_survive_a_restart_and_nothing_lies_ahead(
    ran_s: float, new_s: float, away_s: int, set_s: int
) -> None:
    """The clock of the new process begins anew; the wall clock may have been set meanwhile."""
    one = alert(since_s=ran_s / 2, episodes=(ran_s / 4, ran_s / 2))
    told = Told(WARNING, frozenset({"pager"}), ((WARNING, ran_s / 2),), ran_s / 2)
    kept = Kept(*on_the_wall(one, told, Now(ran_s, NOON)))
    later = Now(new_s, NOON + timedelta(seconds=away_s + set_s))
    restored, known = since_start(kept, later)
    age_s = max(0.0, ran_s / 2 + away_s + set_s)
    assert later.s - restored.since_s == pytest.approx(age_s, abs=1e-3)
    assert later.s - known.last_s == pytest.approx(age_s, abs=1e-3)
    assert restored.since_s <= later.s
    assert restored.known_s <= later.s
    assert all(each <= later.s for each in restored.episodes)
    assert known.marks == ((WARNING, known.last_s),)
    assert (restored.state, restored.severity, restored.id) == (one.state, one.severity, one.id)


def test_an_instant_is_kept_as_it_stands_on_the_wall() -> None:
    kept, _ = on_the_wall(alert(since_s=5.0), Told(), at(8.0))
    assert kept.since_s == NOON.timestamp() + 5.0
