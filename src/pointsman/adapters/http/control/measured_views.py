"""How does what was measured read in the control API?"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pointsman.adapters.http.control.measured_bodies import (
    CountedRequestsBody,
    LedgerBody,
    MeasuredAgentBody,
    MeasuredModelBody,
    MetricsBody,
    SlowBody,
    SpreadBody,
    StatsBody,
    SuccessBody,
    TokensBody,
    TopModelBody,
)
from pointsman.adapters.http.control.source import Counted
from pointsman.core.errors import Blame, FailureKind
from pointsman.core.fleet import AgentStatus, Fleet
from pointsman.core.period import Counts, Period
from pointsman.core.quantiles import Sketch
from pointsman.engine.statistics import Measured, Report
from pointsman.engine.steps import in_steps
from pointsman.engine.tally import OK, ModelTally

MOST_TOP = 10

_BLAMED: Mapping[str, Blame] = {kind.code: kind.blames for kind in FailureKind}

Monotonic = Callable[[], float]


async def metrics_body(
    report: Report, fleet: Fleet, monotonic: Monotonic = time.monotonic
) -> MetricsBody:
    """The quantiles of many rows take a while, so others get their turn in between."""
    models = [m async for m in in_steps(_models(report), monotonic)]
    agents = [a async for a in in_steps(_agents(report.agents), monotonic)]
    return MetricsBody(
        **_measured(report.overall),
        window=report.window.label,
        window_s=report.window.length_s,
        timestamp=report.at,
        overhead=_spread(report.overhead),
        top_models=_top(models, fleet),
        models=models,
        model_count=report.model_count,
        agents=agents,
        agent_count=report.agent_count,
    )


def _models(report: Report) -> Iterator[MeasuredModelBody]:
    for model_id, period in report.models:
        match = report.matches.get(model_id)
        yield MeasuredModelBody(
            **_measured(period),
            model_id=model_id,
            match_score=None if match is None else 100 * match,
        )


def _agents(rows: Iterable[Measured]) -> Iterator[MeasuredAgentBody]:
    for agent_id, period in rows:
        yield MeasuredAgentBody(**_measured(period), agent_id=agent_id)


def _measured(period: Period) -> dict[str, Any]:
    """The fields of a `MeasuredBody`."""
    counts = period.counts
    return {
        "latency": _spread(period.total()),
        "first_token": _spread(period.first_token),
        "inter_token": _spread(period.inter_token),
        "slow": list(_slow(period.wait())),
        "success_rate": _success(counts),
        "failures": {kind.code: count for kind, count in counts.by_kind().items()},
        "tokens": TokensBody(
            prompt=counts.prompt_tokens,
            completion=counts.completion_tokens,
            cached=counts.cached_tokens,
        ),
        "cost_usd": float(counts.cost_usd),
        "unpriced_answers": counts.unpriced,
    }


def _slow(wait: Sketch) -> Iterator[SlowBody]:
    for line, over in zip(wait.thresholds, wait.over, strict=True):
        share = over / wait.count if wait.count else None
        yield SlowBody(threshold_ms=1000 * line.value, count=over, share=share)


def _success(counts: Counts) -> SuccessBody:
    successes, faults = counts.successes, counts.faults
    return SuccessBody(
        total_requests=counts.attempts,
        successful_requests=successes,
        failed_requests=faults,
        excused_requests=counts.attempts - successes - faults,
        success_rate=counts.success_rate,
    )


def _spread(sketch: Sketch) -> SpreadBody:
    if not sketch.count:
        nothing = dict.fromkeys(("min", "max", "avg", "p50", "p95", "p99"))
        return SpreadBody(**nothing, count=0)
    p50, p95, p99 = (1000 * value for value in sketch.quantiles((0.5, 0.95, 0.99)))
    return SpreadBody(
        min=1000 * sketch.least,
        max=1000 * sketch.most,
        avg=1000 * sketch.sum / sketch.count,
        p50=p50,
        p95=p95,
        p99=p99,
        count=sketch.count,
    )


def _top(models: Sequence[MeasuredModelBody], fleet: Fleet) -> list[TopModelBody]:
    """Those of which both factors are known, the best first, of equals the busiest."""
    found = [
        TopModelBody(
            model_id=each.model_id,
            model_name=_name(each.model_id, fleet),
            score=each.success_rate.success_rate * each.match_score,
            success_rate=each.success_rate.success_rate,
            match_score=each.match_score,
            total_requests=each.success_rate.total_requests,
        )
        for each in models
        if each.match_score is not None and each.success_rate.success_rate is not None
    ]
    return sorted(found, key=lambda top: (-top.score, -top.total_requests))[:MOST_TOP]


def _name(model_id: str, fleet: Fleet) -> str:
    model = fleet.models.get(model_id)
    return model.display_name or model_id if model else model_id


def stats_body(counted: Counted, fleet: Fleet) -> StatsBody:
    """What was counted since the start."""
    models = list(counted.tally.models.values())
    results = _results(models)
    failures = {code: count for code, count in sorted(results.items()) if code != OK}
    online = sum(agent.status is AgentStatus.ONLINE for agent in fleet.agents.values())
    match = counted.mean_match
    return StatsBody(
        timestamp=counted.at,
        started_at=counted.began,
        uptime_s=(counted.at - counted.began).total_seconds(),
        config_version=fleet.version,
        total_agents=len(fleet.agents),
        online_agents=online,
        total_models=len(fleet.models),
        total_assignments=counted.assignments,
        avg_match_score=None if match is None else 100 * match,
        requests=_requests(counted),
        attempts=_attempts(results[OK], failures),
        failures=failures,
        fallbacks=sum(model.fallbacks for model in models),
        in_flight=counted.in_flight,
        circuits=dict(Counter(counted.circuits.values())),
        tokens=TokensBody(
            prompt=sum(model.prompt_tokens for model in models),
            completion=sum(model.completion_tokens for model in models),
            cached=sum(model.cached_tokens for model in models),
        ),
        cost_usd=float(sum((model.cost_usd for model in models), Decimal(0))),
        unpriced_answers=sum(model.unpriced_answers for model in models),
        ledger=LedgerBody(
            queued=counted.queued,
            written=counted.written,
            dropped=dict(counted.dropped),
            not_durable=counted.not_durable,
            crowded_out=counted.crowded_out,
            failing_s=counted.failing_s,
        ),
    )


def _results(models: Iterable[ModelTally]) -> Counter[str]:
    results: Counter[str] = Counter()
    for model in models:
        results.update(model.results)
    return results


def _requests(counted: Counted) -> CountedRequestsBody:
    tally = counted.tally
    return CountedRequestsBody(
        by_strategy={name: each.value for name, each in tally.decisions_by_strategy.items()},
        refused={code: each.value for code, each in tally.refusals_by_code.items()},
        panic=tally.panic_decisions,
    )


def _attempts(successes: int, failures: Mapping[str, int]) -> SuccessBody:
    faults = sum(count for code, count in failures.items() if _BLAMED[code] is Blame.ENDPOINT)
    judged = successes + faults
    return SuccessBody(
        total_requests=successes + sum(failures.values()),
        successful_requests=successes,
        failed_requests=faults,
        excused_requests=sum(failures.values()) - faults,
        success_rate=successes / judged if judged else None,
    )
