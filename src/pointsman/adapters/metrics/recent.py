"""What does Prometheus see of the last minutes, and of each agent?

Quantiles from windows that are counted exactly say what histograms of a dozen buckets cannot: these
gauges are within 1.1 % of the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily

from pointsman.adapters.metrics.families import Part, counter
from pointsman.core.period import Counts, Period
from pointsman.core.quantiles import Sketch, Threshold
from pointsman.core.windows import Window
from pointsman.engine.statistics import LiveStatistics

SHOWN = (Window.MINUTE, Window.FIVE_MINUTES)
QUANTILES = (0.5, 0.95, 0.99)
MOST_AGENTS = 100
"""The windows of so many agents are shown, the busiest; their counters are shown of all."""

Measure = tuple[str, str, Callable[[Period], Sketch]]
Figure = tuple[str, str, Callable[[Period], float | None]]

_DURATION: Measure = (
    "duration_seconds",
    "Time from the call to the end of a complete answer, within the window.",
    Period.total,
)
_FIRST_TOKEN: Measure = (
    "first_token_seconds",
    "Time from the call to the first usable chunk of a streamed answer, within the window.",
    lambda period: period.first_token,
)
_INTER_TOKEN: Measure = (
    "inter_token_seconds",
    "Mean time between two tokens of a streamed answer, within the window.",
    lambda period: period.inter_token,
)
_FIGURES: tuple[Figure, ...] = (
    ("attempts", "Attempts that ended within the window.", lambda period: period.counts.attempts),
    (
        "success_ratio",
        "Share of complete answers among them and the endpoint's failures, within the window.",
        lambda period: period.counts.success_rate,
    ),
)

_AGENT_COUNTERS: tuple[tuple[str, str, Callable[[Counts], float]], ...] = (
    (
        "pointsman_agent_attempts_total",
        "Attempts made for an agent.",
        lambda counts: counts.attempts,
    ),
    (
        "pointsman_agent_answers_total",
        "Complete answers that an agent was given.",
        lambda counts: counts.successes,
    ),
    (
        "pointsman_agent_faults_total",
        "Attempts for an agent that failed by an endpoint's fault.",
        lambda counts: counts.faults,
    ),
    (
        "pointsman_agent_prompt_tokens_total",
        "Prompt tokens billed for an agent, cached ones included.",
        lambda counts: counts.prompt_tokens,
    ),
    (
        "pointsman_agent_completion_tokens_total",
        "Completion tokens billed for an agent.",
        lambda counts: counts.completion_tokens,
    ),
    (
        "pointsman_agent_cost_usd_total",
        "Known cost of an agent in US dollars.",
        lambda counts: float(counts.cost_usd),
    ),
    (
        "pointsman_agent_unpriced_answers_total",
        "Answers to an agent whose cost is unknown, hence not in its cost.",
        lambda counts: counts.unpriced,
    ),
)


class _Shown:
    """The families of gauges that show periods of models, or of agents."""

    def __init__(self, prefix: str, label: str, measures: tuple[Measure, ...]) -> None:
        self._quantiles = [
            (
                GaugeMetricFamily(f"{prefix}_{name}", words, labels=[label, "window", "quantile"]),
                of,
            )
            for name, words, of in measures
        ]
        self._figures = [
            (GaugeMetricFamily(f"{prefix}_{name}", words, labels=[label, "window"]), of)
            for name, words, of in _FIGURES
        ]
        self._slow = GaugeMetricFamily(
            f"{prefix}_slow_ratio",
            "Share of answers that kept their caller waiting so many seconds or longer, counted "
            "one by one: to a stream's first token, to a plain answer's end.",
            labels=[label, "window", "seconds"],
        )

    def add(self, key: str, window: Window, period: Period) -> None:
        labels = [key, window.label]
        for family, sketch_of in self._quantiles:
            _add_quantiles(family, labels, sketch_of(period))
        for family, figure_of in self._figures:
            value = figure_of(period)
            if value is not None:
                family.add_metric(labels, value)
        wait = period.wait()
        for threshold, over in zip(wait.thresholds, wait.over, strict=True):
            if wait.count:
                self._slow.add_metric([*labels, _seconds(threshold)], over / wait.count)

    def families(self) -> Iterator[GaugeMetricFamily]:
        yield from (family for family, _ in self._quantiles)
        yield from (family for family, _ in self._figures)
        yield self._slow


def recent_models(statistics: LiveStatistics) -> Part:
    """Gauges of each model, and of our own overhead."""
    shown = _Shown("pointsman_recent", "model", (_DURATION, _FIRST_TOKEN, _INTER_TOKEN))
    yield from statistics.folding()
    for model_id in statistics.model_ids():
        for window in SHOWN:
            shown.add(model_id, window, statistics.period(window, model_id=model_id))
            yield None
    yield from shown.families()
    overhead = GaugeMetricFamily(
        "pointsman_recent_overhead_seconds",
        "Time that answers have spent in pointsman itself, within the window.",
        labels=["window", "quantile"],
    )
    for window in SHOWN:
        _add_quantiles(overhead, [window.label], statistics.overhead(window))
    yield overhead


def recent_agents(statistics: LiveStatistics) -> Part:
    """Gauges of the agents that did most in the last five minutes."""
    shown = _Shown("pointsman_agent_recent", "agent", (_DURATION, _FIRST_TOKEN))
    counts: dict[str, int] = {}
    for agent_id in statistics.agent_ids():
        counts[agent_id] = statistics.attempts(Window.FIVE_MINUTES, agent_id=agent_id)
        yield None
    busiest = sorted(filter(counts.get, counts), key=lambda agent_id: -counts[agent_id])
    for agent_id in busiest[:MOST_AGENTS]:
        for window in SHOWN:
            period = statistics.nothing()
            yield from statistics.gathering(period, window, agent_id=agent_id)
            shown.add(agent_id, window, period)
            yield None
    yield from shown.families()


def agents(statistics: LiveStatistics) -> Part:
    """Counters of each agent since the start."""
    totals = list(statistics.totals().items())
    for name, words, figure in _AGENT_COUNTERS:
        yield from counter(name, words, "agent", ((key, figure(each)) for key, each in totals))


def _add_quantiles(family: GaugeMetricFamily, labels: list[str], sketch: Sketch) -> None:
    """A sample for each quantile; of nothing there are no samples."""
    for q, value in zip(QUANTILES, sketch.quantiles(QUANTILES), strict=False):
        family.add_metric([*labels, str(q)], value)


def _seconds(threshold: Threshold) -> str:
    return f"{threshold.value:g}"
