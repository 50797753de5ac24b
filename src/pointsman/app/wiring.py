"""How does a configuration become parts that fit together?

Here alone classes of all layers meet. What a configuration describes (`Setup`, keys) is made anew
for each version of it; what a process has once (store, ledger, load, health) is made once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random, SystemRandom
from typing import Any, NamedTuple

from pointsman.adapters.http.auth import Key, KeyRing, Role
from pointsman.adapters.providers.openai import OpenAIProvider
from pointsman.adapters.providers.presets import Endpoint
from pointsman.adapters.providers.simulated.provider import SimulatedProvider
from pointsman.adapters.stores.sqlite import SqliteStore
from pointsman.adapters.telemetry import Telemetry, Told
from pointsman.app.channels import channels_of
from pointsman.app.configuration import Configuration, ProviderSettings
from pointsman.app.standing_plan import posts_of
from pointsman.app.storing import Memory, alert_stores, memory_of
from pointsman.app.telemetry import telemetry_of
from pointsman.app.watching import Stores, Watching
from pointsman.core.exploration import Exploration
from pointsman.core.preview import Previews
from pointsman.engine.alert_gauges import Sources
from pointsman.engine.assignments import Assignments
from pointsman.engine.audit import Audit
from pointsman.engine.drains import Drains
from pointsman.engine.health import Health
from pointsman.engine.heard import Heard
from pointsman.engine.ledger import WriteBehindLedger
from pointsman.engine.load import Load
from pointsman.engine.notify import Deliverer
from pointsman.engine.ports import Aside, Clock, Provider
from pointsman.engine.recalling import Records
from pointsman.engine.registry import Registry, Setup
from pointsman.engine.scoring import CurrentScorer, new_scorer
from pointsman.engine.serve import Service
from pointsman.engine.statistics import LiveStatistics, Noted
from pointsman.engine.tally import Tally


class Wired(NamedTuple):
    """All parts of one process, not yet started."""

    clock: Clock
    random: Random
    scorer: CurrentScorer
    exploration: Exploration
    registry: Registry
    load: Load
    health: Health
    tally: Tally
    statistics: LiveStatistics
    store: Memory
    audit: Audit
    drains: Drains
    assignments: Assignments
    deliverer: Deliverer
    ledger: WriteBehindLedger
    telemetry: Telemetry | None
    service: Service
    watching: Watching
    beside: SqliteStore


def wired(configuration: Configuration, clock: Clock, aside: Aside) -> Wired:
    """Everything built, in order. Opens the store, so it may raise `StoreError`."""
    random = Random(SystemRandom().getrandbits(128))  # noqa: S311 - draws models, not secrets
    scorer = CurrentScorer(new_scorer(configuration.policy.scoring))
    exploration = Exploration(configuration.policy.exploration)
    load = Load(clock)
    health = Health(clock, configuration.policy.breaker)
    tally = Tally()
    statistics = LiveStatistics(clock)
    store = memory_of(configuration.store, configuration.server.data_dir)
    ledger = WriteBehindLedger(store, clock)
    telemetry = telemetry_of(configuration.telemetry, clock)
    heard = Heard()
    noted = Noted(ledger, statistics, heard)
    registry = Registry(setup_of(configuration, providers_of(configuration, clock)), scorer)
    audit = Audit(store.audit, clock, random)
    assignments = Assignments(store.assignments, registry, scorer, clock, random, aside)
    sources = Sources(registry, health, load, ledger, statistics)
    alerting = _alerting(configuration, store, sources, heard, clock, random)
    service = Service(
        registry,
        scorer=scorer,
        load=load,
        health=health,
        ledger=noted if telemetry is None else Told(noted, telemetry),
        tally=tally,
        clock=clock,
        random=random,
        exploration=exploration,
    )
    return Wired(
        clock=clock,
        random=random,
        scorer=scorer,
        exploration=exploration,
        registry=registry,
        load=load,
        health=health,
        tally=tally,
        statistics=statistics,
        store=store,
        audit=audit,
        drains=Drains(registry, audit),
        assignments=assignments,
        ledger=ledger,
        telemetry=telemetry,
        service=service,
        **alerting,
    )


def _alerting(
    configuration: Configuration,
    store: Memory,
    sources: Sources,
    heard: Heard,
    clock: Clock,
    random: Random,
) -> Any:
    """The parts that watch and tell: they share a file, since they share transactions."""
    alerts, outbox, beside, rota = alert_stores(store, configuration.server.data_dir)
    channels = channels_of(configuration.telling.channels, clock.now)
    deliverer = Deliverer(outbox, clock, random, channels)
    happened = Records(store, store.aggregates)
    keep_days = configuration.store.keep_alerts_days
    stores = Stores(alerts, happened, keep_days, store.audit, rota)
    watching = Watching(configuration.alerts, stores, sources, heard, clock, random)
    watching.tell_through(deliverer)
    return {"beside": beside, "deliverer": deliverer, "watching": watching}


def setup_of(configuration: Configuration, providers: Mapping[str, Provider]) -> Setup:
    """What the engine needs of a configuration."""
    return Setup(
        fleet=configuration.fleet,
        providers=providers,
        policy=configuration.policy,
        timeouts={name: each.timeouts for name, each in configuration.providers.items()},
        aliases=configuration.aliases,
        posts=posts_of(configuration.fleet, configuration.expectations),
        expectations=configuration.expectations,
        previews=_previews_of(configuration),
    )


def _previews_of(configuration: Configuration) -> Previews | None:
    """What makes previews of prompts; None, as a rule, where none are kept."""
    store = configuration.store
    if not store.prompt_preview_chars:
        return None
    return Previews(store.prompt_preview_chars, store.redact, configuration.secrets)


def providers_of(
    configuration: Configuration,
    clock: Clock,
    before: Configuration | None = None,
    running: Mapping[str, Provider] | None = None,
) -> dict[str, Provider]:
    """A provider for each that is configured; one whose settings are unchanged is kept running."""
    kept = {
        name: provider
        for name, provider in (running or {}).items()
        if before and before.providers.get(name) == configuration.providers.get(name)
    }
    return {
        name: kept.get(name) or provider_of(settings, clock)
        for name, settings in configuration.providers.items()
    }


def provider_of(settings: ProviderSettings, clock: Clock) -> Provider:
    return _MAKERS.get(settings.type, _openai)(settings, clock)


def _simulated(settings: ProviderSettings, clock: Clock) -> Provider:
    return SimulatedProvider(settings.personas, seed=settings.seed, clock=clock)


def _openai(settings: ProviderSettings, clock: Clock) -> Provider:
    endpoint = Endpoint(
        name=settings.name,
        base_url=settings.base_url or "",
        api_key=settings.api_key.reveal() if settings.api_key else None,
        quirks=settings.quirks,
        headers={name: value.reveal() for name, value in settings.headers.items()},
        trust_env=settings.trust_env,
    )
    return OpenAIProvider(endpoint, clock)


_MAKERS: Mapping[str, Callable[[ProviderSettings, Clock], Provider]] = {"simulated": _simulated}
"""Provider types that do not speak OpenAI's dialect over HTTP."""


def key_ring(configuration: Configuration) -> KeyRing:
    return KeyRing(
        Key(each.name, bytes.fromhex(each.sha256), Role(each.role), each.agents)
        for each in configuration.keys
    )
