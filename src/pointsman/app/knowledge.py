"""What is known of each configured model, and from where?

An operator's word stands over the catalogue's, and a simulated model's persona over nothing. Every
field says where it comes from.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from pointsman.adapters.catalogue import describe
from pointsman.adapters.providers.simulated.personas import FLEET, Episode, Persona
from pointsman.app.upstreams import ModelEntry, PriceTable, ProviderEntry, Simulation
from pointsman.core.fleet import (
    FREE,
    UNKNOWN_PRICE,
    Model,
    Price,
    PriceState,
    Rate,
    Source,
)

CONFIGURED = Source("configuration", "")

_LIMITS = ("max_in_flight", "requests_per_min", "tokens_per_min")

_PERSONAS = MappingProxyType({persona.name: persona for persona in FLEET})


def upstream_name(model_id: str, entry: ModelEntry) -> str:
    """The provider's own name for the model: as configured, else the id after the first slash."""
    return entry.upstream_name or model_id.partition("/")[2]


def price_of(entry: ModelEntry) -> Price | None:
    """The price as configured, or None when nothing is said about it."""
    if not isinstance(entry.price, PriceTable):
        return {None: None, "free": FREE, "unknown": UNKNOWN_PRICE}[entry.price]
    table = entry.price
    return Price(
        PriceState.KNOWN,
        input=_rate(table.input_usd_per_mtok),
        output=_rate(table.output_usd_per_mtok),
        cached_input=_rate(table.cached_input_usd_per_mtok),
        cache_write=_rate(table.cache_write_usd_per_mtok),
        per_request_usd=_dollars(table.per_request_usd),
    )


def _dollars(amount: float) -> Decimal:
    # By way of the shortest decimal that reads back as this number: what the operator wrote.
    return Decimal(repr(amount))


def _rate(amount: float | None) -> Rate | None:
    return None if amount is None else Rate(_dollars(amount))


def known_model(model_id: str, entry: ModelEntry, provider: ProviderEntry) -> Model:
    """A model behind a real upstream, as the catalogue describes it and the operator says."""
    name = upstream_name(model_id, entry)
    facts = describe(provider.type, name, base_url=provider.base_url)
    model = Model(
        id=model_id,
        provider=model_id.partition("/")[0],
        upstream_name=name,
        display_name=facts.display_name,
        strengths=facts.strengths or {},
        profiled=facts.profiled,
        context_window=facts.context_window,
        max_output_tokens=facts.max_output_tokens,
        price=facts.price,
        sources=facts.sources,
    )
    return _as_configured(model, entry)


def simulated_model(model_id: str, entry: ModelEntry) -> tuple[Model, Persona]:
    """A model that is made up here, and the persona that plays it."""
    name = upstream_name(model_id, entry)
    persona = _persona(name, entry)
    model = replace(persona.model, id=model_id, provider=model_id.partition("/")[0])
    return _as_configured(model, entry), persona


def _as_configured(model: Model, entry: ModelEntry) -> Model:
    """The model with everything that the operator says put over what was known."""
    said: dict[str, Any] = {
        "display_name": entry.display_name,
        "strengths": entry.capabilities,
        "context_window": entry.context_window,
        "max_output_tokens": entry.max_output_tokens,
        "price": price_of(entry),
    }
    given = {name: value for name, value in said.items() if value is not None}
    if limits := {name: most for name in _LIMITS if (most := getattr(entry, name)) is not None}:
        given["limits"] = replace(model.limits, **limits)
    window = entry.context_window
    if window and not entry.max_output_tokens and (model.max_output_tokens or 0) > window:
        given["max_output_tokens"] = window
    sources = {**model.sources, **dict.fromkeys(given, CONFIGURED)}
    profiled = model.profiled or "strengths" in given
    return replace(model, **given, profiled=profiled, sources=MappingProxyType(sources))


def _persona(name: str, entry: ModelEntry) -> Persona:
    known = _PERSONAS.get(name) or Persona(name, strengths={"general": 0.5})
    simulation = entry.simulate or Simulation()
    pace = simulation.pace.model_dump(exclude_unset=True) if simulation.pace else {}
    drift = simulation.drift
    return Persona(
        name=name,
        display_name=entry.display_name or known.display_name,
        strengths=known.strengths if entry.capabilities is None else entry.capabilities,
        context_window=entry.context_window or known.context_window,
        max_output_tokens=entry.max_output_tokens or known.max_output_tokens,
        price=price_of(entry) or known.price,
        pace=replace(known.pace, **pace),
        failures=known.failures if simulation.failures is None else simulation.failures,
        drift=known.drift if drift is None else tuple(Episode(**e.model_dump()) for e in drift),
        max_in_flight=simulation.max_in_flight or known.max_in_flight,
    )
