"""Is everything told that happened, once, and does telemetry in trouble harm nobody else?"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Event

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from pointsman.adapters.telemetry import Endpoint, Telemetry, Told, dialect, is_installed
from pointsman.adapters.telemetry.otlp import _resource
from pointsman.adapters.telemetry.traces import MOST_UNDER_WAY, SETTLED_S, GivenIds, Traces
from pointsman.core.decision import Candidate, Decision, Outcome, Strategy, Task
from pointsman.core.errors import FailureKind
from pointsman.core.fleet import Usage
from pointsman.core.trace import span_id_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ENDPOINT = Endpoint("http://127.0.0.1:9", 1.0, 60.0, "1")
CANDIDATES = (Candidate("azure/one", 0.9, ()), Candidate("up/two", 0.8, ()))


def decision(number: int = 1) -> Decision:
    return Decision(
        f"dec_01a2b3c4d5e{number:016x}",
        "req_1",
        NOON,
        "builder",
        Task("coding", stream=True),
        Strategy.QUALITY,
        CANDIDATES,
        (),
        0.5,
        "cfg_1",
    )


def outcome(
    attempt: int = 1, failure: FailureKind | None = None, *, number: int = 1, after_s: float = 1.0
) -> Outcome:
    return Outcome(
        decision(number).id,
        attempt,
        CANDIDATES[attempt - 1].model_id,
        "builder",
        NOON + timedelta(seconds=after_s),
        failure,
        True,
        0.5,
        0.25,
        Usage(100, 20, 60),
        Decimal("0.01"),
    )


class Spans:
    """What was told of requests, in the order in which it was."""

    def __init__(self, share: float = 1.0) -> None:
        ids = GivenIds()
        provider = TracerProvider(id_generator=ids, shutdown_on_exit=False)
        self._exporter = InMemorySpanExporter()
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.traces = Traces(provider, ids, share)

    @property
    def told(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    @property
    def names(self) -> list[str]:
        return [span.name for span in self.told]


@pytest.fixture
def spans() -> Spans:
    return Spans()


def test_a_request_ends_with_its_answer(spans: Spans) -> None:
    spans.traces.decided(decision())
    spans.traces.ended(outcome())
    assert spans.names == ["chat one", dialect.ROUTE_SPAN]
    attempt, request = spans.told
    assert attempt.parent is not None
    assert request.parent is None
    assert f"{attempt.parent.span_id:016x}" == span_id_of(decision().id, 0)
    assert attempt.attributes is not None
    assert attempt.attributes[dialect.PROVIDER] == "azure.ai.openai"
    assert attempt.attributes[dialect.CACHE_READ_TOKENS] == 60
    assert (attempt.start_time, attempt.end_time) == (
        int(NOON.timestamp() * 1e9) + 500_000_000,
        int(NOON.timestamp() * 1e9) + 1_000_000_000,
    )


def test_a_failure_that_another_model_may_mend_ends_nothing_yet(spans: Spans) -> None:
    spans.traces.decided(decision())
    spans.traces.ended(outcome(1, FailureKind.RESET))
    spans.traces.settle(NOON + timedelta(seconds=SETTLED_S))
    assert spans.names == ["chat one"]
    spans.traces.ended(outcome(2, after_s=2.0))
    assert spans.names == ["chat one", "chat two", dialect.ROUTE_SPAN]
    assert [event.name for event in spans.told[2].events] == [dialect.FALLBACK_EVENT]


def test_a_request_that_was_given_up_ends_some_time_after_its_last_failure(spans: Spans) -> None:
    spans.traces.decided(decision(1))
    spans.traces.decided(decision(2))
    spans.traces.ended(outcome(1, FailureKind.RESET))
    spans.traces.settle(NOON + timedelta(seconds=SETTLED_S + 2))
    request = spans.told[1]
    assert (request.name, request.status.status_code) == (dialect.ROUTE_SPAN, StatusCode.ERROR)
    assert request.status.description == "reset"
    spans.traces.end_all()
    assert spans.names.count(dialect.ROUTE_SPAN) == 2
    spans.traces.ended(outcome(2, after_s=99.0))
    assert len(spans.told) == 3, "nobody waits for it any more"


def test_what_the_caller_alone_can_change_ends_a_request(spans: Spans) -> None:
    spans.traces.decided(decision())
    spans.traces.ended(outcome(1, FailureKind.CANCELLED))
    assert spans.names == ["chat one", dialect.ROUTE_SPAN]
    assert {span.status.status_code for span in spans.told} == {StatusCode.UNSET}


def test_requests_that_never_end_take_only_so_much_room(spans: Spans) -> None:
    for number in range(1, MOST_UNDER_WAY + 3):
        spans.traces.decided(decision(number))
    assert spans.names == [dialect.ROUTE_SPAN] * 2


def test_a_request_that_is_not_sampled_is_not_told() -> None:
    spans = Spans(share=0.0)
    spans.traces.decided(decision())
    spans.traces.ended(outcome())
    assert spans.told == ()


def test_the_environment_names_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _resource("1.2").attributes["service.name"] == "pointsman"
    monkeypatch.setenv("OTEL_SERVICE_NAME", "edge-7")
    assert _resource("1.2").attributes["service.name"] == "edge-7"
    assert _resource("1.2").attributes["service.version"] == "1.2"


class Collecting:
    """A collector in memory. It can be held up, and it can break."""

    def __init__(self, *, broken: bool = False) -> None:
        self.records: list[Decision | Outcome] = []
        self.held = Event()
        self.closed = False
        self._broken = broken

    def decided(self, decision: Decision) -> None:
        self.held.wait(10)
        if self._broken:
            raise RuntimeError("a defect")
        self.records.append(decision)

    def ended(self, outcome: Outcome) -> None:
        self.records.append(outcome)

    def settle(self, now: datetime) -> None:
        assert now == NOON

    def close(self) -> None:
        self.closed = True


class Ledger:
    def __init__(self) -> None:
        self.records: list[Decision | Outcome] = []

    def decided(self, decision: Decision) -> None:
        self.records.append(decision)

    def ended(self, outcome: Outcome) -> None:
        self.records.append(outcome)


@pytest.fixture
def collecting() -> Collecting:
    return Collecting()


@pytest.fixture
def telemetry(collecting: Collecting) -> Iterator[Telemetry]:
    telemetry = Telemetry(ENDPOINT, lambda: NOON, collect=lambda _: collecting, capacity=300)
    telemetry.start()
    yield telemetry
    collecting.held.set()
    telemetry.close()


def test_the_ledger_and_the_telemetry_are_told_the_same(
    telemetry: Telemetry, collecting: Collecting
) -> None:
    ledger = Ledger()
    told = Told(ledger, telemetry)
    collecting.held.set()
    for number in range(1, 120):
        told.decided(decision(number))
        told.ended(outcome(number=number))
    telemetry.close()
    assert ledger.records == collecting.records
    assert len(collecting.records) == 238
    assert collecting.closed


def test_what_does_not_fit_is_dropped_and_counted(
    telemetry: Telemetry, collecting: Collecting, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(1, 1_001):
        telemetry.take(decision(number))
    assert telemetry.dropped >= 699
    collecting.held.set()
    with caplog.at_level(logging.WARNING):
        telemetry.close()
    assert len(collecting.records) == 1_000 - telemetry.dropped
    assert "telemetry was dropped" in caplog.text


def test_telemetry_that_breaks_ends_and_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    collecting = Collecting(broken=True)
    telemetry = Telemetry(ENDPOINT, lambda: NOON, collect=lambda _: collecting)
    telemetry.start()
    telemetry.take(decision())
    collecting.held.set()
    telemetry.close()
    telemetry.take(decision())
    assert telemetry.dropped == 1
    assert "telemetry has ended" in caplog.text


def test_telemetry_that_was_never_started_can_be_closed() -> None:
    Telemetry(ENDPOINT, lambda: NOON).close()


def test_the_extra_is_found_without_importing_it() -> None:
    assert is_installed()
    code = (
        "import sys; from pointsman.adapters.telemetry import is_installed;"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')];"
        "sys.modules['opentelemetry'] = None; assert not is_installed()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=dict(os.environ))
