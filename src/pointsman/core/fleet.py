"""Which agents and models are there, and what is known of each?

A `Fleet` is an immutable snapshot with a version. It is replaced whole, never edited in place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

DEFAULT_AGENT = "default"

WELL_KNOWN_CAPABILITIES = (
    "coding",
    "math",
    "reasoning",
    "arabic",
    "general",
    "multilingual",
    "long_context",
    "low_latency",
    "high_accuracy",
    "function_calling",
    "vision",
    "structured_output",
)

TASK_CAPABILITIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "coding": ("coding", "reasoning"),
        "math": ("math", "reasoning"),
        "reasoning": ("reasoning",),
        "arabic": ("arabic", "multilingual"),
        "general": ("general",),
        "translation": ("multilingual", "general"),
        "summarization": ("reasoning", "general"),
        "question_answering": ("reasoning", "general"),
    }
)
"""What each well-known task type requires of a model. Other task types imply nothing."""

FINER = "/"


def broad_type(task_type: str) -> str:
    """The type of which `task_type` is a finer one: `reasoning` of `reasoning/physics`, or itself.

    A finer type implies what the broad one does. How good answers are is learned of both.
    """
    return task_type.partition(FINER)[0]


def types_of(task_type: str) -> tuple[str, ...]:
    """All that a request of this type is of: the broad type, then the finer one if it is one."""
    broad = broad_type(task_type)
    return (task_type,) if broad == task_type else (broad, task_type)


class Source(NamedTuple):
    """Where a fact about a model comes from: `origin` in words, `as_of` as an ISO date or ''."""

    origin: str
    as_of: str = ""


class Usage(NamedTuple):
    """Tokens billed for one answer, as OpenAI counts: cached tokens are part of the prompt.

    `reported_cost_usd` is the provider's own figure, where it gives one. `estimated` marks counts
    that the upstream did not report.
    """

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    audio_tokens: int = 0
    reported_cost_usd: Decimal | None = None
    estimated: bool = False


class PriceState(StrEnum):
    KNOWN = "known"
    FREE = "free"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Rate:
    """US dollars per million tokens; `steps` are (prompt tokens above which, rate) in rising order.

    Beyond a step its rate holds for *all* tokens of the request, as providers bill long contexts.
    """

    usd_per_mtok: Decimal
    steps: tuple[tuple[int, Decimal], ...] = ()

    def __post_init__(self) -> None:
        if self.usd_per_mtok < 0 or any(rate < 0 for _, rate in self.steps):
            raise ValueError("a rate cannot be negative")
        if list(self.steps) != sorted(self.steps):
            raise ValueError("steps must rise")

    def at(self, prompt_tokens: int) -> Decimal:
        """The rate that holds for a request with so many prompt tokens."""
        rate = self.usd_per_mtok
        for above, stepped in self.steps:
            if prompt_tokens > above:
                rate = stepped
        return rate


_MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Price:
    """What a model charges. Known, free by declaration, or unknown; unknown is never 0.

    `cached_input` defaults to `input` (no discount), `cache_write` to `input`.
    """

    state: PriceState
    input: Rate | None = None
    output: Rate | None = None
    cached_input: Rate | None = None
    cache_write: Rate | None = None
    per_request_usd: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        if self.state is PriceState.KNOWN and (self.input is None or self.output is None):
            raise ValueError("a known price needs an input and an output rate")
        if self.state is not PriceState.KNOWN and (self.input or self.output):
            raise ValueError("only a known price has rates")

    def cost_usd(self, usage: Usage) -> Decimal | None:
        """The cost of one answer in US dollars, or None when it cannot be known.

        Each prompt token is billed once: cached and cache-writing tokens are taken out of the
        prompt before the plain rate applies. Audio tokens have rates of their own, which are not
        carried here, so an answer with audio has no known cost.
        """
        if usage.reported_cost_usd is not None:
            return usage.reported_cost_usd
        if self.state is PriceState.FREE:
            return Decimal(0)
        if self.input is None or self.output is None or usage.audio_tokens:
            return None
        prompt = usage.prompt_tokens
        cached = min(usage.cached_tokens, prompt)
        written = min(usage.cache_write_tokens, prompt - cached)
        plain = prompt - cached - written
        total = plain * self.input.at(prompt) + usage.completion_tokens * self.output.at(prompt)
        if cached:
            total += cached * (self.cached_input or self.input).at(prompt)
        if written:
            total += written * (self.cache_write or self.input).at(prompt)
        return total / _MILLION + self.per_request_usd

    @property
    def blended_usd_per_mtok(self) -> Decimal | None:
        """Three parts input to one part output: a single figure to compare models by."""
        if self.state is PriceState.FREE:
            return Decimal(0)
        if self.input is None or self.output is None:
            return None
        return (3 * self.input.usd_per_mtok + self.output.usd_per_mtok) / 4


UNKNOWN_PRICE = Price(PriceState.UNKNOWN)
FREE = Price(PriceState.FREE)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a model's endpoint can carry; None means no declared limit.

    `max_in_flight` calls at once; `requests_per_min` and `tokens_per_min` (prompt and answer
    together) as providers count them.
    """

    max_in_flight: int | None = None
    requests_per_min: int | None = None
    tokens_per_min: int | None = None

    def __post_init__(self) -> None:
        for name in ("max_in_flight", "requests_per_min", "tokens_per_min"):
            limit = getattr(self, name)
            if limit is not None and limit < 1:
                raise ValueError(f"{name} must be at least 1")


@dataclass(frozen=True, slots=True)
class Model:
    """A model behind a provider: `id` is `provider/name`, `upstream_name` the provider's own name.

    `strengths` maps capability → [0, 1]. A capability that is missing from a profiled model is one
    it does not have; of a model without a profile (`profiled` False) nothing is known either way.
    Windows are in tokens, None where unknown. `unsupported` are request parameters that it was
    seen to refuse. `drained`: a person has taken it out of service, so that it is chosen for no
    request that does not name it. `sources` says where each field comes from.
    """

    id: str
    provider: str
    upstream_name: str
    display_name: str = ""
    strengths: Mapping[str, float] = field(default_factory=dict)
    profiled: bool = True
    context_window: int | None = None
    max_output_tokens: int | None = None
    price: Price = UNKNOWN_PRICE
    limits: Limits = Limits()
    unsupported: frozenset[str] = frozenset()
    drained: bool = False
    sources: Mapping[str, Source] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.id or "/" not in self.id:
            raise ValueError(f"a model id is provider/name, not {self.id!r}")
        for capability, strength in self.strengths.items():
            if not 0.0 <= strength <= 1.0:
                raise ValueError(f"{self.id}: strength of {capability} must be in [0, 1]")
        for window in (self.context_window, self.max_output_tokens):
            if window is not None and window < 1:
                raise ValueError(f"{self.id}: a window must be at least 1 token")


class AgentKind(StrEnum):
    INFERENCE = "inference"
    TOOL = "tool"
    ORCHESTRATOR = "orchestrator"


class AgentStatus(StrEnum):
    ONLINE = "online"
    OFFLINE = "offline"
    MAINTENANCE = "maintenance"


@dataclass(frozen=True, slots=True)
class Weights:
    """What counts how much when several models could serve: shares in [0, 1] that sum to 1."""

    quality: float
    latency: float
    cost: float

    def __post_init__(self) -> None:
        if min(self.quality, self.latency, self.cost) < 0.0:
            raise ValueError("a weight cannot be negative")
        if abs(self.quality + self.latency + self.cost - 1.0) > WEIGHTS_TOLERANCE:
            raise ValueError("the weights of quality, latency and cost must sum to 1")


WEIGHTS_TOLERANCE = 0.01
"""How far from 1 the sum of weights that a person wrote down may be."""


@dataclass(frozen=True, slots=True)
class Agent:
    """A declared caller and what it needs of a model.

    `min_context` in tokens. `task_types` imply capabilities (`TASK_CAPABILITIES`). `allow` limits
    the models it may use (empty: all), `deny` excludes some; both hold model ids. `pinned` is the
    one model it uses when the request leaves the choice open. `weights` replace those of the
    strategy `balanced`. `latency_budget_s` is how long it likes to wait for the first token of a
    stream, or for a whole plain answer. `explore` False: none of its requests is ever spent on
    learning about a model. `infer_type`: where neither a request nor the agent says a task type, it
    is inferred from the prompt.
    """

    id: str
    name: str = ""
    kind: AgentKind = AgentKind.INFERENCE
    status: AgentStatus = AgentStatus.ONLINE
    requires: tuple[str, ...] = ()
    prefers: tuple[str, ...] = ()
    min_context: int = 2048
    task_types: tuple[str, ...] = ()
    allow: frozenset[str] = frozenset()
    deny: frozenset[str] = frozenset()
    pinned: str | None = None
    weights: Weights | None = None
    latency_budget_s: float | None = None
    explore: bool = True
    infer_type: bool = False

    def __post_init__(self) -> None:
        if not self.id:
            raise ValueError("an agent needs an id")
        if self.latency_budget_s is not None and self.latency_budget_s <= 0.0:
            raise ValueError(f"{self.id}: latency_budget_s must be positive")
        if self.min_context < 1:
            raise ValueError(f"{self.id}: min_context must be at least 1 token")


UNDECLARED = Agent(DEFAULT_AGENT, name="Default agent", prefers=("general",), infer_type=True)
"""Who calls when nobody says who: any model may serve it, a good generalist best, unless its prompt
shows what it is about."""


class Fleet:
    """All agents and models at one configuration version. Always holds the agent `default`."""

    __slots__ = ("agents", "models", "version")

    def __init__(self, agents: Iterable[Agent], models: Iterable[Model], version: str) -> None:
        by_id = {agent.id: agent for agent in agents}
        by_id.setdefault(DEFAULT_AGENT, UNDECLARED)
        self.agents: Mapping[str, Agent] = MappingProxyType(by_id)
        self.models: Mapping[str, Model] = MappingProxyType({model.id: model for model in models})
        self.version = version
