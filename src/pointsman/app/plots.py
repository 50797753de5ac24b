"""What did it look like? Lines with confidence bands, as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from math import isnan
from typing import NamedTuple

WIDTH, HEIGHT = 760, 320
LEFT, RIGHT, TOP, BOTTOM = 58, 190, 34, 44
COLOURS = ("#1f6feb", "#d1242f", "#8250df", "#bf8700", "#1a7f37", "#6e7781", "#cf6a9b", "#0b7285")
"""Told apart by lightness too; read on white."""


class Line(NamedTuple):
    """Heights at evenly spaced places, each with half the width of its band; NaN where none is.

    Where a height is NaN nothing was measured, and the line is broken.
    """

    name: str
    means: Sequence[float]
    withins: Sequence[float]


class Plot(NamedTuple):
    """Lines over `span` (first and last place), heights from `floor` to `top`.

    `marks` are places with a word. `note` says how to make the plot again.
    """

    title: str
    across: str
    up: str
    span: tuple[float, float]
    top: float
    lines: Sequence[Line]
    marks: Sequence[tuple[float, str]] = ()
    note: str = ""
    floor: float = 0.0


def svg(plot: Plot) -> str:
    """The plot as a document that needs nothing else."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
    parts = [
        f'{head} font-family="system-ui, sans-serif" font-size="11">',
        f"<title>{escape(plot.title)}</title>",
        f"<desc>{escape(plot.note)}</desc>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        _text(LEFT, 18, plot.title, size=13, weight="600"),
        *_axes(plot),
        *_marks(plot),
    ]
    for number, line in enumerate(plot.lines):
        parts += _line(plot, line, COLOURS[number % len(COLOURS)], number)
    return "\n".join([*parts, "</svg>", ""])


def _x(plot: Plot, place: float) -> float:
    first, last = plot.span
    return LEFT + (WIDTH - LEFT - RIGHT) * (place - first) / (last - first)


def _y(plot: Plot, height: float) -> float:
    share = min(max((height - plot.floor) / (plot.top - plot.floor), 0.0), 1.0)
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share


def _axes(plot: Plot) -> Iterator[str]:
    for fifth in range(6):
        height = plot.floor + (plot.top - plot.floor) * fifth / 5
        y = _y(plot, height)
        yield (
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#d8dee4"/>'
        )
        yield _text(LEFT - 6, y + 4, f"{height:g}", anchor="end")
    first, last = plot.span
    for fifth in range(6):
        place = first + (last - first) * fifth / 5
        yield _text(_x(plot, place), HEIGHT - BOTTOM + 16, f"{place:g}", anchor="middle")
    middle = (LEFT + WIDTH - RIGHT) / 2
    yield _text(middle, HEIGHT - 10, plot.across, anchor="middle")
    yield (
        f'<text transform="translate(14 {(HEIGHT - BOTTOM + TOP) / 2}) rotate(-90)" '
        f'text-anchor="middle" fill="#24292f">{escape(plot.up)}</text>'
    )


def _marks(plot: Plot) -> Iterator[str]:
    for place, word in plot.marks:
        x = _x(plot, place)
        yield (
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" '
            'stroke="#57606a" stroke-dasharray="3 3"/>'
        )
        yield _text(x + 4, TOP + 10, word)


def _line(plot: Plot, line: Line, colour: str, number: int) -> Iterator[str]:
    first, last = plot.span
    step = (last - first) / max(1, len(line.means) - 1)
    at = [
        (_x(plot, first + step * n), mean, 0.0 if isnan(within) else within)
        for n, (mean, within) in enumerate(zip(line.means, line.withins, strict=True))
    ]
    for measured, piece in groupby(at, lambda place: not isnan(place[1])):
        if measured:
            yield from _piece(plot, list(piece), colour)
    y = TOP + 10 + 17 * number
    yield (
        f'<line x1="{WIDTH - RIGHT + 10}" x2="{WIDTH - RIGHT + 26}" y1="{y - 4}" y2="{y - 4}" '
        f'stroke="{colour}" stroke-width="3"/>'
    )
    yield _text(WIDTH - RIGHT + 31, y, line.name)


def _piece(plot: Plot, at: Sequence[tuple[float, float, float]], colour: str) -> Iterator[str]:
    """A line without gaps over its band; each place has its x, its height and half the width."""
    over = [(x, _y(plot, mean + within)) for x, mean, within in at]
    under = [(x, _y(plot, mean - within)) for x, mean, within in reversed(at)]
    if over != under[::-1]:
        yield f'<polygon points="{_points([*over, *under])}" fill="{colour}" fill-opacity="0.15"/>'
    heights = [(x, _y(plot, mean)) for x, mean, _ in at]
    yield (
        f'<polyline points="{_points(heights)}" fill="none" stroke="{colour}" stroke-width="1.6"/>'
    )


def _points(pairs: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in pairs)


def _text(
    x: float, y: float, words: str, *, size: int = 11, anchor: str = "start", weight: str = "400"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" '
        f'text-anchor="{anchor}" fill="#24292f">{escape(words)}</text>'
    )
