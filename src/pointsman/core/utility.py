"""What is an answer worth that takes so long and costs so much?

Speed and cheapness are in [0, 1], smooth and falling everywhere: no cliff makes two models swap
places to and fro, and there is no time or price beyond which more of it no longer matters.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pointsman.core.decision import Selection, Strategy
from pointsman.core.fleet import Agent, Weights

STRATEGY_WEIGHTS: Mapping[Strategy, Weights] = MappingProxyType(
    {
        Strategy.BALANCED: Weights(quality=0.60, latency=0.25, cost=0.15),
        Strategy.QUALITY: Weights(quality=0.90, latency=0.06, cost=0.04),
        Strategy.SPEED: Weights(quality=0.35, latency=0.55, cost=0.10),
        Strategy.COST: Weights(quality=0.10, latency=0.05, cost=0.85),
    }
)
"""What each strategy weighs, unless the caller brings weights of its own.

Cheapness is of dollars, and nine in ten requests cost far less than a cent: who asks for what is
cheap gets it only if a tenth of a cent weighs more than most of what models differ by in quality.
"""

FIRST_TOKEN_BUDGET_S = 0.5
"""How long an agent that says nothing likes to wait for the first token of a stream."""

PACE_S_PER_TOKEN = 0.02
"""And for each token of a plain answer, which comes when all are there: 50 tokens a second."""

HALF_CHEAP_USD = 0.01
"""What a request costs that is half as cheap as a free one."""


def weights_of(agent: Agent, selection: Selection) -> Weights:
    """What counts how much, summing to 1: the caller's, the agent's own, or the strategy's."""
    given = selection.weights
    if given is None and selection.strategy is Strategy.BALANCED:
        given = agent.weights
    if given is None:
        return STRATEGY_WEIGHTS[selection.strategy]
    total = given.quality + given.latency + given.cost
    return Weights(given.quality / total, given.latency / total, given.cost / total)


def traded(weights: Weights, tradeoff: float) -> Weights:
    """The weights with what latency leaves shared anew: `tradeoff` in [0, 1] of it for quality."""
    left = 1.0 - weights.latency
    return Weights(left * tradeoff, weights.latency, left * (1.0 - tradeoff))


def speed(latency_s: float, budget_s: float) -> float:
    """1 at once, one half at the budget (> 0), towards 0 beyond."""
    return budget_s / (budget_s + latency_s)


def cheapness(cost_usd: float | None) -> float:
    """1 when free, one half at `HALF_CHEAP_USD`, 0 when the cost is unknown.

    Nearly linear in dollars below that, as money is; never quite 0 above, so that of two dear
    models the cheaper is still told.
    """
    return 0.0 if cost_usd is None else HALF_CHEAP_USD / (HALF_CHEAP_USD + cost_usd)
