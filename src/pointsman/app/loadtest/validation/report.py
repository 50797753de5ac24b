"""What does a validation tell, for people and for programs?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pointsman.app.loadtest.validation.checks import Measure, Scenario, figure

WORDS = {True: "pass", False: "FAIL", None: "not run"}


def of_scenario(scenario: Scenario) -> Iterator[str]:
    head = f"{scenario.number}. {scenario.name}: {WORDS[scenario.passed]}"
    yield f"{head} ({scenario.took_s:.0f} s)" if not scenario.not_run else head
    if scenario.not_run:
        yield f"   {scenario.not_run}"
    for check in scenario.checks:
        yield f"   {WORDS[check.passed]:<8}{check.what}: {check.achieved} (wanted: {check.target})"
    yield ""


def of_measures(measures: Sequence[Measure]) -> Iterator[str]:
    yield f"{'measure':<22}{'target':>18}{'achieved':>20}{'factor':>9}"
    for each in measures:
        sign = "≥" if each.at_least else "<"
        target = f"{sign} {figure(each.target)} {each.unit}"
        achieved = f"{figure(each.achieved)} {each.unit}"
        line = f"{each.what:<22}{target:>18}{achieved:>20}{figure(each.factor):>8}×"
        yield f"{line}  {WORDS[each.passed]:<6}{each.how}"
    yield ""


def summary(scenarios: Sequence[Scenario], measures: Sequence[Measure]) -> str:
    found = [scenario.passed for scenario in scenarios]
    kept = sum(each.passed for each in measures)
    words = f"{found.count(True)} of {len(found)} scenarios passed"
    if None in found:
        words += f", {found.count(None)} not run"
    return words + (f"; {kept} of {len(measures)} measures are as wanted" if measures else "")


def document(scenarios: Sequence[Scenario], measures: Sequence[Measure]) -> dict[str, Any]:
    """All of it for programs; `passed` is null where something was not run."""
    return {
        "passed": verdict(scenarios, measures),
        "scenarios": [
            {
                "number": scenario.number,
                "name": scenario.name,
                "passed": scenario.passed,
                "not_run": scenario.not_run or None,
                "took_s": round(scenario.took_s, 3),
                "checks": [check._asdict() for check in scenario.checks],
            }
            for scenario in scenarios
        ],
        "measures": [
            {**each._asdict(), "factor": each.factor, "passed": each.passed} for each in measures
        ],
    }


def verdict(scenarios: Sequence[Scenario], measures: Sequence[Measure]) -> bool | None:
    """False when anything failed, None when all that was run passed but something was not."""
    found = [scenario.passed for scenario in scenarios] + [each.passed for each in measures]
    if False in found:
        return False
    return None if None in found else True
