"""Does a price from genai-prices bill exactly what genai-prices itself would bill?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import (
    ClauseEquals,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    Provider,
    StartDateConstraint,
    Tier,
    TieredPrices,
)
from genai_prices.types import Usage as TheirUsage

from pointsman.adapters.catalogue.prices import HOSTED, listing, model_price
from pointsman.core.fleet import Price, PriceState, Usage

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
PROVIDERS = {provider.id: provider for provider in get_snapshot().providers}

USAGES = (
    Usage(0, 0),
    Usage(1, 1),
    Usage(1_200, 300),
    Usage(1_200, 300, cached_tokens=1_000),
    Usage(9_000, 10, cached_tokens=4_000, cache_write_tokens=3_000),
    Usage(128_000, 500),
    Usage(128_001, 500, cached_tokens=1),
    Usage(200_000, 4_000, cached_tokens=150_000),
    Usage(200_001, 4_000, cached_tokens=150_000, cache_write_tokens=50_001),
    Usage(272_000, 64_000),
    Usage(272_001, 64_000),
    Usage(900_000, 60_000, cached_tokens=800_000, cache_write_tokens=90_000),
)


def theirs(provider: Provider, model: ModelInfo, usage: Usage, at: datetime) -> Decimal:
    reported = TheirUsage(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        cache_read_tokens=usage.cached_tokens,
        cache_write_tokens=usage.cache_write_tokens,
    )
    return model.calc_price(reported, provider, genai_request_timestamp=at).total_price


def all_models() -> Iterator[tuple[Provider, ModelInfo]]:
    for provider in PROVIDERS.values():
        for model in provider.models:
            yield provider, model


def made_up(prices: ModelPrice | list[ConditionalPrice], name: str = "made-up") -> ModelInfo:
    return ModelInfo(id=name, match=ClauseEquals(name), prices=prices)


def priced(model: ModelInfo, provider: str = "openai") -> tuple[Price, str]:
    return model_price(PROVIDERS[provider], model, NOON)


def test_every_known_price_bills_what_genai_prices_bills_at_every_hour() -> None:
    wrong = [
        (provider.id, model.id, usage, hour)
        for provider, model in all_models()
        if (price := model_price(provider, model, NOON)[0]).state is PriceState.KNOWN
        for hour in (0, 2, 8, 12, 20)
        for usage in USAGES
        if price.cost_usd(usage) != theirs(provider, model, usage, NOON.replace(hour=hour))
    ]
    assert wrong == []


def test_most_models_are_priced_and_every_other_one_says_why() -> None:
    reasons: Counter[str] = Counter()
    known = 0
    for provider, model in all_models():
        price, words = model_price(provider, model, NOON)
        known += price.state is PriceState.KNOWN
        if price.state is PriceState.UNKNOWN:
            assert words.endswith("; declare a price")
            reasons[words] += 1
    assert known > 0.9 * (known + sum(reasons.values()))
    assert reasons["the price depends on the time of day; declare a price"] > 0


def test_the_unpriced_share_of_the_types_we_have_presets_for_is_small() -> None:
    for provider_id in ("openai", "openrouter", "groq", "together", "x-ai", "fireworks"):
        models = PROVIDERS[provider_id].models
        known = [model_price(PROVIDERS[provider_id], model, NOON)[0].state for model in models]
        assert known.count(PriceState.KNOWN) > 0.65 * len(models), provider_id


def test_a_long_prompt_is_billed_at_the_step_for_all_of_its_tokens() -> None:
    price = listing("openai", "gpt-5.4", base_url=None, at=NOON).price
    assert price.input is not None
    ((above, dearer),) = price.input.steps
    assert price.input.at(above) == price.input.usd_per_mtok
    assert price.input.at(above + 1) == dearer > price.input.usd_per_mtok


def test_a_price_per_request_is_carried() -> None:
    price = listing("perplexity", "sonar", base_url=None, at=NOON).price
    assert price.per_request_usd > 0


def test_models_named_free_cost_a_known_zero() -> None:
    price = listing(
        "openrouter", "meta-llama/llama-3.3-70b-instruct:free", base_url=None, at=NOON
    ).price
    assert price.state is PriceState.KNOWN
    assert price.cost_usd(Usage(1_000_000, 1_000_000)) == 0


@pytest.mark.parametrize(
    ("prices", "reason"),
    [
        (ModelPrice(), "no price per input and output token is listed"),
        (ModelPrice(input_mtok=Decimal(1)), "no price per input and output token is listed"),
        (ModelPrice(input_mtok=Decimal(0), output_mtok=Decimal(0)), "listed at 0"),
        (
            ModelPrice(
                input_mtok=TieredPrices(Decimal(0), [Tier(10, Decimal(0))]), output_mtok=Decimal(0)
            ),
            "listed at 0",
        ),
        (
            ModelPrice(
                input_mtok=Decimal(1), output_mtok=Decimal(1), output_reasoning_mtok=Decimal(3)
            ),
            "output reasoning mtok is billed apart",
        ),
        (
            ModelPrice(
                input_mtok=Decimal(1), output_mtok=Decimal(1), cache_image_read_mtok=Decimal(3)
            ),
            "cache image read mtok is billed apart",
        ),
        (
            ModelPrice(input_mtok=Decimal(1), output_mtok=Decimal(1), audio_hours=Decimal(1)),
            "audio hours is billed apart",
        ),
        (
            ModelPrice(
                input_mtok=Decimal(1),
                output_mtok=Decimal(1),
                requests_kcount=TieredPrices(Decimal(1), []),
            ),
            "the price per request has steps",
        ),
    ],
)
def test_a_price_we_cannot_express_is_unknown_and_says_why(prices: ModelPrice, reason: str) -> None:
    price, words = priced(made_up(prices))
    assert price.state is PriceState.UNKNOWN
    assert words.startswith(reason)


@pytest.mark.parametrize(
    "special", ["input_image_mtok", "cache_image_read_mtok", "cache_image_write_mtok"]
)
def test_a_special_kind_of_token_at_the_general_rate_does_no_harm(special: str) -> None:
    prices = ModelPrice(input_mtok=Decimal(1), output_mtok=Decimal(2), **{special: Decimal(1)})
    assert priced(made_up(prices))[0].state is PriceState.KNOWN


def test_rates_for_audio_may_stand_aside_because_audio_never_gets_a_cost() -> None:
    prices = ModelPrice(
        input_mtok=Decimal(1), output_mtok=Decimal(2), cache_audio_read_mtok=Decimal(9)
    )
    price, _ = priced(made_up(prices))
    assert price.cost_usd(Usage(10, 10)) is not None
    assert price.cost_usd(Usage(10, 10, audio_tokens=3)) is None


@pytest.mark.parametrize(
    ("provider", "name", "extra"),
    [
        ("perplexity", "sonar-x", {"web_searches_kcount": Decimal(5)}),
        ("openai", "gpt-4o-search-preview", {}),
        ("openai", "o3-deep-research", {"web_searches_kcount": Decimal(10)}),
    ],
)
def test_a_model_that_searches_for_every_answer_is_unknown(
    provider: str, name: str, extra: dict[str, Decimal]
) -> None:
    prices = ModelPrice(input_mtok=Decimal(1), output_mtok=Decimal(2), **extra)
    price, words = priced(made_up(prices, name), provider)
    assert price.state is PriceState.UNKNOWN
    assert "searches" in words


def test_fees_outside_the_price_are_named_beside_it() -> None:
    words = listing("openai", "gpt-4.1", base_url=None, at=NOON).words
    assert "web searches cost extra" in words
    assert "file searches cost extra" in words
    kept_longer = {"cache_write_mtok": Decimal(3), "cache_write_1h_mtok": Decimal(4)}
    prices = ModelPrice(input_mtok=Decimal(2), output_mtok=Decimal(5), **kept_longer)
    assert "five-minute rate" in priced(made_up(prices))[1]


def test_the_price_of_the_day_holds_and_an_announced_change_is_named() -> None:
    before, after = (
        ModelPrice(input_mtok=Decimal(1), output_mtok=Decimal(1)),
        ModelPrice(input_mtok=Decimal(2), output_mtok=Decimal(2)),
    )
    model = made_up(
        [
            ConditionalPrice(prices=before),
            ConditionalPrice(StartDateConstraint(date(2027, 1, 1)), prices=after),
        ]
    )
    price, words = priced(model)
    assert price.cost_usd(Usage(1_000_000, 0)) == 1
    assert words == "changes on 2027-01-01"
    price, words = model_price(PROVIDERS["openai"], model, datetime(2027, 1, 1, tzinfo=UTC))
    assert price.cost_usd(Usage(1_000_000, 0)) == 2
    assert words == "as listed"


@pytest.mark.parametrize(
    "provider_type", ["vllm", "ollama", "llamacpp", "openai_compatible", "litellm", "simulated"]
)
def test_a_name_says_nothing_about_the_price_of_a_provider_of_ones_own(provider_type: str) -> None:
    listed = listing(provider_type, "gpt-4o", base_url="https://api.openai.com/v1", at=NOON)
    assert listed.price.state is PriceState.UNKNOWN
    assert "declare one" in listed.words


def test_public_prices_hold_only_at_the_providers_own_address() -> None:
    here = listing("openai", "gpt-4o", base_url="https://api.openai.com/v1", at=NOON)
    elsewhere = listing("openai", "gpt-4o", base_url="http://gateway.internal/v1", at=NOON)
    assert here.price.state is PriceState.KNOWN
    assert elsewhere.price.state is PriceState.UNKNOWN
    assert "own address" in elsewhere.words


def test_azure_bills_a_deployment_that_bears_the_models_name() -> None:
    base_url = "https://example.openai.azure.com"
    assert listing("azure", "gpt-4o", base_url=base_url, at=NOON).price.state is PriceState.KNOWN
    other = listing("azure", "our-deployment", base_url=base_url, at=NOON)
    assert other.price.state is PriceState.UNKNOWN


def test_a_dot_for_a_dash_in_a_name_gives_no_price_by_accident() -> None:
    listed = listing("openai", "gpt-4-1-mini-turbo", base_url=None, at=NOON)
    assert listed.price.state is PriceState.UNKNOWN
    assert "not listed" in listed.words


def test_a_moving_alias_is_named_as_such() -> None:
    listed = listing("mistral", "mistral-small-latest", base_url=None, at=NOON)
    assert "alias" in listed.words


def test_prefixes_of_a_host_do_not_hide_a_model() -> None:
    plain = listing("gemini", "gemini-2.5-flash", base_url=None, at=NOON)
    assert listing("gemini", "models/gemini-2.5-flash", base_url=None, at=NOON) == plain


def test_every_hosted_type_is_one_that_genai_prices_knows() -> None:
    assert set(HOSTED.values()) <= set(PROVIDERS)
