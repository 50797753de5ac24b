"""Do simulations say what they are, print their tables and write their plots?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from simulations.lineup import LINEUP, RANDOM, ROUTER, STATIC

from simulations import adaptivity, regret, situations

ROOT = Path(__file__).resolve().parents[2]


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
