"""What does a failure teach about a catalogue entry?

Catalogues disagree, and age. A provider that says "maximum context length is 8192 tokens" knows
better than any of them, so the entry is corrected, and says where the correction comes from.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from pointsman.core.clues import context_limit, unsupported_parameter
from pointsman.core.errors import FailureKind, UpstreamError
from pointsman.core.fleet import Model, Source

LEARNED = "learned from an answer of the provider"

MOST_UNSUPPORTED = 64
"""How many fields a model may be seen to refuse: callers invent names without end."""


def corrected(model: Model, error: UpstreamError, now: datetime) -> Model | None:
    """`model` as `error` shows it to be, or None when there is nothing to learn."""
    source = Source(LEARNED, now.date().isoformat())
    if error.kind is FailureKind.CONTEXT_TOO_LONG:
        return _smaller_window(model, error, source)
    if error.kind is FailureKind.UNSUPPORTED_PARAMETER:
        return _unsupported(model, error, source)
    return None


def _smaller_window(model: Model, error: UpstreamError, source: Source) -> Model | None:
    limit = context_limit(error.message)
    if limit is None or limit < 1:
        return None
    if model.context_window is not None and model.context_window <= limit:
        return None
    return replace(model, context_window=limit, sources={**model.sources, "context_window": source})


def _unsupported(model: Model, error: UpstreamError, source: Source) -> Model | None:
    if error.upstream_code == "unsupported_value":
        # The parameter is known, only this value is not: another request may use it well.
        return None
    name = unsupported_parameter(error.message, error.param)
    if not name or name in model.unsupported or len(model.unsupported) >= MOST_UNSUPPORTED:
        return None
    return replace(
        model,
        unsupported=model.unsupported | {name},
        sources={**model.sources, f"unsupported:{name}": source},
    )
