"""Does the validation of a whole gateway pass where all is well, and only there?"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import pytest
from gateway_process import COMMAND

from pointsman.app.loadtest.validation.checks import Check, Measure, Scenario, at_least, at_most
from pointsman.app.loadtest.validation.chromium import BrowserFailed, Page, chromium
from pointsman.app.loadtest.validation.report import of_measures, verdict

BUILD = Path(__file__).resolve().parents[2] / "ui" / "build.py"

BY_THE_CLOCK = {
    "first figures on the page",
    "another page is there, the slowest",
    "longest time between two frames",
}


def validated(
    folder: Path, *arguments: str, environ: Mapping[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [*COMMAND, "loadtest", "validate", "--short", "--json", *arguments],
        cwd=folder,
        env={**os.environ, **(environ or {})},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.stdout, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, document


def left_out(reason: str) -> NoReturn:
    """Skip, or fail where every test is wanted."""
    if os.environ.get("POINTSMAN_EVERY_TEST"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def browser() -> str:
    """Where Chromium is."""
    found = chromium()
    if found is None:
        left_out("no Chromium is installed; .ci/packages does that on Debian")
    return found


@pytest.fixture(scope="module")
def dashboard(browser: str) -> None:
    """The dashboard of this checkout, built if it is not."""
    names = runpy.run_path(str(BUILD))
    try:
        names["build"]()
    except names["CannotBuild"] as reason:
        left_out(str(reason))


def passes(scenario: Mapping[str, Any]) -> None:
    assert [each for each in scenario["checks"] if each["passed"] is not True] == []
    assert (scenario["passed"], scenario["not_run"]) == (True, None)
    assert len(scenario["checks"]) >= 6


@pytest.mark.timeout(240)
@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_every_scenario_passes_and_leaves_nothing_behind(tmp_path: Path, number: int) -> None:
    there = {"TMPDIR": str(tmp_path)}
    status, document = validated(tmp_path, "--only", str(number), environ=there)
    passes(document["scenarios"][0])
    assert (status, document["passed"]) == (0, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.timeout(240)
def test_the_dashboard_answers_under_load(tmp_path: Path, dashboard: None) -> None:
    _, document = validated(tmp_path, "--only", "5")
    (scenario,) = document["scenarios"]
    assert (len(scenario["checks"]), scenario["not_run"]) == (6, None)
    # What is told by the clock is a promise of a machine that has time for it.
    busy = os.getloadavg()[0] > (os.cpu_count() or 1)
    kept = [each for each in scenario["checks"] if not (busy and each["what"] in BY_THE_CLOCK)]
    assert [each for each in kept if not each["passed"]] == []


@pytest.mark.timeout(240)
def test_the_table_of_targets_is_measured(tmp_path: Path) -> None:
    status, document = validated(tmp_path, "--only", "6")
    assert [each for each in document["measures"] if not each["passed"]] == []
    assert status == 0
    assert {each["what"] for each in document["measures"]} == {
        "routing decision",
        "capability scoring",
        "adaptive scoring",
        "metrics recording",
        "metric updates",
        "alert check",
        "memory of the tracker",
        "memory of alerts",
        "memory of the scorer",
        "memory of all of it",
        "routed and answered",
    }


def test_without_a_browser_the_dashboard_is_not_run_and_not_passed(tmp_path: Path) -> None:
    status, document = validated(tmp_path, "--only", "5", environ={"PATH": str(tmp_path)})
    (scenario,) = document["scenarios"]
    assert "no Chromium was found" in scenario["not_run"]
    assert (status, scenario["passed"], document["passed"]) == (0, None, None)


def test_a_browser_that_does_not_start_is_a_failure_that_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    broken = folder / "chromium"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    status, document = validated(tmp_path, "--only", "5", environ={"PATH": path})
    (scenario,) = document["scenarios"]
    assert (status, scenario["passed"]) == (1, False)
    assert f"{broken} has ended" in scenario["checks"][0]["achieved"]


def test_a_gateway_that_cannot_start_is_a_failure_that_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "sitecustomize.py"
    broken.write_text("import sys\nif 'serve' in sys.argv: sys.exit('this machine is broken')\n")
    before = os.environ.get("PYTHONPATH", "")
    path = os.pathsep.join(filter(None, (str(tmp_path), before)))
    status, document = validated(tmp_path, "--only", "1", environ={"PYTHONPATH": path})
    (scenario,) = document["scenarios"]
    assert (status, scenario["passed"]) == (1, False)
    assert "this machine is broken" in scenario["checks"][0]["achieved"]


def test_a_page_can_be_looked_at_without_any_library(browser: str) -> None:
    with Page(browser) as page:
        assert page.value("6 * 7") == 42
        assert page.value("new Promise((done) => setTimeout(() => done('later'), 5))") == "later"
        with pytest.raises(BrowserFailed, match="Uncaught"):
            page.value("nothing.there")
        with pytest.raises(BrowserFailed, match="wasn't found"):
            page.ask("Page.doNothing")


def test_what_is_better_is_told_by_its_factor_and_what_is_worse_fails() -> None:
    quick = Measure("routing decision", 100, 0.5, "ms")
    many = Measure("routes", 50, 500, "per second", at_least=True)
    slow, few = quick._replace(achieved=200.0), many._replace(achieved=25.0)
    assert [each.passed for each in (quick, many, slow, few)] == [True, True, False, False]
    assert [each.factor for each in (quick, many, slow, few)] == [200.0, 10.0, 0.5, 0.5]
    shown = "\n".join(of_measures([quick, slow]))
    assert "200×  pass" in shown
    assert "0.5×  FAIL" in shown


def test_what_was_not_run_is_never_passed() -> None:
    good, bad = Check("a", "b", "c", True), Check("a", "b", "c", False)
    unknown = Check("a", "b", "c", None)
    assert Scenario(1, "x", [good]).passed is True
    assert Scenario(1, "x", [good, unknown]).passed is None
    assert Scenario(1, "x", [good, unknown, bad]).passed is False
    assert Scenario(1, "x", not_run="no browser").passed is None
    assert Scenario(1, "x").passed is None
    passed, not_run = Scenario(1, "x", [good]), Scenario(5, "y", not_run="no browser")
    assert verdict([passed], []) is True
    assert verdict([passed, not_run], []) is None
    assert verdict([passed, not_run, Scenario(2, "z", [bad])], []) is False


def test_what_could_not_be_measured_fails() -> None:
    assert at_most("a", 1, None, "s").passed is False
    assert at_least("a", 1, None, "s").passed is False
    assert at_most("a", 1, 1.0, "s").passed is True
    assert at_least("a", 1, 0.5, "s").passed is False


@pytest.mark.parametrize("arguments", [("--only", "7"), ("--only", "x"), ("--rate", "5")])
def test_wrong_use_is_told_and_nothing_is_started(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    command = [*COMMAND, "loadtest", "validate", *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "error: " in done.stderr
    assert arguments[0] in done.stderr
