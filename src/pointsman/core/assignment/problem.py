"""What is the fleet's assignment problem, as values?

Agents and models are counted from 0 inside; ids are for people. Rows of every matrix are agents,
columns are models. Scores are made elsewhere; nothing here knows how. Money is what is expected,
in US dollars as plain numbers: these are forecasts, no bills.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

Matrix = Sequence[Sequence[float]]
"""One row per agent, one column per model; every number known."""

Known = Sequence[Sequence[float | None]]
"""The same; None where nothing is known, which is never 0."""

MINUTES_PER_DAY = 1440.0
DEFAULT_SWITCH_COST = 0.03
"""What a change of model costs an agent, in score: caches go cold, prompts were tuned for it."""


class Load(NamedTuple):
    """What an agent is expected to ask: `requests_per_min`, and tokens per request."""

    requests_per_min: float = 0.0
    prompt_tokens: float = 0.0
    completion_tokens: float = 0.0

    @property
    def tokens_per_min(self) -> float:
        return self.requests_per_min * (self.prompt_tokens + self.completion_tokens)

    @property
    def requests_per_day(self) -> float:
        return self.requests_per_min * MINUTES_PER_DAY


NO_LOAD = Load()


class BarCode(StrEnum):
    """Why an agent cannot stand on a model, for programs."""

    INCAPABLE = "incapable"
    CONTEXT_TOO_SMALL = "context_too_small"
    NOT_ALLOWED = "not_allowed"
    NOT_PINNED = "not_pinned"
    BELOW_QUALITY_FLOOR = "below_quality_floor"
    OVER_LATENCY_BUDGET = "over_latency_budget"
    PRICE_UNKNOWN = "price_unknown"
    UNAVAILABLE = "unavailable"


class Bar(NamedTuple):
    """What keeps an agent off a model: one reason, or several `together`.

    `remedy` says what a person could decide to lift it, '' when nobody can decide that: a model
    that cannot see does not see because somebody allows it. `amount` is how far from lifted it is,
    as a share of what was asked (0 when it is a plain yes or no).
    """

    code: BarCode
    words: str
    remedy: str = ""
    amount: float = 0.0


def together(bars: Iterable[Bar]) -> Bar | None:
    """All that keeps one agent off one model, as one; None where nothing does.

    Its code is the first one's. It can be lifted only where somebody can lift every one of them.
    """
    found = tuple(bars)
    if len(found) < 2:
        return found[0] if found else None
    remedies = [bar.remedy for bar in found]
    return Bar(
        found[0].code,
        "; ".join(bar.words for bar in found),
        " and ".join(remedies) if all(remedies) else "",
        sum(bar.amount for bar in found),
    )


@dataclass(frozen=True, slots=True)
class AgentNeeds:
    """An agent as the problem sees it.

    `importance` is its weight in the fleet's score (1 each unless somebody says otherwise).
    `fallbacks` is how many models stand by. `manual` is the model a person put it on: it stays.
    `current` is the model it stands on now, `switch_cost` what leaving that costs, in score;
    `stays` that it may not leave it for now, unless the model itself is out.
    """

    id: str
    load: Load = NO_LOAD
    importance: float = 1.0
    fallbacks: int = 1
    manual: int | None = None
    current: int | None = None
    switch_cost: float = DEFAULT_SWITCH_COST
    stays: bool = False

    def __post_init__(self) -> None:
        if not all(math.isfinite(amount) and amount >= 0.0 for amount in self.load):
            raise ValueError(f"{self.id}: a load is made of numbers of at least 0, not {self.load}")
        if not 0.0 < self.importance < math.inf:
            raise ValueError(f"{self.id}: importance must be positive, not {self.importance}")
        if not 0.0 <= self.switch_cost <= 1.0:
            raise ValueError(f"{self.id}: switch_cost must be in [0, 1], not {self.switch_cost}")
        if self.fallbacks < 0:
            raise ValueError(f"{self.id}: fallbacks must be at least 0, not {self.fallbacks}")


@dataclass(frozen=True, slots=True)
class ModelRoom:
    """A model as the problem sees it: who offers it and how much it can carry (None: no limit).

    An `exclusive` model serves one agent at most.
    """

    id: str
    provider: str
    requests_per_min: float | None = None
    tokens_per_min: float | None = None
    in_flight: float | None = None
    exclusive: bool = False

    def __post_init__(self) -> None:
        for name in ("requests_per_min", "tokens_per_min", "in_flight"):
            room = getattr(self, name)
            if room is not None and not 0.0 <= room < math.inf:
                raise ValueError(f"{self.id}: {name} must be at least 0, not {room}")


class ShareOf(StrEnum):
    """What a provider's share is a share of: the number of agents, or their requests."""

    AGENTS = "agents"
    LOAD = "load"


@dataclass(frozen=True, slots=True)
class Apart:
    """Agents that must not fail together: a provider carries at most `at_most` of them."""

    name: str
    agents: frozenset[int]
    at_most: int = 1

    def __post_init__(self) -> None:
        if self.at_most < 1:
            raise ValueError(f"{self.name}: at_most must be at least 1, not {self.at_most}")


@dataclass(frozen=True, slots=True)
class Rules:
    """What the fleet as a whole must keep.

    `budget_usd_per_day` for all agents together. `provider_shares` maps a provider to the largest
    share in [0, 1] it may carry of all agents or all requests of the problem (`share_of`).
    `mean_latency_s` bounds the mean expected latency over agents, weighted by importance.
    `max_moves` bounds how many agents leave a model that they could stay on.
    """

    budget_usd_per_day: float | None = None
    provider_shares: Mapping[str, float] = field(default_factory=dict)
    share_of: ShareOf = ShareOf.AGENTS
    apart: tuple[Apart, ...] = ()
    mean_latency_s: float | None = None
    max_moves: int | None = None

    def __post_init__(self) -> None:
        for name in ("budget_usd_per_day", "mean_latency_s", "max_moves"):
            bound = getattr(self, name)
            if bound is not None and not 0 <= bound < math.inf:
                raise ValueError(f"{name} must be at least 0, not {bound}")
        for provider, share in self.provider_shares.items():
            if not 0.0 <= share <= 1.0:
                raise ValueError(f"the share of {provider} must be in [0, 1], not {share}")


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of every pair, one matrix each.

    `usd_per_request` and `latency_s` (what the latency budget is about) may be unknown;
    `duration_s` (from the first byte sent to the last received) says how long a request occupies a
    model; `quality` in [0, 1] is what the score is without latency and cost.
    """

    usd_per_request: Known
    latency_s: Known
    duration_s: Matrix
    quality: Matrix


@dataclass(frozen=True, slots=True)
class Problem:
    """Agents, models, rules, and what is known of every pair.

    `scores` in [0, 1]. `bars` has one mapping per agent, from a model that is out to the reason.
    """

    agents: tuple[AgentNeeds, ...]
    models: tuple[ModelRoom, ...]
    scores: Matrix
    bars: Sequence[Mapping[int, Bar]]
    expected: Expected
    rules: Rules = Rules()

    def __post_init__(self) -> None:
        self._check_shapes()
        for agent, row in zip(self.agents, self.scores, strict=True):
            if row and not (math.isfinite(sum(row)) and min(row) >= 0.0 and max(row) <= 1.0):
                raise ValueError(f"{agent.id}: scores must be in [0, 1]")
            for model in (agent.manual, agent.current):
                if model is not None and not 0 <= model < len(self.models):
                    raise ValueError(f"{agent.id}: there is no model number {model}")
        for group in self.rules.apart:
            if group.agents and not 0 <= min(group.agents) <= max(group.agents) < len(self.agents):
                raise ValueError(f"{group.name}: names an agent that is not there")

    def _check_shapes(self) -> None:
        named: dict[str, Sequence[Sequence[float | None]]] = {
            "scores": self.scores,
            "usd_per_request": self.expected.usd_per_request,
            "latency_s": self.expected.latency_s,
            "duration_s": self.expected.duration_s,
            "quality": self.expected.quality,
        }
        for name, matrix in named.items():
            if len(matrix) != len(self.agents) or any(len(r) != len(self.models) for r in matrix):
                raise ValueError(f"{name}: one row per agent and one column per model are needed")
        if len(self.bars) != len(self.agents):
            raise ValueError("bars: one mapping per agent is needed")

    def bar(self, agent: int, model: int) -> Bar | None:
        """What keeps `agent` off `model`, or None."""
        barred = self.bars[agent].get(model)
        if self.rules.budget_usd_per_day is None:
            return barred
        if self.expected.usd_per_request[agent][model] is not None:
            return barred
        name = self.models[model].id
        unpriced = Bar(
            BarCode.PRICE_UNKNOWN,
            f"the price of {name} is unknown, and the fleet has a budget",
            f"give {name} a price",
        )
        return unpriced if barred is None else together((barred, unpriced))

    def open_models(self, agent: int) -> Sequence[int]:
        """The models that `agent` may stand on, in order; a manual one is the only one."""
        manual = self.agents[agent].manual
        if manual is not None:
            return (manual,)
        barred = self.bars[agent]
        if self.rules.budget_usd_per_day is None:
            return [model for model in range(len(self.models)) if model not in barred]
        usd = self.expected.usd_per_request[agent]
        return [m for m, each in enumerate(usd) if each is not None and m not in barred]

    def choices(self, agent: int) -> Sequence[int]:
        """The open models that `agent` may take in this run: only its own, when it is to stay."""
        models = self.open_models(agent)
        needs = self.agents[agent]
        if needs.stays and needs.current is not None and needs.current in models:
            return (needs.current,)
        return models

    def worths(self, agent: int) -> Sequence[float]:
        """What each model is worth to `agent`: its score, less the cost of switching to it."""
        needs, scores = self.agents[agent], self.scores[agent]
        if needs.current is None or needs.manual is not None:
            return scores
        worths = [score - needs.switch_cost for score in scores]
        worths[needs.current] = scores[needs.current]
        return worths

    def worth(self, agent: int, model: int) -> float:
        """What `model` is worth to `agent`: its score, less the cost of switching to it."""
        needs = self.agents[agent]
        score = self.scores[agent][model]
        stays = needs.current in {None, model} or needs.manual is not None
        return score if stays else score - needs.switch_cost

    def value(self, agent: int, model: int) -> float:
        """What the fleet gains by `agent` on `model`: its worth to the agent × importance."""
        return self.agents[agent].importance * self.worth(agent, model)

    def usd_per_day(self, agent: int, model: int) -> float | None:
        """What `agent` is expected to cost on `model`, or None where the price is unknown."""
        usd = self.expected.usd_per_request[agent][model]
        return None if usd is None else usd * self.agents[agent].load.requests_per_day

    def of_provider(self, provider: str) -> tuple[int, ...]:
        return tuple(m for m, model in enumerate(self.models) if model.provider == provider)

    def providers(self) -> Iterator[str]:
        """Every provider once, in the order of the models."""
        yield from dict.fromkeys(model.provider for model in self.models)
