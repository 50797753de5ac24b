"""What does Prometheus see of the ledger and the server?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    StateSetMetricFamily,
)

from pointsman.adapters.metrics.families import Part, counter, gauge
from pointsman.core.admission import Circuit


class LedgerCounters(Protocol):
    """The figures of a write-behind ledger."""

    written: int
    dropped: dict[str, int]
    not_durable: int
    failing_since: float | None

    @property
    def queued(self) -> int: ...


class Scraped(Protocol):
    """What the engine knows at the moment of a scrape; models by id, in mappings of our own."""

    def in_flight(self) -> Mapping[str, int]: ...

    def circuits(self) -> Mapping[str, str]: ...

    def config_version(self) -> str: ...

    def backlog(self) -> Mapping[str, float] | None:
        """`records`, `behind_s`, `lost_decisions` and `lost_outcomes`; None without a spool."""

    def log_records_dropped(self) -> int: ...

    def telemetry_dropped(self) -> int: ...

    def crowded_out(self) -> int: ...


def ledgered(ledger: LedgerCounters, monotonic: Callable[[], float]) -> Part:
    """What is written down, what waits, and what was lost."""
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
    yield from counter(
        "pointsman_ledger_dropped_records_total",
        "Records lost because the store failed for longer than the queue could hold.",
        "record",
        list(ledger.dropped.items()),
    )
    yield CounterMetricFamily(
        "pointsman_ledger_not_durable_answers_total",
        "Answers that strict durability let go unstored, because the store took too long.",
        value=ledger.not_durable,
    )
    yield GaugeMetricFamily(
        "pointsman_ledger_failing_seconds",
        "For how long the store has taken no records; 0 while it works.",
        value=0.0 if since is None else max(0.0, monotonic() - since),
    )


def spooled(scraped: Scraped) -> Part:
    """How far the database is behind, where there is one beside the gateway."""
    backlog = scraped.backlog()
    if backlog is None:
        return
    yield GaugeMetricFamily(
        "pointsman_database_behind_records",
        "Decisions and outcomes in the spool that the database does not have yet.",
        value=backlog["records"],
    )
    yield GaugeMetricFamily(
        "pointsman_database_behind_seconds",
        "How long the oldest of them has been waiting; 0 when there are none.",
        value=backlog["behind_s"],
    )
    lost = [(each, backlog[f"lost_{each}s"]) for each in ("decision", "outcome")]
    yield from counter(
        "pointsman_spool_lost_records_total",
        "Records that the spool had no room for, or that the database refused for what they are.",
        "record",
        lost,
    )


def served(scraped: Scraped, version: str) -> Part:
    """What runs, under which configuration, and how its models are at this moment."""
    yield InfoMetricFamily("pointsman_build", "The running version.", value={"version": version})
    yield InfoMetricFamily(
        "pointsman_config",
        "The configuration in force.",
        value={"version": scraped.config_version()},
    )
    yield from gauge(
        "pointsman_in_flight_attempts",
        "Attempts under way, by model.",
        "model",
        scraped.in_flight().items(),
    )
    circuit = StateSetMetricFamily(
        "pointsman_circuit", "State of each model's circuit breaker.", labels=["model"]
    )
    for model_id, state in scraped.circuits().items():
        circuit.add_metric([model_id], {known.value: known == state for known in Circuit})
        yield None
    yield circuit
    yield CounterMetricFamily(
        "pointsman_log_records_dropped_total",
        "Log records lost because nobody read the log fast enough.",
        value=scraped.log_records_dropped(),
    )
    yield CounterMetricFamily(
        "pointsman_telemetry_dropped_records_total",
        "Decisions and outcomes that no collector was told of, because it was too slow or absent.",
        value=scraped.telemetry_dropped(),
    )
    yield CounterMetricFamily(
        "pointsman_store_crowded_out_decisions_total",
        "Decisions forgotten before their time, because the store had grown to its limit.",
        value=scraped.crowded_out(),
    )
