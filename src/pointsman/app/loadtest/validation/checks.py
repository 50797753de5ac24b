"""What was wanted, what was achieved, and is that enough?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pointsman.core.errors import PointsmanError


class NotRun(PointsmanError):
    """A scenario cannot be run here; says what it needs."""


class Check(NamedTuple):
    """One thing that was looked at. `passed` None: it could not be. `value`: of a figure."""

    what: str
    target: str
    achieved: str
    passed: bool | None
    value: float | None = None


class Scenario(NamedTuple):
    """One scenario with what came of it. `not_run` says why, where it was not run at all."""

    number: int
    name: str
    checks: Sequence[Check] = ()
    took_s: float = 0.0
    not_run: str = ""

    @property
    def passed(self) -> bool | None:
        """None where it was not run, or a part of it could not be looked at: never as passed."""
        found = [check.passed for check in self.checks]
        if False in found:
            return False
        return None if self.not_run or not found or None in found else True


class Measure(NamedTuple):
    """A figure beside its target, in `unit`. `at_least`: more is better."""

    what: str
    target: float
    achieved: float
    unit: str
    at_least: bool = False
    how: str = ""

    @property
    def passed(self) -> bool:
        wanted, found = self.target, self.achieved
        return found >= wanted if self.at_least else found < wanted

    @property
    def factor(self) -> float:
        """How many times better than the target it is; below 1 it is worse."""
        best, worst = (
            (self.achieved, self.target) if self.at_least else (self.target, self.achieved)
        )
        return best / worst if worst else float("inf")


def at_most(what: str, limit: float, found: float | None, unit: str) -> Check:
    """Passed when something was found, and no more than the limit."""
    shown = "nothing was measured" if found is None else f"{figure(found)} {unit}"
    return Check(what, f"≤ {limit:g} {unit}", shown, found is not None and found <= limit, found)


def at_least(what: str, limit: float, found: float | None, unit: str) -> Check:
    """Passed when something was found, and no less than the limit."""
    shown = "nothing was measured" if found is None else f"{figure(found)} {unit}"
    return Check(what, f"≥ {limit:g} {unit}", shown, found is not None and found >= limit, found)


def holds(what: str, target: str, achieved: str, is_so: bool) -> Check:
    return Check(what, target, achieved, is_so)


def figure(value: float) -> str:
    """With as many digits as say something."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
