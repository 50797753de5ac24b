"""How do decisions and attempts read as flat lines, for spreadsheets and other programs?

As in the control API: scores are 0 to 100, durations milliseconds, instants RFC 3339 in UTC.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from pointsman.core.decision import Decision, Outcome
from pointsman.engine.ports import DecisionQuery, StoredDecision

PAGE = 200

Line = Mapping[str, Any]
Page = Callable[[DecisionQuery], Sequence[StoredDecision]]
Fits = Callable[[StoredDecision], bool]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What begins so is run by spreadsheets."""

DECISION_FIELDS: Mapping[str, type] = {
    "decision_id": str,
    "request_id": str,
    "timestamp": str,
    "agent_id": str,
    "session": str,
    "task_type": str,
    "strategy": str,
    "asked_model": str,
    "model_id": str,
    "served_model_id": str,
    "score": float,
    "propensity": float,
    "explored": bool,
    "panic": bool,
    "candidates": int,
    "rejected": int,
    "attempts": int,
    "success": bool,
    "failure": str,
    "latency_ms": float,
    "cost_usd": float,
    "rating": int,
    "feedback_success": bool,
    "assignment_id": str,
    "config_version": str,
}
OUTCOME_FIELDS: Mapping[str, type] = {
    "decision_id": str,
    "attempt": int,
    "timestamp": str,
    "agent_id": str,
    "model_id": str,
    "success": bool,
    "failure": str,
    "blames": str,
    "streamed": bool,
    "latency_ms": float,
    "first_token_ms": float,
    "prompt_tokens": int,
    "completion_tokens": int,
    "cached_tokens": int,
    "usage_estimated": bool,
    "cost_usd": float,
    "upstream_model": str,
    "status": int,
    "message": str,
}
FIELDS: Mapping[str, Mapping[str, type]] = {
    "decisions": DECISION_FIELDS,
    "outcomes": OUTCOME_FIELDS,
}
"""What can be exported, with the fields of a line and their types; any may be missing."""


def lines(what: str, page: Page, query: DecisionQuery, fits: Fits | None = None) -> Iterator[Line]:
    """All that the query finds of `FIELDS`, newest first, a page at a time.

    Those that do not fit are left out. Raises what `page` raises.
    """
    of = _LINES[what]
    while found := page(query._replace(limit=PAGE)):
        for stored in filter(fits, found) if fits else found:
            yield from of(stored)
        query = query._replace(before=found[-1].decision.id)


def ndjson(rows: Iterable[object]) -> Iterator[bytes]:
    """A line of JSON for each."""
    encoder = msgspec.json.Encoder()
    for row in rows:
        yield encoder.encode(row) + b"\n"


def as_array(rows: Iterable[object]) -> Iterator[bytes]:
    """All of them as one array, each on a line of its own."""
    before = b"[\n"
    encoder = msgspec.json.Encoder()
    for row in rows:
        yield before + encoder.encode(row)
        before = b",\n"
    yield b"[]\n" if before.startswith(b"[") else b"\n]\n"


def table(fields: Iterable[str], rows: Iterable[Line], *, headed: bool = True) -> Iterator[bytes]:
    """A table with a head (RFC 4180); what a spreadsheet would run begins with an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text)
    if headed:
        writer.writerow(fields)
    for row in rows:
        writer.writerow([_cell(value) for value in row.values()])
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()
    if text.tell():
        yield text.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def _decision_lines(stored: StoredDecision) -> Iterator[Line]:
    made, outcomes, feedback = stored
    last = outcomes[-1] if outcomes else None
    chosen = made.chosen
    yield _line(
        DECISION_FIELDS,
        (
            made.id,
            made.request_id,
            instant_text(made.at),
            made.agent_id,
            made.session,
            made.task.type,
            made.strategy.value,
            made.asked_model,
            chosen.model_id if chosen else None,
            last.model_id if last and last.failure is None else None,
            100 * chosen.score if chosen else None,
            made.propensity,
            made.explored,
            made.panic,
            len(made.candidates),
            len(made.rejections),
            len(outcomes),
            _success(made, last),
            last.failure.code if last and last.failure else None,
            1000 * sum(outcome.total_s for outcome in outcomes) if outcomes else None,
            _usd(stored.cost_usd) if outcomes else None,
            feedback.rating if feedback else None,
            feedback.success if feedback else None,
            made.assignment_id,
            made.config_version,
        ),
    )


def _success(made: Decision, last: Outcome | None) -> bool | None:
    """None while nobody knows."""
    if last is None:
        return None if made.candidates else False
    return last.failure is None


def _outcome_lines(stored: StoredDecision) -> Iterator[Line]:
    for outcome in stored.outcomes:
        usage, failure = outcome.usage, outcome.failure
        first_s = outcome.first_token_s
        yield _line(
            OUTCOME_FIELDS,
            (
                outcome.decision_id,
                outcome.attempt,
                instant_text(outcome.at),
                outcome.agent_id,
                outcome.model_id,
                failure is None,
                failure.code if failure else None,
                failure.blames.value if failure else None,
                outcome.streamed,
                1000 * outcome.total_s,
                None if first_s is None else 1000 * first_s,
                usage.prompt_tokens if usage else None,
                usage.completion_tokens if usage else None,
                usage.cached_tokens if usage else None,
                usage.estimated if usage else None,
                _usd(outcome.cost_usd),
                outcome.upstream_model,
                outcome.status,
                outcome.message,
            ),
        )


_LINES: Mapping[str, Callable[[StoredDecision], Iterator[Line]]] = {
    "decisions": _decision_lines,
    "outcomes": _outcome_lines,
}


def _line(fields: Mapping[str, type], values: Sequence[Any]) -> Line:
    return dict(zip(fields, values, strict=True))


def instant_text(at: datetime) -> str:
    """As in the JSON of the control API."""
    return at.isoformat().replace("+00:00", "Z")


def _usd(cost: Decimal | None) -> float | None:
    return None if cost is None else float(cost)
