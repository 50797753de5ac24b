"""How do figures become what Prometheus reads, a few at a time?

A part of the exposition is an iterator of metrics. In between it gives None, a breath: there
whoever drives it may let others run, since no figure is read half.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric

from pointsman.engine.tally import Histogram

Part = Iterator[Metric | None]


def counter(name: str, words: str, label: str, values: Iterable[tuple[str, float]]) -> Part:
    family = CounterMetricFamily(name, words, labels=[label])
    for key, value in values:
        family.add_metric([key], value)
        yield None
    yield family


def gauge(name: str, words: str, label: str, values: Iterable[tuple[str, float]]) -> Part:
    family = GaugeMetricFamily(name, words, labels=[label])
    for key, value in values:
        family.add_metric([key], value)
        yield None
    yield family


def histogram(
    name: str, words: str, histograms: Iterable[tuple[str, Histogram]], label: str = "model"
) -> Part:
    family = HistogramMetricFamily(name, words, labels=[label])
    for key, each in histograms:
        family.add_metric([key], each.cumulative(), each.total)
        yield None
    yield family
