"""What does a LiteLLM proxy's configuration look like as one of ours, and what cannot be carried?

Every group of deployments becomes an agent that may use exactly the group's models, and an alias
of the group's name leads to that agent, so that clients go on calling the names they know.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import yaml

from pointsman.app.litellm_account import Account, Note, Path
from pointsman.app.litellm_advice import advice
from pointsman.app.litellm_deployment import Deployment, Literal, ProviderDraft, Reader, plain, read
from pointsman.app.litellm_routing import key_section, routing_section
from pointsman.core.errors import ConfigError, Problem
from pointsman.core.fleet import DEFAULT_AGENT

__all__ = ["Imported", "Note", "convert"]

_SECTIONS = ("model_list", "router_settings", "litellm_settings", "general_settings")
_HEAD = (
    "# Written by `pointsman import litellm`. What could not be carried over stands in its notes.\n"
)
_REFERENCE = re.compile(r"(?<!\$)\$\{([A-Za-z_][A-Za-z0-9_]*)")
_UNFIT_FOR_IDS = re.compile(r"[\s${}]+")
_RESERVED_ALIAS = re.compile(r"auto(:|$)|agent/")


class Imported(NamedTuple):
    """The configuration as YAML, and notes on all that it does not carry over as it stood."""

    yaml_text: str
    notes: tuple[Note, ...]


def convert(text: str) -> Imported:
    """Our configuration for a LiteLLM proxy's `config.yaml`.

    No value that may be a secret is copied, neither into the configuration nor into a note. Raises
    `ConfigError` where the text is no YAML or no configuration of LiteLLM's.
    """
    account = Account(_document(text))
    deployments = list(_deployments(account))
    fleet = _Fleet(account, _named_variables(deployments))
    if account.peek("model_list") and not deployments:
        account.remark(("model_list",), "none of the models could be imported")
    for deployment in deployments:
        fleet.add(deployment)
    document = fleet.sections()
    if aliases := {**fleet.aliases(), **_group_aliases(account, fleet)}:
        document["aliases"] = aliases
    if keys := key_section(account):
        document["keys"] = keys
    if routing := routing_section(account):
        document["routing"] = routing
    account.settle(advice)
    body = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
    return Imported(_HEAD + (body if document else ""), tuple(account.notes))


def _document(text: str) -> Mapping[object, object]:
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        # The parser's own words would quote the file, and with it perhaps a secret.
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else None
        raise _refusal("this is not valid YAML", "check indentation and quotes", line) from None
    except (ValueError, RecursionError):
        raise _refusal("this is not valid YAML", "check dates and nesting") from None
    if not isinstance(document, dict) or not any(name in document for name in _SECTIONS):
        words = "this is not the configuration of a LiteLLM proxy: it has no model_list"
        raise _refusal(words, "give the file that `litellm --config` is started with")
    if not isinstance(document.get("model_list") or [], list):
        raise _refusal("model_list is not a list", "begin each of its entries with a dash")
    return document


def _refusal(message: str, remedy: str, line: int | None = None) -> ConfigError:
    return ConfigError([Problem("(file)", message, remedy, line=line)], "LiteLLM configuration")


def _deployments(account: Account) -> Iterator[Deployment]:
    entries = account.peek("model_list")
    if not isinstance(entries, list) or not entries:
        account.note(("model_list",), "there are no models", "add providers and models")
        return
    credentials = _credentials(account)
    for index in range(len(entries)):
        deployment = read(Reader(account, index, credentials))
        if deployment is not None:
            yield deployment


def _credentials(account: Account) -> Mapping[str, Path]:
    """Where each named credential stands."""
    given = account.peek("credential_list")
    names = {
        account.peek("credential_list", index, "credential_name"): ("credential_list", index)
        for index in range(len(given) if isinstance(given, list) else 0)
    }
    return {name: path for name, path in names.items() if isinstance(name, str)}


def _named_variables(deployments: Iterable[Deployment]) -> frozenset[str]:
    """Variables that the file itself reads; each may hold something else than a new one would."""
    drafts = repr([deployment.provider for deployment in deployments])
    return frozenset(_REFERENCE.findall(drafts))


@dataclass(slots=True)
class _Fleet:
    """Providers, models and agents as they gather from deployments.

    `reserved` are environment variables that must not get a second meaning.
    """

    account: Account
    reserved: frozenset[str]
    providers: dict[ProviderDraft, str] = field(default_factory=dict)
    models: dict[str, dict[str, object]] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)

    def add(self, deployment: Deployment) -> None:
        provider = self._named(deployment.provider)
        for path, literal in deployment.literals:
            variable = self._variable(provider, literal)
            words = "a value in plain text is not copied, because it may be a secret"
            self.account.note(path, words, f"set the environment variable {variable} to it")
        model_id = self._model_id(provider, deployment)
        group = self.groups.setdefault(deployment.group, [])
        if model_id in group:
            words = "the same deployment stands in this group before; once is enough"
            self.account.note((*deployment.path, "model_name"), words)
            return
        group.append(model_id)

    def _named(self, draft: ProviderDraft) -> str:
        if draft not in self.providers:
            taken = self.providers.values()
            self.providers[draft] = _free_name(draft.type, taken)
        return self.providers[draft]

    def _variable(self, provider: str, literal: Literal) -> str:
        """The environment variable for a value that stood in the file: one per value."""
        if literal.value not in self.variables:
            stem = re.sub(r"\W+", "_", f"{provider}_{literal.stem}").upper()
            taken = {*self.variables.values(), *self.reserved}
            self.variables[literal.value] = _free_name(stem, taken, joint="_")
        return self.variables[literal.value]

    def _model_id(self, provider: str, deployment: Deployment) -> str:
        """The id of the deployment's model; the same model with other figures is another model."""
        name = _UNFIT_FOR_IDS.sub("-", deployment.upstream_name)
        for number in range(1, len(self.models) + 2):
            model_id = f"{provider}/{name}" + (f"-{number}" if number > 1 else "")
            entry = dict(deployment.entry)
            if model_id.partition("/")[2] != deployment.upstream_name:
                entry = {"upstream_name": deployment.upstream_name, **entry}
            if self.models.setdefault(model_id, entry) == entry:
                break
        return model_id

    def sections(self) -> dict[str, object]:
        providers = {name: self._provider(name, draft) for draft, name in self.providers.items()}
        agents = dict(self._agents())
        sections = {"providers": providers, "models": self.models, "agents": agents}
        return {name: section for name, section in sections.items() if section}

    def _agents(self) -> Iterator[tuple[str, dict[str, object]]]:
        for group, ids in self.groups.items():
            if len(ids) > 1:
                words = f"the {len(ids)} deployments of {group} became models of agent {group}"
                remedy = f"clients call {group} as before, or agent/{agent_id(group)}"
                self.account.remark(("model_list",), words, remedy)
            yield agent_id(group), {"name": plain(group), "allow": list(ids)}

    def aliases(self) -> dict[str, str]:
        aliases = {}
        for group, ids in self.groups.items():
            if _RESERVED_ALIAS.match(group) or (group in self.models and ids != [group]):
                words = f"the name {group} already means something else to pointsman"
                self.account.remark(("model_list",), words, f"call agent/{agent_id(group)} instead")
            elif group not in self.models:
                aliases[group] = f"agent/{agent_id(group)}"
        return aliases

    def _provider(self, name: str, draft: ProviderDraft) -> dict[str, object]:
        quirks = dict(draft.quirks)
        version = quirks.pop("api-version", None)
        entry = {
            "type": draft.type,
            "base_url": draft.base_url,
            "api_key": self._shown(name, draft.api_key) if draft.api_key else None,
            "headers": {header: self._shown(name, value) for header, value in draft.headers},
            "quirks": {**quirks, **({"query": {"api-version": version}} if version else {})},
            "timeouts": dict(draft.timeouts),
        }
        return {key: value for key, value in entry.items() if value}

    def _shown(self, provider: str, value: str | Literal) -> str:
        if isinstance(value, str):
            return value
        return f"${{{self._variable(provider, value)}}}"


def agent_id(group: str) -> str:
    """The id of the agent that stands for a group of deployments."""
    name = _UNFIT_FOR_IDS.sub("-", group.strip())
    # The agent `default` is everyone who does not say who it is; a group must not bind them.
    return f"{name}-models" if name == DEFAULT_AGENT else name


def _group_aliases(account: Account, fleet: _Fleet) -> dict[str, str]:
    """LiteLLM's own aliases: `alias: group`, or `alias: {model: group}`."""
    place: Path = ("router_settings", "model_group_alias")
    given = account.peek(*place)
    aliases: dict[str, str] = {}
    for alias, value in given.items() if isinstance(given, dict) else ():
        path = (*place, str(alias), *(["model"] if isinstance(value, dict) else []))
        group = account.peek(*path)
        if not isinstance(group, str) or group not in fleet.groups:
            account.note(path, "this alias leads to no imported model", "add it under aliases")
            continue
        account.take(*path)
        aliases[str(alias)] = f"agent/{agent_id(group)}"
    return aliases


def _free_name(stem: str, taken: Collection[str], *, joint: str = "-") -> str:
    """The stem, with a number behind it where the stem itself is taken."""
    numbered = (f"{stem}{joint}{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (stem, *numbered) if name not in taken)
