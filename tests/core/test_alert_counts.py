"""How many attempts failed, were slow or cost what, in the last 1, 5, 15 and 30 minutes?"""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts_made import AGENT, EVERYTHING, MODEL, attempt, attempts, counted
from pointsman.core.alert_counts import (
    ANSWERS,
    ATTEMPTS,
    CACHED_TOKENS,
    FAULTS,
    JUDGED,
    OTHER,
    PROMPT_TOKENS,
    UNPRICED,
    USD,
    WAITS,
    Counts,
)
from pointsman.core.alert_metrics import Scope, ScopeKind
from pointsman.core.errors import FailureKind
from pointsman.core.fleet import Usage

PROVIDER = Scope(ScopeKind.PROVIDER, "p")


def test_an_attempt_counts_for_everything_its_provider_its_model_and_its_agent() -> None:
    counts = counted([(0.0, attempts(2, 1))])
    for scope in (EVERYTHING, PROVIDER, MODEL, AGENT):
        series = counts.series(scope)
        assert series is not None
        assert series.count(0.0, 60.0, ATTEMPTS) == 3
        assert series.count(0.0, 60.0, FAULTS) == 1
    assert len(counts) == 4
    assert counts.scopes(ScopeKind.MODEL) == [MODEL]
    assert counts.series(Scope(ScopeKind.MODEL, "p/other")) is None


def test_what_the_caller_or_a_limit_spoilt_is_judged_on_neither_side() -> None:
    kinds = [FailureKind.INVALID_REQUEST, FailureKind.RATE_LIMITED, FailureKind.KEY_REJECTED]
    series = counted([(0.0, [attempt(kind) for kind in kinds])]).series(MODEL)
    assert series is not None
    assert [series.count(0.0, 60.0, each) for each in (ATTEMPTS, JUDGED, FAULTS)] == [3, 0, 0]


def test_a_stream_waits_for_its_first_token_and_a_plain_answer_for_its_end() -> None:
    outcomes = [
        attempt(total_s=9.0, first_s=0.4),
        attempt(total_s=0.5),
        attempt(total_s=1.5),
        attempt(FailureKind.SERVER_ERROR, total_s=30.0),
        attempt(FailureKind.TRUNCATED, total_s=30.0, first_s=2.0),
    ]
    counts = counted([(0.0, outcomes)], lines=(0.5, 1.0, 2.0))
    series = counts.series(MODEL)
    assert series is not None
    assert series.count(0.0, 60.0, WAITS) == 4
    reached = [series.count(0.0, 60.0, counts.line(line)) for line in (0.5, 1.0, 2.0)]
    assert reached == [3, 2, 1]
    with pytest.raises(ValueError, match="not in tuple"):
        counts.line(3.0)


def test_a_wait_is_held_against_what_is_usual_of_its_model() -> None:
    counts = Counts(factors=(2.0, 5.0))
    counts.fold(0.0, [attempt(total_s=1.0)])
    counts.usual_s = {MODEL: 0.2}
    counts.fold(1.0, [attempt(total_s=0.5), attempt(total_s=1.0)])
    series = counts.series(AGENT)
    assert series is not None
    assert series.count(1.0, 60.0, counts.factor(2.0)) == 2
    assert series.count(1.0, 60.0, counts.factor(5.0)) == 1


def test_tokens_and_money_are_summed_and_what_has_no_price_is_counted_apart() -> None:
    usage = Usage(100, 10, cached_tokens=60)
    outcomes = [
        attempt(usage=usage, cost=Decimal("0.25")),
        attempt(usage=usage, cost=None),
        attempt(FailureKind.SERVER_ERROR, usage=usage, cost=None),
        attempt(FailureKind.SERVER_ERROR, cost=None),
    ]
    series = counted([(0.0, outcomes)]).series(MODEL)
    assert series is not None
    columns = (ANSWERS, USD, UNPRICED, PROMPT_TOKENS, CACHED_TOKENS)
    assert [series.count(0.0, 60.0, each) for each in columns] == [2, 0.25, 2, 300, 180]


def test_rows_of_failures_end_with_an_answer() -> None:
    counts = counted([(0.0, [attempt(FailureKind.KEY_REJECTED), *attempts(0, 4)])])
    assert counts.faults_in_a_row("p/m") == 4
    assert counts.refusals_in_a_row("p/m") == 1
    counts.fold(1.0, [attempt(FailureKind.INVALID_REQUEST)])
    assert counts.faults_in_a_row("p/m") == 4
    counts.fold(2.0, attempts(1))
    assert counts.faults_in_a_row("p/m") == counts.refusals_in_a_row("p/m") == 0


def test_of_whom_nothing_was_heard_for_an_hour_nothing_is_kept() -> None:
    counts = counted([(0.0, attempts(0, 3, model="p/old", agent="old")), (3_000.0, attempts(1))])
    counts.forget(3_700.0)
    assert counts.scopes(ScopeKind.MODEL) == [MODEL]
    assert counts.scopes(ScopeKind.AGENT) == [AGENT]
    assert counts.faults_in_a_row("p/old") == 0
    assert len(counts) == 4


def test_beyond_a_number_of_names_all_share_one() -> None:
    counts = Counts(most=4)
    counts.fold(0.0, attempts(1))
    counts.fold(1.0, [*attempts(1, agent="b"), *attempts(1, agent="c"), *attempts(1)])
    other = counts.series(Scope(ScopeKind.AGENT, OTHER))
    assert other is not None
    assert other.count(1.0, 60.0, ATTEMPTS) == 2
    everything = counts.series(EVERYTHING)
    assert everything is not None
    assert everything.count(1.0, 60.0, ATTEMPTS) == 4


@given(
    st.lists(st.tuples(st.floats(1.0, 40.0), st.integers(0, 5)), min_size=1, max_size=250),
    st.sampled_from([60.0, 300.0, 900.0, 1_800.0]),
)
def test_a_window_holds_what_happened_in_it(
    looks: list[tuple[float, int]], window_s: float
) -> None:
    """Exactly in the last minutes; further back its edge is a minute wide."""
    counts, now_s = Counts(), 0.0
    seen: list[tuple[float, int]] = []
    for step_s, count in looks:
        now_s += step_s
        counts.fold(now_s, attempts(count))
        seen.append((now_s, count))
    series = counts.series(MODEL)
    found = series.count(now_s, window_s, ATTEMPTS) if series is not None else 0

    def within(length_s: float) -> int:
        return sum(count for when_s, count in seen if when_s > now_s - length_s)

    edge_s = 5.0 if window_s <= 300.0 else 61.0
    assert within(window_s - 1.0 - edge_s) <= found <= within(window_s + edge_s)


def test_memory_does_not_grow_with_time() -> None:
    counts = Counts()
    for tick in range(20_000):
        counts.fold(tick * 2.0, attempts(1))
    series = counts.series(MODEL)
    assert series is not None
    assert len(series._looks) < 130
    assert series.count(40_000.0, 1_800.0, ATTEMPTS) == pytest.approx(900, abs=31)


def test_of_who_is_gone_nothing_is_kept_and_who_was_never_heard_is_no_trouble() -> None:
    counts = Counts()
    counts.fold(0.0, attempts(0, 4))
    before = len(counts)
    counts.drop([MODEL, AGENT, Scope(ScopeKind.MODEL, "p/unheard-of")])
    assert (counts.series(MODEL), counts.series(AGENT)) == (None, None)
    assert len(counts) == before - 2
    assert MODEL not in [scope for scope, _ in counts.counted(ScopeKind.MODEL)]
    counts.fold(1.0, attempts(0, 1))
    assert counts.series(MODEL) is not None
