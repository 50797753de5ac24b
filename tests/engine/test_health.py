"""Is a model left alone exactly as long as it should be, and can a person see why?"""

from __future__ import annotations

import pytest
from fakes import BEST, NEXT, model
from hypothesis import given
from hypothesis import strategies as st
from scripted import FakeClock

from pointsman.core.admission import BreakerPolicy, Circuit
from pointsman.core.decision import ReasonCode
from pointsman.core.errors import FailureKind, UpstreamError
from pointsman.engine.health import MAX_ASKED_REST_S, Condition, Health

DOWN = FailureKind.UNAVAILABLE
FULL = FailureKind.RATE_LIMITED
GONE = FailureKind.MODEL_GONE
KEY = FailureKind.KEY_REJECTED
TWO_OPEN_IT = BreakerPolicy(failures=2)
SIBLING = model("a/sibling")


class Ward:
    """Health with a clock, and the ways in which a model can come to it."""

    def __init__(self, policy: BreakerPolicy = TWO_OPEN_IT) -> None:
        self.clock = FakeClock()
        self.health = Health(self.clock, policy)

    def fails(self, kind: FailureKind, retry_after_s: float | None = None) -> None:
        trial = self.health.begin(BEST)
        self.health.failed(trial, UpstreamError(kind, retry_after_s=retry_after_s))

    def succeeds(self) -> None:
        self.clock.t += 0.001
        self.health.succeeded(self.health.begin(BEST))

    def left_alone_s(self) -> float:
        objection = self.health.objection(BEST)
        return 0.0 if objection is None else objection.retry_after_s or 0.0


def test_rests_in_a_row_double_up_to_a_bound() -> None:
    ward, lasted = Ward(), []
    for _ in range(8):
        ward.fails(FULL)
        lasted.append(ward.left_alone_s())
        ward.clock.t += lasted[-1]
    assert lasted == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]


@pytest.mark.parametrize("kind", FailureKind, ids=lambda kind: kind.code)
def test_one_failure_takes_nobody_out_for_more_than_a_minute(kind: FailureKind) -> None:
    ward = Ward()
    ward.fails(kind)
    assert ward.left_alone_s() <= 60.0
    ward.clock.t += 60.0
    assert ward.health.objection(BEST) is None
    ward.succeeds()
    ward.fails(kind)
    assert ward.left_alone_s() < 60.001, "what went well since has ended the row"


def test_failures_of_the_same_burst_are_one_in_the_row() -> None:
    ward = Ward()
    for _ in range(20):
        ward.fails(FULL)
    assert ward.left_alone_s() == 1.0


@given(
    st.lists(
        st.tuples(
            st.sampled_from([FULL, GONE, FailureKind.OVERLOADED]),
            st.none() | st.floats(0, 1000),
            st.floats(0, 50),
        ),
        max_size=30,
    )
)
def test_a_rest_is_only_ever_extended(
    story: list[tuple[FailureKind, float | None, float]],
) -> None:
    ward, until = Ward(), 0.0
    for kind, asked_s, later_s in story:
        ward.clock.t += later_s
        ward.fails(kind, asked_s)
        ends = ward.clock.t + ward.left_alone_s()
        assert ends >= until - 1e-6
        assert ward.left_alone_s() <= 3600.0 + 1e-6
        until = max(until, ends)


def test_a_shorter_rest_changes_neither_the_end_nor_the_reason() -> None:
    ward = Ward()
    ward.fails(GONE)
    ward.fails(FULL)
    objection = ward.health.objection(BEST)
    assert objection is not None
    assert objection.code is ReasonCode.UNAVAILABLE
    assert objection.retry_after_s == 60.0


def test_no_upstream_can_ask_for_a_rest_without_end() -> None:
    ward = Ward()
    ward.fails(FULL, 1e9)
    assert ward.left_alone_s() == MAX_ASKED_REST_S


def test_a_success_after_the_rest_ends_the_row() -> None:
    ward = Ward()
    ward.fails(FULL)
    ward.clock.t += 1.0
    ward.succeeds()
    assert ward.health.untroubled
    ward.fails(FULL)
    assert ward.left_alone_s() == 1.0


def test_a_success_of_an_older_attempt_says_nothing() -> None:
    ward = Ward()
    early = ward.health.begin(BEST)
    ward.clock.t += 1.0
    ward.fails(FULL, 60.0)
    ward.health.succeeded(early)
    assert ward.left_alone_s() == 60.0


def test_a_key_that_works_again_brings_all_its_models_back() -> None:
    ward = Ward()
    ward.fails(KEY)
    assert ward.health.objection(SIBLING) is not None
    assert ward.health.objection(NEXT) is None
    ward.succeeds()
    assert ward.health.objection(SIBLING) is None


def test_its_condition_says_what_why_and_until_when() -> None:
    ward = Ward()
    assert ward.health.condition(BEST) == Condition(Circuit.CLOSED)
    ward.fails(FULL, 7.0)
    rests = ward.health.condition(BEST)
    words = "resting for another 7.0 s after rate_limited"
    assert rests == Condition(Circuit.CLOSED, words, 7.0)
    ward.clock.t += 7.0
    ward.fails(DOWN)
    ward.fails(DOWN)
    opened = ward.health.condition(BEST)
    assert opened.circuit is Circuit.OPEN
    assert opened.reason == "circuit breaker open for another 5.0 s"
    assert opened.until_s == 5.0
    ward.clock.t += 5.0
    assert ward.health.condition(BEST) == Condition(Circuit.OPEN), "due, and not yet well"


def test_recovery_is_forgotten_when_the_memory_is_spotless() -> None:
    ward = Ward(BreakerPolicy(failures=3, window=4))
    ward.fails(DOWN)
    for _ in range(3):
        ward.succeeds()
        assert not ward.health.untroubled
    ward.succeeds()
    assert ward.health.untroubled


def test_a_new_policy_holds_for_new_breakers() -> None:
    ward = Ward()
    ward.health.reconfigure(BreakerPolicy(failures=1))
    ward.fails(DOWN)
    assert ward.health.tripped(BEST)


def test_what_is_no_longer_configured_is_forgotten() -> None:
    ward = Ward()
    ward.fails(DOWN)
    ward.fails(FULL)
    ward.fails(KEY)
    ward.health.keep_only(frozenset({BEST.id}), frozenset({BEST.provider}))
    assert not ward.health.untroubled
    ward.health.keep_only(frozenset({NEXT.id}), frozenset({NEXT.provider}))
    assert ward.health.untroubled


def test_a_changed_provider_starts_with_a_clean_slate_and_the_others_do_not() -> None:
    ward = Ward()
    ward.health.failed(ward.health.begin(NEXT), UpstreamError(FULL))
    ward.fails(DOWN)
    ward.fails(FULL)
    ward.fails(KEY)
    ward.health.forgive("a")
    assert ward.health.objection(BEST) is None
    assert ward.health.circuits() == {}
    assert ward.health.objection(NEXT) is not None


def test_the_end_of_an_old_probe_does_not_touch_a_new_breaker() -> None:
    ward = Ward()
    ward.fails(DOWN)
    ward.fails(DOWN)
    probe = ward.health.begin(BEST)
    assert ward.health.probing(BEST)
    ward.health.forgive("a")
    ward.fails(DOWN)
    ward.fails(DOWN)
    assert ward.health.begin(BEST).probes is not None
    ward.health.succeeded(probe)
    assert ward.health.probing(BEST)
