"""Is a plot a document that shows what it was given?"""

from __future__ import annotations

from math import nan
from xml.etree import ElementTree

import pytest

from pointsman.app.plots import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Line, Plot, svg

SVG = "{http://www.w3.org/2000/svg}"
PLOT = Plot(
    title="A & B",
    across="requests",
    up="share",
    span=(0.0, 100.0),
    top=1.0,
    lines=[Line("<one>", [0.0, 0.5, 1.0], [0.0, 0.1, 0.0]), Line("two", [2.0, 1.0], [0.0, 0.0])],
    marks=[(50.0, "half way")],
    note="how it was made",
)


def drawn(plot: Plot) -> ElementTree.Element:
    return ElementTree.fromstring(svg(plot))


def points(element: ElementTree.Element) -> list[tuple[float, float]]:
    pairs = (pair.split(",") for pair in element.attrib["points"].split())
    return [(float(x), float(y)) for x, y in pairs]


def test_a_plot_names_its_lines_and_how_it_was_made() -> None:
    root = drawn(PLOT)
    words = {text.text for text in root.iter(f"{SVG}text")}
    assert {"A & B", "<one>", "two", "half way", "requests", "share"} <= words
    assert root.findtext(f"{SVG}desc") == "how it was made"


def test_a_line_runs_from_corner_to_corner_and_never_out_of_its_field() -> None:
    one, two = (points(line) for line in drawn(PLOT).iter(f"{SVG}polyline"))
    assert one[0] == (float(LEFT), float(HEIGHT - BOTTOM))
    assert one[-1] == (float(WIDTH - RIGHT), float(TOP))
    assert two[0] == (float(LEFT), float(TOP)), "what is above the top is drawn at the top"


def test_a_band_is_as_wide_as_the_confidence() -> None:
    band = points(next(drawn(PLOT).iter(f"{SVG}polygon")))
    heights = sorted(y for x, y in band if x == (LEFT + WIDTH - RIGHT) / 2)
    assert heights[1] - heights[0] == pytest.approx(0.2 * (HEIGHT - TOP - BOTTOM), abs=0.1)


def test_a_line_is_broken_where_nothing_was_measured() -> None:
    line = Line("one", [0.0, 0.5, nan, 1.0, 0.5], [nan] * 5)
    pieces = [points(each) for each in drawn(PLOT._replace(lines=[line])).iter(f"{SVG}polyline")]
    assert [len(piece) for piece in pieces] == [2, 2]
    assert pieces[1][-1][0] == float(WIDTH - RIGHT)
