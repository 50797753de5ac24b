"""Which trace is a request part of, and under which names do its parts stand in it?

W3C Trace Context, level 1: a header `traceparent` of version, trace, span and flags in hexadecimal.
The names of our own spans follow from the decision's id, so that what was sent upstream during a
request and what is told of it afterwards agree, and so that a decision leads to its trace.
"""

from __future__ import annotations

import re
from typing import NamedTuple

TRACE_DIGITS = 32
SPAN_DIGITS = 16

_SPANS = 16**SPAN_DIGITS
_SPREAD = 0x9E37_79B9_7F4A_7C15
"""2^64 divided by the golden ratio: its multiples lie far apart, so no two spans meet."""
_SAMPLED = 1
_PREFIX = "dec_"
_HEADER = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)


class Trace(NamedTuple):
    """A trace and the span in it under which the next one belongs, both in hexadecimal."""

    trace_id: str
    span_id: str
    sampled: bool

    @property
    def header(self) -> str:
        """As a `traceparent`."""
        return f"00-{self.trace_id}-{self.span_id}-{int(self.sampled):02x}"


def trace_of(header: str) -> Trace | None:
    """What a `traceparent` says; None where it says nothing that the standard allows."""
    found = _HEADER.fullmatch(header)
    if found is None:
        return None
    version, trace_id, span_id, flags, rest = found.groups()
    if version == "ff" or (version == "00" and rest) or not int(trace_id, 16) * int(span_id, 16):
        return None
    return Trace(trace_id, span_id, bool(int(flags, 16) & _SAMPLED))


def trace_of_decision(decision_id: str, caller: str | None, share: float) -> Trace:
    """The trace of a request, and in it the span of the whole request.

    It is that of the caller's traceparent, if there is one, which also says whether it is kept.
    Of all others about a `share` in [0, 1] is kept.
    """
    span_id = span_id_of(decision_id, 0)
    above = None if caller is None else trace_of(caller)
    if above is not None:
        return above._replace(span_id=span_id)
    digits = decision_id.removeprefix(_PREFIX)[-TRACE_DIGITS:].rjust(TRACE_DIGITS, "0")
    return Trace(digits, span_id, _seed(decision_id) < share * _SPANS)


def span_id_of(decision_id: str, attempt: int) -> str:
    """The span of an attempt, the first being 1; 0 is the request itself."""
    # From 1 to the last one and around: 0 is no name.
    number = 1 + (_seed(decision_id) + attempt * _SPREAD - 1) % (_SPANS - 1)
    return f"{number:0{SPAN_DIGITS}x}"


def traceparent(
    decision_id: str, attempt: int, caller: str | None, share: float | None
) -> str | None:
    """What the upstream of an attempt is told; None for nothing.

    Without a `share` no traces are made here, so the caller's own span is passed on.
    """
    if share is None:
        return caller
    trace = trace_of_decision(decision_id, caller, share)
    return trace._replace(span_id=span_id_of(decision_id, attempt)).header


def _seed(decision_id: str) -> int:
    return int(decision_id[-SPAN_DIGITS:], 16)
