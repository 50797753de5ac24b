"""How long do we wait, how often do we try, and when do we leave a model alone?"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from pointsman.core.admission import BreakerPolicy
from pointsman.core.decision import Strategy
from pointsman.core.exploration import ExplorationPolicy


class Scoring(StrEnum):
    """By what models are scored: what is measured, lifetime averages, or what is declared."""

    POSTERIOR = "posterior"
    CLASSIC = "classic"
    CAPABILITY = "capability"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The longest we wait in each phase of one attempt, in seconds.

    `connect_s` for a connection, `total_s` for the attempt. Of a stream also `first_token_s` from
    the call to the first usable chunk and `between_tokens_s` between chunks; a plain answer comes
    in one piece, so for it there is nothing in between.
    """

    connect_s: float = 5.0
    first_token_s: float = 120.0
    between_tokens_s: float = 60.0
    total_s: float = 600.0

    def __post_init__(self) -> None:
        if min(self.connect_s, self.first_token_s, self.between_tokens_s, self.total_s) <= 0:
            raise ValueError("timeouts must be positive")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a request may be tried.

    `max_attempts` bounds all attempts of one request, `per_model` those on one model. A capacity
    failure whose Retry-After is at most `short_wait_s` is waited for; a longer one sends the
    request to the next model. Repeats on the same model draw on a budget: `budget_ratio` of the
    requests of the last ten seconds (older ones fade, see `RetryBudget`), and `budget_floor`
    repeats in any case, so that a broken fleet is not hit harder than a sound one.
    """

    max_attempts: int = 4
    per_model: int = 2
    short_wait_s: float = 2.0
    backoff_s: float = 0.2
    budget_ratio: float = 0.2
    budget_floor: int = 10

    def __post_init__(self) -> None:
        if self.max_attempts < 1 or self.per_model < 1:
            raise ValueError("at least one attempt is needed")
        if min(self.short_wait_s, self.backoff_s, self.budget_ratio, self.budget_floor) < 0:
            raise ValueError("a retry policy has no negative figures")


@dataclass(frozen=True, slots=True)
class Policy:
    """The routing policy of one configuration version.

    `band` is how far below the best score, in [0, 1], a model still shares the load of the best;
    less where quality weighs much (`balance.band_for`). `traced` is the share of requests whose
    traces are kept when their callers do not say; None: no traces are made.
    """

    strategy: Strategy = Strategy.BALANCED
    scoring: Scoring = Scoring.POSTERIOR
    exploration: ExplorationPolicy = field(default_factory=ExplorationPolicy)
    band: float = 0.05
    timeouts: Timeouts = Timeouts()
    retry: RetryPolicy = RetryPolicy()
    breaker: BreakerPolicy = field(default_factory=BreakerPolicy)
    traced: float | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.band <= 1.0:
            raise ValueError("band must be in [0, 1]")
