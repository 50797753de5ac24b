"""What is served when nobody has configured anything?

With the key of a well-known provider in the environment: a handful of its current models. Without
any: the simulated fleet, so that everything can be seen at work before the first key is bought.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import yaml

from pointsman.adapters.providers.simulated.personas import AGENTS, FLEET, PROVIDER

SEED = 7


class WellKnown(NamedTuple):
    """A provider that is served as soon as its key is there; `models` by their upstream names."""

    key_variable: str
    models: tuple[str, ...]
    url_variable: str = ""


WELL_KNOWN: Mapping[str, WellKnown] = MappingProxyType(
    {
        "openai": WellKnown(
            "OPENAI_API_KEY",
            ("gpt-6.1-sol", "gpt-6.1-terra", "gpt-6-luna", "gpt-5.4-mini", "gpt-4o-mini"),
            "OPENAI_BASE_URL",
        ),
        "groq": WellKnown(
            "GROQ_API_KEY",
            (
                "llama-3.3-70b-versatile",
                "llama-3.1-8b-instant",
                "openai/gpt-oss-120b",
                "openai/gpt-oss-20b",
            ),
        ),
        "mistral": WellKnown(
            "MISTRAL_API_KEY",
            ("mistral-large-4", "mistral-medium-3-5", "mistral-small-2603", "codestral-2508"),
        ),
        "deepseek": WellKnown("DEEPSEEK_API_KEY", ("deepseek-v4-pro", "deepseek-v4-flash")),
        "together": WellKnown(
            "TOGETHER_API_KEY",
            (
                "openai/gpt-oss-120b",
                "deepseek-ai/DeepSeek-V4.1-Flash",
                "meta-llama/Llama-3.3-70B-Instruct-Turbo",
            ),
        ),
        "openrouter": WellKnown(
            "OPENROUTER_API_KEY",
            (
                "anthropic/claude-sonnet-5.5",
                "anthropic/claude-haiku-5.5",
                "google/gemini-2.5-flash",
            ),
        ),
    }
)
"""Provider type, which is also the provider's name in model ids, to what is served of it.

The names were current, priced and profiled in the catalogue in November 2026.
"""


class Standin(NamedTuple):
    """What stands in for a file: where it comes from, and its text, which holds no key."""

    source: str
    text: str


def standin(environ: Mapping[str, str]) -> Standin:
    """The configuration that holds with this environment and no file."""
    found = {name: known for name, known in WELL_KNOWN.items() if environ.get(known.key_variable)}
    if not found:
        return Standin("built-in simulated fleet", _yaml(_simulated()))
    variables = ", ".join(known.key_variable for known in found.values())
    providers = {name: _provider(name, known, environ) for name, known in found.items()}
    ids = [f"{name}/{model}" for name, known in found.items() for model in known.models]
    document = {"providers": providers, "models": {model_id: {} for model_id in ids}}
    return Standin(f"environment ({variables})", _yaml(document))


def _yaml(document: Mapping[str, Any]) -> str:
    return yaml.safe_dump(document, sort_keys=False)


def _provider(name: str, known: WellKnown, environ: Mapping[str, str]) -> dict[str, Any]:
    entry = {"type": name, "api_key": f"${{{known.key_variable}}}"}
    if known.url_variable and environ.get(known.url_variable):
        entry["base_url"] = f"${{{known.url_variable}}}"
    return entry


def _simulated() -> dict[str, Any]:
    agents = {
        agent.id: {
            "name": agent.name,
            "kind": agent.kind.value,
            "requires": list(agent.requires),
            "prefers": list(agent.prefers),
            "min_context": agent.min_context,
            "task_types": list(agent.task_types),
        }
        for agent in AGENTS
    }
    return {
        "providers": {PROVIDER: {"type": "simulated", "seed": SEED}},
        "models": {persona.id: {} for persona in FLEET},
        "agents": agents,
    }
