"""Which configurations do the tests of the whole gateway serve?

Three models stand in a fixed order, `up/first` before `up/second` before `up/third`, so that a test
can say who has to fail for whom to answer.
"""

from __future__ import annotations

from typing import Any

from pointsman.adapters.providers.simulated.personas import Persona

SKILLS = ("function_calling", "vision", "structured_output", "coding", "reasoning", "arabic")
STRENGTH = {"first": 0.99, "second": 0.5, "third": 0.01}
"""So far apart that no two are near-equals, which the load would choose between."""

Config = dict[str, Any]


def personas() -> list[Persona]:
    """The models behind `fleet`, as the simulated upstream knows them."""
    return [
        Persona(
            name,
            display_name=name.capitalize(),
            strengths={"general": strength, **dict.fromkeys(SKILLS, strength)},
            context_window=32_000,
            max_output_tokens=4_096,
        )
        for name, strength in STRENGTH.items()
    ]


def model(general: float, **changes: Any) -> Config:
    strengths = {"general": general, **dict.fromkeys(SKILLS, general)}
    return {
        "capabilities": strengths,
        "context_window": 32_000,
        "max_output_tokens": 4_096,
        "price": {"input_usd_per_mtok": 1, "output_usd_per_mtok": 2},
        **changes,
    }


def fleet(upstream_url: str, *, only: tuple[str, ...] = tuple(STRENGTH), **sections: Any) -> Config:
    """A fleet behind the upstream at `upstream_url`; `sections` are added or replace."""
    return {
        "server": {"log_format": "json", "shutdown_grace_s": 5},
        "providers": {"up": {"type": "openai_compatible", "base_url": f"{upstream_url}/v1"}},
        "models": {f"up/{name}": model(STRENGTH[name]) for name in only},
        **sections,
    }


def provider(url: str, **settings: Any) -> Config:
    """A `providers` section whose only entry is `up`."""
    return {"up": {"type": "openai_compatible", "base_url": f"{url}/v1", **settings}}
