"""What is known of a model by its provider and name alone?

Prices and context windows come from genai-prices (`prices.py`), capabilities and further windows
from our reviewed file (`profiles.py`). Where the two disagree about a window the smaller is kept: a
request turned away here goes to another model, one turned away upstream is a failed attempt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from pointsman.adapters.catalogue.prices import Listing, listing
from pointsman.adapters.catalogue.profiles import Profile, profile_of
from pointsman.core.fleet import Price, Source

ASSUMED: Mapping[str, float] = MappingProxyType({"general": 0.5})
"""The strengths of a model of which nothing is known."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the catalogue knows of one model; `sources` says for each field where it comes from.

    `strengths` maps capability → [0, 1]; without a profile (`profiled` False) it is an assumption.
    Windows are in tokens, None where unknown. `max_output_tokens` never exceeds `context_window`.
    """

    display_name: str
    strengths: Mapping[str, float] | None
    profiled: bool
    context_window: int | None
    max_output_tokens: int | None
    price: Price
    sources: Mapping[str, Source]


def describe(
    provider_type: str,
    upstream_name: str,
    *,
    base_url: str | None = None,
    at: datetime | None = None,
) -> Facts:
    """What is known of a model behind a provider of this type. Never raises, never goes online.

    `base_url` is the provider's configured address, if it is not the preset's; the prices of a
    public provider hold only at its own address. `at` is the moment for which prices are asked,
    by default now: some have a date from which they hold.
    """
    profile = profile_of(upstream_name)
    listed = listing(provider_type, upstream_name, base_url=base_url, at=at or datetime.now(UTC))
    name = Source(listed.origin) if listed.name else Source("the provider's own name")
    window, window_source = _window(profile, listed)
    sources = {"display_name": name, "price": Source(listed.words)}
    if window_source is not None:
        sources["context_window"] = window_source
    if profile is None:
        sources["strengths"] = Source("assumed: no profile fits this name")
    else:
        words = f"profile {profile.name}: {profile.basis}"
        sources["strengths"] = Source(words, profile.reviewed)
    output = profile.max_output_tokens if profile else None
    if output is not None:
        sources["max_output_tokens"] = sources["strengths"]
    return Facts(
        display_name=listed.name or upstream_name,
        strengths=profile.strengths if profile else ASSUMED,
        profiled=profile is not None,
        context_window=window,
        max_output_tokens=_smaller(output, window),
        price=listed.price,
        sources=sources,
    )


def _window(profile: Profile | None, listed: Listing) -> tuple[int | None, Source | None]:
    """The context window to go by, and its source with both figures where they disagree."""
    ours = profile.context_window if profile else None
    theirs = listed.context_window
    if profile is None or ours is None:
        return (theirs, Source(listed.origin)) if theirs else (None, None)
    if theirs is None or theirs == ours:
        return ours, Source(f"profile {profile.name}", profile.reviewed)
    words = (
        f"profile {profile.name} says {ours}, {listed.origin} says {theirs}: the smaller is kept"
    )
    return min(ours, theirs), Source(words, profile.reviewed)


def _smaller(output: int | None, window: int | None) -> int | None:
    return min(output, window) if output is not None and window is not None else output
