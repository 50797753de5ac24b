"""What would the last requests have got with other weights?

Each of them is decided twice as it would be now, drawn as it was then: once with the weights of
today and once with the others. So only the weights differ, not what has been learned meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from pointsman.core.decision import Candidate, Decision
from pointsman.core.errors import RequestError
from pointsman.core.fleet import Weights
from pointsman.engine.decide import Ask
from pointsman.engine.explain import ask_again
from pointsman.engine.ports import StoredDecision
from pointsman.engine.registry import Setup
from pointsman.engine.steps import in_steps

Decide = Callable[[Ask, int], Decision]


class Expected(NamedTuple):
    """What was expected of those chosen, on average; None where nobody knew."""

    success: float | None
    latency_s: float | None
    cost_usd: float | None


class Reweighed(NamedTuple):
    """How many requests were decided, how many could not be any more (their agent or model is
    gone), how many would go elsewhere, from where to where how often, and what is expected of
    both. `models` counts the requests of each model with today's weights and with the others.
    """

    decided: int
    left_out: int
    changed: int
    moves: Mapping[tuple[str, str], int]
    models: Mapping[str, tuple[int, int]]
    before: Expected
    after: Expected


async def reweighed(
    records: Sequence[StoredDecision],
    weights: Weights,
    setup: Setup,
    decide: Decide,
    monotonic: Callable[[], float],
) -> Reweighed:
    """The records decided anew; others are served in between."""
    pairs: list[tuple[Candidate, Candidate]] = []
    left_out = 0
    async for record in in_steps(records, monotonic):
        pair = _pair(record.decision, weights, setup, decide)
        if pair is None:
            left_out += 1
        else:
            pairs.append(pair)
    moves = Counter((a.model_id, b.model_id) for a, b in pairs if a.model_id != b.model_id)
    before, after = [a for a, _ in pairs], [b for _, b in pairs]
    counts = Counter(each.model_id for each in before), Counter(each.model_id for each in after)
    return Reweighed(
        decided=len(pairs),
        left_out=left_out,
        changed=sum(moves.values()),
        moves=dict(moves.most_common()),
        models={
            name: (counts[0][name], counts[1][name])
            for name, _ in (counts[0] + counts[1]).most_common()
        },
        before=_expected(before),
        after=_expected(after),
    )


def _pair(
    made: Decision, weights: Weights, setup: Setup, decide: Decide
) -> tuple[Candidate, Candidate] | None:
    try:
        ask = ask_again(made, setup.fleet, setup.aliases)
    except RequestError:
        return None
    other = ask._replace(selection=ask.selection._replace(weights=weights))
    now, then = decide(ask, made.seed).chosen, decide(other, made.seed).chosen
    return None if now is None or then is None else (now, then)


def _expected(chosen: Sequence[Candidate]) -> Expected:
    estimates = [each.estimate for each in chosen if each.estimate is not None]
    return Expected(
        _mean([each.success for each in estimates]),
        _mean([each.latency_s for each in estimates if each.latency_s is not None]),
        _mean([float(each.cost_usd) for each in estimates if each.cost_usd is not None]),
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
