"""What does the gateway run with, once everything has been read and checked?"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, tzinfo
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal

from pointsman.adapters.http.bounds import EdgeLimits
from pointsman.adapters.providers.presets import Quirks
from pointsman.adapters.providers.simulated.personas import Persona
from pointsman.app.additions import NOTHING_ADDED, SECTIONS, Additions, SectionName
from pointsman.app.keeping import StoreSettings
from pointsman.app.origins import ValueOrigin
from pointsman.app.secrets import Secret
from pointsman.app.telemetry import TelemetrySettings
from pointsman.app.telling_whom import NOBODY_TOLD, Telling
from pointsman.core.alert_plan import WATCHED_AS_SHIPPED, AlertPlan
from pointsman.core.assignment.duty import NOTHING_EXPECTED, Expectations
from pointsman.core.fleet import Fleet
from pointsman.engine.policy import Policy, Timeouts

Role = Literal["caller", "viewer", "admin"]
LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["auto", "console", "json"]

VERSION_DIGITS = 12


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where and how the gateway runs."""

    host: str
    port: int
    data_dir: Path
    keep_decisions_days: int
    log_level: LogLevel
    log_format: LogFormat
    shutdown_grace_s: float


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """One upstream. `base_url` is None, and `personas` (by upstream name) filled, when `type` is
    `simulated`. `timeouts` are complete: the provider's own over those of the routing. `trust_env`
    lets proxies that the environment names apply.
    """

    name: str
    type: str
    base_url: str | None
    api_key: Secret | None
    headers: Mapping[str, Secret]
    quirks: Quirks
    timeouts: Timeouts
    seed: int = 0
    personas: Mapping[str, Persona] = field(default_factory=dict)
    trust_env: bool = False


@dataclass(frozen=True, slots=True)
class KeySettings:
    """Who may call. `sha256` is that of the key, in lower-case hexadecimal; the key is not kept.

    `agents` are those it may speak for, the first being who it is; empty: any.
    """

    name: str
    sha256: str = field(repr=False)
    role: Role
    agents: tuple[str, ...]


def _nothing_written() -> Mapping[SectionName, frozenset[str]]:
    return {section: frozenset() for section in SECTIONS}


@dataclass(frozen=True, slots=True)
class Configuration:
    """One version of the configuration, whole and checked.

    `version` is equal for equal configurations, whatever the order of their keys; where a replica
    keeps its data does not count. `aliases` maps other names that requests may ask for to what
    they mean. `watched` are the files whose change may change it. `secrets` are the values to
    scrub from logs. `redacted` is the effective file, secrets masked. `expectations` are for
    standing assignments, `alerts` says what is watched, `telling` who is told of it.
    `stands_in` says that the file declares neither providers nor models, so others stand in.
    `origins` say of each value of `redacted` that is no default where it comes from.
    `additions` came through the API; `written` are the ids of the file, or of what stands in.
    """

    version: str
    fleet: Fleet
    aliases: Mapping[str, str]
    providers: Mapping[str, ProviderSettings]
    keys: tuple[KeySettings, ...]
    policy: Policy
    server: ServerSettings
    store: StoreSettings
    limits: EdgeLimits
    telemetry: TelemetrySettings
    source: str
    watched: tuple[Path, ...]
    secrets: frozenset[str] = field(repr=False)
    warnings: tuple[str, ...]
    redacted: Mapping[str, Any]
    stands_in: bool = False
    expectations: Expectations = NOTHING_EXPECTED
    telling: Telling = NOBODY_TOLD
    alerts: AlertPlan = WATCHED_AS_SHIPPED
    additions: Additions = NOTHING_ADDED
    origins: Mapping[str, ValueOrigin] = field(default_factory=dict)
    written: Mapping[SectionName, frozenset[str]] = field(default_factory=_nothing_written)


def version_of(*parts: object) -> str:
    """The version of a configuration made of these parts: 12 hexadecimal digits."""
    text = json.dumps([canonical(part) for part in parts], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:VERSION_DIGITS]


def canonical(value: object) -> Any:
    """The value as JSON that is equal for equal values; secrets enter as their hash only."""
    if isinstance(value, Secret):
        return {"sha256": value.sha256}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal | time | tzinfo):
        return format(value.normalize(), "f") if isinstance(value, Decimal) else str(value)
    if isinstance(value, Mapping):
        return {str(canonical(key)): canonical(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [canonical(inner) for inner in value]
    if isinstance(value, frozenset):
        return sorted(str(canonical(inner)) for inner in value)
    if dataclasses.is_dataclass(value):
        names = (part.name for part in dataclasses.fields(value))
        return {name: canonical(getattr(value, name)) for name in names}
    return value
