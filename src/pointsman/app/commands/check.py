"""Is this configuration sound, and do the providers agree?"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pointsman.app.clock import SystemClock
from pointsman.app.commands.refusing import refused
from pointsman.app.config import load
from pointsman.app.configuration import Configuration
from pointsman.app.wiring import provider_of
from pointsman.core.errors import ConfigError, UpstreamError

EXIT_PROBE_FAILED = 1

DESCRIPTION = """\
Read a configuration as `pointsman serve` would and report every mistake in it, each with its place,
the value found there and what to do about it.

With --probe each provider is asked for its list of models, which shows whether its address and its
key are good and whether it knows the models that are configured. No model is called, so it costs
nothing."""

EPILOG = """\
exit status: 0 sound, 1 a probe failed, 2 mistakes in the configuration

examples:
  pointsman check fleet.yaml
  pointsman check fleet.yaml --probe
  pointsman check fleet.yaml --json | jq .problems"""


class Probe(NamedTuple):
    """What one provider said: `missing` are configured models that it does not list."""

    provider: str
    error: str
    offered: int
    missing: tuple[str, ...]

    @property
    def sound(self) -> bool:
        return not self.error and not self.missing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.add_argument(
        "config", nargs="?", type=Path, help="YAML file; none: what serve would use"
    )
    parser.add_argument("--probe", action="store_true", help="also ask the providers")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(args: argparse.Namespace) -> int:
    try:
        configuration = load(args.config, os.environ)
    except ConfigError as error:
        return refused(error, as_json=args.json, sound=False)
    probes = asyncio.run(_probes(configuration)) if args.probe else ()
    print(_as_json(configuration, probes) if args.json else _as_text(configuration, probes))
    return 0 if all(probe.sound for probe in probes) else EXIT_PROBE_FAILED


async def _probes(configuration: Configuration) -> Sequence[Probe]:
    return await asyncio.gather(*(_probe(configuration, name) for name in configuration.providers))


async def _probe(configuration: Configuration, name: str) -> Probe:
    provider = provider_of(configuration.providers[name], SystemClock())
    wanted = [m for m in configuration.fleet.models.values() if m.provider == name]
    try:
        offered = set(await provider.probe())
    except UpstreamError as error:
        return Probe(name, str(error), 0, ())
    finally:
        await provider.close()
    # A provider that lists nothing at all (Azure's deployments) cannot be asked this way.
    missing = (model.id for model in wanted if offered and model.upstream_name not in offered)
    return Probe(name, "", len(offered), tuple(missing))


def _as_text(configuration: Configuration, probes: Sequence[Probe]) -> str:
    fleet = configuration.fleet
    counts = (
        f"{len(configuration.providers)} providers, {len(fleet.models)} models, "
        f"{len(fleet.agents)} agents, {len(configuration.keys)} keys"
    )
    head = f"{configuration.source}: sound (version {configuration.version}; {counts})"
    notes = [f"  note: {warning}" for warning in configuration.warnings]
    return "\n".join([head, *notes, *map(_probe_as_text, probes)])


def _probe_as_text(probe: Probe) -> str:
    if probe.error:
        return f"  {probe.provider}: {probe.error}"
    if probe.missing:
        return f"  {probe.provider}: answers, but does not list {', '.join(probe.missing)}"
    return f"  {probe.provider}: answers and lists {probe.offered} models"


def _as_json(configuration: Configuration, probes: Sequence[Probe]) -> str:
    findings: dict[str, Any] = {
        "sound": True,
        "source": configuration.source,
        "version": configuration.version,
        "problems": [],
        "warnings": list(configuration.warnings),
    }
    if probes:
        findings["probes"] = [{**probe._asdict(), "sound": probe.sound} for probe in probes]
    return json.dumps(findings, indent=2)
