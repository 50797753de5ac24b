"""Do the parts of the configuration fit together?

Each check looks at one relation that a single value cannot break. What was faulty in itself has
been reported and cut out before (`mistakes.py`), so a check passes over what is not there.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from pointsman.adapters.http.app import is_loopback
from pointsman.adapters.providers.http_heads import FRAMING, address_of
from pointsman.adapters.providers.presets import PRESETS, Quirks
from pointsman.adapters.providers.transport import environment_proxy
from pointsman.adapters.telemetry import is_installed
from pointsman.app.alerting import RuleEntry, group_problems, rule_problems
from pointsman.app.channel_checks import check_channels
from pointsman.app.knowledge import upstream_name
from pointsman.app.mistakes import Findings, nearest
from pointsman.app.secrets import Secret
from pointsman.app.settings import AgentEntry, KeyEntry, Settings
from pointsman.app.storing import SERVERS, server_of
from pointsman.app.telemetry import COLLECTOR_ADDRESS
from pointsman.app.upstreams import ProviderEntry, QuirkOverrides
from pointsman.app.yamltree import Path
from pointsman.core.fleet import DEFAULT_AGENT, WEIGHTS_TOLERANCE
from pointsman.core.naming import AGENT_PREFIX, AUTO, STRATEGY_NAMES
from pointsman.core.told_apart import OTHER

SIMULATED = "simulated"
MIN_KEY_CHARS = 16

RESERVED_PROVIDERS = frozenset({"agent", "auto"})
"""Words that begin other names in a request's `model` field."""

_FOLDER = "this id means a folder wherever it stands in an address"
_OTHERS = "statistics call by this id all who are too many to be told apart"
RESERVED_AGENTS = {".": _FOLDER, "..": _FOLDER, OTHER: _OTHERS}
"""Agent ids that mean something else, and what. Others, such as `auto` and `a/b`, harm nothing."""


def check(settings: Settings, findings: Findings) -> None:
    """Report everything that does not fit."""
    for name, provider in settings.providers.items():
        _check_provider(name, provider, settings, findings)
    for model_id in settings.models:
        _check_model(model_id, settings, findings)
    for alias, target in settings.aliases.items():
        _check_alias(alias, target, settings, findings)
    for agent_id, agent in settings.agents.items():
        _check_agent(agent_id, agent, settings, findings)
    _check_assignment(settings, findings)
    _check_personas(settings, findings)
    _check_keys(settings, findings)
    _check_exposure(settings, findings)
    _check_telemetry(settings, findings)
    _check_store(settings, findings)
    _check_redaction(settings, findings)
    check_channels(settings.alerts.channels, settings.alerts.routes, findings)
    _check_alerts(settings, findings)


def _check_redaction(settings: Settings, findings: Findings) -> None:
    for place, expression in enumerate(settings.store.redact):
        path = ("store", "redact", place)
        try:
            matches_nothing = re.compile(expression).search("") is not None
        except (re.error, RecursionError, OverflowError) as error:
            remedy = "write it as Python's `re` reads it; in YAML, single quotes keep backslashes"
            findings.add(path, f"{expression!r} is no regular expression: {error}", remedy)
            continue
        if matches_nothing:
            words = f"{expression!r} matches the empty text, so it does not say what is secret"
            findings.add(path, words, "let it match one character at least")


def _check_store(settings: Settings, findings: Findings) -> None:
    """The URL holds a password, so it is not shown."""
    url, path = settings.store.url, ("store", "url")
    if url is None:
        return
    words, form = "this is no address of a database", SERVERS[0].form
    try:
        server = server_of(url.reveal())
        form = server.form
        server.address(url.reveal())
    except ValueError as error:
        findings.add(path, f"{words}: {error}", f"write it as {form}")
        return
    if find_spec(server.driver) is None:
        words = f"keeping decisions in {server.name} takes {server.driver}, which is not installed"
        findings.add(path, words, server.remedy)


def check_rules(entries: Mapping[str, RuleEntry], findings: Findings) -> None:
    """Report what is wrong with rules; what was cut out before is not missed."""
    for path, problem in rule_problems(entries):
        is_name = len(path) <= len(("alerts", "rules", "name"))
        if is_name or not findings.knows_within(path):
            findings.add(path, problem.message, problem.remedy, shown=not is_name)


def _check_alerts(settings: Settings, findings: Findings) -> None:
    """The rules, what is told together, and that budgets are of agents that there are."""
    check_rules(settings.alerts.rules, findings)
    for path, problem in group_problems(settings.alerts.group):
        findings.add(path, problem.message, problem.remedy)
    for place, budget in enumerate(settings.alerts.budgets):
        if budget.agent is not None and budget.agent not in settings.agents:
            words = f"agent `{budget.agent}` is not declared"
            remedy = nearest(budget.agent, settings.agents)
            findings.add(("alerts", "budgets", place, "agent"), words, remedy)


def _check_telemetry(settings: Settings, findings: Findings) -> None:
    """The address of a collector may hold a password in the wrong place, so it is not shown."""
    endpoint, path = settings.telemetry.otlp.endpoint, ("telemetry", "otlp", "endpoint")
    if endpoint is None:
        return
    if not COLLECTOR_ADDRESS.fullmatch(endpoint):
        remedy = "write one such as http://127.0.0.1:4318, without user, query or fragment"
        findings.add(path, "this is no address of a collector", remedy, shown=False)
    if not is_installed():
        words = "sending telemetry takes OpenTelemetry's SDK, which is not installed"
        findings.add(path, words, "pip install 'pointsman[otel]'", shown=False)


def quirks_of(provider: ProviderEntry) -> Quirks:
    """The quirks of the provider's type with the operator's over them. Raises `ValueError`."""
    return dataclasses.replace(PRESETS[provider.type].quirks, **_overrides(provider.quirks))


def _overrides(quirks: QuirkOverrides) -> Mapping[str, Any]:
    given = quirks.model_dump(exclude_unset=True)
    words_for_none = {"models_path": "none", "max_tokens_field": "both", "affinity_header": "none"}
    for name, word in words_for_none.items():
        if given.get(name) == word:
            given[name] = None
    if "query" in given:
        given["query"] = tuple(given["query"].items())
    if "drop_fields" in given:
        given["drop_fields"] = tuple(given["drop_fields"])
    return given


def _check_provider(
    name: str, provider: ProviderEntry, settings: Settings, findings: Findings
) -> None:
    path: Path = ("providers", name)
    if name in RESERVED_PROVIDERS:
        words = "requests use this word for something else"
        findings.add(path, words, "choose another name", shown=False)
    if provider.type not in PRESETS:
        remedy = nearest(provider.type, PRESETS)
        findings.add((*path, "type"), "there is no such type of provider", remedy)
        return
    _check_kind(path, provider, findings)
    for header in provider.headers:
        if header.lower() in {*FRAMING, "host"}:
            words = "the connection itself decides about this header"
            findings.add((*path, "headers", header), words, "remove it")
    try:
        quirks = quirks_of(provider)
    except ValueError as error:
        findings.add((*path, "quirks"), str(error), "change one of them")
        return
    _check_address(path, provider, settings, findings)
    _check_credentials(path, provider, quirks, findings)


_OF_ADDRESSES = ("base_url", "api_key", "headers", "quirks", "trust_env")


def _check_kind(path: Path, provider: ProviderEntry, findings: Findings) -> None:
    """What would have no effect on this kind of provider is a mistake, not decoration."""
    simulated = provider.type == SIMULATED
    without_effect = _OF_ADDRESSES if simulated else ("seed",)
    for name in without_effect:
        if name in provider.model_fields_set:
            kind = "a simulated provider" if simulated else "a provider that is not simulated"
            findings.add((*path, name), f"{kind} has no {name}", "remove it", shown=False)


def _check_address(
    path: Path, provider: ProviderEntry, settings: Settings, findings: Findings
) -> None:
    if provider.type == SIMULATED:
        return
    place = (*path, "base_url")
    address = provider.base_url or PRESETS[provider.type].base_url
    if address is None:
        words = f"a provider of type {provider.type} needs its address"
        findings.add_unless_known(place, words, PRESETS[provider.type].note)
        return
    if fault := address_fault(address):
        # The value is not shown: it may hold a password.
        findings.add(place, fault, "write it as https://host/path", shown=False)
        return
    parts = urlsplit(address)
    if is_loopback(parts.hostname or "") and parts.port == settings.server.port:
        remedy = "change server.port, or the address"
        findings.add(place, "this is the address of the gateway itself", remedy, shown=False)
    _check_proxy(path, provider, address, findings)


def _check_proxy(path: Path, provider: ProviderEntry, address: str, findings: Findings) -> None:
    if not provider.trust_env:
        return
    try:
        environment_proxy(address_of(address))
    except ValueError as fault:
        # Nor is the proxy's address: it may hold one, too.
        words = f"the proxy that the environment names for it cannot be used: {fault}"
        remedy = "write it as http://host:port, or name the host in no_proxy"
        findings.add((*path, "trust_env"), words, remedy, shown=False)


def address_fault(address: str) -> str:
    """What keeps the text from being the address of an upstream; '' when nothing does."""
    try:
        parts = urlsplit(address)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return "this is not a URL"
    if not address.isascii() or not address.isprintable() or " " in address:
        return "a URL holds no spaces and only ASCII"
    if not address.startswith(("http://", "https://")) or not host:
        return "the address must begin with http:// or https:// and name a host"
    if parts.username is not None or parts.password is not None:
        return "the address holds credentials: give them as api_key or headers"
    if "?" in address or "#" in address:
        return "the address holds a query or a fragment: give queries as quirks.query"
    try:
        address_of(address)
    except ValueError as error:
        return str(error)
    return ""


def _check_credentials(
    path: Path, provider: ProviderEntry, quirks: Quirks, findings: Findings
) -> None:
    place = (*path, "api_key")
    needed = PRESETS[provider.type].needs_key and quirks.auth != "none"
    if needed and provider.api_key is None:
        variable = f"{provider.type.upper()}_API_KEY"
        words = f"a provider of type {provider.type} needs a key"
        remedy = f"add `api_key: ${{{variable}}}`, or `api_key: file:/path`"
        findings.add_unless_known(place, words, remedy)


def _check_model(model_id: str, settings: Settings, findings: Findings) -> None:
    path: Path = ("models", model_id)
    if not model_id.isprintable():
        findings.add(path, "the id holds characters that do not show", "retype it", shown=False)
    name = model_id.partition("/")[0]
    provider = settings.providers.get(name)
    if provider is None:
        if not findings.wrote(("providers", name)):
            words = f"the provider `{name}` is not declared"
            findings.add(path, words, nearest(name, settings.providers), shown=False)
        return
    if settings.models[model_id].simulate is not None and provider.type != SIMULATED:
        words = f"the provider `{name}` is not simulated"
        findings.add((*path, "simulate"), words, "remove this section")


def _check_personas(settings: Settings, findings: Findings) -> None:
    """Two models of a simulated provider cannot be played by one persona."""
    first: dict[tuple[str, str], str] = {}
    for model_id, entry in settings.models.items():
        name = model_id.partition("/")[0]
        provider = settings.providers.get(name)
        if provider is None or provider.type != SIMULATED:
            continue
        other = first.setdefault((name, upstream_name(model_id, entry)), model_id)
        if other != model_id:
            words = f"`{other}` is simulated under the same upstream name"
            findings.add(("models", model_id), words, "give it another upstream_name", shown=False)


def _check_alias(alias: str, target: str, settings: Settings, findings: Findings) -> None:
    path: Path = ("aliases", alias)
    if not alias.isprintable():
        findings.add(path, "the name holds characters that do not show", "retype it", shown=False)
    if alias in settings.models or alias == AUTO or alias.startswith((f"{AUTO}:", AGENT_PREFIX)):
        words = "this name has a meaning of its own already"
        findings.add(path, words, "choose another name for the alias", shown=False)
    agents = [AGENT_PREFIX + agent_id for agent_id in (*settings.agents, DEFAULT_AGENT)]
    known = [*settings.models, *agents, AUTO, *(f"{AUTO}:{name}" for name in STRATEGY_NAMES)]
    declared = target.startswith(AGENT_PREFIX) and ("agents", target.removeprefix(AGENT_PREFIX))
    written = findings.wrote(declared or ("models", target))
    if target not in known and not written:
        findings.add(path, f"`{target}` means nothing here", nearest(target, known))


def _check_agent(agent_id: str, agent: AgentEntry, settings: Settings, findings: Findings) -> None:
    path: Path = ("agents", agent_id)
    if not agent_id.isprintable():
        findings.add(path, "the id holds characters that do not show", "retype it", shown=False)
    if agent_id in RESERVED_AGENTS:
        findings.add(path, RESERVED_AGENTS[agent_id], "rename it")
    places = [((*path, "allow", i), model) for i, model in enumerate(agent.allow)]
    places += [((*path, "deny", i), model) for i, model in enumerate(agent.deny)]
    places += [((*path, "pinned"), agent.pinned)] if agent.pinned else []
    for place, model_id in places:
        if model_id not in settings.models and not findings.wrote(("models", model_id)):
            remedy = nearest(model_id, settings.models)
            findings.add(place, "this model is not declared", remedy)
    _check_weights((*path, "weights"), agent, findings)
    if agent.pinned and agent.pinned in agent.deny:
        findings.add((*path, "pinned"), "the pinned model is denied", "change pinned or deny")
    if agent.pinned and agent.allow and agent.pinned not in agent.allow:
        findings.add((*path, "pinned"), "the pinned model is not allowed", "add it to allow")


def _check_weights(path: Path, agent: AgentEntry, findings: Findings) -> None:
    if agent.weights is None or findings.knows_within(path):
        return
    total = agent.weights.quality + agent.weights.latency + agent.weights.cost
    if abs(total - 1.0) > WEIGHTS_TOLERANCE:
        words = f"quality, latency and cost sum to {total:g}, not to 1"
        remedy = "share 1 among them, as in {quality: 0.6, latency: 0.25, cost: 0.15}"
        findings.add(path, words, remedy, shown=False)


def _check_assignment(settings: Settings, findings: Findings) -> None:
    """Every name that the section mentions is declared."""
    rules, top = settings.assignment, ("assignment",)
    names: list[tuple[Path, str, str]] = [
        *(((*top, "provider_shares", name), "providers", name) for name in rules.provider_shares),
        *(((*top, "exclusive", i), "models", name) for i, name in enumerate(rules.exclusive)),
        *(
            ((*top, "apart", i, "agents", j), "agents", name)
            for i, group in enumerate(rules.apart)
            for j, name in enumerate(group.agents)
        ),
    ]
    if rules.plan is not None and rules.mode != "off":
        words = "a plan is named, so what the file says is in force and nothing else is"
        findings.add((*top, "mode"), words, "remove `plan`, or set the mode to off")
    for place, section, name in names:
        known = getattr(settings, section)
        if name not in known and not findings.wrote((section, name)):
            words = f"the {section.removesuffix('s')} `{name}` is not declared"
            findings.add(place, words, nearest(name, known), shown=False)


def digest(entry: KeyEntry) -> str | None:
    """The SHA-256 of the entry's key in lower-case hexadecimal; None when it has none."""
    if entry.key is not None:
        return entry.key.sha256
    return entry.sha256.lower() if entry.sha256 else None


def _check_keys(settings: Settings, findings: Findings) -> None:
    first_by_digest: dict[str, str] = {}
    first_by_name: dict[str, int] = {}
    for i, entry in enumerate(settings.keys):
        path: Path = ("keys", i)
        if entry.name in first_by_name:
            words = f"keys[{first_by_name[entry.name]}] has the same name"
            findings.add((*path, "name"), words, "give every key a name of its own")
        first_by_name.setdefault(entry.name, i)
        value = digest(entry)
        if value is None and not findings.knows((*path, "key")):
            findings.add(path, "there is neither key nor sha256", "run `pointsman keys new`")
        if value in first_by_digest:
            words = f"the key `{first_by_digest[value]}` is the same"
            findings.add(path, words, "give every caller a key of its own", shown=False)
        if value is not None:
            first_by_digest.setdefault(value, entry.name)
        _check_key(path, entry, settings, findings)


def _check_key(path: Path, entry: KeyEntry, settings: Settings, findings: Findings) -> None:
    if isinstance(entry.key, Secret) and len(entry.key.reveal()) < MIN_KEY_CHARS:
        words = f"the key is shorter than {MIN_KEY_CHARS} characters"
        findings.add((*path, "key"), words, "run `pointsman keys new`")
    for i, agent_id in enumerate(entry.agents):
        known = [*settings.agents, DEFAULT_AGENT]
        if agent_id not in known and not findings.wrote(("agents", agent_id)):
            remedy = nearest(agent_id, known)
            findings.add((*path, "agents", i), "this agent is not declared", remedy)


def _check_exposure(settings: Settings, findings: Findings) -> None:
    if settings.keys or findings.wrote(("keys", 0)) or is_loopback(settings.server.host):
        return
    findings.add(
        ("server", "host"),
        "others can reach this address, and no keys are declared",
        "add keys (run `pointsman keys new`), or listen on 127.0.0.1",
    )
