"""How does a decision or an outcome become a row, and a row the same value again?

Text from callers may hold halves of surrogate pairs and counts from upstreams may be absurd; a
database takes neither, and one such record must not hold up those behind it. So what it refuses is
`mended`, and a row can always be written.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from pointsman.adapters.stores.sets import Reference
from pointsman.core.decision import (
    Candidate,
    Decision,
    Feedback,
    Outcome,
    Rejection,
    Strategy,
    Task,
)
from pointsman.core.errors import FailureKind
from pointsman.core.fleet import Usage

DECISION_COLUMNS = (
    "DECISION_ID",
    "REQUEST_ID",
    "TIMESTAMP",
    "TASK_TYPE",
    "CONTEXT_LENGTH",
    "TASK_JSON",
    "SELECTED_AGENT_ID",
    "SELECTED_MODEL_ID",
    "COMPOSITE_SCORE",
    "STRATEGY",
    "CANDIDATE_SET_ID",
    "CANDIDATE_ORDER",
    "PROPENSITY",
    "CONFIG_VERSION",
    "SESSION_ID",
    "ASKED_MODEL",
    "BAND",
    "ASSIGNMENT_ID",
    "REJECTIONS_JSON",
    "PANIC",
    "EXPLORED",
    "PROMPT_PREVIEW",
)
FEEDBACK_COLUMNS = (
    "DECISION_ID",
    "SELECTED_AGENT_ID",
    "RATED_MODEL_ID",
    "TASK_TYPE",
    "RATED_AT",
    "USER_RATING",
    "USER_SUCCESS",
    "USER_FEEDBACK",
)
SET_COLUMNS = ("SET_ID", "CANDIDATES_JSON", "REJECTIONS_JSON", "BASE_SET_ID")
OUTCOME_COLUMNS = (
    "DECISION_ID",
    "ATTEMPT",
    "MODEL_ID",
    "AGENT_ID",
    "TIMESTAMP",
    "STREAMED",
    "TOTAL_S",
    "FIRST_TOKEN_S",
    "PROMPT_TOKENS",
    "TOKENS_GENERATED",
    "CACHED_TOKENS",
    "ACTUAL_COST",
    "UPSTREAM_MODEL",
    "HTTP_STATUS",
    "CACHE_WRITE_TOKENS",
    "AUDIO_TOKENS",
    "REPORTED_COST",
    "USAGE_ESTIMATED",
    "FAILURE_KIND",
    "ERROR_MESSAGE",
)
USUAL_DECISION = ("NULL", "0", "0", "NULL")
USUAL_OUTCOME = ("0", "0", "NULL", "0", "NULL", "''")
"""What nearly always stands in the last columns, as SQL. What is part of a statement need not be
bound, and to bind a NULL costs Python ten times as much as to bind a number."""

Row = tuple[Any, ...]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_US = 86_400_000_000
_MAX_INTEGER = 2**63 - 1
_NO_USAGE: Row = (None, None, None, None)
_PLAIN_USAGE = Usage(0, 0)[3:]
_KINDS = {kind.code: kind for kind in FailureKind}

_candidates = msgspec.json.Decoder(tuple[Candidate, ...])
_said = msgspec.json.Decoder(tuple[Candidate | int, ...])
_rejections = msgspec.json.Decoder(tuple[Rejection, ...])
_places = msgspec.json.Decoder(list[int])
_task = msgspec.json.Decoder(Task)
_encode = msgspec.json.Encoder().encode


def microseconds(at: datetime) -> int:
    """An instant as whole microseconds since 1970 UTC."""
    since = at - _EPOCH
    return since.days * _DAY_US + since.seconds * 1_000_000 + since.microseconds


def instant(us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=us)


def is_usual_decision(decision: Decision, candidates: Reference) -> bool:
    """True when its last columns are as in `USUAL_DECISION`."""
    unusual = decision.panic or decision.explored or candidates.rejections
    return not (unusual or decision.preview)


def usual_decision_row(decision: Decision, candidates: Reference) -> Row:
    """The columns of `DECISION_COLUMNS` but for those in `USUAL_DECISION`."""
    task = decision.task
    chosen = decision.chosen
    return (
        decision.id,
        decision.request_id,
        microseconds(decision.at),
        task.type,
        task.prompt_tokens,
        json_text(task),
        decision.agent_id,
        chosen.model_id if chosen else None,
        chosen.score if chosen else None,
        decision.strategy.value,
        candidates.set.id,
        candidates.order,
        decision.propensity,
        decision.config_version,
        decision.session,
        decision.asked_model,
        decision.band,
        decision.assignment_id,
    )


def decision_row(decision: Decision, candidates: Reference) -> Row:
    """The columns of `DECISION_COLUMNS`, in order."""
    usual = usual_decision_row(decision, candidates)
    flags = int(decision.panic), int(decision.explored)
    return (*usual, candidates.rejections, *flags, decision.preview)


def is_usual_outcome(outcome: Outcome) -> bool:
    """True when its last columns are as in `USUAL_OUTCOME`."""
    usage = outcome.usage
    if usage is None or outcome.failure is not None or outcome.message:
        return False
    return usage[3:] == _PLAIN_USAGE


def usual_outcome_row(outcome: Outcome) -> Row:
    """The columns of `OUTCOME_COLUMNS` but for those in `USUAL_OUTCOME`."""
    usage = outcome.usage
    cost = outcome.cost_usd
    prompt, completion, cached, *_ = (None, None, None) if usage is None else usage
    return (
        outcome.decision_id,
        outcome.attempt,
        outcome.model_id,
        outcome.agent_id,
        microseconds(outcome.at),
        int(outcome.streamed),
        outcome.total_s,
        outcome.first_token_s,
        prompt,
        completion,
        cached,
        None if cost is None else _money(cost),
        outcome.upstream_model,
        outcome.status,
    )


def outcome_row(outcome: Outcome) -> Row:
    """The columns of `OUTCOME_COLUMNS`, in order."""
    usage = outcome.usage
    return (
        *usual_outcome_row(outcome),
        *(_NO_USAGE if usage is None else _unusual_columns(usage)),
        None if outcome.failure is None else outcome.failure.code,
        outcome.message,
    )


def stored_decision(row: Sequence[Any]) -> Decision:
    """A decision from the columns of `DECISION_COLUMNS`, then the texts that stand in its set.

    Those are its candidates, its rejections, and the candidates of its base or None. Raises
    `ValueError`, `IndexError` or `msgspec.DecodeError` where they are damaged.
    """
    order, own = row[11], row[18]
    candidates_json, standing_json, base_json = row[22:25]
    if candidates_json is None or standing_json is None:
        raise ValueError(f"the candidates of {row[0]} are missing")
    candidates = _all_said(candidates_json, base_json)
    standing = _rejections.decode(standing_json)
    return Decision(
        id=row[0],
        request_id=row[1],
        at=instant(row[2]),
        agent_id=row[6],
        task=_task.decode(row[5]),
        strategy=Strategy(row[9]),
        candidates=candidates if order is None else _in_order(candidates, order),
        rejections=standing if own is None else standing + _rejections.decode(own),
        propensity=row[12],
        config_version=row[13],
        session=row[14],
        asked_model=row[15],
        panic=bool(row[19]),
        explored=bool(row[20]),
        band=row[16],
        assignment_id=row[17],
        preview=row[21],
    )


def stored_outcome(row: Sequence[Any]) -> Outcome:
    """An outcome from the columns of `OUTCOME_COLUMNS`.

    Raises `ValueError` or `ArithmeticError` where they are damaged.
    """
    return Outcome(
        row[0],  # By position: a hundred thousand are read when a gateway starts.
        row[1],
        row[2],
        row[3],
        instant(row[4]),
        None if row[18] is None else _kind(row[18]),
        bool(row[5]),
        row[6],
        row[7],
        None if row[8] is None else _stored_usage(row),
        None if row[11] is None else Decimal(row[11]),
        row[12],
        row[13],
        row[19],
    )


def feedback_values(feedback: Feedback) -> Row:
    """The columns of `FEEDBACK_COLUMNS` that are not those of the decision itself, in order."""
    success = feedback.success
    return (
        storable(feedback.model_id),
        microseconds(feedback.at),
        feedback.rating,
        None if success is None else int(success),
        storable(feedback.comment),
    )


def stored_feedback(row: Sequence[Any]) -> Feedback | None:
    """What was said, from the columns of `FEEDBACK_COLUMNS`; None when nothing was."""
    if row[4] is None:
        return None
    return Feedback(
        decision_id=row[0],
        agent_id=row[1],
        model_id=row[2],
        task_type=row[3],
        at=instant(row[4]),
        rating=row[5],
        success=None if row[6] is None else bool(row[6]),
        comment=row[7],
    )


def _all_said(candidates_json: str, base_json: str | None) -> tuple[Candidate, ...]:
    if base_json is None:
        return _candidates.decode(candidates_json)
    base = _candidates.decode(base_json)
    return tuple(
        base[each] if isinstance(each, int) else each for each in _said.decode(candidates_json)
    )


def _in_order(candidates: tuple[Candidate, ...], order: str) -> tuple[Candidate, ...]:
    return tuple(candidates[place] for place in _places.decode(order))


def _unusual_columns(usage: Usage) -> Row:
    reported = usage.reported_cost_usd
    return (
        usage.cache_write_tokens,
        usage.audio_tokens,
        None if reported is None else _money(reported),
        int(usage.estimated),
    )


def _stored_usage(row: Sequence[Any]) -> Usage:
    reported = row[16]
    return Usage(
        row[8],
        row[9],
        row[10],
        row[14],
        row[15],
        None if reported is None else Decimal(reported),
        bool(row[17]),
    )


def _kind(code: str) -> FailureKind:
    try:
        return _KINDS[code]
    except KeyError:
        raise ValueError(f"no failure is called {code!r}") from None


def json_text(value: object) -> str:
    """The value as JSON that every database takes."""
    try:
        return _encode(value).decode()
    except UnicodeEncodeError:
        return _encode(mended(value)).decode()


def mended(value: object) -> Any:
    """A value that a database has refused as one that it takes; a list for a tuple or set."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, tuple | frozenset):
        return [mended(item) for item in value]
    if isinstance(value, dict):
        return {mended(name): mended(item) for name, item in value.items()}
    return min(value, _MAX_INTEGER) if isinstance(value, int) else value


def storable(text: str) -> str:
    """The text with every half of a surrogate pair replaced by a question mark."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _money(amount: Decimal) -> str:
    text = str(amount)
    return text if "E" not in text else f"{amount:f}"
