"""Does what several gateways counted come together as if one had counted it?"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.alert_budget import Budget, Per, Spending
from pointsman.core.alert_conditions import Reading
from pointsman.core.alert_counted import Counted, Onward, Tail
from pointsman.core.alert_counts import ANSWERS, ATTEMPTS, FAULTS, Counts
from pointsman.core.alert_metrics import EVERYTHING, Scope, ScopeKind
from pointsman.core.alert_report import Gauge, Report, worst
from pointsman.core.decision import Outcome
from pointsman.core.errors import FailureKind

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
GOOD, FAULT, REFUSED = None, FailureKind.SERVER_ERROR, FailureKind.KEY_REJECTED
ONE = Scope(ScopeKind.MODEL, "p/one")
LINES = (0.5, 1.0)


def attempt(
    failure: FailureKind | None = GOOD, *, agent: str = "a", wait_s: float = 0.1
) -> Outcome:
    return Outcome("d", 1, "p/one", agent, NOON, failure, False, wait_s, cost_usd=Decimal("0.5"))


def counting(lines: tuple[float, ...] = LINES, factors: tuple[float, ...] = ()) -> Counts:
    counts = Counts(lines, factors)
    counts.onward = Onward()
    return counts


def report_of(counts: Counts) -> Counted:
    assert counts.onward is not None
    return Counted(counts.lines, counts.factors, *counts.onward.take())


KINDS = st.sampled_from([GOOD, FAULT, REFUSED, FailureKind.CANCELLED])
BATCHES = st.lists(st.lists(KINDS, max_size=4), max_size=4)


@given(st.lists(st.tuples(st.booleans(), st.lists(BATCHES, max_size=3)), max_size=4))
def test_in_the_order_of_their_reports_it_is_as_if_one_had_counted(
    periods: list[tuple[bool, list[list[list[FailureKind | None]]]]],
) -> None:
    alone, leads, follows = Counts(LINES), Counts(LINES), counting()
    at_s = 0.0
    for elsewhere, looks in periods:
        for batches in looks:
            for batch in batches:
                at_s += 1.0
                outcomes = [attempt(kind) for kind in batch]
                alone.fold(at_s, outcomes)
                (follows if elsewhere else leads).fold(at_s, outcomes)
        if elsewhere:
            leads.fold_counted(at_s, report_of(follows))
    assert leads.faults_in_a_row("p/one") == alone.faults_in_a_row("p/one")
    assert leads.refusals_in_a_row("p/one") == alone.refusals_in_a_row("p/one")
    for scope in (ONE, EVERYTHING):
        mine, theirs = leads.series(scope), alone.series(scope)
        assert (mine and mine.totals) == (theirs and theirs.totals)


def test_what_was_told_is_told_once() -> None:
    follows = counting()
    follows.fold(1.0, [attempt(), attempt(FAULT, agent="b")])
    rows = {row.agent_id: row.counts for row in report_of(follows).rows}
    assert [rows["a"][place] for place in (ATTEMPTS, ANSWERS, FAULTS)] == [1, 1, 0]
    assert [rows["b"][place] for place in (ATTEMPTS, ANSWERS, FAULTS)] == [1, 0, 1]
    assert report_of(follows) == Counted(LINES, rows=[])


def test_lines_that_only_one_of_them_counts_count_as_not_reached() -> None:
    leads, follows = Counts((0.5, 2.0), (3.0,)), counting((0.2, 0.5), (1.5,))
    follows.fold(1.0, [attempt(wait_s=0.7)])
    leads.fold_counted(1.0, report_of(follows))
    series = leads.series(ONE)
    assert series is not None
    reached = [series.totals[leads.line(line)] for line in (0.5, 2.0)]
    assert [*reached, series.totals[leads.factor(3.0)]] == [1, 0, 0]


def test_with_other_lines_what_was_gathered_for_the_old_ones_is_left_out() -> None:
    onward = Onward()
    onward.add({("a", "p/one"): [1.0, 2.0]}, {"p/one": Tail(answered=True)})
    onward.add({("a", "p/one"): [3.0]}, {"p/one": Tail(faults=1)})
    rows, tails = onward.take()
    assert rows[0].counts == [3.0]
    assert tails == {"p/one": Tail(answered=True, faults=1)}


@pytest.mark.parametrize(
    ("metric", "own", "other", "found"),
    [
        ("eligible_models", 3.0, 1.0, 1.0),
        ("eligible_models", 1.0, 3.0, 1.0),
        ("breaker_open_s", 5.0, 60.0, 60.0),
        ("breaker_open_s", 60.0, 5.0, 60.0),
        ("requests_in_flight", 4.0, 6.0, 10.0),
        ("of_a_newer_version", 4.0, 6.0, 4.0),
        ("utilisation", None, 0.9, 0.9),
    ],
)
def test_of_readings_the_worst_counts_or_their_sum(
    metric: str, own: float | None, other: float, found: float
) -> None:
    readings = {} if own is None else {EVERYTHING: {metric: Reading(own)}}
    worst(readings, [Gauge(metric, EVERYTHING, Reading(other))])
    assert readings[EVERYTHING][metric].value == found


def test_a_report_is_the_same_after_its_way() -> None:
    follows = counting()
    follows.fold(1.0, [attempt(FAULT)])
    gauge = Gauge("breaker_open_s", ONE, Reading(3.0, note="a note"))
    report = Report("g", report_of(follows), [gauge])
    sent = msgspec.json.encode(report)
    back = msgspec.json.decode(sent, type=Report)
    leads = Counts(LINES)
    leads.fold_counted(1.0, back.counted)
    assert leads.faults_in_a_row("p/one") == 1
    assert back.gauges == [gauge]


def test_what_another_was_billed_is_spent() -> None:
    spending = Spending([Budget(EVERYTHING, 10.0, Per.DAY)], NOON)
    spending.bill("a", NOON, 2.5)
    spending.spend(attempt())
    assert spending.spent(0, 0.0, NOON).usd == 3.0
