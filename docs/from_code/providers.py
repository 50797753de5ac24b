"""Which kinds of upstream are known, and how do they differ?"""

from __future__ import annotations

from dataclasses import fields

from from_code.table import code, table
from pointsman.adapters.providers.presets import PRESETS, Preset, Quirks


def provider_types() -> str:
    head = ("type", "base URL", "key", "differs from OpenAI in", "note")
    return table(head, [_line(name, preset) for name, preset in sorted(PRESETS.items())])


def _line(name: str, preset: Preset) -> tuple[str, ...]:
    address = "none" if name == "simulated" else code(preset.base_url or "yours")
    key = "needed" if preset.needs_key else "optional"
    return code(name), address, key, _quirks(preset.quirks), preset.note


def _quirks(quirks: Quirks) -> str:
    plain = Quirks()
    different = [
        (each.name, getattr(quirks, each.name))
        for each in fields(Quirks)
        if getattr(quirks, each.name) != getattr(plain, each.name)
    ]
    return ", ".join(code(f"{name}: {_value(value)}") for name, value in different)


def _value(value: object) -> str:
    """As it would stand in a configuration."""
    if isinstance(value, tuple) and value and isinstance(value[0], tuple):
        return "{" + ", ".join(f"{name}: {text}" for name, text in value) + "}"
    if isinstance(value, tuple):
        return f"[{', '.join(value)}]"
    words = {True: "true", False: "false", None: "none"}
    return words.get(value, str(value)) if isinstance(value, bool | None) else str(value)
