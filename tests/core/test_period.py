"""Is everything counted that an attempt tells, once, and the same by either way?"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.attempts import (
    KINDS,
    MOST_TOKENS,
    NO_VALUE,
    UNBILLED,
    UNPRICED,
    columns_of,
    columns_of_rows,
    inter_token_s,
    row_of,
)
from pointsman.core.decision import Outcome
from pointsman.core.errors import Blame, FailureKind
from pointsman.core.fleet import Usage
from pointsman.core.period import Period, attempts_in
from pointsman.core.quantiles import Threshold

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PLAIN = Outcome("d", 1, "p/m", "a", NOON, None, False, 2.0, 2.0, Usage(100, 20, 60), Decimal("0.5"))
STREAM = PLAIN._replace(streamed=True, first_token_s=0.1)

USAGES = st.none() | st.builds(
    Usage,
    st.integers(-1, 5_000) | st.just(MOST_TOKENS + 1),
    st.integers(0, 3_000),
    st.integers(0, 3_000),
    estimated=st.booleans(),
)
COSTS = st.none() | st.decimals(-1, 2_000_000, places=6) | st.decimals(0, 1, places=15)
OUTCOMES = st.builds(
    Outcome,
    st.just("dec"),
    st.just(1),
    st.just("p/m"),
    st.just("a"),
    st.just(NOON),
    st.none() | st.sampled_from(FailureKind),
    st.booleans(),
    st.floats(-1.0, 900.0),
    st.none() | st.floats(-1.0, 100.0),
    USAGES,
    COSTS,
)


def period(*outcomes: Outcome) -> Period:
    made = Period()
    if outcomes:
        made.learn(columns_of(outcomes))
    return made


@given(st.lists(OUTCOMES, min_size=1, max_size=30))
def test_both_ways_of_counting_come_to_the_same(outcomes: list[Outcome]) -> None:
    rows = [row_of(outcome, 7) for outcome in outcomes]
    by_rows, at_once = columns_of_rows(rows), columns_of(outcomes)
    assert [list(c) if isinstance(c, tuple) else c for c in by_rows] == [
        list(c) if isinstance(c, tuple) else c for c in at_once
    ]


@given(OUTCOMES)
def test_the_time_between_two_tokens_is_the_same_for_whoever_asks(outcome: Outcome) -> None:
    in_row = row_of(outcome, 7)[5]
    assert inter_token_s(outcome) == (None if in_row == NO_VALUE else in_row)


@given(st.lists(OUTCOMES, max_size=20), st.lists(OUTCOMES, max_size=20))
def test_merging_is_counting_the_union_bit_for_bit(
    left: list[Outcome], right: list[Outcome]
) -> None:
    merged = period(*left)
    merged.merge(period(*right))
    assert merged.packed() == period(*right, *left).packed()
    assert min(merged.counts.successes, merged.counts.faults, merged.counts.picos) >= 0


@given(st.lists(OUTCOMES, max_size=20))
def test_what_is_packed_comes_back_as_it_was(outcomes: list[Outcome]) -> None:
    made = period(*outcomes)
    found = Period.unpacked(made.packed())
    assert found.packed() == made.packed()
    assert found.counts.by_kind() == made.counts.by_kind()
    assert found.sketches() == made.sketches()
    assert attempts_in(made.packed()) == len(outcomes)


def test_times_are_kept_apart_by_what_they_mean() -> None:
    made = period(PLAIN, STREAM)
    assert (made.plain.most, made.stream.most, made.first_token.most) == (2.0, 2.0, 0.1)
    assert made.inter_token.most == pytest.approx(1.9 / 19)
    assert (made.total().count, made.wait().count) == (2, 2)
    assert (made.total().over, made.wait().over) == ((), (1, 1, 1))
    assert made.wait().exceedances(Threshold(2.0, inclusive=True)) == 1


def test_a_failure_has_no_total_and_a_cut_stream_still_a_first_token() -> None:
    cut = STREAM._replace(failure=FailureKind.TRUNCATED)
    made = period(cut, cut._replace(streamed=False))
    assert made.total().count == 0
    assert (made.first_token.count, made.inter_token.count) == (1, 0)


@pytest.mark.parametrize("usage", [None, Usage(100, 20, estimated=True), Usage(100, 1)])
def test_tokens_that_nobody_counted_give_no_time_between_them(usage: Usage | None) -> None:
    made = period(STREAM._replace(usage=usage))
    assert (made.stream.count, made.inter_token.count) == (1, 0)


def test_a_stream_whose_first_token_was_not_timed_has_no_time_between_tokens() -> None:
    untimed = STREAM._replace(first_token_s=None)
    assert row_of(untimed, 1)[3:6] == (2.0, NO_VALUE, NO_VALUE)


def test_success_counts_only_what_the_endpoint_is_to_blame_for() -> None:
    failures = [
        FailureKind.SERVER_ERROR,
        FailureKind.CANCELLED,
        FailureKind.KEY_REJECTED,
        FailureKind.MODEL_NOT_FOUND,
        FailureKind.RATE_LIMITED,
        FailureKind.INTERNAL,
    ]
    counts = period(PLAIN, PLAIN, PLAIN, *(PLAIN._replace(failure=f) for f in failures)).counts
    assert (counts.attempts, counts.successes, counts.faults) == (9, 3, 1)
    assert counts.success_rate == 0.75
    assert counts.by_kind() == dict.fromkeys(sorted(failures, key=KINDS.index), 1)
    assert counts.blamed() == dict.fromkeys(Blame, 1)
    assert period(PLAIN._replace(failure=FailureKind.CANCELLED)).counts.success_rate is None


def test_tokens_and_costs_are_summed_and_an_unknown_cost_is_never_zero() -> None:
    lost = PLAIN._replace(failure=FailureKind.RESET, usage=None, cost_usd=None)
    counts = period(PLAIN, PLAIN, PLAIN._replace(cost_usd=None), lost).counts
    assert (counts.prompt_tokens, counts.completion_tokens, counts.cached_tokens) == (300, 60, 180)
    assert (counts.cost_usd, counts.priced, counts.unpriced) == (Decimal(1), 2, 1)
    assert row_of(lost, 1)[9] == UNBILLED


@pytest.mark.parametrize("cost", ["1000000.01", "-0.01"])
def test_a_cost_that_cannot_be_is_unknown(cost: str) -> None:
    odd = PLAIN._replace(cost_usd=Decimal(cost))
    assert row_of(odd, 1)[9] == UNPRICED
    assert period(odd).counts.unpriced == 1
