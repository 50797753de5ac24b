"""What does a run look like: one page that needs nothing else?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from math import isnan, nan
from typing import Any

from pointsman.app.loadtest.report import MEANING, PERCENTILES
from pointsman.app.plots import Line, Plot, svg

MOST_PLACES = 600
"""A plot has room for so many places; of longer runs, neighbours are drawn as their worst."""

_STYLE = """
body { font: 14px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #1f2328; background: #fff; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; } th, td { padding: .2rem .8rem; text-align: right; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
tr + tr td { border-top: 1px solid #d8dee4; } svg { max-width: 100%; height: auto; }
.bad { color: #b42318; font-weight: 600; } .note { color: #57606a; }
"""


def page(document: Mapping[str, Any]) -> str:
    """The report of `as_document` as HTML."""
    plan, requests = document["plan"], document["requests"]
    title = f"Load test of {plan['url']}"
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        f'<p class="note">{escape(_planned(plan))}</p>',
        _summary(requests),
        "<h2>How long callers waited</h2>",
        _times(document["latency_ms"]),
        *_plots(document["seconds"]),
        *_faults(document["faults"]),
        "<h2>By agent</h2>",
        _shares(document["agents"]),
        "<h2>By model</h2>",
        _shares(document["models"]),
        "</body></html>",
    ]
    return "\n".join(parts)


def _planned(plan: Mapping[str, Any]) -> str:
    told = ((name, value) for name, value in plan.items() if value is not None and name != "url")
    return ", ".join(f"{name.replace('_', ' ')} {_words(value)}" for name, value in told)


def _words(value: object) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{name}={each:g}" for name, each in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)


def _summary(requests: Mapping[str, Any]) -> str:
    rate, success = requests["per_second"], requests["success_rate"]
    words = [
        f"{requests['answered']} answered",
        f"{rate:.1f} requests/s" if rate is not None else "",
        f"{100 * success:.2f} % success" if success is not None else "",
    ]
    bad = [
        f"{requests[name]} {words}"
        for name, words in (
            ("failed", "failed"),
            ("not_sent", "not sent, since too many were under way"),
            ("given_up", "given up"),
        )
        if requests[name]
    ]
    told = f' <span class="bad">{escape("; ".join(bad))}</span>' if bad else ""
    return f"<p>{escape('; '.join(word for word in words if word))}.{told}</p>"


def _times(latency: Mapping[str, Mapping[str, Any]]) -> str:
    columns = (*PERCENTILES, "max")
    rows = [
        [name, *(_shown(times[each]) for each in columns), MEANING[name]]
        for name, times in latency.items()
        if times["count"]
    ]
    return _table(["ms", *columns, ""], rows)


def _shares(shares: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        [
            name,
            str(share["requests"]),
            str(share["failed"]),
            _shown(share["latency_ms"]["p50"]),
            _shown(share["latency_ms"]["p99"]),
            str(share["tokens"]),
        ]
        for name, share in shares.items()
    ]
    return _table(["", "requests", "failed", "p50 ms", "p99 ms", "tokens"], rows)


def _faults(faults: Mapping[str, int]) -> Iterator[str]:
    if faults:
        yield "<h2>What failed</h2>"
        yield _table(["", "requests"], [[name, str(count)] for name, count in faults.items()])


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(each)}</th>" for each in head)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows
    )
    return f"<table><tr>{top}</tr>{body}</table>"


def _plots(seconds: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if len(seconds) < 2:
        return
    waits = {"p50": "half waited no longer", "p99": "99 of 100 waited no longer"}
    yield _plot("How long callers waited", "ms", seconds, waits)
    counts = {"sent": "sent", "ended": "ended", "failed": "failed"}
    yield _plot("Requests per second", "requests", seconds, counts)
    yield _plot("Under way at a time", "requests", seconds, {"under_way": "at most"})


def _plot(
    title: str, up: str, seconds: Sequence[Mapping[str, Any]], names: Mapping[str, str]
) -> str:
    lines = [
        Line(words, values := _drawn([second.get(name) for second in seconds]), [nan] * len(values))
        for name, words in names.items()
    ]
    top = max((v for line in lines for v in line.means if not isnan(v)), default=0.0)
    span = (0.0, float(len(seconds) - 1))
    return svg(Plot(title, "seconds since the start", up, span, _rounded_up(top), lines))


def _drawn(values: Sequence[float | None]) -> list[float]:
    step = -(-len(values) // MOST_PLACES)
    groups = (values[at : at + step] for at in range(0, len(values), step))
    known = ([each for each in group if each is not None] for group in groups)
    return [float(max(each)) if each else nan for each in known]


def _rounded_up(top: float) -> float:
    """The next height at which an axis may well end: 1, 2, 5 or 10 times a power of ten."""
    power = 10.0 ** (len(f"{int(top)}") - 1)
    return next((power * step for step in (1, 2, 5, 10) if power * step >= top), 10 * power)


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:,.2f}"
