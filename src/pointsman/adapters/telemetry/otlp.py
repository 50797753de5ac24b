"""Which parts of OpenTelemetry's SDK take part, and how are they put together?

Nothing of the SDK is global here: two routers in one process have nothing in common.
"""

from __future__ import annotations

from datetime import datetime

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import Histogram, Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from pointsman.adapters.telemetry import dialect
from pointsman.adapters.telemetry.telling import PATIENCE_S, Endpoint
from pointsman.adapters.telemetry.traces import GivenIds, Traces
from pointsman.core.attempts import inter_token_s
from pointsman.core.decision import Decision, Outcome

_UNNAMED = "unknown_service"
_INSTANT = slice(len("dec_"), len("dec_") + 11)


class Otlp:
    """Spans and metrics on their way to a collector, by OTLP over HTTP."""

    def __init__(self, endpoint: Endpoint) -> None:
        base, resource, ids = endpoint.url.rstrip("/"), _resource(endpoint.version), GivenIds()
        # Which requests are traced was decided before, when their upstreams were told.
        self._tracing = TracerProvider(
            ALWAYS_ON, resource, shutdown_on_exit=False, id_generator=ids
        )
        self._tracing.add_span_processor(
            BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{base}/v1/traces"))
        )
        reader = PeriodicExportingMetricReader(
            OTLPMetricExporter(endpoint=f"{base}/v1/metrics"),
            export_interval_millis=1_000 * endpoint.metrics_every_s,
        )
        self._measuring = MeterProvider([reader], resource, shutdown_on_exit=False)
        self._traces = Traces(self._tracing, ids, endpoint.share)
        self._measured = _Measured(
            self._measuring.get_meter(dialect.SCOPE, schema_url=dialect.SCHEMA_URL)
        )

    def decided(self, decision: Decision) -> None:
        self._traces.decided(decision)

    def ended(self, outcome: Outcome) -> None:
        self._traces.ended(outcome)
        self._measured.ended(outcome)

    def settle(self, now: datetime) -> None:
        self._traces.settle(now)

    def close(self) -> None:
        self._traces.end_all()
        self._tracing.shutdown()
        self._measuring.shutdown(timeout_millis=1_000 * PATIENCE_S)


class _Measured:
    """Histograms of attempts, whether they are traced or not.

    What upstreams did to us, as their client, and what we did to our callers, as their server.
    """

    def __init__(self, meter: Meter) -> None:
        self._duration = _histogram(meter, dialect.DURATION)
        self._first_chunk = _histogram(meter, dialect.FIRST_CHUNK)
        self._tokens = _histogram(meter, dialect.TOKENS)
        self._first_token = _histogram(meter, dialect.FIRST_TOKEN)
        self._per_token = _histogram(meter, dialect.TIME_PER_TOKEN)

    def ended(self, outcome: Outcome) -> None:
        provider, _, model = outcome.model_id.partition("/")
        labels = {
            dialect.OPERATION: dialect.CHAT,
            dialect.PROVIDER: dialect.provider_name(provider),
            dialect.REQUEST_MODEL: model,
        }
        failure, usage = outcome.failure, outcome.usage
        errors = {dialect.ERROR_TYPE: failure.code} if failure else {}
        self._duration.record(outcome.total_s, {**labels, **errors})
        if outcome.streamed and outcome.first_token_s is not None:
            self._first_chunk.record(outcome.first_token_s, labels)
            if failure is None:
                self._first_token.record(_since_asked_s(outcome, outcome.first_token_s), labels)
            if (pace_s := inter_token_s(outcome)) is not None:
                self._per_token.record(pace_s, labels)
        if usage is not None and not usage.estimated:
            self._tokens.record(usage.prompt_tokens, {**labels, dialect.TOKEN_TYPE: dialect.INPUT})
            self._tokens.record(
                usage.completion_tokens, {**labels, dialect.TOKEN_TYPE: dialect.OUTPUT}
            )


def _since_asked_s(outcome: Outcome, first_token_s: float) -> float:
    """From the caller's request to the first token, with all attempts that failed before.

    A decision's id begins with the instant of the decision.
    """
    asked_s = int(outcome.decision_id[_INSTANT], 16) / 1_000
    called_s = outcome.at.timestamp() - outcome.total_s
    return max(first_token_s, called_s + first_token_s - asked_s)


def _histogram(meter: Meter, instrument: dialect.Instrument) -> Histogram:
    return meter.create_histogram(
        instrument.name,
        instrument.unit,
        instrument.description,
        explicit_bucket_boundaries_advisory=instrument.bounds,
    )


def _resource(version: str) -> Resource:
    """What sends: under the name that the environment gives it, else `pointsman`."""
    resource = Resource.create({SERVICE_VERSION: version})
    if str(resource.attributes.get(SERVICE_NAME, _UNNAMED)).startswith(_UNNAMED):
        resource = resource.merge(Resource({SERVICE_NAME: dialect.SCOPE}))
    return resource
