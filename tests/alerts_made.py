"""Attempts, instants and alerts made up for tests of alerts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from pointsman.core.alert import AlertType, Severity
from pointsman.core.alert_conditions import Figures, Finding
from pointsman.core.alert_counts import Counts
from pointsman.core.alert_log import Alert, Now, State
from pointsman.core.alert_metrics import Scope, ScopeKind
from pointsman.core.alert_rules import Condition, NoData, Rule
from pointsman.core.decision import Outcome
from pointsman.core.errors import FailureKind
from pointsman.core.fleet import Usage

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MODEL = Scope(ScopeKind.MODEL, "p/m")
AGENT = Scope(ScopeKind.AGENT, "a")
EVERYTHING = Scope(ScopeKind.GLOBAL)
FIGURES = Figures("faults_in_a_row", 3.0, 3.0, 3.0, 3, 0.0, "")

INFO, WARNING, ERROR, CRITICAL = Severity


def at(s: float) -> Now:
    """So many seconds after noon."""
    return Now(s, NOON + timedelta(seconds=s))


def attempt(
    failure: FailureKind | None = None,
    *,
    model: str = "p/m",
    agent: str = "a",
    total_s: float = 0.2,
    first_s: float | None = None,
    usage: Usage | None = None,
    cost: Decimal | None = Decimal(0),
) -> Outcome:
    """How an attempt ended: well and soon, unless it is said otherwise."""
    streamed = first_s is not None
    return Outcome(
        "d", 1, model, agent, NOON, failure, streamed, total_s, first_s, usage, cost
    )  # fmt: skip


def attempts(good: int, bad: int = 0, **more: str) -> list[Outcome]:
    """So many that ended well, then so many that the endpoint spoilt."""
    spoilt = [attempt(FailureKind.SERVER_ERROR, **more) for _ in range(bad)]  # type: ignore[arg-type]
    return [attempt(**more) for _ in range(good)] + spoilt  # type: ignore[arg-type]


def counted(looks: Iterable[tuple[float, list[Outcome]]], **lines: tuple[float, ...]) -> Counts:
    """What is counted of these attempts, by the look that first saw them."""
    counts = Counts(lines.get("lines", ()), lines.get("factors", ()))
    for at_s, outcomes in looks:
        counts.fold(at_s, outcomes)
    return counts


def rule(
    *conditions: Condition,
    name: str = "test",
    scope: ScopeKind = ScopeKind.MODEL,
    for_s: float = 0.0,
    keep_firing_for_s: float = 60.0,
    no_data: NoData = NoData.KEEP,
    cooldown_s: float = 300.0,
) -> Rule:
    return Rule(
        name,
        AlertType.THRESHOLD_BREACH,
        frozenset({scope}),
        conditions or (Condition("faults_in_a_row", {WARNING: 3, CRITICAL: 10}),),
        for_s,
        keep_firing_for_s,
        cooldown_s,
        no_data,
    )


def breach(severity: Severity = WARNING) -> Finding:
    return Finding(severity, figures=FIGURES)


def alert(
    state: State = State.FIRING,
    severity: Severity = WARNING,
    *,
    scope: Scope = MODEL,
    name: str = "test",
    since_s: float = 0.0,
    episodes: tuple[float, ...] = (0.0,),
    kind: AlertType = AlertType.THRESHOLD_BREACH,
) -> Alert:
    """An alert that is in this state since then."""
    now = at(since_s)
    ended = now.at if state is State.RESOLVED else None
    return Alert(
        name, scope, kind, state, severity, now.s, now.at, now.at, FIGURES, now.s, ended, "",
        episodes,
    )  # fmt: skip
