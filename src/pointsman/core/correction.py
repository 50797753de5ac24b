"""What does a failure teach about a catalogue entry?

Catalogues disagree, and age. A provider that says "This model's maximum context length is 8192
tokens" knows better than any of them, so the entry is corrected, and says where the correction
comes from. A correction concerns every caller, and one caller's request brought it about: what a
caller could have made up is not believed.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from pointsman.core.clues import context_limit, unsupported_parameter
from pointsman.core.errors import FailureKind, UpstreamError
from pointsman.core.fleet import Model, Source

LEARNED = "learned from an answer of the provider"

MOST_UNSUPPORTED = 64
"""How many fields a model may be seen to refuse: callers invent names without end."""

SMALLEST_WINDOW = 1024
"""In tokens. No model that is served for chat has less (GPT-2 had this), so a refusal that names
less is wrong or forged, and believing it would close the model to everybody."""

_FIELD_CODES = frozenset({"unsupported_parameter", "unknown_parameter", "extra_forbidden"})
_NOT_BY_PROSE = frozenset({"tools", "functions"})
"""What agents cannot work without is given up only when `param` or a machine code says so."""


class Lesson(NamedTuple):
    """One property of a model as an answer has shown it to be, and as it is declared.

    `property` is `context_window`, in tokens, or `unsupported:NAME` of a field of requests, which
    is true. `former` is None where nothing was declared. It is believed from `at` `until`.
    """

    model_id: str
    property: str
    value: int | bool
    former: int | None
    reason: str
    at: datetime
    until: datetime


def lessons(declared: Model, served: Model, at: datetime, until: datetime) -> list[Lesson]:
    """In what `served`, as it was corrected, differs from what is declared."""

    def lesson(name: str, value: int | bool, former: int | None) -> Lesson:
        return Lesson(declared.id, name, value, former, LEARNED, at, until)

    found = [
        lesson(f"unsupported:{name}", True, None)
        for name in sorted(served.unsupported - declared.unsupported)
    ]
    window = served.context_window
    if window is not None and window != declared.context_window:
        found.append(lesson("context_window", window, declared.context_window))
    return found


def corrected(model: Model, error: UpstreamError, sent: Set[str], now: datetime) -> Model | None:
    """`model` as `error` shows it to be, or None when there is nothing to learn.

    `sent` are the names of the request's optional fields.
    """
    source = Source(LEARNED, now.date().isoformat())
    if error.kind is FailureKind.CONTEXT_TOO_LONG:
        return _smaller_window(model, error, source)
    if error.kind is FailureKind.UNSUPPORTED_PARAMETER:
        return _unsupported(model, error, sent, source)
    return None


def _smaller_window(model: Model, error: UpstreamError, source: Source) -> Model | None:
    limit = context_limit(error.message)
    if limit is None or limit < SMALLEST_WINDOW:
        return None
    if model.context_window is not None and model.context_window <= limit:
        return None
    return replace(model, context_window=limit, sources={**model.sources, "context_window": source})


def _unsupported(
    model: Model, error: UpstreamError, sent: Set[str], source: Source
) -> Model | None:
    code = (error.upstream_code or "").lower()
    if code == "unsupported_value":
        # The parameter is known, only this value is not: another request may use it well.
        return None
    name = unsupported_parameter(error.message, error.param)
    if name is None or name not in sent or name in model.unsupported:
        return None
    if name in _NOT_BY_PROSE and not error.param and code not in _FIELD_CODES:
        return None
    if len(model.unsupported) >= MOST_UNSUPPORTED:
        return None
    return replace(
        model,
        unsupported=model.unsupported | {name},
        sources={**model.sources, f"unsupported:{name}": source},
    )
