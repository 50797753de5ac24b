"""What of an attempt that has ended is counted?

Either as a `Row`, plain numbers that fit into few bytes and can wait, or, of many attempts at once,
as `Columns`, which is how a period takes them. Both ways come to the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from pointsman.core.decision import Outcome
from pointsman.core.errors import FailureKind
from pointsman.core.fleet import Usage

PICOS_PER_USD = 10**12
MOST_USD = 10**6
"""An answer for more than a million dollars is a mistake: its cost counts as unknown."""
MOST_TOKENS = 2**32 - 1

NO_VALUE = -1.0
UNPRICED = -1
UNBILLED = -2

KINDS: tuple[FailureKind, ...] = tuple(FailureKind)
_PLACE_OF: Mapping[FailureKind, int] = {kind: place for place, kind in enumerate(KINDS, 1)}
_PLACE_BY_CODE: Mapping[str, int] = {kind.code: place for kind, place in _PLACE_OF.items()}
_PICOS = Decimal(PICOS_PER_USD)
_NO_COST = Decimal(0)
_PLACES = -12

Row = tuple[int, int, float, float, float, float, int, int, int, int]
"""One attempt in plain numbers.

1. the slot of time in which it ended;
2. 0 for a complete answer, else 1 + the place of its failure in `KINDS`;
3. the total time of a complete plain answer, in seconds like all times here;
4. the total time of a complete stream;
5. the time to the first token of a stream;
6. the time between two tokens of a complete stream whose tokens the upstream has counted;
7. prompt tokens; 8. completion tokens; 9. prompt tokens that were read from a cache;
10. the cost in trillionths of a US dollar, `UNPRICED` when unknown, `UNBILLED` when none is due.

Times are `NO_VALUE` where there is nothing to measure.
"""


class Columns(NamedTuple):
    """Many attempts. `failures` are the places of kinds as in a row; only times that there are."""

    attempts: int
    failures: Sequence[int]
    plain_s: Sequence[float]
    stream_s: Sequence[float]
    first_token_s: Sequence[float]
    inter_token_s: Sequence[float]
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    priced: int
    unpriced: int
    picos: int


def row_of(outcome: Outcome, slot: int) -> Row:
    """The row of an attempt that ended in `slot`. Token counts that cannot be are taken as 0."""
    failure, usage, first_s = outcome.failure, outcome.usage, outcome.first_token_s
    complete, streamed = failure is None, outcome.streamed
    tokens = (0, 0, 0) if usage is None else usage[:3]
    if min(tokens) < 0 or max(tokens) > MOST_TOKENS:
        tokens = (0, 0, 0)
    return (
        slot,
        0 if failure is None else _PLACE_OF[failure],
        outcome.total_s if complete and not streamed else NO_VALUE,
        outcome.total_s if complete and streamed else NO_VALUE,
        first_s if streamed and first_s is not None else NO_VALUE,
        _inter_token_s(outcome, usage) if complete and streamed and usage else NO_VALUE,
        *tokens,
        _picos(outcome),
    )


class Kept(NamedTuple):
    """What a store keeps of an attempt, as far as it is counted; None where nothing is known."""

    failure: str | None
    streamed: int
    total_s: float
    first_token_s: float | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cached_tokens: int | None
    estimated: int | None
    cost_usd: str | Decimal | None


def row_of_kept(kept: Sequence[Any]) -> Row:
    """The same as `row_of` the outcome, in slot 0; `kept` is in the order of `Kept`.

    For those who count many that were kept: outcomes would have to be made anew for `row_of`.
    Raises `KeyError` for a failure that nobody knows, `ArithmeticError` for a cost that is none.
    """
    failure, streamed, total_s, first_s, prompt, completion, cached, estimated, cost = kept
    tokens = (0, 0, 0) if prompt is None else (prompt, completion, cached)
    if min(tokens) < 0 or max(tokens) > MOST_TOKENS:
        tokens = (0, 0, 0)
    between_s, complete = NO_VALUE, failure is None
    counted = prompt is not None and not estimated and 1 < completion <= MOST_TOKENS
    if complete and streamed and counted and first_s is not None:
        between_s = max(0.0, (total_s - first_s) / (completion - 1))
    picos = UNPRICED if complete or prompt is not None else UNBILLED
    if cost is not None:
        known = Decimal(cost)
        picos = int(known * _PICOS) if 0 <= known <= MOST_USD else UNPRICED
    return (
        0,
        0 if complete else _PLACE_BY_CODE[failure],
        total_s if complete and not streamed else NO_VALUE,
        total_s if complete and streamed else NO_VALUE,
        first_s if streamed and first_s is not None else NO_VALUE,
        between_s,
        *tokens,
        picos,
    )


def inter_token_s(outcome: Outcome) -> float | None:
    """The time between two tokens of a complete stream whose tokens the upstream has counted."""
    if outcome.failure is not None or not outcome.streamed or outcome.usage is None:
        return None
    found = _inter_token_s(outcome, outcome.usage)
    return None if found == NO_VALUE else found


def _inter_token_s(stream: Outcome, usage: Usage) -> float:
    """The time between two tokens; estimated counts would make it a guess."""
    first_s, tokens = stream.first_token_s, usage.completion_tokens
    if first_s is None or usage.estimated or not 1 < tokens <= MOST_TOKENS:
        return NO_VALUE
    return max(0.0, (stream.total_s - first_s) / (tokens - 1))


def _picos(outcome: Outcome) -> int:
    cost = outcome.cost_usd
    if cost is not None:
        return int(cost * _PICOS) if 0 <= cost <= MOST_USD else UNPRICED
    return UNPRICED if outcome.failure is None or outcome.usage is not None else UNBILLED


def columns_of_rows(rows: Sequence[Row]) -> Columns:
    """What these attempts, at least one, come to."""
    _, results, *times, prompts, completions, cached, picos = zip(*rows, strict=True)
    plain_s, stream_s, first_s, inter_s = ([s for s in column if s >= 0.0] for column in times)
    costs = [each for each in picos if each >= 0]
    return Columns(
        len(rows),
        [result for result in results if result],
        plain_s,
        stream_s,
        first_s,
        inter_s,
        sum(prompts),
        sum(completions),
        sum(cached),
        len(costs),
        picos.count(UNPRICED),
        sum(costs),
    )


def columns_of(outcomes: Sequence[Outcome]) -> Columns:
    """What these attempts, at least one, come to.

    The same as `columns_of_rows` for their rows at half the price: this is where the time goes
    that statistics cost, so fields are read by number and sums are left to C.
    """
    # 5 failure, 6 streamed, 7 total_s, 8 first_token_s, 9 usage, 10 cost_usd
    usages = [usage for each in outcomes if (usage := each[9]) is not None]
    costs = [cost for each in outcomes if (cost := each[10]) is not None]
    total = sum(costs, _NO_COST)
    prompts, completions, cached, *_ = zip(*usages, strict=True) if usages else ((0,),) * 3
    tokens = sum(prompts), sum(completions), sum(cached)
    least = min(map(min, (prompts, completions, cached)))
    # A column whose sum is no more than one row may hold has no row that holds more.
    if least < 0 or max(tokens) > MOST_TOKENS or not _is_exact(costs, total):
        return columns_of_rows([row_of(outcome, 0) for outcome in outcomes])
    failures = [_PLACE_OF[each[5]] for each in outcomes if each[5] is not None]
    complete = [each for each in outcomes if each[5] is None] if failures else outcomes
    streams = [each for each in complete if each[6]]
    counted = [
        each
        for each in streams
        if (usage := each[9]) and usage[1] > 1 and not usage[6] and each[8] is not None
    ]
    return Columns(
        len(outcomes),
        failures,
        [each[7] for each in complete if not each[6] and each[7] >= 0.0]
        if len(streams) < len(complete)
        else (),
        [total_s for each in streams if (total_s := each[7]) >= 0.0],
        [s for each in outcomes if (s := each[8]) is not None and each[6] and s >= 0.0],
        [max(0.0, (each[7] - each[8]) / (each[9][1] - 1)) for each in counted],  # type: ignore[operator, index]  # as selected
        *tokens,
        len(costs),
        0 if len(costs) == len(outcomes) else _unpriced(outcomes),
        int(total * _PICOS),
    )


def _is_exact(costs: Sequence[Decimal], total: Decimal) -> bool:
    """Can these costs be summed first and cut to trillionths afterwards?"""
    exponent = total.as_tuple().exponent
    return not costs or (min(costs) >= 0 and total <= MOST_USD and int(exponent) >= _PLACES)


def _unpriced(outcomes: Sequence[Outcome]) -> int:
    return sum(_picos(each) == UNPRICED for each in outcomes if each[10] is None)
