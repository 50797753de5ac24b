"""What does a run tell: while it lasts, as a table, as a document for programs?

Durations are milliseconds, and percentiles are of answers that were right: a failure that comes at
once would make a broken server look fast. How many failed stands beside them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pointsman.app.loadtest.measured import Measured, Share
from pointsman.core.quantiles import Sketch

PERCENTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99_9": 0.999}
BAR_CELLS = 20

MEANING = {
    "felt": "from when a request was due until its answer was whole",
    "served": "from when it was sent until its answer was whole",
    "first": "from when it was due until the first piece of a stream",
    "late": "how late it was sent: what the load test itself could not keep up with",
}


def milliseconds(sketch: Sketch) -> dict[str, float | int | None]:
    """How durations in seconds are distributed; None of none."""
    if not sketch.count:
        return {"count": 0, "mean": None, "max": None, **dict.fromkeys(PERCENTILES)}
    found = zip(PERCENTILES, sketch.quantiles(PERCENTILES.values()), strict=True)
    return {
        "count": sketch.count,
        "mean": _ms(sketch.mean or 0.0),
        "max": _ms(sketch.most),
        **{name: _ms(value) for name, value in found},
    }


def as_document(measured: Measured, plan: Mapping[str, Any]) -> dict[str, Any]:
    """Everything, ready for JSON. `plan` says what was to be done."""
    counted = measured.done - measured.warming
    return {
        "plan": dict(plan),
        "requests": {
            "sent": measured.sent,
            "answered": counted - measured.failed,
            "failed": measured.failed,
            "not_sent": measured.not_sent,
            "given_up": measured.under_way,
            "warm_up": measured.warming,
            "success_rate": (counted - measured.failed) / counted if counted else None,
            "per_second": rate(measured),
        },
        "faults": dict(measured.faults.most_common()),
        "tokens": measured.tokens,
        "latency_ms": {
            name: milliseconds(sketch) for name, sketch in measured.times._asdict().items()
        },
        "agents": _shares(measured.agents),
        "models": _shares(measured.models),
        "seconds": [_second(number, measured) for number in range(lasted_s(measured))],
    }


def rate(measured: Measured) -> float | None:
    """How many requests were answered in a second, right or not."""
    lasted = lasted_s(measured)
    return measured.done / lasted if lasted else None


def lasted_s(measured: Measured) -> int:
    """For how many seconds there is something to show."""
    return max(measured.seconds, default=-1) + 1


def _shares(shares: Mapping[str, Share]) -> dict[str, Any]:
    by_size = sorted(shares.items(), key=lambda each: (-each[1].requests, each[0]))
    return {
        name: {
            "requests": share.requests,
            "failed": share.failed,
            "tokens": share.tokens,
            "latency_ms": milliseconds(share.felt),
        }
        for name, share in by_size
    }


def _second(number: int, measured: Measured) -> dict[str, Any]:
    second = measured.seconds.get(number)
    if second is None:
        return {"at_s": number, "sent": 0, "ended": 0, "failed": 0, "p50": None, "p99": None}
    found = second.felt.quantiles((0.5, 0.99))
    p50, p99 = (_ms(found[0]), _ms(found[1])) if found else (None, None)
    return {
        "at_s": number,
        "sent": second.sent,
        "ended": second.felt.count + second.failed,
        "failed": second.failed,
        "under_way": second.under_way,
        "p50": p50,
        "p99": p99,
    }


def progress(measured: Measured, share: float) -> str:
    """One line on how it goes. `share` of the run in [0, 1] is over."""
    filled = round(BAR_CELLS * min(1.0, share))
    felt = milliseconds(measured.times.felt)
    times = f"p50 {_shown(felt['p50'])}  p99 {_shown(felt['p99'])} ms" if felt["count"] else "-"
    return (
        f"[{'#' * filled}{'.' * (BAR_CELLS - filled)}] {100 * min(1.0, share):3.0f} %  "
        f"sent {measured.sent}  under way {measured.under_way}  failed {measured.failed}  {times}"
    )


def table(measured: Measured) -> Iterator[str]:
    """The whole of it for people."""
    counted = measured.done - measured.warming
    per_s = rate(measured)
    yield (
        f"{counted - measured.failed} answered, {measured.failed} failed"
        + (f", {measured.not_sent} not sent" if measured.not_sent else "")
        + (f", {measured.under_way} given up" if measured.under_way else "")
        + (f" (and {measured.warming} to warm up)" if measured.warming else "")
        + (f"; {per_s:.1f} requests/s" if per_s is not None else "")
        + f"; {measured.tokens} tokens"
    )
    for fault, count in measured.faults.most_common():
        yield f"  {count} × {fault}"
    yield ""
    yield f"{'ms':<8}" + "".join(f"{name:>10}" for name in (*PERCENTILES, "max"))
    for name, sketch in measured.times._asdict().items():
        if sketch.count:
            yield f"{name:<8}{_row(sketch)}  {MEANING[name]}"
    for title, shares in (("agent", measured.agents), ("model", measured.models)):
        yield ""
        yield f"{title:<32}{'requests':>10}{'failed':>8}{'p50':>10}{'p99':>10}"
        for name, share in _shares(shares).items():
            times = share["latency_ms"]
            yield (
                f"{name[:31]:<32}{share['requests']:>10}{share['failed']:>8}"
                f"{_shown(times['p50']):>10}{_shown(times['p99']):>10}"
            )


def _row(sketch: Sketch) -> str:
    found = milliseconds(sketch)
    return "".join(f"{_shown(found[name]):>10}" for name in (*PERCENTILES, "max"))


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 3)


def _shown(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}" if value < 100 else f"{value:.0f}"
