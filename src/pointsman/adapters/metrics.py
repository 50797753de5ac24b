"""What does Prometheus see?

Everything is read at scrape time from counters that the engine keeps anyway; serving a request
never touches this file. `docs/reference/metrics.md` explains each name.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    StateSetMetricFamily,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from pointsman.core.admission import Circuit
from pointsman.engine.tally import Count, Histogram, ModelTally, Tally


class LedgerCounters(Protocol):
    """The figures of a write-behind ledger."""

    written: int
    dropped: dict[str, int]
    failing_since: float | None

    @property
    def queued(self) -> int: ...


class Scraped(Protocol):
    """What the engine knows at the moment of a scrape; models by id."""

    def in_flight(self) -> Mapping[str, int]: ...

    def circuits(self) -> Mapping[str, str]: ...

    def config_version(self) -> str: ...

    def log_records_dropped(self) -> int: ...


class Metrics:
    """The exposition of one server process, with a registry of its own."""

    def __init__(
        self,
        tally: Tally,
        ledger: LedgerCounters,
        scraped: Scraped,
        *,
        version: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_TallyCollector(tally))
        self._registry.register(_LedgerCollector(ledger, monotonic))
        self._registry.register(_ServerCollector(scraped, version))
        ProcessCollector(registry=self._registry)

    def render(self, accept_header: str) -> tuple[bytes, bytes]:
        """(body, content type): OpenMetrics for a scraper that asks for it, else plain text."""
        encode, content_type = choose_encoder(accept_header)
        return encode(self._registry), content_type.encode("ascii")


class _TallyCollector(Collector):
    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def collect(self) -> Iterator[Metric]:
        yield from self._requests()
        models = list(self._tally.models.items())
        yield from _model_counters(models)
        yield _histogram(
            "pointsman_attempt_duration_seconds",
            "Time from the call to the end of a complete answer.",
            ((name, model.latency) for name, model in models),
        )
        yield _histogram(
            "pointsman_first_token_seconds",
            "Time from the call to the first usable chunk of a streamed answer.",
            ((name, model.first_token) for name, model in models),
        )

    def _requests(self) -> Iterator[Metric]:
        tally = self._tally
        yield _counter(
            "pointsman_requests_total",
            "Requests decided, by agent.",
            "agent",
            _values(tally.requests_by_agent),
        )
        yield _counter(
            "pointsman_decisions_total",
            "Decisions, by strategy.",
            "strategy",
            _values(tally.decisions_by_strategy),
        )
        yield _counter(
            "pointsman_refused_requests_total",
            "Requests answered with an error of our own, by error code.",
            "code",
            _values(tally.refusals_by_code),
        )
        yield CounterMetricFamily(
            "pointsman_panic_decisions_total",
            "Decisions that had to choose among models that were thought to be unwell.",
            value=tally.panic_decisions,
        )


_MODEL_COUNTERS: tuple[tuple[str, str, Callable[[ModelTally], float]], ...] = (
    (
        "pointsman_prompt_tokens_total",
        "Prompt tokens billed, cached ones included.",
        lambda model: model.prompt_tokens,
    ),
    (
        "pointsman_completion_tokens_total",
        "Completion tokens billed.",
        lambda model: model.completion_tokens,
    ),
    (
        "pointsman_cached_prompt_tokens_total",
        "Prompt tokens that the upstream read from its cache.",
        lambda model: model.cached_tokens,
    ),
    (
        "pointsman_cost_usd_total",
        "Known cost in US dollars.",
        lambda model: float(model.cost_usd),
    ),
    (
        "pointsman_unpriced_answers_total",
        "Answers whose cost is unknown, hence not in pointsman_cost_usd_total.",
        lambda model: model.unpriced_answers,
    ),
    (
        "pointsman_fallbacks_total",
        "Requests that went on to another model after this one failed.",
        lambda model: model.fallbacks,
    ),
)


def _model_counters(models: list[tuple[str, ModelTally]]) -> Iterator[Metric]:
    attempts = CounterMetricFamily(
        "pointsman_attempts_total",
        "Attempts, by model and result: ok or what failed.",
        labels=["model", "result"],
    )
    for name, model in models:
        for result, count in model.results.items():
            attempts.add_metric([name, result], count)
    yield attempts
    for name, words, figure in _MODEL_COUNTERS:
        yield _counter(name, words, "model", ((key, figure(model)) for key, model in models))


class _LedgerCollector(Collector):
    def __init__(self, ledger: LedgerCounters, monotonic: Callable[[], float]) -> None:
        self._ledger = ledger
        self._monotonic = monotonic

    def collect(self) -> Iterator[Metric]:
        ledger = self._ledger
        since = ledger.failing_since
        yield GaugeMetricFamily(
            "pointsman_ledger_queued_records",
            "Decisions and outcomes that are not yet stored.",
            value=ledger.queued,
        )
        yield CounterMetricFamily(
            "pointsman_ledger_written_records_total",
            "Decisions and outcomes stored.",
            value=ledger.written,
        )
        yield _counter(
            "pointsman_ledger_dropped_records_total",
            "Records lost because the store failed for longer than the queue could hold.",
            "record",
            ledger.dropped.items(),
        )
        yield GaugeMetricFamily(
            "pointsman_ledger_failing_seconds",
            "For how long the store has taken no records; 0 while it works.",
            value=0.0 if since is None else max(0.0, self._monotonic() - since),
        )


class _ServerCollector(Collector):
    def __init__(self, scraped: Scraped, version: str) -> None:
        self._scraped = scraped
        self._version = version

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily(
            "pointsman_build", "The running version.", value={"version": self._version}
        )
        yield InfoMetricFamily(
            "pointsman_config",
            "The configuration in force.",
            value={"version": self._scraped.config_version()},
        )
        in_flight = GaugeMetricFamily(
            "pointsman_in_flight_attempts", "Attempts under way, by model.", labels=["model"]
        )
        for model_id, count in self._scraped.in_flight().items():
            in_flight.add_metric([model_id], count)
        yield in_flight
        circuit = StateSetMetricFamily(
            "pointsman_circuit", "State of each model's circuit breaker.", labels=["model"]
        )
        for model_id, state in self._scraped.circuits().items():
            circuit.add_metric([model_id], {known.value: known == state for known in Circuit})
        yield circuit
        yield CounterMetricFamily(
            "pointsman_log_records_dropped_total",
            "Log records lost because nobody read the log fast enough.",
            value=self._scraped.log_records_dropped(),
        )


def _values(counts: Mapping[str, Count]) -> Iterator[tuple[str, int]]:
    return ((key, count.value) for key, count in counts.items())


def _counter(
    name: str, words: str, label: str, values: Iterable[tuple[str, float]]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, words, labels=[label])
    for key, value in values:
        family.add_metric([key], value)
    return family


def _histogram(
    name: str, words: str, histograms: Iterable[tuple[str, Histogram]]
) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, words, labels=["model"])
    for key, histogram in histograms:
        family.add_metric([key], histogram.cumulative(), histogram.total)
    return family
