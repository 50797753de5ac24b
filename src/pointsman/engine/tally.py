"""How much has happened since the start, counted for whoever scrapes it?

Counters only ever rise. Memory is bounded: beyond a number of keys, new ones share `OTHER`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable
from decimal import Decimal
from typing import Generic, TypeVar

from pointsman.core.decision import Decision, Outcome
from pointsman.core.fleet import Usage

OTHER = "__other__"
OK = "ok"

LATENCY_BOUNDS_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
FIRST_TOKEN_BOUNDS_S = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)

_REMEMBERED_FAILURES = 1_024

T = TypeVar("T")


class Capped(dict[str, T], Generic[T]):
    """A mapping that makes missing entries, at most `cap` of them; the rest share `OTHER`."""

    def __init__(self, make: Callable[[], T], cap: int) -> None:
        super().__init__()
        self._make = make
        self._cap = cap

    def __missing__(self, key: str) -> T:
        if len(self) >= self._cap and key != OTHER:
            return self[OTHER]
        value = self[key] = self._make()
        return value


class Count:
    """A number that rises."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0


class Histogram:
    """How many observations lie at or below each bound; the last count is for those beyond all."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def cumulative(self) -> list[tuple[str, int]]:
        """(upper bound, observations up to it) for every bound, `+Inf` last."""
        rows, running = [], 0
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self.counts, strict=True):
            running += count
            rows.append((bound, running))
        return rows


class ModelTally:
    """What one model did. Costs in US dollars; an answer without a known cost is counted apart."""

    __slots__ = (
        "cached_tokens",
        "completion_tokens",
        "cost_usd",
        "fallbacks",
        "first_token",
        "latency",
        "prompt_tokens",
        "results",
        "unpriced_answers",
    )

    def __init__(self) -> None:
        self.results: dict[str, int] = {}
        self.prompt_tokens = 0
        self.completion_tokens = 0
        self.cached_tokens = 0
        self.cost_usd = Decimal(0)
        self.unpriced_answers = 0
        self.fallbacks = 0
        self.latency = Histogram(LATENCY_BOUNDS_S)
        self.first_token = Histogram(FIRST_TOKEN_BOUNDS_S)

    def learn(self, outcome: Outcome) -> None:
        failure = outcome.failure
        result = OK if failure is None else failure.code
        self.results[result] = self.results.get(result, 0) + 1
        if failure is None:
            self.latency.observe(outcome.total_s)
        if outcome.streamed and outcome.first_token_s is not None:
            self.first_token.observe(outcome.first_token_s)
        if outcome.usage is not None:
            self._add_tokens(outcome.usage)
        if outcome.cost_usd is not None:
            self.cost_usd += outcome.cost_usd
        elif failure is None or outcome.usage is not None:
            self.unpriced_answers += 1

    def _add_tokens(self, usage: Usage) -> None:
        self.prompt_tokens += usage.prompt_tokens
        self.completion_tokens += usage.completion_tokens
        self.cached_tokens += usage.cached_tokens


class Tally:
    """Everything counted. At most `max_models` models, `max_agents` agents, `max_codes` codes."""

    def __init__(
        self, *, max_models: int = 500, max_agents: int = 1_000, max_codes: int = 64
    ) -> None:
        self.models = Capped(ModelTally, max_models)
        self.requests_by_agent = Capped(Count, max_agents)
        self.decisions_by_strategy = Capped(Count, max_codes)
        self.refusals_by_code = Capped(Count, max_codes)
        self.panic_decisions = 0
        self._failed_on: OrderedDict[str, str] = OrderedDict()

    def decided(self, decision: Decision) -> None:
        self.requests_by_agent[decision.agent_id].value += 1
        self.decisions_by_strategy[decision.strategy.value].value += 1
        self.panic_decisions += decision.panic

    def learn(self, outcome: Outcome) -> None:
        self.models[outcome.model_id].learn(outcome)
        if self._failed_on:
            self._note_fallback(outcome)
        if outcome.failure is not None and outcome.failure.movable:
            self._remember(outcome)

    def refused(self, code: str) -> None:
        """A request was answered with this error code instead of being served."""
        self.refusals_by_code[code].value += 1

    def _remember(self, outcome: Outcome) -> None:
        self._failed_on[outcome.decision_id] = outcome.model_id
        if len(self._failed_on) > _REMEMBERED_FAILURES:
            self._failed_on.popitem(last=False)

    def _note_fallback(self, outcome: Outcome) -> None:
        """A request fell back when its next attempt is on another model than its last."""
        left = self._failed_on.pop(outcome.decision_id, outcome.model_id)
        if left != outcome.model_id:
            self.models[left].fallbacks += 1
