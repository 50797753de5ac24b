"""Is what a conversation would lose by moving told in dollars and seconds, and never made up?"""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.decision import Candidate, Saving, Term
from pointsman.core.fleet import FREE, UNKNOWN_PRICE, Price, PriceState, Rate
from pointsman.core.stickiness import (
    CACHE_LIFE_S,
    LONGEST_CACHE_LIFE_S,
    MOST_MODELS,
    MOST_TOKENS,
    CacheLives,
    about,
    saving,
    staying,
)

PRICE = Price(PriceState.KNOWN, Rate(Decimal(3)), Rate(Decimal(15)), Rate(Decimal("0.3")))
NO_DISCOUNT = Price(PriceState.KNOWN, Rate(Decimal(3)), Rate(Decimal(15)))
DEARER_CACHED = Price(PriceState.KNOWN, Rate(Decimal(1)), Rate(Decimal(1)), Rate(Decimal(2)))


def test_cached_tokens_save_the_discount_and_the_time_to_read_them() -> None:
    assert saving(PRICE, 10_000) == pytest.approx(Saving(usd=0.027, seconds=1.0))


@pytest.mark.parametrize("price", [FREE, UNKNOWN_PRICE, NO_DISCOUNT, DEARER_CACHED])
def test_where_no_discount_is_known_only_time_is_saved(price: Price) -> None:
    assert saving(price, 10_000) == Saving(usd=0.0, seconds=1.0)


def test_what_is_not_cached_saves_nothing() -> None:
    assert saving(PRICE, 0) == Saving()


@given(st.integers(-10, 10**400))
def test_counts_are_rounded_down_by_a_fifth_at_most(tokens: int) -> None:
    rounded, sound = about(tokens), min(max(0, tokens), MOST_TOKENS)
    assert 0.8 * sound <= rounded <= sound
    assert about(rounded) == rounded
    saving(PRICE, rounded)


def test_few_different_counts_are_told() -> None:
    assert len({about(tokens) for tokens in range(200_000)}) < 70


def test_what_staying_is_worth_is_a_term_like_others() -> None:
    candidate = Candidate("p/a", 0.5, (Term("success", 0.5),))
    stays = staying(candidate, 0.25, 4_096)
    assert stays.score == 0.75
    assert stays.terms == (
        *candidate.terms,
        Term("session", 0.25, "has served this conversation; about 4096 tokens are cached"),
    )
    assert staying(candidate, 0.0, 0).terms[-1].detail == "has served this conversation"


@pytest.mark.parametrize(
    ("pauses", "life_s"),
    [
        ([], CACHE_LIFE_S),
        ([(3_000.0, 1_024, 1_280)], 3_000.0),
        ([(3_000.0, 1_024, 1_280), (600.0, 1_280, 1_536)], 3_000.0),
        ([(3_000.0, 1_024, 1_280), (2_000.0, 1_280, 0)], 2_000.0),
        ([(3_000.0, 1_024, 1_280), (4_000.0, 1_280, 0)], 3_000.0),
        ([(3_000.0, 1_024, 1_280), (10.0, 1_280, 0)], CACHE_LIFE_S),
        ([(1e9, 1_024, 1_280)], LONGEST_CACHE_LIFE_S),
        ([(3_000.0, 0, 1_280)], CACHE_LIFE_S),
        ([(3_000.0, 1_024, 1_024)], CACHE_LIFE_S),
        ([(3_000.0, 1_024, 128)], CACHE_LIFE_S),
        ([(3_000.0, 0, 0)], CACHE_LIFE_S),
    ],
    ids=[
        *("nothing seen", "lasted", "lasts on", "had gone", "had gone later", "was thrown out"),
        *("for ever", "somebody else's", "no more than before", "another prompt", "none"),
    ],
)
def test_a_cache_lasts_as_long_as_it_was_seen_to(
    pauses: list[tuple[float, int, int]], life_s: float
) -> None:
    caches = CacheLives()
    for pause in pauses:
        caches.paused("p/m", *pause)
    assert caches.life_s("p/m") == life_s
    assert caches.life_s("p/other") == CACHE_LIFE_S


def test_caches_of_models_without_end_do_not_fill_the_memory() -> None:
    caches = CacheLives()
    for number in range(MOST_MODELS + 1):
        caches.paused(f"p/{number}", 600.0, 1, 2)
    assert caches.life_s("p/0") == CACHE_LIFE_S
    assert caches.life_s("p/1") == caches.life_s(f"p/{MOST_MODELS}") == 600.0
