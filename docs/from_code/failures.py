"""Which failures are told apart, whom do they blame, and what follows?"""

from __future__ import annotations

from itertools import groupby

from from_code.table import code, table
from pointsman.adapters.http.replies import surface_of
from pointsman.core.blame import ROWS, Row
from pointsman.core.errors import Blame, FailureKind, UpstreamError
from pointsman.engine import health

RESTING = {
    Blame.KEY: "all models of the provider are",
    Blame.CATALOGUE: "the model is",
    Blame.CAPACITY: "the model is",
}
CORRECTED = {
    FailureKind.UNSUPPORTED_PARAMETER: "the model's entry: it does not take this parameter",
    FailureKind.CONTEXT_TOO_LONG: "the model's entry: its window, where the message tells it",
}


def kinds() -> str:
    head = ("kind", "blames", "then", "affects", "the caller sees, when all is spent")
    return table(head, [_kind(kind) for kind in FailureKind])


def _kind(kind: FailureKind) -> tuple[str, ...]:
    status, type_, name = surface_of(UpstreamError(kind))
    seen = f"{status} {code(type_)} {code(name)}"
    if kind is FailureKind.CANCELLED:
        seen = "nothing: it has left"
    return code(kind.code), kind.blames.value, _moves(kind), _affected(kind), seen


def _moves(kind: FailureKind) -> str:
    moves = [("retry", kind.retryable), ("move", kind.movable)]
    return " or ".join(word for word, may in reversed(moves) if may) or "stop"


def _affected(kind: FailureKind) -> str:
    rest = health._RESTS.get(kind)  # noqa: SLF001 - the page shows what is in force
    if rest is not None:
        lasts = f"{rest.first_s:g} s, doubling up to {rest.most_s:g} s"
        return f"{RESTING[kind.blames]} left alone for {lasts}"
    if kind.blames is Blame.ENDPOINT:
        return "the model's circuit breaker"
    return CORRECTED.get(kind, "nothing")


def rows() -> str:
    head = ("rule", "when", "kind", "why")
    lines = [(code(r.name), _condition(r), code(r.kind.code), r.why) for r in ROWS]
    return table(head, lines)


def _condition(row: Row) -> str:
    parts = []
    if row.transport is not None:
        parts.append(f"on the way: {code(row.transport.value)}")
    if row.statuses:
        parts.append(f"status {_ranges(sorted(row.statuses))}")
    if row.codes:
        parts.append(f"code {_alternatives(sorted(row.codes))}")
    if row.params:
        parts.append(f"param none or {_alternatives(sorted(row.params))}")
    if row.sentences:
        parts.append(f"begins {_alternatives(row.sentences)}")
    if row.words:
        parts.append(f"words {_alternatives(row.words)}")
    if row.retry_after:
        parts.append("with Retry-After")
    return "; ".join(parts) or "nothing above fits"


def _alternatives(values: list[str] | tuple[str, ...]) -> str:
    return ", ".join(code(value.strip()) for value in values)


def _ranges(numbers: list[int]) -> str:
    runs = groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0])
    found = [[number for _, number in run] for _, run in runs]
    return ", ".join(f"{r[0]}–{r[-1]}" if len(r) > 2 else ", ".join(map(str, r)) for r in found)
