"""What is usual of a model, an agent, of everything: how long, how dear, how much from the cache?

Worked out of what was counted over the last days; the median, and shares of sums, so that a bad
hour among a week's does not count for much.
"""

from __future__ import annotations

from typing import NamedTuple

from pointsman.core.quantiles import Sketch

ENOUGH_ANSWERS = 50
"""Of fewer nothing is usual yet."""
ENOUGH_TOKENS = 10_000


class Usual(NamedTuple):
    """What is usual; None where too little was seen. A share in [0, 1], US dollars, seconds.

    `wait_s` is the median wait, to a stream's first token or a plain answer's end, of models only.
    """

    wait_s: float | None = None
    cost_per_success_usd: float | None = None
    cache_hit_rate: float | None = None


class Sums(NamedTuple):
    """What attempts came to. `waits` is None where nobody asked how long callers waited."""

    answers: int = 0
    usd: float = 0.0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    waits: Sketch | None = None

    def plus(self, more: Sums) -> Sums:
        """Both together, with these waits."""
        return Sums(
            self.answers + more.answers,
            self.usd + more.usd,
            self.prompt_tokens + more.prompt_tokens,
            self.cached_tokens + more.cached_tokens,
            self.waits,
        )

    def usual(self) -> Usual:
        """What is usual by these sums."""
        enough = self.answers >= ENOUGH_ANSWERS
        return Usual(
            self.waits.quantile(0.5) if self.waits is not None and enough else None,
            self.usd / self.answers if enough and self.usd > 0 else None,
            self.cached_tokens / self.prompt_tokens
            if self.prompt_tokens >= ENOUGH_TOKENS
            else None,
        )
