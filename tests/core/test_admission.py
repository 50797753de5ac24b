"""Does a breaker open, wait, probe and close exactly as its table says?"""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.admission import (
    TRANSITIONS,
    Breaker,
    BreakerPolicy,
    Circuit,
    Event,
    RetryBudget,
)

POLICY = BreakerPolicy(failures=3, ratio=0.5, window=10, open_s=5.0, max_open_s=40.0)

LEADS_TO = {
    (Circuit.CLOSED, Event.TRIP): Circuit.OPEN,
    (Circuit.CLOSED, Event.PROBE): Circuit.CLOSED,
    (Circuit.CLOSED, Event.PASSED): Circuit.CLOSED,
    (Circuit.CLOSED, Event.FAILED): Circuit.CLOSED,
    (Circuit.CLOSED, Event.UNDECIDED): Circuit.CLOSED,
    (Circuit.OPEN, Event.TRIP): Circuit.OPEN,
    (Circuit.OPEN, Event.PROBE): Circuit.PROBING,
    (Circuit.OPEN, Event.PASSED): Circuit.OPEN,
    (Circuit.OPEN, Event.FAILED): Circuit.OPEN,
    (Circuit.OPEN, Event.UNDECIDED): Circuit.OPEN,
    (Circuit.PROBING, Event.TRIP): Circuit.PROBING,
    (Circuit.PROBING, Event.PROBE): Circuit.PROBING,
    (Circuit.PROBING, Event.PASSED): Circuit.CLOSED,
    (Circuit.PROBING, Event.FAILED): Circuit.OPEN,
    (Circuit.PROBING, Event.UNDECIDED): Circuit.OPEN,
}


def breaker(circuit: Circuit, now: float = 0.0) -> Breaker:
    """A breaker that was brought into a state by what happened to it."""
    made = Breaker(POLICY)
    if circuit is not Circuit.CLOSED:
        for _ in range(POLICY.failures):
            made.failed(now, is_probe=False)
    if circuit is Circuit.PROBING:
        assert made.begin()
    assert state(made) is circuit
    return made


def state(made: Breaker) -> Circuit:
    return made.circuit


def test_the_table_speaks_of_every_state_and_event() -> None:
    assert set(LEADS_TO) == set(itertools.product(Circuit, Event))


@pytest.mark.parametrize(("circuit", "event"), list(LEADS_TO))
def test_an_event_leads_where_the_table_says(circuit: Circuit, event: Event) -> None:
    assert TRANSITIONS.get((circuit, event), circuit) is LEADS_TO[circuit, event]


@pytest.mark.parametrize("circuit", list(Circuit))
def test_starting_an_attempt_makes_a_probe_of_an_open_breaker_only(circuit: Circuit) -> None:
    made = breaker(circuit)
    assert made.begin() is (circuit is Circuit.OPEN)
    assert state(made) is LEADS_TO[circuit, Event.PROBE]


def test_failures_in_a_row_open_it() -> None:
    made = Breaker(POLICY)
    made.failed(0.0, is_probe=False)
    made.failed(0.0, is_probe=False)
    made.succeeded(is_probe=False)
    made.failed(0.0, is_probe=False)
    made.failed(0.0, is_probe=False)
    assert state(made) is Circuit.CLOSED
    made.failed(1.0, is_probe=False)
    assert state(made) is Circuit.OPEN
    assert (made.opened_at, made.wait_s(1.0)) == (1.0, 5.0)


def test_half_of_the_last_attempts_open_it_too() -> None:
    made = Breaker(POLICY)
    for _ in range(4):
        made.failed(0.0, is_probe=False)
        made.succeeded(is_probe=False)
    made.succeeded(is_probe=False)
    assert state(made) is Circuit.CLOSED
    made.failed(0.0, is_probe=False)
    assert state(made) is Circuit.OPEN


def test_a_few_failures_are_no_ratio_yet() -> None:
    made = Breaker(BreakerPolicy(failures=99, window=4))
    made.failed(0.0, is_probe=False)
    made.failed(0.0, is_probe=False)
    made.failed(0.0, is_probe=False)
    assert state(made) is Circuit.CLOSED


@pytest.mark.parametrize("circuit", [Circuit.OPEN, Circuit.PROBING])
def test_late_answers_of_old_calls_decide_nothing(circuit: Circuit) -> None:
    made = breaker(circuit)
    due = made.reopens_at
    made.succeeded(is_probe=False)
    made.failed(100.0, is_probe=False)
    made.undecided(is_probe=False)
    assert state(made) is circuit
    assert made.reopens_at == due


def test_a_probe_that_passes_closes_it_and_clears_the_slate() -> None:
    made = breaker(Circuit.PROBING)
    made.succeeded(is_probe=True)
    assert state(made) is Circuit.CLOSED
    assert made.spotless is True
    assert made.wait_s(0.0) == 0.0


def test_a_probe_without_a_verdict_lets_another_probe_in_at_once() -> None:
    made = breaker(Circuit.PROBING)
    made.undecided(is_probe=True)
    assert state(made) is Circuit.OPEN
    assert made.wait_s(5.0) == 0.0


def test_while_a_probe_is_under_way_nobody_else_is_due() -> None:
    assert breaker(Circuit.PROBING).wait_s(1e9) == POLICY.open_s


def test_openings_double_up_to_the_bound_and_start_over_after_a_success() -> None:
    made, now, lasted = breaker(Circuit.OPEN), 0.0, []
    for _ in range(6):
        lasted.append(made.wait_s(now))
        now = made.reopens_at
        assert made.begin()
        made.failed(now, is_probe=True)
    assert lasted == [5.0, 10.0, 20.0, 40.0, 40.0, 40.0]
    assert made.begin()
    made.succeeded(is_probe=True)
    for _ in range(POLICY.failures):
        made.failed(1000.0, is_probe=False)
    assert made.wait_s(1000.0) == 5.0


def test_an_early_probe_that_passes_leaves_nothing_of_the_opening_it_ended() -> None:
    made, now = breaker(Circuit.OPEN), 0.0
    for _ in range(4):
        now = made.reopens_at
        made.begin()
        made.failed(now, is_probe=True)
    made.begin()
    made.succeeded(is_probe=True)
    for _ in range(POLICY.failures):
        made.failed(now + 1.0, is_probe=False)
    assert made.wait_s(now + 1.0) == 5.0


def test_a_breaker_with_a_failure_in_memory_is_not_spotless() -> None:
    sound, stained = Breaker(POLICY), Breaker(POLICY)
    stained.failed(0.0, is_probe=False)
    all_three = (sound, stained, breaker(Circuit.OPEN))
    assert [made.spotless for made in all_three] == [True, False, False]


STORY = st.lists(
    st.tuples(st.sampled_from(["begin", "well", "badly", "undecided"]), st.floats(0, 30)),
    max_size=60,
)


@given(STORY)
def test_whatever_happens_an_open_breaker_waits_and_only_a_probe_closes_it(
    story: list[tuple[str, float]],
) -> None:
    made, now = Breaker(POLICY), 0.0
    probes: list[bool] = []
    for what, later_s in story:
        now += later_s
        was, due = state(made), made.reopens_at
        is_probe = False
        if what == "begin":
            probes.append(made.begin())
        elif probes:
            is_probe = probes.pop()
            if what == "well":
                made.succeeded(is_probe=is_probe)
            elif what == "badly":
                made.failed(now, is_probe=is_probe)
            else:
                made.undecided(is_probe=is_probe)
        assert sum(probes) == (state(made) is Circuit.PROBING), "one probe at a time"
        if state(made) is Circuit.OPEN:
            assert (made.wait_s(now) > 0.0) == (now < made.reopens_at)
            assert made.reopens_at >= due or was is Circuit.CLOSED, "it is only ever extended"
        if was is not Circuit.CLOSED and state(made) is Circuit.CLOSED:
            assert is_probe
            assert what == "well"


@pytest.mark.parametrize(
    "wrong",
    [
        {"failures": 0},
        {"window": 1},
        {"ratio": 0.0},
        {"ratio": 1.1},
        {"open_s": 0.0},
        {"open_s": 9.0, "max_open_s": 8.0},
    ],
    ids=str,
)
def test_a_senseless_policy_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"."):
        BreakerPolicy(**wrong)  # type: ignore[arg-type]


@given(st.integers(0, 200), st.integers(0, 20), st.floats(0, 1))
def test_a_budget_bounds_repeats_by_what_the_traffic_paid(
    requests: int, floor: int, ratio: float
) -> None:
    budget = RetryBudget()
    for _ in range(requests):
        budget.deposit(0.0, ratio)
    granted = sum(budget.withdraw(0.0, floor) for _ in range(500))
    assert granted <= floor + ratio * requests + 1e-6
    assert granted >= int(floor + ratio * requests - 1e-6)


def test_what_was_paid_and_what_was_overdrawn_fade() -> None:
    budget = RetryBudget()
    for _ in range(10):
        budget.deposit(0.0, 0.2)
    assert not budget.withdraw(1000.0, 0), "the traffic of long ago pays for nothing"
    spent = RetryBudget()
    assert spent.withdraw(0.0, 1)
    assert not spent.withdraw(0.0, 1)
    assert spent.withdraw(1000.0, 1)


def test_steady_traffic_pays_for_its_share_of_the_last_ten_seconds() -> None:
    budget, ratio, per_second = RetryBudget(), 0.2, 50
    for n in range(200 * per_second):
        budget.deposit(n / per_second, ratio)
    granted = 0
    while budget.withdraw(200.0, 0):
        granted += 1
    assert granted == pytest.approx(ratio * 10 * per_second, rel=0.02)


def test_a_clock_that_stands_still_or_errs_takes_nothing_away() -> None:
    budget = RetryBudget()
    budget.deposit(5.0, 1.0)
    assert budget.withdraw(4.0, 0)
