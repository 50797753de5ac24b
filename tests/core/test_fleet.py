"""Are agents, models and prices complete and possible, and is a bill the sum of its parts?"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.fleet import (
    FREE,
    UNDECLARED,
    UNKNOWN_PRICE,
    Agent,
    Fleet,
    Limits,
    Model,
    Price,
    PriceState,
    Rate,
    Usage,
    Weights,
)

MILLION = Decimal(1_000_000)


def rate(usd: str, *steps: tuple[int, str]) -> Rate:
    return Rate(Decimal(usd), tuple((above, Decimal(price)) for above, price in steps))


FULL_PRICE = Price(
    PriceState.KNOWN,
    input=rate("2"),
    output=rate("8"),
    cached_input=rate("0.5"),
    cache_write=rate("2.5"),
    per_request_usd=Decimal("0.01"),
)
PLAIN_PRICE = Price(PriceState.KNOWN, input=rate("2"), output=rate("8"))

TOKENS = st.integers(0, 10**7)
USAGES = st.tuples(TOKENS, TOKENS, TOKENS, TOKENS).map(lambda counts: Usage(*counts))


def test_each_kind_of_token_is_billed_at_its_own_rate() -> None:
    usage = Usage(1_000_000, 500_000, cached_tokens=400_000, cache_write_tokens=100_000)
    expected = Decimal("1.0") + Decimal("0.2") + Decimal("0.25") + Decimal(4) + Decimal("0.01")
    assert FULL_PRICE.cost_usd(usage) == expected


@given(USAGES)
def test_the_billed_parts_sum_to_the_total(usage: Usage) -> None:
    cached = min(usage.cached_tokens, usage.prompt_tokens)
    written = min(usage.cache_write_tokens, usage.prompt_tokens - cached)
    parts = [
        (usage.prompt_tokens - cached - written, "2"),
        (cached, "0.5"),
        (written, "2.5"),
        (usage.completion_tokens, "8"),
    ]
    total = sum(Decimal(tokens) * Decimal(usd) / MILLION for tokens, usd in parts)
    assert FULL_PRICE.cost_usd(usage) == total + Decimal("0.01")
    assert sum(tokens for tokens, _ in parts[:3]) == usage.prompt_tokens, "each is billed once"


@given(USAGES)
def test_without_a_discount_cached_tokens_cost_what_plain_ones_do(usage: Usage) -> None:
    plain = usage._replace(cached_tokens=0, cache_write_tokens=0)
    assert PLAIN_PRICE.cost_usd(usage) == PLAIN_PRICE.cost_usd(plain)


@given(USAGES)
def test_unknown_is_never_nothing_and_free_always_is(usage: Usage) -> None:
    assert UNKNOWN_PRICE.cost_usd(usage) is None
    assert FREE.cost_usd(usage) == 0


def test_what_the_provider_says_it_cost_wins() -> None:
    usage = Usage(10, 10, reported_cost_usd=Decimal("0.123"))
    assert {p.cost_usd(usage) for p in (FULL_PRICE, FREE, UNKNOWN_PRICE)} == {Decimal("0.123")}


def test_audio_has_rates_that_we_do_not_know() -> None:
    assert FULL_PRICE.cost_usd(Usage(10, 10, audio_tokens=1)) is None


@pytest.mark.parametrize(
    ("prompt_tokens", "usd"),
    [(0, "1"), (200_000, "1"), (200_001, "2"), (500_000, "2"), (500_001, "3")],
)
def test_beyond_a_step_its_rate_holds_for_all_tokens(prompt_tokens: int, usd: str) -> None:
    stepped = rate("1", (200_000, "2"), (500_000, "3"))
    assert stepped.at(prompt_tokens) == Decimal(usd)
    price = Price(PriceState.KNOWN, input=stepped, output=rate("0"))
    assert price.cost_usd(Usage(prompt_tokens, 7)) == prompt_tokens * Decimal(usd) / MILLION


def test_models_are_compared_by_three_parts_input_to_one_part_output() -> None:
    assert FULL_PRICE.blended_usd_per_mtok == Decimal("3.5")
    assert FREE.blended_usd_per_mtok == 0
    assert UNKNOWN_PRICE.blended_usd_per_mtok is None


IMPOSSIBLE: dict[str, Callable[[], object]] = {
    "negative rate": lambda: rate("-1"),
    "negative step": lambda: rate("1", (5, "-1")),
    "falling steps": lambda: rate("1", (5, "1"), (4, "2")),
    "known without rates": lambda: Price(PriceState.KNOWN),
    "known without output": lambda: Price(PriceState.KNOWN, input=rate("1")),
    "unknown with a rate": lambda: Price(PriceState.UNKNOWN, input=rate("1")),
    "free with a rate": lambda: Price(PriceState.FREE, output=rate("1")),
    "no calls at all": lambda: Limits(max_in_flight=0),
    "model without id": lambda: Model("", "p", "m"),
    "model without provider": lambda: Model("m", "p", "m"),
    "strength above one": lambda: Model("p/m", "p", "m", strengths={"coding": 1.1}),
    "strength below nothing": lambda: Model("p/m", "p", "m", strengths={"coding": -0.1}),
    "no window": lambda: Model("p/m", "p", "m", context_window=0),
    "no output": lambda: Model("p/m", "p", "m", max_output_tokens=0),
    "agent without id": lambda: Agent(""),
    "agent without context": lambda: Agent("a", min_context=0),
}


@pytest.mark.parametrize("make", IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_what_cannot_be_cannot_be_made(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        make()


@pytest.mark.parametrize(
    ("quality", "latency", "cost", "words"),
    [(1.2, -0.1, -0.1, "negative"), (0.5, 0.2, 0.2, "sum to 1"), (0.5, 0.5, 0.5, "sum to 1")],
)
def test_weights_are_shares(quality: float, latency: float, cost: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Weights(quality, latency, cost)


@pytest.mark.parametrize("latency_budget_s", [0.0, -1.0])
def test_who_waits_for_nothing_is_not_served(latency_budget_s: float) -> None:
    with pytest.raises(ValueError, match="a: latency_budget_s must be positive"):
        Agent("a", latency_budget_s=latency_budget_s)


def test_a_fleet_always_has_a_default_agent() -> None:
    assert Fleet([], [], "v1").agents["default"] is UNDECLARED
    declared = Agent("default", requires=("coding",))
    assert Fleet([declared], [], "v1").agents["default"] is declared


def test_a_fleet_cannot_be_edited() -> None:
    fleet = Fleet([Agent("a")], [Model("p/m", "p", "m")], "v1")
    assert (fleet.version, list(fleet.models)) == ("v1", ["p/m"])
    with pytest.raises(TypeError):
        fleet.models["p/n"] = Model("p/n", "p", "n")  # type: ignore[index]
    with pytest.raises(TypeError):
        del fleet.agents["a"]  # type: ignore[attr-defined]
