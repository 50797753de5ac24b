"""What does a hosted model charge, and how much context does its host list?

Both come from the data inside the installed genai-prices package; nothing is fetched. A price that
our `Price` cannot express exactly is unknown, with the reason in words. What remains outside a
known price is named beside it: searches that a provider runs on request, and cache writes kept
longer than five minutes, which no usage report of OpenAI's dialect tells apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from pointsman.core.fleet import UNKNOWN_PRICE, Price, PriceState, Rate

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, Provider, TieredPrices

HOSTED: Mapping[str, str] = MappingProxyType(
    {
        "openai": "openai",
        "azure": "azure",
        "groq": "groq",
        "together": "together",
        "mistral": "mistral",
        "deepseek": "deepseek",
        "openrouter": "openrouter",
        "fireworks": "fireworks",
        "xai": "x-ai",
        "perplexity": "perplexity",
        "gemini": "google",
    }
)
"""Provider types whose prices are public → their id in genai-prices.

All others run on the operator's own machines or resell at rates of their own, so that a name says
nothing about their price.
"""

_PREFIXES = ("models/", "accounts/fireworks/models/")

_ON_REQUEST: Mapping[str, str] = MappingProxyType(
    {
        "web_searches_kcount": "web searches",
        "storage_searches_kcount": "file searches",
        "social_searches_kcount": "social searches",
        "code_executions_kcount": "code execution",
    }
)
"""Fees for what a provider runs only when a request asks for it, in words."""

_KEPT_LONGER = "cache_write_1h_mtok"
_CARRIED = frozenset(
    {"input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok", "requests_kcount"}
)


class Listing(NamedTuple):
    """What a provider lists for one model; `words` says where the price is from or why it lacks."""

    price: Price
    words: str
    name: str | None = None
    context_window: int | None = None
    origin: str = ""


class _Inexpressible(Exception):
    """Our `Price` cannot say this price exactly; the message says why."""


def listing(
    provider_type: str, upstream_name: str, *, base_url: str | None, at: datetime
) -> Listing:
    """What the provider lists for the model at that moment. Never raises."""
    provider_id = HOSTED.get(provider_type)
    if provider_id is None:
        return Listing(UNKNOWN_PRICE, f"{provider_type} has no public prices; declare one")
    # Lazy: it costs 0.1 s and 15 MB, and a fleet on its own machines never needs it.
    import genai_prices  # noqa: PLC0415
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415

    origin = f"genai-prices {genai_prices.__version__}"
    providers = get_snapshot().providers
    provider = next(one for one in providers if one.id == provider_id)
    if base_url and not re.match(provider.api_pattern, base_url):
        words = f"base_url is not {provider.name}'s own address; declare a price"
        return Listing(UNKNOWN_PRICE, words)
    model = _find(upstream_name, provider, providers)
    if model is None:
        return Listing(UNKNOWN_PRICE, f"not listed in {origin} for {provider_id}; declare a price")
    price, words = model_price(provider, model, at)
    place = f"{origin}, {provider_id}/{model.id}"
    if upstream_name.endswith("-latest"):
        words += ", by an alias that its provider may have moved since"
    return Listing(price, f"{place}: {words}", model.name, model.context_window, place)


def _find(name: str, provider: Provider, providers: list[Provider]) -> ModelInfo | None:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return provider.find_model(name, all_providers=providers)


def model_price(provider: Provider, model: ModelInfo, at: datetime) -> tuple[Price, str]:
    """The price that holds at that moment, and words about it."""
    try:
        return _known_price(provider, model, at), _remarks(model, at)
    except _Inexpressible as reason:
        return UNKNOWN_PRICE, f"{reason}; declare a price"


def _known_price(provider: Provider, model: ModelInfo, at: datetime) -> Price:
    if _varies_by_hour(model, at):
        raise _Inexpressible("the price depends on the time of day")
    prices = model.get_prices(at)
    listed = _listed(prices)
    if not listed and model.id.endswith(":free"):
        zero = Rate(Decimal(0))
        return Price(PriceState.KNOWN, input=zero, output=zero)
    _refuse_unclear(provider, model, listed)
    return Price(
        PriceState.KNOWN,
        input=_rate(listed["input_mtok"]),
        output=_rate(listed["output_mtok"]),
        cached_input=_optional_rate(listed, "cache_read_mtok"),
        cache_write=_optional_rate(listed, "cache_write_mtok"),
        per_request_usd=_flat(listed.get("requests_kcount", Decimal(0))) / 1000,
    )


def _listed(prices: ModelPrice) -> dict[str, Decimal | TieredPrices]:
    return {key: value for key, value in vars(prices).items() if value is not None}


def _refuse_unclear(
    provider: Provider, model: ModelInfo, listed: Mapping[str, Decimal | TieredPrices]
) -> None:
    """Raise where the listed figures are missing, doubtful or finer than `Price` can say."""
    if "input_mtok" not in listed or "output_mtok" not in listed:
        raise _Inexpressible("no price per input and output token is listed")
    # A model that really costs nothing is listed without prices and named ":free".
    if not any(_figures(listed)):
        raise _Inexpressible("listed at 0, which more often means missing than free")
    if _always_searches(provider, model, listed):
        raise _Inexpressible("every answer includes searches whose number is not reported")
    for key in listed.keys() - _CARRIED - _ON_REQUEST.keys() - {_KEPT_LONGER}:
        # Answers with audio tokens never get a known cost (`Price.cost_usd`), so these rates may
        # stand beside the others.
        if "_audio_" in key and key.endswith("_mtok"):
            continue
        if not key.endswith("_mtok") or listed[key] != _general_rate(key, listed):
            raise _Inexpressible(f"{key.replace('_', ' ')} is billed apart")


def _always_searches(
    provider: Provider, model: ModelInfo, listed: Mapping[str, Decimal | TieredPrices]
) -> bool:
    if provider.id == "perplexity":
        return "web_searches_kcount" in listed
    return "requests_kcount" not in listed and bool(
        re.search(r"-search|deep-research|/sonar", model.id)
    )


def _general_rate(
    key: str, listed: Mapping[str, Decimal | TieredPrices]
) -> Decimal | TieredPrices | None:
    """The rate that would be billed for tokens of a special kind by their direction alone."""
    if key.startswith("cache_"):
        kind = "cache_read_mtok" if "_read_" in key else "cache_write_mtok"
        return listed.get(kind, listed["input_mtok"])
    return listed["input_mtok" if key.startswith("input_") else "output_mtok"]


def _varies_by_hour(model: ModelInfo, at: datetime) -> bool:
    edges = [time(0), *_edges(model)]
    day = at.astimezone(UTC).date()
    prices = [_listed(model.get_prices(datetime.combine(day, edge, UTC))) for edge in edges]
    return any(one != prices[0] for one in prices)


def _edges(model: ModelInfo) -> Iterator[time]:
    """The moments of a day at which a price begins or ends."""
    from genai_prices.types import TimeOfDateConstraint  # noqa: PLC0415

    for conditional in model.prices if isinstance(model.prices, list) else ():
        if isinstance(conditional.constraint, TimeOfDateConstraint):
            yield conditional.constraint.start_time.replace(tzinfo=None)
            yield conditional.constraint.end_time.replace(tzinfo=None)


def _remarks(model: ModelInfo, at: datetime) -> str:
    listed = _listed(model.get_prices(at))
    remarks = [f"{words} cost extra" for key, words in _ON_REQUEST.items() if key in listed]
    if _KEPT_LONGER in listed:
        remarks.append("cache writes at the five-minute rate")
    if model.price_variants:
        remarks.append("standard processing, neither batch nor priority")
    if (change := _next_change(model, at)) is not None:
        remarks.append(f"changes on {change}")
    return ", ".join(remarks) or "as listed"


def _next_change(model: ModelInfo, at: datetime) -> str | None:
    from genai_prices.types import StartDateConstraint  # noqa: PLC0415

    conditionals = model.prices if isinstance(model.prices, list) else []
    later = [
        one.constraint.start_date
        for one in conditionals
        if isinstance(one.constraint, StartDateConstraint) and one.constraint.start_date > at.date()
    ]
    return min(later).isoformat() if later else None


def _figures(listed: Mapping[str, Decimal | TieredPrices]) -> Iterator[Decimal]:
    for value in listed.values():
        yield value if isinstance(value, Decimal) else value.base


def _optional_rate(listed: Mapping[str, Decimal | TieredPrices], key: str) -> Rate | None:
    return _rate(listed[key]) if key in listed else None


def _rate(value: Decimal | TieredPrices) -> Rate:
    """Both sides mean the same by a step: above so many prompt tokens, for all of the tokens."""
    if isinstance(value, Decimal):
        return Rate(value)
    steps = {tier.start: tier.price for tier in value.tiers}
    return Rate(value.base, tuple(sorted(steps.items())))


def _flat(value: Decimal | TieredPrices) -> Decimal:
    if isinstance(value, Decimal):
        return value
    raise _Inexpressible("the price per request has steps")
