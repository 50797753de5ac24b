"""What do we write down about an attempt that has ended?"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from pointsman.core.decision import Decision, Outcome
from pointsman.core.errors import FailureKind, UpstreamError
from pointsman.core.fleet import Model, PriceState, Usage
from pointsman.engine.attempt import Ending

CHARS_PER_TOKEN = 4
MOST_COST_USD = Decimal(1_000_000_000)
"""A figure beyond this is a mistake, and sums of such figures may leave what decimals can hold."""

NEVER_REACHED = frozenset(
    {
        FailureKind.NAME_UNRESOLVED,
        FailureKind.CONNECT_FAILED,
        FailureKind.CONNECT_TIMEOUT,
        FailureKind.TLS_FAILED,
    }
)
"""Failures before the upstream saw the request."""


def outcome_of(
    decision: Decision, model: Model, attempt: int, at: datetime, ending: Ending, *, streamed: bool
) -> Outcome:
    """The outcome of one attempt. Tokens that the upstream did not report are estimated."""
    error, total_s, first_token_s, usage, upstream_model, completion_chars = ending
    if usage is None and first_token_s is not None:
        completion = -(-completion_chars // CHARS_PER_TOKEN)
        usage = Usage(decision.task.prompt_tokens, completion, estimated=True)
    # By position: to name all of them would take as long as all the rest of this.
    return Outcome(
        decision.id,
        attempt,
        model.id,
        decision.agent_id,
        at,
        None if error is None else error.kind,
        streamed,
        total_s,
        first_token_s if streamed else None,
        usage,
        _cost(model, usage, error),
        upstream_model,
        None if error is None else error.status,
        "" if error is None else error.message,
        decision.task.type,
    )


def _cost(model: Model, usage: Usage | None, error: UpstreamError | None) -> Decimal | None:
    """What the attempt cost; None where it cannot be known.

    A request that was refused, or never arrived, is not billed. One that broke off may be.
    """
    if usage is not None:
        return _cost_of_usage(model, usage)
    if model.price.state is PriceState.FREE:
        return Decimal(0)
    if error is not None and (error.status is not None or error.kind in NEVER_REACHED):
        return Decimal(0)
    return None


def _cost_of_usage(model: Model, usage: Usage) -> Decimal | None:
    try:
        cost = model.price.cost_usd(usage)
        believable = cost is None or -MOST_COST_USD <= cost <= MOST_COST_USD
    except ArithmeticError:
        # Counts and costs are what the upstream says, of any size, and not a number at times. An
        # attempt whose cost we cannot compute has ended all the same, and must be written down.
        return None
    return cost if believable else None
