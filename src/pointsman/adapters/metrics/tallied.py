"""What does Prometheus see of everything counted since the start?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily

from pointsman.adapters.metrics.families import Part, counter, histogram
from pointsman.engine.tally import Count, ModelTally, Tally


def tallied(tally: Tally) -> Part:
    """Requests and decisions, and what each model did."""
    yield from _requests(tally)
    models = list(tally.models.items())
    yield from _model_counters(models)
    yield from histogram(
        "pointsman_attempt_duration_seconds",
        "Time from the call to the end of a complete answer.",
        ((name, model.latency) for name, model in models),
    )
    yield from histogram(
        "pointsman_first_token_seconds",
        "Time from the call to the first usable chunk of a streamed answer.",
        ((name, model.first_token) for name, model in models),
    )


def _requests(tally: Tally) -> Part:
    yield from counter(
        "pointsman_requests_total",
        "Requests decided, by agent.",
        "agent",
        _values(tally.requests_by_agent),
    )
    yield from counter(
        "pointsman_decisions_total",
        "Decisions, by strategy.",
        "strategy",
        _values(tally.decisions_by_strategy),
    )
    yield from counter(
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


def _model_counters(models: list[tuple[str, ModelTally]]) -> Part:
    attempts = CounterMetricFamily(
        "pointsman_attempts_total",
        "Attempts, by model and result: ok or what failed.",
        labels=["model", "result"],
    )
    for name, model in models:
        for result, count in model.results.items():
            attempts.add_metric([name, result], count)
        yield None
    yield attempts
    for name, words, figure in _MODEL_COUNTERS:
        yield from counter(name, words, "model", ((key, figure(model)) for key, model in models))


def _values(counts: Mapping[str, Count]) -> Iterator[tuple[str, int]]:
    """Of a copy, since reading may pause and others may add to it meanwhile."""
    return ((key, count.value) for key, count in list(counts.items()))
