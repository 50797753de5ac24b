"""Who are the simulated models, and which agents are there to use them?

All names are invented. A persona says what a model is good at, what it costs, how fast it is, how
often it fails and when it has a bad time; it holds no chance, that comes with a seed elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType

from pointsman.adapters.providers.simulated.faults import Fault
from pointsman.core.fleet import (
    FREE,
    Agent,
    AgentKind,
    Limits,
    Model,
    Price,
    PriceState,
    Rate,
    Source,
)

PROVIDER = "sim"


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a model answers: medians and the sigma of the lognormal spread around them.

    `time_scale` multiplies every duration; 0 answers at once.
    """

    first_token_s: float = 0.4
    first_token_sigma: float = 0.3
    tokens_per_s: float = 80.0
    tokens_per_s_sigma: float = 0.15
    time_scale: float = 1.0

    def __post_init__(self) -> None:
        if self.tokens_per_s <= 0:
            raise ValueError("tokens_per_s must be positive")
        sigmas = (self.first_token_sigma, self.tokens_per_s_sigma)
        if min(self.first_token_s, self.time_scale, *sigmas) < 0:
            raise ValueError("a pace has no negative figures")


@dataclass(frozen=True, slots=True)
class Episode:
    """A bad (or good) time: from and until in seconds since the start, and what is multiplied."""

    from_s: float
    until_s: float
    latency_factor: float = 1.0
    failure_factor: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.from_s < self.until_s:
            raise ValueError("an episode ends after it began")
        if min(self.latency_factor, self.failure_factor) < 0:
            raise ValueError("a factor cannot be negative")


@dataclass(frozen=True, slots=True)
class Persona:
    """One simulated model.

    `strengths` as in `core.fleet.Model`; without `function_calling`, `vision` or
    `structured_output` the model refuses such requests. `failures` are probabilities per request
    that sum to at most 1. Beyond `max_in_flight` requests at a time it answers 429.
    """

    name: str
    display_name: str = ""
    strengths: Mapping[str, float] = field(default_factory=dict)
    context_window: int = 128_000
    max_output_tokens: int = 8_192
    price: Price = FREE
    pace: Pace = Pace()
    failures: Mapping[Fault, float] = field(default_factory=dict)
    drift: tuple[Episode, ...] = ()
    max_in_flight: int | None = None

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("a persona needs a name")
        rates = self.failures.values()
        if any(rate < 0 for rate in rates) or sum(rates) > 1 + 1e-9:
            raise ValueError(f"{self.name}: failures are probabilities that sum to at most 1")

    @property
    def id(self) -> str:
        return f"{PROVIDER}/{self.name}"

    @property
    def model(self) -> Model:
        """The catalogue entry of this persona."""
        origin = Source("simulated")
        known = ("strengths", "context_window", "max_output_tokens", "price", "limits")
        return Model(
            id=self.id,
            provider=PROVIDER,
            upstream_name=self.name,
            display_name=self.display_name or self.name,
            strengths=self.strengths,
            context_window=self.context_window,
            max_output_tokens=self.max_output_tokens,
            price=self.price,
            limits=Limits(max_in_flight=self.max_in_flight),
            sources=MappingProxyType(dict.fromkeys(known, origin)),
        )


def _usd(input_usd: str, output_usd: str, cached_usd: str) -> Price:
    return Price(
        PriceState.KNOWN,
        input=Rate(Decimal(input_usd)),
        output=Rate(Decimal(output_usd)),
        cached_input=Rate(Decimal(cached_usd)),
    )


_STEADY = {Fault.SERVER_ERROR: 0.002, Fault.RATE_LIMITED: 0.002, Fault.CUT: 0.001}
_ORDINARY = {
    Fault.SERVER_ERROR: 0.004,
    Fault.OVERLOADED: 0.003,
    Fault.RATE_LIMITED: 0.004,
    Fault.RESET: 0.001,
    Fault.CUT: 0.002,
    Fault.SLOW: 0.01,
}
_SHAKY = {
    Fault.SERVER_ERROR: 0.012,
    Fault.OVERLOADED: 0.015,
    Fault.RATE_LIMITED: 0.03,
    Fault.RESET: 0.004,
    Fault.STALL_FIRST: 0.001,
    Fault.CUT: 0.006,
    Fault.EMPTY: 0.004,
    Fault.MALFORMED: 0.002,
    Fault.SLOW: 0.03,
}

FLEET: tuple[Persona, ...] = (
    Persona(
        name="atlas-large",
        display_name="Atlas Large",
        strengths={
            "general": 0.96, "reasoning": 0.94, "coding": 0.86, "math": 0.84, "high_accuracy": 0.95,
            "function_calling": 0.96, "structured_output": 0.94, "multilingual": 0.86,
            "arabic": 0.66, "vision": 0.68, "long_context": 0.66,
        },
        context_window=200_000,
        max_output_tokens=32_768,
        price=_usd("5", "20", "0.5"),
        pace=Pace(first_token_s=0.75, tokens_per_s=65),
        failures=_STEADY,
        max_in_flight=64,
    ),
    Persona(
        name="atlas-medium",
        display_name="Atlas Medium",
        strengths={
            "general": 0.88, "reasoning": 0.86, "coding": 0.78, "math": 0.72, "high_accuracy": 0.80,
            "function_calling": 0.90, "structured_output": 0.90, "multilingual": 0.78,
            "arabic": 0.52, "long_context": 0.55, "low_latency": 0.62,
        },
        max_output_tokens=16_384,
        price=_usd("1", "4", "0.1"),
        pace=Pace(first_token_s=0.38, tokens_per_s=110),
        failures=_ORDINARY,
        max_in_flight=128,
    ),
    Persona(
        name="forge-coder",
        display_name="Forge Coder",
        strengths={
            "coding": 0.98, "reasoning": 0.92, "math": 0.78, "general": 0.66, "high_accuracy": 0.93,
            "function_calling": 0.93, "structured_output": 0.91, "long_context": 0.60,
        },
        max_output_tokens=32_768,
        price=_usd("1.5", "6", "0.15"),
        pace=Pace(first_token_s=0.55, tokens_per_s=95),
        failures=_STEADY,
        max_in_flight=96,
    ),
    Persona(
        name="forge-mini",
        display_name="Forge Mini",
        strengths={
            "coding": 0.82, "reasoning": 0.66, "math": 0.58, "general": 0.52, "low_latency": 0.80,
            "function_calling": 0.78, "structured_output": 0.80,
        },
        context_window=64_000,
        price=_usd("0.2", "0.8", "0.02"),
        pace=Pace(first_token_s=0.24, tokens_per_s=150),
        failures=_ORDINARY,
        drift=(Episode(900, 1080, latency_factor=3.0, failure_factor=4.0),),
        max_in_flight=128,
    ),
    Persona(
        name="theorem-r2",
        display_name="Theorem R2",
        strengths={
            "math": 0.98, "reasoning": 0.98, "high_accuracy": 0.94, "coding": 0.76,
            "general": 0.68, "structured_output": 0.62,
        },
        max_output_tokens=65_536,
        price=_usd("3", "12", "0.75"),
        pace=Pace(first_token_s=2.4, first_token_sigma=0.45, tokens_per_s=75),
        failures=_STEADY,
        max_in_flight=32,
    ),
    Persona(
        name="nakhla-70b",
        display_name="Nakhla 70B",
        strengths={
            "arabic": 0.97, "multilingual": 0.90, "general": 0.82, "reasoning": 0.72,
            "high_accuracy": 0.74, "function_calling": 0.58,
        },
        context_window=32_768,
        max_output_tokens=4_096,
        price=_usd("0.6", "1.8", "0.6"),
        pace=Pace(first_token_s=0.45, tokens_per_s=85),
        failures=_ORDINARY,
        max_in_flight=48,
    ),
    Persona(
        name="babel-24b",
        display_name="Babel 24B",
        strengths={
            "multilingual": 0.95, "arabic": 0.76, "general": 0.80, "reasoning": 0.68,
            "function_calling": 0.64, "structured_output": 0.66, "low_latency": 0.58,
        },
        context_window=64_000,
        max_output_tokens=4_096,
        price=_usd("0.4", "1.2", "0.1"),
        pace=Pace(first_token_s=0.33, tokens_per_s=120),
        failures=_ORDINARY,
        drift=(Episode(600, 780, latency_factor=4.0, failure_factor=2.0),),
        max_in_flight=64,
    ),
    Persona(
        name="iris-vision",
        display_name="Iris Vision",
        strengths={
            "vision": 0.97, "general": 0.80, "reasoning": 0.76, "high_accuracy": 0.86,
            "structured_output": 0.90, "function_calling": 0.72,
        },
        context_window=64_000,
        max_output_tokens=4_096,
        price=_usd("1.2", "4.8", "0.3"),
        pace=Pace(first_token_s=0.85, tokens_per_s=80),
        failures=_ORDINARY,
        max_in_flight=48,
    ),
    Persona(
        name="scroll-1m",
        display_name="Scroll 1M",
        strengths={
            "long_context": 0.98, "reasoning": 0.85, "general": 0.86, "high_accuracy": 0.84,
            "multilingual": 0.70, "structured_output": 0.74, "function_calling": 0.70,
            "coding": 0.70,
        },
        context_window=1_000_000,
        max_output_tokens=16_384,
        price=_usd("1.25", "5", "0.3"),
        pace=Pace(first_token_s=1.1, first_token_sigma=0.4, tokens_per_s=90),
        failures=_ORDINARY,
        max_in_flight=48,
    ),
    Persona(
        name="swift-mini",
        display_name="Swift Mini",
        strengths={
            "low_latency": 0.95, "general": 0.80, "reasoning": 0.66, "coding": 0.56,
            "function_calling": 0.80, "structured_output": 0.80, "multilingual": 0.66,
        },
        context_window=32_768,
        max_output_tokens=4_096,
        price=_usd("0.1", "0.4", "0.01"),
        pace=Pace(first_token_s=0.16, tokens_per_s=190),
        failures=_ORDINARY,
        drift=(Episode(300, 420, latency_factor=6.0, failure_factor=10.0),),
        max_in_flight=256,
    ),
    Persona(
        name="spark-nano",
        display_name="Spark Nano",
        strengths={
            "low_latency": 0.99, "general": 0.60, "reasoning": 0.46, "structured_output": 0.55,
        },
        context_window=16_384,
        max_output_tokens=2_048,
        price=_usd("0.03", "0.1", "0.03"),
        pace=Pace(first_token_s=0.09, tokens_per_s=260),
        failures=_ORDINARY,
        max_in_flight=256,
    ),
    Persona(
        name="pebble-1b",
        display_name="Pebble 1B",
        strengths={"low_latency": 0.90, "general": 0.50, "reasoning": 0.36, "coding": 0.30},
        context_window=8_192,
        max_output_tokens=2_048,
        price=FREE,
        pace=Pace(first_token_s=0.14, first_token_sigma=0.6, tokens_per_s=140),
        failures=_SHAKY,
        max_in_flight=16,
    ),
)  # fmt: skip
"""The models that stand in when no provider is configured."""

AGENTS: tuple[Agent, ...] = (
    Agent(
        "coder",
        name="Coder",
        requires=("coding", "reasoning"),
        prefers=("high_accuracy", "function_calling"),
        min_context=16_384,
        task_types=("coding",),
    ),
    Agent(
        "mathematician",
        name="Mathematician",
        requires=("math", "reasoning"),
        prefers=("high_accuracy",),
        min_context=8_192,
        task_types=("math", "reasoning"),
    ),
    Agent(
        "researcher",
        name="Researcher",
        requires=("reasoning", "long_context"),
        prefers=("high_accuracy",),
        min_context=65_536,
        task_types=("question_answering",),
    ),
    Agent(
        "translator",
        name="Arabic translator",
        requires=("arabic", "multilingual"),
        prefers=("general",),
        min_context=8_192,
        task_types=("arabic", "translation"),
    ),
    Agent(
        "support",
        name="Support desk",
        requires=("general", "low_latency"),
        prefers=("function_calling", "multilingual"),
        min_context=4_096,
        task_types=("general",),
    ),
    Agent(
        "summarizer",
        name="Summarizer",
        requires=("reasoning", "general"),
        prefers=("low_latency",),
        min_context=16_384,
        task_types=("summarization",),
    ),
    Agent(
        "planner",
        name="Planner",
        kind=AgentKind.ORCHESTRATOR,
        requires=("reasoning", "function_calling"),
        prefers=("high_accuracy", "structured_output"),
        min_context=32_768,
        task_types=("reasoning",),
    ),
    Agent(
        "inspector",
        name="Vision inspector",
        kind=AgentKind.TOOL,
        requires=("vision", "general"),
        prefers=("structured_output", "high_accuracy"),
        min_context=8_192,
    ),
)
"""Agents that differ enough in what they need to be best served by different models."""
