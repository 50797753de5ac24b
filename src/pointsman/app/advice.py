"""What is allowed, but probably not what the operator meant?

Advice never stops the gateway; each sentence says what will happen and how to change it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from pointsman.adapters.http.app import is_loopback
from pointsman.app.configuration import ProviderSettings
from pointsman.app.mistakes import MAX_LISTED, nearest
from pointsman.app.secrets import Secret
from pointsman.app.settings import Settings
from pointsman.core.fleet import WELL_KNOWN_CAPABILITIES, Agent, Model, PriceState
from pointsman.core.secret_shapes import SECRET_HEADER


def advice(
    settings: Settings,
    providers: Mapping[str, ProviderSettings],
    models: Iterable[Model],
    agents: Iterable[Agent],
) -> tuple[str, ...]:
    """Everything worth a word, in sentences."""
    models, agents = tuple(models), tuple(agents)
    return (
        *_plain_secrets(settings),
        *_unencrypted_keys(providers),
        *_idle_providers(providers, models),
        *_unserved_agents(agents, models),
        *_unheard_wishes(settings),
        *_unknown_facts(models),
        *_unreachable_channels(settings),
    )


def _plain_secrets(settings: Settings) -> Iterator[str]:
    found: dict[str, Secret | None] = {}
    for name, provider in settings.providers.items():
        found[f"providers.{name}.api_key"] = provider.api_key
        for header, value in provider.headers.items():
            if SECRET_HEADER.search(header):
                found[f"providers.{name}.headers.{header}"] = value
    for i, entry in enumerate(settings.keys):
        found[f"keys[{i}].key"] = entry.key
    for place, secret in found.items():
        if secret is not None and secret.origin == "literal":
            yield f"{place} stands in plain text in the file: use ${{NAME}} or file:/path"


def _unencrypted_keys(providers: Mapping[str, ProviderSettings]) -> Iterator[str]:
    for name, provider in providers.items():
        parts = urlsplit(provider.base_url or "")
        if provider.api_key and parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            yield f"providers.{name}: the key travels unencrypted; use an https:// address"


def _unreachable_channels(settings: Settings) -> Iterator[str]:
    for name, channel in settings.alerts.channels.items():
        host = (urlsplit(channel.url.reveal()).hostname or "") if channel.url else ""
        if _is_at_home(host) and not channel.allow_private:
            yield (
                f"alerts.channels.{name}: nothing is sent to an address that is not a public one; "
                "where it is meant, set `allow_private: true`"
            )


def _is_at_home(host: str) -> bool:
    """Whether the name alone shows that it is this machine or a private network."""
    try:
        return not ip_address(host).is_global
    except ValueError:
        return is_loopback(host)


def _idle_providers(
    providers: Mapping[str, ProviderSettings], models: tuple[Model, ...]
) -> Iterator[str]:
    used = {model.provider for model in models}
    for name in providers:
        if name not in used:
            yield f"providers.{name} has no models: declare some as `{name}/<name>` under models"


def _unserved_agents(agents: tuple[Agent, ...], models: tuple[Model, ...]) -> Iterator[str]:
    held = {capability for model in models for capability in model.strengths}
    known = sorted(held.union(WELL_KNOWN_CAPABILITIES))
    for agent in agents:
        unknown = [name for name in (*agent.requires, *agent.prefers) if name not in known]
        for name in unknown:
            hint = nearest(name, known)
            yield f"agents.{agent.id}: no model has the capability `{name}`; {hint}"
        able = [model for model in models if _could_serve(agent, model)]
        if not unknown and not able:
            yield (
                f"agents.{agent.id}: no model has all it requires within its allow and deny; its "
                "requests will be refused"
            )
        if able and not any(_holds(model, agent.min_context) for model in able):
            yield (
                f"agents.{agent.id}: no model that it may use holds {agent.min_context} tokens "
                "(min_context); no plan gives it one, and its requests get what fits them best"
            )


def _unheard_wishes(settings: Settings) -> Iterator[str]:
    """What only the profile `posterior` looks at."""
    scoring = settings.routing.scoring
    if scoring == "posterior":
        return
    wishes = {
        f"agents.{agent_id}.{name}"
        for agent_id, agent in settings.agents.items()
        for name in ("weights", "latency_budget_s")
        if getattr(agent, name) is not None
    }
    if "exploration" in settings.routing.model_fields_set and settings.routing.exploration:
        wishes.add("routing.exploration")
    for place in sorted(wishes):
        yield f"{place} has no effect with routing.scoring: {scoring}"


def _could_serve(agent: Agent, model: Model) -> bool:
    permitted = model.id not in agent.deny and (not agent.allow or model.id in agent.allow)
    capable = not model.profiled or all(name in model.strengths for name in agent.requires)
    return permitted and capable


def _holds(model: Model, tokens: int) -> bool:
    return model.context_window is None or model.context_window >= tokens


def _unknown_facts(models: tuple[Model, ...]) -> Iterator[str]:
    unpriced = [model.id for model in models if model.price.state is PriceState.UNKNOWN]
    if unpriced:
        yield f"the price is unknown of {_listed(unpriced)}: set `price` to count their cost"
    assumed = [model.id for model in models if not model.profiled]
    if assumed:
        yield f"the strengths are unknown of {_listed(assumed)}: set `capabilities`"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return ", ".join(names[:MAX_LISTED]) + more
