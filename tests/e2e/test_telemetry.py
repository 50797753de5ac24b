"""Does a collector see each request with its attempts, and the upstream the same names?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from collector import Collector, Row, collector
from fleets import fleet
from gateway_process import GatewayProcess, Serve, wait_until
from simulated_upstream import SimulatedUpstream
from streams import next_event, open_stream

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
UNSAMPLED = {"traceparent": f"00-{TRACE}-{SPAN}-00"}
ROUTE = "pointsman.route"
SERVER, CLIENT = 2, 3
UNSET, ERROR = 0, 2


@pytest.fixture
def received(tmp_path: Path) -> Iterator[Collector]:
    with collector(tmp_path) as running:
        yield running


def traced(serve: Serve, upstream: SimulatedUpstream, url: str, **otlp: Any) -> GatewayProcess:
    """A gateway whose telemetry goes to `url`."""
    settings = {"endpoint": url, "sample": 1.0, "metrics_every_s": 3_600, **otlp}
    environ = {"OTEL_EXPORTER_OTLP_HEADERS": "x-token=secret", "OTEL_BSP_SCHEDULE_DELAY": "100"}
    routing = {"backoff_s": 0.01, "attempts_per_model": 1}
    config = fleet(upstream.url, telemetry={"otlp": settings}, routing=routing)
    return serve(config, environ=environ)


def told(received: Collector, count: int) -> list[Row]:
    """All spans, once there are so many."""
    wait_until(lambda: len(received.spans) >= count, what=f"{count} spans")
    return received.spans


def request_and_attempts(spans: list[Row]) -> tuple[Row, list[Row]]:
    (request,) = (span for span in spans if span["name"] == ROUTE)
    attempts = [span for span in spans if span["name"] != ROUTE]
    assert {span["parent_id"] for span in attempts} == {request["span_id"]}
    assert {span["trace_id"] for span in spans} == {request["trace_id"]}
    return request, sorted(attempts, key=lambda span: span["attributes"]["pointsman.route.attempt"])


def test_a_request_is_a_span_below_its_callers_and_above_its_attempts(
    serve: Serve, upstream: SimulatedUpstream, received: Collector
) -> None:
    gateway = traced(serve, upstream, received.url, sample=0.0)
    headers = {**SAMPLED, "x-session-id": "s-1", "x-pointsman-agent": "default"}
    answer = gateway.chat(headers, model="up/first")
    request, (attempt,) = request_and_attempts(told(received, 2))
    assert (request["trace_id"], request["parent_id"]) == (TRACE, SPAN)
    assert (request["span_kind"], attempt["span_kind"]) == (SERVER, CLIENT)
    assert (request["status"], attempt["status"]) == (UNSET, UNSET)
    assert request["resource"]["service.name"] == "pointsman"
    assert request["token"] == "secret"
    facts = request["attributes"]
    assert facts["pointsman.route.decision_id"] == answer.headers["x-pointsman-decision"]
    assert facts["pointsman.route.request_id"] == answer.headers["x-request-id"]
    assert (facts["gen_ai.operation.name"], facts["gen_ai.request.model"]) == ("chat", "up/first")
    assert (facts["gen_ai.conversation.id"], facts["gen_ai.agent.id"]) == ("s-1", "default")
    assert facts["pointsman.route.served_model"] == "up/first"
    assert (facts["pointsman.route.attempts"], facts["pointsman.route.is_fallback"]) == (1, False)
    facts = attempt["attributes"]
    assert attempt["name"] == "chat first"
    assert (facts["gen_ai.provider.name"], facts["gen_ai.request.model"]) == ("up", "first")
    usage = answer.document["usage"]
    assert facts["gen_ai.usage.input_tokens"] == usage["prompt_tokens"]
    assert facts["gen_ai.usage.output_tokens"] == usage["completion_tokens"]
    assert facts["pointsman.cost_usd"] == float(answer.headers["x-pointsman-cost"])
    assert 0 <= attempt["duration_s"] <= request["duration_s"] + 0.001
    passed_on = upstream.last["headers"]["traceparent"]
    assert passed_on == f"00-{TRACE}-{attempt['span_id']}-01"


def test_a_failed_attempt_and_a_fallback_are_seen(
    serve: Serve, upstream: SimulatedUpstream, received: Collector
) -> None:
    gateway = traced(serve, upstream, received.url)
    upstream.order("first", "server_error")
    assert gateway.chat(model="up/first", models=["up/second"]).status == 200
    request, (failed, served) = request_and_attempts(told(received, 3))
    assert (failed["status"], served["status"], request["status"]) == (ERROR, UNSET, UNSET)
    assert failed["attributes"]["error.type"] == "server_error"
    assert failed["attributes"]["pointsman.failure.blames"] == "endpoint"
    assert failed["attributes"]["http.response.status_code"] == 500
    facts = request["attributes"]
    assert (facts["pointsman.route.attempts"], facts["pointsman.route.is_fallback"]) == (2, True)
    assert facts["pointsman.route.served_model"] == "up/second"
    assert request["events"] == [
        {
            "name": "pointsman.route.fallback",
            "attributes": {
                "pointsman.route.from_model": "up/first",
                "pointsman.route.to_model": "up/second",
                "error.type": "server_error",
            },
        }
    ]


def test_a_stream_that_its_caller_leaves_is_seen_as_cancelled(
    serve: Serve, upstream: SimulatedUpstream, received: Collector
) -> None:
    gateway = traced(serve, upstream, received.url)
    upstream.order("first", "stall", after=2)
    with open_stream(gateway, model="up/first") as response:
        assert next_event(response)
    request, (attempt,) = request_and_attempts(told(received, 2))
    for span in (request, attempt):
        assert (span["attributes"]["error.type"], span["status"]) == ("cancelled", UNSET)
    facts = attempt["attributes"]
    assert facts["gen_ai.request.stream"] is True
    assert facts["gen_ai.response.time_to_first_chunk"] > 0
    assert "gen_ai.usage.output_tokens" not in facts, "estimates are no counts"


def test_what_was_given_up_or_never_begun_is_told_at_the_latest_when_the_gateway_stops(
    serve: Serve, upstream: SimulatedUpstream, received: Collector
) -> None:
    gateway = traced(serve, upstream, received.url)
    upstream.order("first", "server_error")
    assert gateway.chat(model="up/first").status == 502
    huge = gateway.chat(max_tokens=1_000_000)
    assert huge.status == 400
    gateway.terminate()
    requests = [span for span in received.spans if span["name"] == ROUTE]
    kinds = {span["attributes"]["error.type"]: span["status"] for span in requests}
    assert kinds == {"server_error": ERROR, "no_eligible_model": ERROR}


def test_metrics_count_all_attempts_also_those_that_are_not_traced(
    serve: Serve, upstream: SimulatedUpstream, received: Collector
) -> None:
    gateway = traced(serve, upstream, received.url, sample=0.0)
    upstream.order("first", "server_error")
    gateway.chat(model="up/first", models=["up/second"])
    gateway.chat(model="up/second", stream=True, stream_options={"include_usage": True})
    gateway.chat(UNSAMPLED, model="up/second")
    assert upstream.last["headers"]["traceparent"].startswith(f"00-{TRACE}-")
    assert upstream.last["headers"]["traceparent"].endswith("-00")
    gateway.terminate()
    assert received.spans == []
    points = received.points
    durations = [each for each in points if each["name"] == "gen_ai.client.operation.duration"]
    by_model = {
        (each["attributes"]["gen_ai.request.model"], each["attributes"].get("error.type")): each
        for each in durations
    }
    assert {key: each["count"] for key, each in by_model.items()} == {
        ("first", "server_error"): 1,
        ("second", None): 3,
    }
    assert durations[0]["unit"] == "s"
    assert durations[0]["bounds"][:3] == [0.01, 0.02, 0.04]
    chunks = "gen_ai.client.operation.time_to_first_chunk"
    assert sum(each["count"] for each in points if each["name"] == chunks) == 1
    first = [each for each in points if each["name"] == "gen_ai.server.time_to_first_token"]
    pace = [each for each in points if each["name"] == "gen_ai.server.time_per_output_token"]
    assert (first[0]["count"], pace[0]["count"]) == (1, 1)
    assert 0 < pace[0]["sum"] < first[0]["sum"] + 1
    tokens = [each for each in points if each["name"] == "gen_ai.client.token.usage"]
    kinds = {each["attributes"]["gen_ai.token.type"]: each for each in tokens}
    assert {kind: each["count"] for kind, each in kinds.items()} == {"input": 3, "output": 3}
    assert kinds["input"]["sum"] > 0


def test_a_collector_that_is_not_there_costs_telemetry_and_nothing_else(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = traced(serve, upstream, "http://127.0.0.1:9")
    for _ in range(5):
        assert gateway.chat(model="up/first").status == 200
    assert gateway.terminate() == 0


def test_without_telemetry_nothing_of_it_is_imported_and_traces_pass_through(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url), environ={"PYTHONPROFILEIMPORTTIME": "1"})
    assert gateway.chat({**SAMPLED, "tracestate": "vendor=1"}, model="up/first").status == 200
    assert upstream.last["headers"]["traceparent"] == SAMPLED["traceparent"]
    assert "tracestate" not in upstream.last["headers"]
    assert gateway.chat({"traceparent": "00-nonsense"}, model="up/first").status == 200
    assert "traceparent" not in upstream.last["headers"]
    assert "opentelemetry" not in gateway.log
