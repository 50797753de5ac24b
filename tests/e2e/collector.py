"""What does a collector of telemetry receive? A process that speaks OTLP over HTTP on loopback.

`python collector.py FILE` prints its port, and writes what it receives to FILE, one JSON object a
line: spans and points of metrics, decoded from protobuf by OpenTelemetry's own definitions.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

Row = dict[str, Any]


class Collector:
    """A collector and what it has received."""

    def __init__(self, url: str, path: Path) -> None:
        self.url = url
        self._path = path

    def rows(self, kind: str) -> list[Row]:
        lines = self._path.read_text("utf-8").splitlines()
        return [row for row in map(json.loads, lines) if row["kind"] == kind]

    @property
    def spans(self) -> list[Row]:
        return self.rows("span")

    @property
    def points(self) -> list[Row]:
        return self.rows("point")


@contextmanager
def collector(folder: Path) -> Iterator[Collector]:
    """A collector in a process of its own, for as long as the block runs."""
    path = folder / "received.jsonl"
    path.touch()
    command = [sys.executable, __file__, str(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield Collector(f"http://127.0.0.1:{int(process.stdout.readline())}", path)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def attributes(pairs: Sequence[Any]) -> Row:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


def spans_in(body: bytes) -> Iterator[Row]:
    for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource = attributes(of_resource.resource.attributes)
        for of_scope in of_resource.scope_spans:
            for span in of_scope.spans:
                yield {
                    "kind": "span",
                    "resource": resource,
                    "schema": of_scope.schema_url,
                    "trace_id": span.trace_id.hex(),
                    "span_id": span.span_id.hex(),
                    "parent_id": span.parent_span_id.hex(),
                    "name": span.name,
                    "span_kind": span.kind,
                    "duration_s": (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
                    "status": span.status.code,
                    "attributes": attributes(span.attributes),
                    "events": [
                        {"name": event.name, "attributes": attributes(event.attributes)}
                        for event in span.events
                    ],
                }


def points_in(body: bytes) -> Iterator[Row]:
    for of_resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
        for of_scope in of_resource.scope_metrics:
            for metric in of_scope.metrics:
                yield from points_of(metric)


def points_of(metric: Metric) -> Iterator[Row]:
    for point in metric.histogram.data_points:
        yield {
            "kind": "point",
            "name": metric.name,
            "unit": metric.unit,
            "count": point.count,
            "sum": point.sum,
            "bounds": list(point.explicit_bounds),
            "attributes": attributes(point.attributes),
        }


READERS: Mapping[str, Any] = {"/v1/traces": spans_in, "/v1/metrics": points_in}


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        rows = [{**row, "token": self.headers.get("x-token")} for row in READERS[self.path](body)]
        with Path(sys.argv[1]).open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nobody reads it."""


if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    print(server.server_port, flush=True)
    server.serve_forever()
