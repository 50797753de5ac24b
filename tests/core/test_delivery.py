"""What does each answer of a receiver mean, and when is it asked again?"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.delivery import (
    LONGEST_ASKED_S,
    LONGEST_WAIT_S,
    Verdict,
    asked_wait_s,
    objection,
    verdict,
    wait_s,
)

NOW = datetime(2026, 5, 4, 3, 0, tzinfo=UTC)
LATER = {408, 409, 421, 423, 424, 425, 429}
SOMEBODY_ACTS = {401, 402, 403, 404, 407}
NEVER = {501, 505, 506, 510}


def expected(status: int) -> Verdict:
    if 200 <= status < 300:
        return Verdict.DELIVERED
    if status in SOMEBODY_ACTS or 300 <= status < 400:
        return Verdict.MISCONFIGURED
    if status in NEVER or (400 <= status < 500 and status not in LATER):
        return Verdict.REFUSED
    return Verdict.LATER


@pytest.mark.parametrize("status", range(100, 600))
def test_every_status_has_one_meaning_for_all_channels(status: int) -> None:
    judged = expected(status)
    assert verdict(status) is judged
    error = objection(status, "no", 3.0)
    if judged is Verdict.DELIVERED:
        assert error is None
        return
    assert error is not None
    assert error.retryable is (judged is not Verdict.REFUSED)
    assert error.misconfigured is (judged is Verdict.MISCONFIGURED)
    assert error.retry_after_s == 3.0
    assert str(error) == f"the receiver answered {status}: no"


def test_a_status_that_is_none_may_pass() -> None:
    assert verdict(999) is Verdict.LATER
    assert str(objection(503)) == "the receiver answered 503"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("9" * 400, LONGEST_ASKED_S),
        ("Mon, 04 May 2026 03:01:00 GMT", 60.0),
        ("Mon, 04 May 2026 03:01:00 -0000", 60.0),
        ("Mon, 04 May 2026 02:00:00 GMT", 0.0),
        ("Mon, 04 May 2099 03:01:00 GMT", LONGEST_ASKED_S),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("²", None),
    ],
)
def test_what_a_receiver_asks_for_is_understood_and_bounded(
    header: str, seconds: float | None
) -> None:
    assert asked_wait_s(header, NOW) == seconds


def test_waits_double_up_to_a_minute() -> None:
    assert [wait_s(n, None, 0.999999) for n in (1, 2, 3, 7, 99)] == pytest.approx(
        [1, 2, 4, 60, 60], rel=1e-4
    )
    assert wait_s(1, None, 0.0) == 0.5


def test_what_was_asked_for_is_the_least() -> None:
    assert wait_s(1, 30.0, 0.0) == 30.0
    assert wait_s(9, 1.0, 0.0) == LONGEST_WAIT_S / 2
    assert wait_s(1, LONGEST_ASKED_S, 0.9) == LONGEST_ASKED_S


@given(
    st.integers(0, 10_000),
    st.none() | st.floats(0, LONGEST_ASKED_S),
    st.floats(0, 1, exclude_max=True),
)
def test_nobody_waits_longer_than_the_longest(
    failures: int, asked_s: float | None, chance: float
) -> None:
    assert 0 < wait_s(failures, asked_s, chance) <= LONGEST_ASKED_S
