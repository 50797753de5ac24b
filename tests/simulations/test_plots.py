"""Is a plot a document that shows what it was given, and do simulations say what they are?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from simulations.lineup import LINEUP, RANDOM, ROUTER, STATIC
from simulations.plots import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Line, Plot, svg

from simulations import adaptivity, regret, situations

SVG = "{http://www.w3.org/2000/svg}"
ROOT = Path(__file__).resolve().parents[2]
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


def test_simulations_are_listed_with_the_question_that_they_answer() -> None:
    command = [sys.executable, "-m", "simulations"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "adaptivity" in listed.stdout
    assert "How soon is a model left" in listed.stdout
    command.append("nothing")
    unknown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert unknown.returncode == 1
    assert "no simulation is called 'nothing'" in unknown.stderr


SHORT = (ROUTER, RANDOM)


def test_adaptivity_prints_a_table_and_writes_plots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(adaptivity, "LINEUP", {name: LINEUP[name] for name in SHORT})
    monkeypatch.setattr(adaptivity, "SHOWN", SHORT)
    given = ["-", "--seeds", "0-1", "--jobs", "1", "--plots", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", given)
    adaptivity.main()
    rows = capsys.readouterr().out.splitlines()
    assert [row.split(" | ")[0] for row in rows[2:]] == ["| pointsman", "| random"]
    for name in ("learning-traffic.svg", "learning-worth.svg"):
        assert "adaptivity --seeds 0-1" in (tmp_path / name).read_text("utf-8")


def test_regret_prints_a_table_and_writes_a_plot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(regret, "LINEUP", {name: LINEUP[name] for name in SHORT})
    monkeypatch.setattr(regret, "SHOWN", SHORT)
    given = ["-", "--seeds", "0", "--jobs", "1", "--plots", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", given)
    regret.main()
    rows = capsys.readouterr().out.splitlines()
    names = [row.split(" | ")[0] for row in rows[2:]]
    assert names == ["| pointsman", "| random", f"| {STATIC}"]
    text = (tmp_path / "learning-regret.svg").read_text("utf-8")
    assert "regret --seeds 0-0" in text
    assert "nan" not in text, "one seed has no confidence"


def test_situations_says_where_learning_is_worse_than_chance(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(situations, "LINEUP", {name: LINEUP[name] for name in SHORT})
    monkeypatch.setattr(situations, "COUNT", 1)
    monkeypatch.setattr(sys, "argv", ["-", "--seeds", "0", "--jobs", "1"])
    situations.main()
    printed = capsys.readouterr().out
    assert "| all alike |" in printed
    assert "worse than random in 0 of 1: none" in printed
