"""What was billed, whatever words the upstream uses for it?

`Usage` counts as OpenAI does: cached tokens are part of the prompt, reasoning is part of the
completion. Houses that count otherwise are recognised by their own total, so that every token is
billed once and none is lost.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from pointsman.core.fleet import Usage

_MOST_TOKENS = 1_000_000_000
_MOST_USD = 1_000_000
_MOST_PLACES = 18
_MOST_DIGITS = 40
_LONGEST_COST = 100


class _Details(msgspec.Struct):
    cached_tokens: Any = None
    cache_write_tokens: Any = None
    audio_tokens: Any = None
    reasoning_tokens: Any = None


class _Figures(msgspec.Struct):
    prompt_tokens: Any = None
    completion_tokens: Any = None
    input_tokens: Any = None
    output_tokens: Any = None
    total_tokens: Any = None
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None
    cached_tokens: Any = None
    """Moonshot, Together"""
    prompt_cache_hit_tokens: Any = None
    """DeepSeek"""
    cache_read_input_tokens: Any = None
    """Anthropic's names, as proxies pass them on"""
    cache_creation_input_tokens: Any = None
    cost: Any = None
    """OpenRouter: dollars; Perplexity: an object with the total"""


_DECODER = msgspec.json.Decoder(_Figures)
_NOTHING = _Details()
_USUAL = (None,) * 7


def normalised(usage_json: bytes | msgspec.Raw) -> Usage | None:
    """The usage an upstream reported, or None when it makes no sense."""
    try:
        figures = _DECODER.decode(usage_json)
        return _as_documented(figures) or _as_meant(figures)
    except (ValueError, OverflowError, RecursionError):
        # Also figures of thousands of digits, and nesting without end.
        return None


def _as_documented(figures: _Figures) -> Usage | None:
    """The usage of a house that speaks plain OpenAI and adds up, as nearly all do."""
    prompt, completion = figures.prompt_tokens, figures.completion_tokens
    if type(prompt) is not int or type(completion) is not int or prompt < 0 or completion < 0:
        return None
    unusual = (
        figures.prompt_tokens_details,
        figures.completion_tokens_details,
        figures.cached_tokens,
        figures.prompt_cache_hit_tokens,
        figures.cache_read_input_tokens,
        figures.cache_creation_input_tokens,
        figures.cost,
    )
    if unusual != _USUAL or figures.total_tokens != prompt + completion:
        return None
    return Usage(prompt, completion) if prompt + completion <= _MOST_TOKENS else None


def _as_meant(figures: _Figures) -> Usage | None:
    """The usage in whatever dialect it is, or None when it makes no sense."""
    prompt = _first_count(figures.prompt_tokens, figures.input_tokens)
    completion = _first_count(figures.completion_tokens, figures.output_tokens)
    if prompt is None or (completion is None and figures.completion_tokens is not None):
        return None
    asked = figures.prompt_tokens_details or _NOTHING
    said = figures.completion_tokens_details or _NOTHING
    cached = _first_count(
        asked.cached_tokens,
        figures.prompt_cache_hit_tokens,
        figures.cache_read_input_tokens,
        figures.cached_tokens,
    )
    written = _first_count(asked.cache_write_tokens, figures.cache_creation_input_tokens)
    total = _first_count(figures.total_tokens)
    kept = (cached or 0) + (written or 0)
    # Where the sum is right the prompt is whole: what is cached beyond it was never there.
    if total != prompt + (completion or 0):
        thought = _first_count(said.reasoning_tokens)
        prompt, completion = _inclusive(
            (prompt, completion or 0), kept=kept, thought=thought, total=total
        )
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion or 0,
        cached_tokens=min(cached or 0, prompt),
        cache_write_tokens=min(written or 0, prompt),
        audio_tokens=_sum(asked.audio_tokens, said.audio_tokens),
        reported_cost_usd=_cost(figures.cost),
    )


def _inclusive(
    counts: tuple[int, int], *, kept: int, thought: int | None, total: int | None
) -> tuple[int, int]:
    """Prompt with its cached tokens, completion with its reasoning.

    What the total holds beyond the two tells which of them was left out. A remainder that nothing
    explains is reasoning that was not itemised (Gemini); a remainder that contradicts the
    itemisation is nonsense and left alone.
    """
    prompt, completion = counts
    rest = (total or 0) - prompt - completion
    if kept > prompt or (kept and rest == kept):
        return prompt + kept, completion
    if rest > 0 and thought in (None, rest):
        return prompt, completion + rest
    return prompt, completion


def _first_count(*values: Any) -> int | None:
    """The first value that is a plausible count of tokens."""
    for value in values:
        if value is None:
            continue
        number = type(value) is int or (type(value) is float and value.is_integer())
        if number and 0 <= value <= _MOST_TOKENS:
            return int(value)
    return None


def _sum(*values: Any) -> int:
    return sum(_first_count(value) or 0 for value in values if value is not None)


def _cost(value: Any) -> Decimal | None:
    if value is None:
        return None
    if isinstance(value, dict):
        value = value.get("total_cost")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    text = str(value)
    try:
        cost = Decimal(text) if len(text) <= _LONGEST_COST else None
    except InvalidOperation:
        return None
    if cost is None or not _is_handy(cost) or not 0 <= cost <= _MOST_USD:
        return None
    # A float drags digits behind it that nobody meant: 0.1 + 0.2 is 0.30000000000000004.
    return round(cost, _MOST_PLACES) if _exponent(cost) < -_MOST_PLACES else cost


def _is_handy(cost: Decimal) -> bool:
    """Whether it can be reckoned with at all: `1e9999999` is a number too, and fills memory."""
    if not cost.is_finite() or len(cost.as_tuple().digits) > _MOST_DIGITS:
        return False
    return -2 * _MOST_PLACES <= _exponent(cost) <= _MOST_PLACES and cost.adjusted() >= -_MOST_PLACES


def _exponent(cost: Decimal) -> int:
    return int(cost.as_tuple().exponent)
