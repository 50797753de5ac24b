"""Is a request's place in its caller's trace understood, and told on in the same names?"""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pointsman.core.trace import Trace, span_id_of, trace_of, trace_of_decision, traceparent

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CALLER = f"00-{TRACE}-{SPAN}-01"
QUIET = f"00-{TRACE}-{SPAN}-00"
DECISION = "dec_01a2b3c4d5e0123456789abcdef"

HEX = "0123456789abcdef"


def test_a_traceparent_is_read_and_written() -> None:
    assert trace_of(CALLER) == Trace(TRACE, SPAN, sampled=True)
    assert trace_of(QUIET) == Trace(TRACE, SPAN, sampled=False)
    assert Trace(TRACE, SPAN, sampled=True).header == CALLER
    assert Trace(TRACE, SPAN, sampled=False).header == QUIET


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    assert trace_of(f"01-{TRACE}-{SPAN}-03-and-more") == Trace(TRACE, SPAN, sampled=True)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f" {CALLER}",
        f"{CALLER}\n",
        CALLER.replace("a", "á"),
    ],
)
def test_what_the_standard_does_not_allow_says_nothing(header: str) -> None:
    assert trace_of(header) is None


def test_the_callers_trace_is_kept_and_so_is_its_choice() -> None:
    for header, sampled in ((CALLER, True), (QUIET, False)):
        for share in (0.0, 1.0):
            trace = trace_of_decision(DECISION, header, share)
            assert (trace.trace_id, trace.sampled) == (TRACE, sampled)
            assert trace.span_id == span_id_of(DECISION, 0) != SPAN


def test_without_a_caller_the_trace_is_that_of_the_decision() -> None:
    trace = trace_of_decision(DECISION, None, 1.0)
    assert trace == Trace("00000" + DECISION[4:], DECISION[-16:], sampled=True)
    assert trace_of(trace.header) == trace
    assert not trace_of_decision(DECISION, None, 0.0).sampled


def test_about_the_share_that_was_asked_for_is_kept() -> None:
    ids = [f"dec_01a2b3c4d5e{seed * 0x9E3779B97F4A7C15 % 2**64:016x}" for seed in range(10_000)]
    kept = sum(trace_of_decision(each, None, 0.1).sampled for each in ids)
    assert 900 < kept < 1_100


@given(st.integers(0, 2**64 - 1), st.integers(0, 50), st.integers(0, 50))
@example(0, 0, 1)
@example(2**64 - 1, 0, 1)
def test_no_two_spans_of_a_request_have_the_same_name(seed: int, one: int, other: int) -> None:
    decision_id = f"dec_01a2b3c4d5e{seed:016x}"
    first, second = span_id_of(decision_id, one), span_id_of(decision_id, other)
    assert (first == second) == (one == other)
    assert len(first) == 16
    assert int(first, 16) > 0


def test_the_upstream_is_told_the_span_of_its_attempt() -> None:
    told = traceparent(DECISION, 2, CALLER, 0.0)
    assert told == f"00-{TRACE}-{span_id_of(DECISION, 2)}-01"
    own = traceparent(DECISION, 1, None, 0.0)
    assert own == f"00-00000{DECISION[4:]}-{span_id_of(DECISION, 1)}-00"


def test_where_no_traces_are_made_the_callers_is_passed_on_as_it_is() -> None:
    assert traceparent(DECISION, 1, CALLER, None) == CALLER
    assert traceparent(DECISION, 1, None, None) is None
