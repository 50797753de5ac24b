"""Does a soak see what it is there to see, and does the gateway hold out in a short one?"""

from __future__ import annotations

import os
from decimal import Decimal

import pytest
from bench.soak.books import Row, differences, of_callers, of_rows, of_totals, one_by_one
from bench.soak.callers import LEFT, Seen
from bench.soak.plan import Plan
from bench.soak.running import Report, soak
from bench.soak.samples import Sample, slope
from bench.soak.verdict import AtRest, of_answers, of_memory, of_rest

from database_server import NoDatabaseServer, programs

ANSWER = Seen("", 200, "up/atlas-medium", False, 1_000, 50, 400, 0.0, 0.5)
COST = Decimal("0.00084")
"""600 fresh tokens at 1, 400 of the cache at 0.1 and 50 of the answer at 4 US dollars a million."""
ROW = Row("r", "d", 1, "up/atlas-medium", None, 1_000, 50, 400, COST, False)


@pytest.fixture(scope="module")
def report() -> Report:
    try:
        programs()
    except NoDatabaseServer as error:
        if os.environ.get("POINTSMAN_EVERY_TEST"):
            raise
        pytest.skip(str(error))
    return soak(Plan(duration_s=15.0, rate_per_s=15.0, seed=3, browser=False))


@pytest.mark.timeout(300)
def test_a_gateway_holds_out_in_a_short_soak(report: Report) -> None:
    shown = "\n".join(f"{line.what}: {line.found}" for line in report.lines)
    assert report.kept, "\n".join([shown, *report.words])


@pytest.mark.timeout(300)
def test_a_short_soak_has_all_that_an_hour_has(report: Report) -> None:
    found = {line.what: line for line in report.lines}
    assert 150 <= (found["requests"].value or 0) <= 300
    assert found["reloads"].found == "4"
    for what in ("answers that differ from their rows", "records lost", "tasks at rest"):
        assert found[what].kept, what
    done = "\n".join(report.words)
    for what in ("the database stops", "it is back", "shows rate_limited", "shows cut"):
        assert what in done
    assert report.document()["samples"][-1]["cpu_s"] > 0


WRONG = [
    pytest.param([], "no decision was kept", id="a decision that is missing"),
    pytest.param([ROW._replace(attempt=None)], "kept as 0 answers", id="an outcome"),
    pytest.param([ROW, ROW], "its attempts are [1, 1]", id="an attempt that is kept twice"),
    pytest.param([ROW._replace(completion=51)], "the database", id="a token"),
    pytest.param([ROW._replace(cost=COST * 2)], "0.00168 by the database", id="a cost"),
    pytest.param([ROW._replace(cost=None)], "None by the database", id="an unknown cost"),
    pytest.param([ROW._replace(model="up/other")], "up/other", id="another model"),
]


@pytest.mark.parametrize(("rows", "words"), WRONG)
def test_an_answer_that_is_not_as_its_row_is_told(rows: list[Row], words: str) -> None:
    (told, *_) = one_by_one({"r": ANSWER}, rows)
    assert words in told


def test_an_answer_that_is_as_its_row_is_no_difference() -> None:
    assert not list(one_by_one({"r": ANSWER}, [ROW]))
    failed = [ROW._replace(failure="cut")]
    assert not list(one_by_one({"r": ANSWER._replace(fault="error in the stream")}, failed))
    assert not list(one_by_one({"r": ANSWER._replace(fault=LEFT)}, []))


def test_a_failure_that_is_kept_as_an_answer_is_told() -> None:
    (told,) = one_by_one({"r": ANSWER._replace(fault="status 502")}, [ROW])
    assert "the caller saw status 502" in told


def test_a_row_of_a_request_that_nobody_sent_is_told() -> None:
    assert list(one_by_one({}, [ROW])) == ["r: nobody asked this"]


def test_books_that_are_a_cent_apart_differ() -> None:
    kept = of_rows([ROW])
    assert not list(differences("callers", kept, of_callers([ANSWER]), kinds=True))
    dearer = of_rows([ROW._replace(cost=COST + Decimal("0.01"))])
    (told,) = differences("metrics", kept, dearer, kinds=True)
    assert "0.010840 US dollars instead of 0.000840" in told
    failed = of_rows([ROW._replace(failure="reset")])
    assert list(differences("metrics", kept, failed, kinds=True))
    assert list(differences("analytics", kept, failed, kinds=False))


def test_totals_that_differ_are_told() -> None:
    stats = {
        "attempts": {"total_requests": 1, "successful_requests": 1},
        "tokens": {"prompt": 1_000, "completion": 50, "cached": 400},
        "cost_usd": 0.00084,
    }
    kept = of_rows([ROW])
    assert not list(of_totals(kept, stats))
    assert list(of_totals(kept, {**stats, "cost_usd": 0.02}))
    assert list(of_totals(of_rows([ROW, ROW]), stats))


def test_what_rises_is_told_from_what_only_swings() -> None:
    swings = [(10.0 * n, 80.0 + 3.0 * (n * 7 % 11) / 11) for n in range(360)]
    rises = [(at_s, value + 6.0 * at_s / 3600) for at_s, value in swings]
    flat, steep = slope(swings), slope(rises)
    assert flat is not None
    assert steep is not None
    assert flat.least < 0.0 < flat.most
    assert 4.0 < steep.least < 6.0 < steep.most < 8.0
    assert slope(rises[:30]) is None


def test_memory_may_rise_while_what_is_kept_for_an_hour_fills_and_no_longer() -> None:
    rising = [
        Sample(10.0 * n, 80.0 + 9.0 * n / 360, n, 40, 15, 14, 10**6, 25.0, 5.0, 0, 0.001, 0.01)
        for n in range(720)
    ]
    judged = [
        line.kept
        for hours in (1, 2)
        for line in of_memory(Plan(3600.0 * hours), rising[: 360 * hours])
        if line.what.startswith("resident memory in the last third")
    ]
    assert judged == [True, False]


def test_what_is_not_given_back_is_broken() -> None:
    before = AtRest(descriptors=40, threads=15, tasks=14)
    kept = [line.kept for line in of_rest(before, AtRest(42, 15, 30))]
    assert kept == [True, True, False]


def test_a_caller_who_waits_for_ever_breaks_a_limit_and_one_that_hangs_up_does_not() -> None:
    lines = list(of_answers({"r": ANSWER}, {"timeout": 1, LEFT: 2, "status 502": 3}))
    assert [line.kept for line in lines[-3:]] == [None, None, False]
