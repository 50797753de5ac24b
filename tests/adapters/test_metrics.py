"""Does Prometheus see what happened, under the names that the documentation promises?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain_text

from pointsman.adapters.metrics import Metrics
from pointsman.core.decision import Candidate, Decision, Outcome, Strategy, Task
from pointsman.core.errors import FailureKind
from pointsman.core.fleet import Usage
from pointsman.engine.tally import Tally

DOC = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


class Figures:
    """A ledger's counters."""

    def __init__(self) -> None:
        self.written = 7
        self.dropped = {"decision": 1, "outcome": 2}
        self.failing_since: float | None = None
        self.queued = 3


class Engine:
    def in_flight(self) -> Mapping[str, int]:
        return {"p/one": 4}

    def circuits(self) -> Mapping[str, str]:
        return {"p/one": "open"}

    def config_version(self) -> str:
        return "cfg_7"

    def log_records_dropped(self) -> int:
        return 5


@pytest.fixture
def tally() -> Tally:
    tally = Tally()
    chosen = (Candidate("p/one", 0.5, ()),)
    decision = Decision(
        "dec_1", "r", NOON, "build\ner", Task(), Strategy.COST, chosen, (), 1.0, "cfg"
    )
    tally.decided(decision)
    good = Outcome(
        "dec_1", 2, "p/two", "a", NOON, None, True, 2.0, 0.3, Usage(100, 20, 60), Decimal("0.25")
    )
    bad = good._replace(model_id="p/one", failure=FailureKind.SERVER_ERROR, usage=None, attempt=1)
    tally.learn(bad)
    tally.learn(good)
    tally.refused("model_not_found")
    return tally


def openmetrics(body: bytes) -> list[Metric]:
    return list(parse_openmetrics(body.decode()))  # type: ignore[no-untyped-call]


def samples(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    body, _ = metrics.render("")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in plain_text(body.decode())
        for sample in family.samples
    }


@pytest.fixture
def metrics(tally: Tally) -> Metrics:
    return Metrics(tally, Figures(), Engine(), version="1.2.3")


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("pointsman_requests_total", {"agent": "build\ner"}, 1),
        ("pointsman_decisions_total", {"strategy": "cost"}, 1),
        ("pointsman_refused_requests_total", {"code": "model_not_found"}, 1),
        ("pointsman_attempts_total", {"model": "p/one", "result": "server_error"}, 1),
        ("pointsman_attempts_total", {"model": "p/two", "result": "ok"}, 1),
        ("pointsman_fallbacks_total", {"model": "p/one"}, 1),
        ("pointsman_prompt_tokens_total", {"model": "p/two"}, 100),
        ("pointsman_cached_prompt_tokens_total", {"model": "p/two"}, 60),
        ("pointsman_cost_usd_total", {"model": "p/two"}, 0.25),
        ("pointsman_attempt_duration_seconds_count", {"model": "p/two"}, 1),
        ("pointsman_attempt_duration_seconds_bucket", {"model": "p/two", "le": "1.0"}, 0),
        ("pointsman_attempt_duration_seconds_bucket", {"model": "p/two", "le": "2.5"}, 1),
        ("pointsman_first_token_seconds_sum", {"model": "p/two"}, 0.3),
        ("pointsman_in_flight_attempts", {"model": "p/one"}, 4),
        ("pointsman_circuit", {"model": "p/one", "pointsman_circuit": "open"}, 1),
        ("pointsman_circuit", {"model": "p/one", "pointsman_circuit": "closed"}, 0),
        ("pointsman_ledger_queued_records", {}, 3),
        ("pointsman_ledger_written_records_total", {}, 7),
        ("pointsman_ledger_dropped_records_total", {"record": "outcome"}, 2),
        ("pointsman_ledger_failing_seconds", {}, 0),
        ("pointsman_log_records_dropped_total", {}, 5),
        ("pointsman_build_info", {"version": "1.2.3"}, 1),
        ("pointsman_config_info", {"version": "cfg_7"}, 1),
    ],
)
def test_a_scrape_shows_what_happened(
    metrics: Metrics, name: str, labels: dict[str, str], value: float
) -> None:
    assert samples(metrics)[name, frozenset(labels.items())] == value


def test_a_failing_store_shows_for_how_long(tally: Tally) -> None:
    figures = Figures()
    figures.failing_since = 100.0
    metrics = Metrics(tally, figures, Engine(), version="1", monotonic=lambda: 130.5)
    assert samples(metrics)["pointsman_ledger_failing_seconds", frozenset()] == 30.5


def test_openmetrics_is_spoken_to_who_asks_for_it(metrics: Metrics) -> None:
    body, content_type = metrics.render(OPENMETRICS)
    assert content_type.startswith(b"application/openmetrics-text")
    assert body.endswith(b"# EOF\n")
    assert any(family.name == "pointsman_circuit" for family in openmetrics(body))
    body, content_type = metrics.render("text/plain")
    assert content_type.startswith(b"text/plain")


def test_two_servers_in_one_process_do_not_share_a_registry(tally: Tally) -> None:
    first = Metrics(tally, Figures(), Engine(), version="1")
    second = Metrics(Tally(), Figures(), Engine(), version="2")
    assert first.render("") != second.render("")


def test_the_documentation_lists_exactly_what_is_exposed(metrics: Metrics) -> None:
    body = metrics.render(OPENMETRICS)[0]
    suffix = {"counter": "_total", "info": "_info"}
    exposed = {family.name + suffix.get(family.type, "") for family in openmetrics(body)}
    text = DOC.read_text()
    rows = re.findall(r"^\| `(pointsman_\w+)` \| (\w+) \|", text, re.MULTILINE)
    process = set(re.findall(r"`(process_\w+)`", text))
    assert {name for name, _ in rows} | process == exposed
    assert len(rows) == len({name for name, _ in rows})


def test_the_documentation_says_the_type_of_each(metrics: Metrics) -> None:
    types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", metrics.render("")[0].decode(), re.MULTILINE))
    for name, kind in re.findall(r"^\| `(\w+)` \| (\w+) \|", DOC.read_text(), re.MULTILINE):
        assert types[name] == kind, name
