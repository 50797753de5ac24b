"""Which of our provider types stands for a provider of LiteLLM, and under what address?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlsplit, urlunsplit

from pointsman.adapters.providers.presets import PRESETS

NO_KEYS = frozenset(
    {"", "none", "null", "empty", "na", "n/a", "fake", "fake-key", "fake_key", "dummy", "dummy-key"}
    | {"anything", "not-needed", "no-key", "ollama", "sk-no-key-required", "token-abc123"}
)
"""What people write where LiteLLM wants a key and the server wants none, in lower case."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """What a prefix of LiteLLM's `model` means here.

    `key_variable` and `base_variable` are what LiteLLM reads from the environment where the file
    gives no key or address; None where it reads none. `suffix` belongs behind a given address.
    """

    type: str
    key_variable: str | None = None
    base_variable: str | None = None
    suffix: str = ""


PREFIXES: Mapping[str, Prefix] = MappingProxyType(
    {
        "openai": Prefix("openai", "OPENAI_API_KEY"),
        "azure": Prefix("azure", "AZURE_API_KEY", "AZURE_API_BASE"),
        "azure_ai": Prefix("openai_compatible", "AZURE_AI_API_KEY", "AZURE_AI_API_BASE"),
        "groq": Prefix("groq", "GROQ_API_KEY"),
        "together_ai": Prefix("together", "TOGETHERAI_API_KEY"),
        "mistral": Prefix("mistral", "MISTRAL_API_KEY"),
        "deepseek": Prefix("deepseek", "DEEPSEEK_API_KEY"),
        "openrouter": Prefix("openrouter", "OPENROUTER_API_KEY"),
        "xai": Prefix("xai", "XAI_API_KEY"),
        "fireworks_ai": Prefix("fireworks", "FIREWORKS_API_KEY"),
        "perplexity": Prefix("perplexity", "PERPLEXITYAI_API_KEY"),
        "gemini": Prefix("gemini", "GEMINI_API_KEY"),
        "ollama": Prefix("ollama", suffix="/v1"),
        "ollama_chat": Prefix("ollama", suffix="/v1"),
        "hosted_vllm": Prefix("vllm", base_variable="HOSTED_VLLM_API_BASE"),
        "vllm": Prefix("vllm"),
        "litellm_proxy": Prefix("litellm", "LITELLM_PROXY_API_KEY", "LITELLM_PROXY_API_BASE"),
        "llamafile": Prefix("llamacpp"),
        "lm_studio": Prefix("openai_compatible", base_variable="LM_STUDIO_API_BASE"),
        "openai_like": Prefix("openai_compatible", base_variable="OPENAI_LIKE_API_BASE"),
        "custom_openai": Prefix("openai_compatible", base_variable="OPENAI_API_BASE"),
    }
)

_VARIABLE_OF = {
    prefix.type: prefix.key_variable
    for prefix in PREFIXES.values()
    if prefix.type != "openai_compatible"
}
_OWN_NAMES = re.compile(r"gpt-|o[134](-|$)|chatgpt-|ft:gpt-")
_AZURE_ROUTES = ("o_series/", "gpt5_series/")
_FIREWORKS = "accounts/fireworks/models/"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a deployment of LiteLLM lives: our type, the upstream's name, what it defaults to."""

    prefix: str
    type: str
    upstream_name: str
    key_variable: str | None
    base_variable: str | None
    suffix: str


def place_of(model: str, custom_provider: str | None, api_base: str | None) -> Place | None:
    """Where the deployment lives, or None for a provider that pointsman does not speak to."""
    name, upstream = _split(model, custom_provider, api_base)
    prefix = PREFIXES.get(name)
    if prefix is None:
        return None
    if name == "openai" and api_base is not None:
        # With an address, LiteLLM's `openai/` means anything that speaks OpenAI's dialect.
        kind = _type_at(api_base)
        return Place(name, kind, upstream, _VARIABLE_OF.get(kind), None, "")
    return Place(
        name,
        prefix.type,
        _upstream_name(name, upstream),
        prefix.key_variable,
        prefix.base_variable,
        prefix.suffix,
    )


def foreign_prefix(model: str, custom_provider: str | None) -> str:
    """The name of the provider that a deployment asks for, for a note about it."""
    return custom_provider or (model.split("/", 1)[0] if "/" in model else "")


def _split(model: str, custom_provider: str | None, api_base: str | None) -> tuple[str, str]:
    if custom_provider:
        return custom_provider, model.removeprefix(f"{custom_provider}/")
    prefix, slash, rest = model.partition("/")
    if slash:
        return prefix, rest
    if _OWN_NAMES.match(model):
        return "openai", model
    # LiteLLM takes a server of unknown make for one that speaks OpenAI's dialect.
    return ("custom_openai" if api_base else ""), model


def _upstream_name(prefix: str, name: str) -> str:
    if prefix == "fireworks_ai" and not name.startswith("accounts/"):
        return _FIREWORKS + name
    if prefix == "azure":
        for route in _AZURE_ROUTES:
            name = name.removeprefix(route)
    return name


def _type_at(url: str) -> str:
    """The type of the well-known provider at this address, or the one that fits anything."""
    host = urlsplit(url).hostname or ""
    if host.endswith(".azure.com"):
        return "openai"
    known = {urlsplit(preset.base_url or "").hostname: type_ for type_, preset in PRESETS.items()}
    return known.get(host, "openai_compatible") if "." in host else "openai_compatible"


def base_url(place: Place, api_base: str) -> tuple[str, str]:
    """Our base_url for a given address, and the provider type that fits it.

    Azure's addresses lose what its type puts in by itself; its undated API is spoken as OpenAI's.
    """
    url = api_base.rstrip("/")
    if place.type == "azure":
        url = re.sub(r"/openai/deployments/.*$", "", url)
        return (url, "openai") if url.endswith("/openai/v1") else (url, "azure")
    url = url.removesuffix("/chat/completions")
    if place.suffix and not url.endswith(place.suffix):
        url += place.suffix
    return url, place.type


def bare(url: str) -> str:
    """The address without user, password, query and fragment, any of which may be a secret."""
    parts = urlsplit(url)
    if not parts.netloc:
        return url
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
