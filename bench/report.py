"""What do the rounds say: which figures, beside which promises?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.measure import Round, median

Results = Mapping[str, Mapping[str, list[Round]]]
"""Shape of load → server → its rounds."""


@dataclass(frozen=True)
class Row:
    """One promise: what was measured, in which unit, and the most it may be."""

    name: str
    value: float
    unit: str
    at_most: float
    note: str = ""

    @property
    def kept(self) -> bool:
        return self.value <= self.at_most


def figure(results: Results, shape: str, server: str, of: Callable[[Round], float]) -> float | None:
    """The median over the rounds of one server in one shape, or None where there are none."""
    rounds = results.get(shape, {}).get(server)
    return median(rounds, of) if rounds else None


def cpu_us(each: Round) -> float:
    return each.cpu_us


def p50_ms(each: Round) -> float:
    return each.report.p50_ms


def p99_ms(each: Round) -> float:
    return each.report.p99_ms


def per_second(each: Round) -> float:
    return each.report.per_second


def _minus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _over(one: float | None, other: float | None) -> float | None:
    return None if one is None or not other else one / other


def _added(results: Results, server: str, of: Callable[[Round], float]) -> float | None:
    direct = figure(results, "single", "upstream", of)
    return _minus(figure(results, "single", server, of), direct)


def _cells(results: Results, server: str, rss_mb: float) -> list[float | None]:
    plain = figure(results, "plain", server, cpu_us)
    stream = figure(results, "stream", server, cpu_us)
    return [
        figure(results, "plain", server, per_second),
        plain,
        _over(plain, figure(results, "plain", "floor", cpu_us)),
        stream,
        _over(stream, figure(results, "stream", "floor", cpu_us)),
        _added(results, server, p50_ms),
        _added(results, server, p99_ms),
        figure(results, "plain", server, p99_ms),
        rss_mb,
    ]


HEADS = (
    "RPS",
    "CPU µs",
    "× floor",
    "CPU µs/stream",
    "× floor",
    "+p50 ms",
    "+p99 ms",
    "p99@16",
    "RSS MB",
)
FORMATS = (",.0f", ",.0f", ".2f", ",.0f", ".2f", ".2f", ".2f", ".2f", ".0f")


def stack_table(results: Results, rss_mb: Mapping[str, float]) -> str:
    """One line per server."""
    lines = [f"{'':12}" + "".join(f"{head:>15}" for head in HEADS)]
    for server, mb in rss_mb.items():
        cells = zip(_cells(results, server, mb), FORMATS, strict=True)
        shown = ["–" if value is None else format(value, form) for value, form in cells]
        lines.append(f"{server:12}" + "".join(f"{cell:>15}" for cell in shown))
    return "\n".join(lines)


def promises(results: Results, rss_mb: Mapping[str, float]) -> list[Row]:
    """What pointsman promises about requests under way; empty when it was not measured."""
    plain = figure(results, "plain", "pointsman", cpu_us)
    routed = figure(results, "plain", "routes only", cpu_us)
    routed_stream = figure(results, "stream", "routes only", cpu_us)
    litellm = figure(results, "plain", "litellm", cpu_us)
    tensorzero = figure(results, "plain", "tensorzero", cpu_us)
    floor = figure(results, "plain", "floor", cpu_us)
    floor_stream = figure(results, "stream", "floor", cpu_us)
    wanted = [
        ("CPU per request, routes only, over the floor", _over(routed, floor), "×", 1.4),
        ("the same per 20-chunk stream", _over(routed_stream, floor_stream), "×", 1.3),
        ("CPU per request, everything on, over the floor", _over(plain, floor), "×", 1.5),
        ("CPU per request, against LiteLLM", _over(plain, litellm), "×", 1 / 30),
        ("CPU per request, against TensorZero (the prize)", _over(plain, tensorzero), "×", 1.0),
        ("added latency, one connection, p50", _added(results, "pointsman", p50_ms), "ms", 0.6),
        ("added latency, one connection, p99", _added(results, "pointsman", p99_ms), "ms", 1.5),
        ("p99 at 16 connections", figure(results, "plain", "pointsman", p99_ms), "ms", 10),
        ("RSS at start", rss_mb.get("pointsman"), "MB", 70),
    ]
    return [Row(name, value, unit, most) for name, value, unit, most in wanted if value is not None]


def judged(rows: Sequence[Row]) -> str:
    """The promises as a table, one per line."""
    lines = []
    for row in rows:
        verdict = "kept" if row.kept else "BROKEN"
        line = f"{row.name:50}{row.value:>10.3f} {row.unit:3} of at most {row.at_most:>8.3f}"
        lines.append(f"{line}  {verdict}" + (f"  ({row.note})" if row.note else ""))
    return "\n".join(lines) or "pointsman was not measured"
