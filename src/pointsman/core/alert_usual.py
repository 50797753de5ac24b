"""What is usual of a model, an agent, of everything: how long, how dear, how much from the cache?

Read from what was recorded of the last days, now and then; the median, and shares of sums, so that
a bad hour among a week's does not count for much.
"""

from __future__ import annotations

from typing import NamedTuple

from pointsman.core.alert_metrics import EVERYTHING, Scope, ScopeKind
from pointsman.core.decision import Outcome
from pointsman.core.quantiles import Sketch

ENOUGH_ANSWERS = 50
"""Of fewer nothing is usual yet."""
ENOUGH_TOKENS = 10_000


class Usual(NamedTuple):
    """What is usual; None where too little was seen. A share in [0, 1], US dollars, seconds.

    `wait_s` is the median, of models only.
    """

    wait_s: float | None = None
    cost_per_success_usd: float | None = None
    cache_hit_rate: float | None = None


class _Sums:
    """What attempts came to. How long callers waited is usual of a model, and asked of no other."""

    __slots__ = ("answers", "cached", "prompt", "usd", "waits")

    def __init__(self, *, is_model: bool) -> None:
        self.answers = 0
        self.prompt = 0
        self.cached = 0
        self.usd = 0.0
        self.waits = Sketch() if is_model else None

    def usual(self) -> Usual:
        enough = self.answers >= ENOUGH_ANSWERS
        return Usual(
            self.waits.quantile(0.5) if self.waits is not None and enough else None,
            self.usd / self.answers if enough and self.usd > 0 else None,
            self.cached / self.prompt if self.prompt >= ENOUGH_TOKENS else None,
        )


class Habits:
    """What was usual over the attempts that were learned."""

    def __init__(self) -> None:
        self._sums: dict[Scope, _Sums] = {}

    def learn(self, outcome: Outcome) -> None:
        provider = outcome.model_id.partition("/")[0]
        for scope in (
            EVERYTHING,
            Scope(ScopeKind.PROVIDER, provider),
            Scope(ScopeKind.MODEL, outcome.model_id),
            Scope(ScopeKind.AGENT, outcome.agent_id),
        ):
            sums = self._sums.get(scope)
            if sums is None:
                sums = self._sums[scope] = _Sums(is_model=scope.kind is ScopeKind.MODEL)
            _add(sums, outcome)

    def usual(self) -> dict[Scope, Usual]:
        return {scope: sums.usual() for scope, sums in self._sums.items()}


def _add(sums: _Sums, outcome: Outcome) -> None:
    complete = outcome.failure is None
    sums.answers += complete
    if outcome.cost_usd is not None:
        sums.usd += float(outcome.cost_usd)
    if outcome.usage is not None:
        sums.prompt += outcome.usage.prompt_tokens
        sums.cached += outcome.usage.cached_tokens
    wait_s = outcome.first_token_s if outcome.streamed else outcome.total_s if complete else None
    if wait_s is not None and sums.waits is not None:
        sums.waits.add(wait_s)
