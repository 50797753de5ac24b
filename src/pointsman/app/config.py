"""What configuration does this file, with this environment, make?

Text becomes a tree with lines, references become values, the tree becomes settings, the settings
are checked against each other, and only if there is no problem at all a `Configuration` is built.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote, urlsplit

from pointsman.adapters.http.bounds import EdgeLimits
from pointsman.adapters.providers.presets import PRESETS
from pointsman.adapters.providers.simulated.personas import Persona
from pointsman.app.additions import (
    Additions,
    ids_of,
    no_additions,
    said_twice,
    where_added,
    with_additions,
)
from pointsman.app.advice import advice
from pointsman.app.alerting import alert_plan
from pointsman.app.checks import SIMULATED, check, digest, quirks_of
from pointsman.app.configuration import (
    Configuration,
    KeySettings,
    ProviderSettings,
    ServerSettings,
    canonical,
    version_of,
)
from pointsman.app.defaults import standin
from pointsman.app.keeping import store_settings
from pointsman.app.knowledge import known_model, simulated_model
from pointsman.app.mistakes import Findings, settings_of
from pointsman.app.origins import origins
from pointsman.app.planning import expectations_of
from pointsman.app.secrets import MASK, MIN_SCRUBBED_CHARS, Expansion, Secret
from pointsman.app.settings import AgentEntry, Settings
from pointsman.app.standing_plan import plan_advice, planned
from pointsman.app.telemetry import telemetry_settings
from pointsman.app.telling_whom import secrets_of, telling_of
from pointsman.app.upstreams import ProviderEntry
from pointsman.app.yamltree import MAX_CHARS, Tree, read_tree
from pointsman.core.admission import BreakerPolicy
from pointsman.core.decision import Strategy
from pointsman.core.errors import ConfigError, Problem
from pointsman.core.exploration import ExplorationPolicy
from pointsman.core.fleet import DEFAULT_AGENT, Agent, AgentKind, AgentStatus, Fleet, Model, Weights
from pointsman.engine.policy import Policy, RetryPolicy, Scoring, Timeouts

_SECRET_NAME = re.compile("key|token|secret|sig|auth|pass|code", re.IGNORECASE)

__all__ = ["Configuration", "EdgeLimits", "KeySettings", "ProviderSettings", "ServerSettings"]
__all__ += ["load", "parse"]


def load(
    path: Path | None,
    environ: Mapping[str, str],
    added: Callable[[Path], Additions] = no_additions,
) -> Configuration:
    """The configuration in the file, or what stands in when `path` is None or the file empty.

    `added` says what was added to it through the API, given the folder where data is kept. Raises
    `ConfigError` with every problem found, never anything else.
    """
    if path is None:
        return parse("", environ, added=added)
    try:
        with path.open("rb") as stream:
            content = stream.read(4 * MAX_CHARS + 1)
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problem = Problem("(file)", "the file is not UTF-8 text", "save it as UTF-8")
        raise ConfigError([problem], str(path)) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "this is no path"
        remedy = "check the path and its permissions; `pointsman init` writes a first file"
        problem = Problem("(file)", f"the file cannot be read: {reason}", remedy)
        raise ConfigError([problem], str(path)) from error
    return parse(text, environ, path=path, added=added)


def parse(
    text: str,
    environ: Mapping[str, str],
    *,
    path: Path | None = None,
    added: Callable[[Path], Additions] = no_additions,
) -> Configuration:
    """The configuration in the text. `path` is where it stood; relative paths start in its folder.

    `added` is as for `load`. Raises `ConfigError` with every problem found, never anything else.
    """
    base = path.parent if path else Path()
    expansion = Expansion(environ, base)
    tree = read_tree(text, expansion)
    source = str(path) if path else "configuration"
    value, problems = tree.value or {}, list(tree.problems)
    spare: Mapping[str, object] = {}
    if not problems and isinstance(value, dict) and _declares_nothing(value):
        origin, spare_text = standin(environ)
        built_in = read_tree(spare_text, expansion)
        # Its lines are in no file that anyone could open.
        problems += [replace(problem, line=None) for problem in built_in.problems]
        source = f"{source} over {origin}" if value or path else origin
        declared = _declared(value)
        spare = {k: v for k, v in _mapping(built_in.value).items() if k not in declared}
        value = _over(_mapping(built_in.value), value)
    written = ids_of(value)
    additions = added(_data_dir(_named_data_dir(value), environ, base))
    whole = with_additions(Tree(value, tree.lines, tree.raw, tuple(problems)), additions)
    findings = Findings(whole)
    settings = settings_of(whole.value, findings)
    check(settings, findings)
    plan = settings.assignment.plan
    standing = planned(base, plan, findings)
    if findings.problems:
        told = where_added(findings.problems, additions)
        raise ConfigError(sorted(told, key=lambda problem: problem.line or 0), source)
    watched = ([path] if path else []) + expansion.files + ([base / plan] if plan else [])
    built = _built(settings, environ, base=base, source=source, watched=watched, standing=standing)
    return replace(
        built,
        stands_in=bool(spare),
        origins=origins(built.redacted, tree, environ, spare=spare, added=additions),
        additions=additions,
        written=MappingProxyType(written),
        warnings=(*built.warnings, *said_twice(written, additions)),
    )


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _declared(value: Mapping[str, object]) -> dict[str, object]:
    return {key: inner for key, inner in value.items() if inner not in (None, {})}


def _over(spare: Mapping[str, object], value: Mapping[str, object]) -> dict[str, object]:
    """What the file says, with what stands in where it says nothing."""
    declared = _declared(value)
    silent = {key: inner for key, inner in value.items() if key not in {*spare, *declared}}
    return {**spare, **silent, **declared}


def _declares_nothing(value: Mapping[str, object]) -> bool:
    return not _declared(value).keys() & {"providers", "models"}


def _built(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    base: Path,
    source: str,
    watched: Iterable[Path],
    standing: Mapping[str, str],
) -> Configuration:
    models, personas = _models(settings)
    agents = [_agent(agent_id, entry) for agent_id, entry in settings.agents.items()]
    policy = _policy(settings)
    providers = _providers(settings, policy.timeouts, personas)
    keys = tuple(_keys(settings))
    limits = EdgeLimits(**settings.limits.model_dump())
    data_dir = _data_dir(settings.server.data_dir, environ, base)
    server = settings.server.model_dump(exclude={"data_dir"})
    duties = {name: (entry.load, entry.assignment) for name, entry in settings.agents.items()}
    expectations = expectations_of(duties, settings.assignment, standing)
    telemetry = telemetry_settings(settings.telemetry)
    store = store_settings(settings.store)
    ours = (policy, server, store, limits, expectations, telemetry, settings.alerts.model_dump())
    version = _version(agents, models, settings.aliases, providers, keys, *ours)
    fleet = Fleet(agents, models, version)
    said = advice(settings, providers, models, agents)
    return Configuration(
        version=version,
        fleet=fleet,
        aliases=MappingProxyType(dict(settings.aliases)),
        providers=MappingProxyType(providers),
        keys=keys,
        policy=policy,
        server=ServerSettings(**server, data_dir=data_dir),
        store=store,
        limits=limits,
        telemetry=telemetry,
        source=source,
        watched=tuple(dict.fromkeys(watched)),
        secrets=_secrets(settings),
        warnings=(*said, *plan_advice(fleet, expectations)),
        redacted=MappingProxyType(_redacted(settings, data_dir)),
        expectations=expectations,
        telling=telling_of(settings.alerts.channels, settings.alerts.routes),
        alerts=alert_plan(settings.alerts),
    )


def _version(agents: Iterable[Agent], models: Iterable[Model], *others: object) -> str:
    """Neither where facts come from nor where data is kept changes what a replica does."""
    by_id = {agent.id: agent for agent in agents}
    facts = {model.id: _without_sources(model) for model in models}
    return version_of(by_id, facts, *others)


def _without_sources(model: Model) -> dict[str, Any]:
    return {name: fact for name, fact in canonical(model).items() if name != "sources"}


def _models(settings: Settings) -> tuple[list[Model], dict[str, dict[str, Persona]]]:
    """All models, and per simulated provider the personas by upstream name."""
    models: list[Model] = []
    personas: dict[str, dict[str, Persona]] = {}
    for model_id, entry in settings.models.items():
        provider = settings.providers[model_id.partition("/")[0]]
        if provider.type == SIMULATED:
            model, persona = simulated_model(model_id, entry)
            personas.setdefault(model.provider, {})[persona.name] = persona
        else:
            model = known_model(model_id, entry, provider)
        models.append(model)
    return models, personas


def _providers(
    settings: Settings, timeouts: Timeouts, personas: Mapping[str, Mapping[str, Persona]]
) -> dict[str, ProviderSettings]:
    providers = {}
    for name, entry in settings.providers.items():
        own = entry.timeouts.model_dump(exclude_none=True)
        general = {part: getattr(timeouts, part) for part in type(entry.timeouts).model_fields}
        address = entry.base_url or PRESETS[entry.type].base_url
        providers[name] = ProviderSettings(
            name=name,
            type=entry.type,
            base_url=address.rstrip("/") if address else None,
            api_key=entry.api_key,
            headers=MappingProxyType(dict(entry.headers)),
            quirks=quirks_of(entry),
            timeouts=Timeouts(**{**general, **own}),
            seed=entry.seed,
            personas=MappingProxyType(dict(personas.get(name, {}))),
            trust_env=entry.trust_env,
        )
    return providers


def _agent(agent_id: str, entry: AgentEntry) -> Agent:
    return Agent(
        id=agent_id,
        name=entry.name or agent_id,
        kind=AgentKind(entry.kind),
        status=AgentStatus(entry.status),
        requires=tuple(entry.requires),
        prefers=tuple(entry.prefers),
        min_context=entry.min_context,
        task_types=tuple(entry.task_types),
        allow=frozenset(entry.allow),
        deny=frozenset(entry.deny),
        pinned=entry.pinned,
        weights=Weights(**entry.weights.model_dump()) if entry.weights else None,
        latency_budget_s=entry.latency_budget_s,
        explore=entry.explore,
        infer_type=_infers_type(agent_id, entry),
    )


def _infers_type(agent_id: str, entry: AgentEntry) -> bool:
    if entry.infer_task_type is not None:
        return entry.infer_task_type
    return agent_id == DEFAULT_AGENT and not entry.task_types


def _keys(settings: Settings) -> Iterable[KeySettings]:
    for entry in settings.keys:
        # The check has seen to it that there is one.
        yield KeySettings(entry.name, digest(entry) or "", entry.role, tuple(entry.agents))


def _policy(settings: Settings) -> Policy:
    routing, otlp = settings.routing, settings.telemetry.otlp
    return Policy(
        traced=None if otlp.endpoint is None else otlp.sample,
        strategy=Strategy(routing.strategy),
        scoring=Scoring(routing.scoring),
        exploration=ExplorationPolicy(share=routing.exploration),
        band=routing.band,
        timeouts=Timeouts(**routing.timeouts.model_dump()),
        retry=RetryPolicy(
            max_attempts=routing.max_attempts,
            per_model=routing.attempts_per_model,
            short_wait_s=routing.short_wait_s,
            backoff_s=routing.backoff_s,
            budget_ratio=routing.retry_budget_ratio,
            budget_floor=routing.retry_budget_floor,
        ),
        breaker=BreakerPolicy(**routing.breaker.model_dump()),
    )


def _named_data_dir(value: object) -> str | None:
    """The folder that a document names, which need not be without mistakes."""
    named = _mapping(_mapping(value).get("server")).get("data_dir")
    return named if isinstance(named, str) else None


def _data_dir(data_dir: str | None, environ: Mapping[str, str], base: Path) -> Path:
    home = Path(environ.get("HOME") or "/")
    if data_dir is None:
        named = environ.get("XDG_DATA_HOME", "")
        # The XDG specification: a relative path is invalid and to be ignored.
        shared = Path(named) if named.startswith("/") else home / ".local" / "share"
        return shared / "pointsman"
    if data_dir.startswith("~/"):
        return home / data_dir[2:]
    return base / data_dir


def _secrets(settings: Settings) -> frozenset[str]:
    """What logs must not show. The callers' keys are not among them: they are not kept."""
    held: list[Secret | None] = []
    for provider in settings.providers.values():
        held += [provider.api_key, *provider.headers.values()]
    held += secrets_of(settings.alerts.channels)
    values = [secret.reveal() for secret in held if secret]
    values += _secrets_of_store(settings)
    values += [v for p in settings.providers.values() for v in _secret_queries(p).values()]
    return frozenset(value for value in values if len(value) >= MIN_SCRUBBED_CHARS)


def _secrets_of_store(settings: Settings) -> list[str]:
    """The whole URL, and the password in it, which a driver may quote alone."""
    if settings.store.url is None:
        return []
    url = settings.store.url.reveal()
    password = urlsplit(url).password or ""
    return [url, password, unquote(password)]


def _redacted(settings: Settings, data_dir: Path) -> dict[str, Any]:
    """The effective file with every default filled in and every secret masked."""
    effective = settings.model_dump(exclude_none=True)
    masked = {name: _masked(section) for name, section in effective.items()}
    masked["server"]["data_dir"] = str(data_dir.absolute())
    for entry in masked["keys"]:
        entry.update({name: MASK for name in ("key", "sha256") if name in entry})
    for name, provider in settings.providers.items():
        for query in _secret_queries(provider):
            masked["providers"][name]["quirks"]["query"][query] = MASK
    return masked


def _secret_queries(provider: ProviderEntry) -> Mapping[str, str]:
    """The query parameters whose names say that they are secret."""
    queries = provider.quirks.query or {}
    return {name: value for name, value in queries.items() if _SECRET_NAME.search(name)}


def _masked(value: object) -> Any:
    if isinstance(value, Secret):
        return MASK
    if isinstance(value, dict):
        return {str(canonical(key)): _masked(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner) for inner in value]
    return canonical(value)
