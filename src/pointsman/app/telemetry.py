"""How is telemetry configured, and made of that?"""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple

from pydantic import Field, StringConstraints

from pointsman.adapters.telemetry import Endpoint, Telemetry
from pointsman.app.section import Seconds, Section, Share
from pointsman.engine.ports import Clock
from pointsman.version import VERSION

COLLECTOR_ADDRESS = re.compile(r"https?://[^\s?#@/]+(/[^\s?#@]*)?")


class OtlpEntry(Section):
    """Traces and metrics by OTLP over HTTP. Needs the extra `pointsman[otel]`."""

    endpoint: Annotated[str, StringConstraints(max_length=2048)] | None = Field(
        None,
        description="Base address of the collector, as `http://127.0.0.1:4318`. Left out: no "
        "telemetry. Headers, certificates and the like are what `OTEL_EXPORTER_OTLP_…` says.",
    )
    sample: Share = Field(
        0.1,
        description="Share of requests whose traces are kept, where the caller's `traceparent` "
        "does not decide. Metrics count all.",
    )
    metrics_every_s: Seconds = Field(60.0, description="How often metrics are sent.")


class TelemetryEntry(Section):
    otlp: OtlpEntry = Field(
        default_factory=OtlpEntry, description="Where traces and metrics are sent."
    )


class TelemetrySettings(NamedTuple):
    """Where to send what happens; `endpoint` None: nowhere."""

    endpoint: str | None
    sample: float
    metrics_every_s: float


def telemetry_settings(entry: TelemetryEntry) -> TelemetrySettings:
    otlp = entry.otlp
    return TelemetrySettings(otlp.endpoint, otlp.sample, otlp.metrics_every_s)


def telemetry_of(settings: TelemetrySettings, clock: Clock) -> Telemetry | None:
    """The telemetry of a process, not yet started; None where none is wanted."""
    if settings.endpoint is None:
        return None
    endpoint = Endpoint(settings.endpoint, settings.sample, settings.metrics_every_s, VERSION)
    return Telemetry(endpoint, clock.now)
