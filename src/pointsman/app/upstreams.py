"""What may an operator write about providers and their models?"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag, model_validator

from pointsman.adapters.providers.presets import PRESETS, Auth
from pointsman.adapters.providers.simulated.faults import Fault
from pointsman.adapters.providers.simulated.personas import Pace
from pointsman.app.secrets import Secret
from pointsman.app.section import (
    Capability,
    HeaderName,
    PathOrNone,
    Seconds,
    Section,
    Share,
    Tokens,
    UrlPath,
    UsdPerMtok,
    Words,
)


class TimeoutOverrides(Section):
    connect_s: Seconds | None = Field(None, description="Longest wait for a connection.")
    first_token_s: Seconds | None = Field(
        None, description="Longest wait for the first usable chunk of a stream."
    )
    between_tokens_s: Seconds | None = Field(None, description="Longest pause between chunks.")
    total_s: Seconds | None = Field(
        None, description="Longest duration of one attempt, streamed or not."
    )


class QuirkOverrides(Section):
    """Every key left out keeps what the provider's type says."""

    usage_in_stream: bool | None = Field(
        None, description="Whether `stream_options.include_usage` may be sent."
    )
    done_required: bool | None = Field(
        None, description="Whether a stream is complete only after `[DONE]`."
    )
    auth: Auth | None = Field(None, description="How the key is sent.")
    chat_path: UrlPath | None = Field(
        None, description="Path of chat completions; may hold `{model}`."
    )
    models_path: PathOrNone | None = Field(
        None, description="Path that lists the models, or `none`."
    )
    model_in_path: bool | None = Field(
        None, description="Whether `{model}` in chat_path becomes the upstream name."
    )
    model_prefix: str | None = Field(None, description="Taken off the names of listed models.")
    query: dict[str, str] | None = Field(None, description="Query parameters of every call.")
    max_tokens_field: Literal["max_tokens", "max_completion_tokens", "both"] | None = Field(
        None, description="The spelling of the output limit that the upstream knows, or `both`."
    )
    drop_fields: list[str] | None = Field(
        None, description="Request fields it refuses and that do not change the answer."
    )
    affinity_header: HeaderName | None = Field(
        None, description="Header that carries the session, so that caches stay warm, or `none`."
    )


def _names_the_types(schema: dict[str, Any]) -> None:
    schema["enum"] = sorted(PRESETS)


class ProviderEntry(Section):
    type: str = Field(
        description="What kind of upstream this is. `openai_compatible` fits anything else.",
        json_schema_extra=_names_the_types,
    )
    base_url: Annotated[str, StringConstraints(max_length=2048)] | None = Field(
        None, description="Where it is reached; most types know their own address."
    )
    api_key: Secret | None = Field(
        None,
        description="Its key: `${NAME}` from the environment, or `file:/path`. Avoid plain text.",
    )
    headers: dict[HeaderName, Secret] = Field(
        default_factory=dict, description="Headers sent with every call; treated as secrets."
    )
    trust_env: bool = Field(
        False,
        description="Whether it is reached through the proxy that `https_proxy`, `http_proxy` and "
        "`no_proxy` in the environment name, if they do.",
    )
    quirks: QuirkOverrides = Field(
        default_factory=QuirkOverrides, description="Where it differs from what its type implies."
    )
    timeouts: TimeoutOverrides = Field(
        default_factory=TimeoutOverrides, description="Overrides of `routing.timeouts`."
    )
    seed: Annotated[int, Field(ge=0)] = Field(
        0, description="Only for `simulated`: the seed of its chance."
    )


class PriceTable(Section):
    input_usd_per_mtok: UsdPerMtok = Field(description="Per million prompt tokens.")
    output_usd_per_mtok: UsdPerMtok = Field(description="Per million completion tokens.")
    cached_input_usd_per_mtok: UsdPerMtok | None = Field(
        None, description="Per million cached prompt tokens; left out: as input."
    )
    cache_write_usd_per_mtok: UsdPerMtok | None = Field(
        None, description="Per million prompt tokens written to the cache; left out: as input."
    )
    per_request_usd: UsdPerMtok = Field(0.0, description="On top, per request.")


_PACE = Pace()


class PaceSettings(Section):
    first_token_s: Annotated[float, Field(ge=0, le=3600)] = Field(
        _PACE.first_token_s, description="Median time to the first token."
    )
    first_token_sigma: Annotated[float, Field(ge=0, le=5)] = Field(
        _PACE.first_token_sigma, description="Spread (sigma of the lognormal) around it."
    )
    tokens_per_s: Annotated[float, Field(gt=0, le=1_000_000)] = Field(
        _PACE.tokens_per_s, description="Median speed of output."
    )
    tokens_per_s_sigma: Annotated[float, Field(ge=0, le=5)] = Field(
        _PACE.tokens_per_s_sigma, description="Spread around it."
    )
    time_scale: Annotated[float, Field(ge=0, le=1000)] = Field(
        _PACE.time_scale, description="Multiplies every duration; 0 answers at once."
    )


class EpisodeSettings(Section):
    from_s: Annotated[float, Field(ge=0)] = Field(description="Begin, in seconds since the start.")
    until_s: Annotated[float, Field(gt=0)] = Field(description="End, in seconds since the start.")
    latency_factor: Annotated[float, Field(ge=0)] = Field(1.0, description="Multiplies latency.")
    failure_factor: Annotated[float, Field(ge=0)] = Field(
        1.0, description="Multiplies the probability of failure."
    )

    @model_validator(mode="after")
    def _ends_after_it_began(self) -> EpisodeSettings:
        if self.until_s <= self.from_s:
            raise ValueError("until_s must be later than from_s")
        return self


FaultName = Annotated[Fault, Field(strict=False)]


class Simulation(Section):
    """Left out keys keep those of the well-known persona of the same name, if there is one."""

    pace: PaceSettings | None = Field(None, description="How fast it answers.")
    failures: dict[FaultName, Share] | None = Field(
        None, description="Probability of each fault, per request."
    )
    drift: list[EpisodeSettings] | None = Field(None, description="Its bad and good times.")
    max_in_flight: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Beyond so many requests at a time it answers 429."
    )

    @model_validator(mode="after")
    def _probabilities_fit(self) -> Simulation:
        if sum((self.failures or {}).values()) > 1 + 1e-9:
            raise ValueError("the probabilities of all failures must sum to at most 1")
        return self


def _price_form(given: Any) -> str:
    return "(word)" if isinstance(given, str) else "(table)"


PriceEntry = Annotated[
    Annotated[Literal["free", "unknown"], Tag("(word)")] | Annotated[PriceTable, Tag("(table)")],
    Discriminator(_price_form),
]


PerMinute = Annotated[int, Field(ge=1, le=1_000_000_000_000)]


class ModelEntry(Section):
    """Whatever is left out comes from the catalogue, where it is known there."""

    upstream_name: Annotated[str, StringConstraints(min_length=1, max_length=256)] | None = Field(
        None, description="The provider's own name for it; left out: the id after the first slash."
    )
    display_name: Words | None = Field(None, description="Its name on the dashboard.")
    capabilities: dict[Capability, Share] | None = Field(
        None, description="Its strength per capability, from 0 to 1. Replaces the catalogue's."
    )
    context_window: Tokens | None = Field(None, description="Prompt and answer, in tokens.")
    max_output_tokens: Tokens | None = Field(None, description="Longest answer, in tokens.")
    price: PriceEntry | None = Field(
        None, description="Its price, `free`, or `unknown`. Unknown never counts as 0."
    )
    max_in_flight: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None, description="Most requests under way to it at a time."
    )
    requests_per_min: PerMinute | None = Field(
        None, description="Most requests to it in a minute; kept before the provider refuses."
    )
    tokens_per_min: PerMinute | None = Field(
        None, description="Most tokens, of prompts and answers together, in a minute."
    )
    simulate: Simulation | None = Field(
        None, description="Only for models of a `simulated` provider: how it behaves."
    )
