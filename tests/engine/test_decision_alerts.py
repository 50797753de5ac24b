"""Does each alert about decisions fire, and is its end told too, each once?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

import pytest
from fakes import BEST, NEXT
from made_decisions import decided
from recorded import Record
from watching_world import PLAN, Watched

from alerts_made import NOON
from pointsman.core.admission import BreakerPolicy
from pointsman.core.alert_budget import Budget, Per
from pointsman.core.alert_metrics import EVERYTHING
from pointsman.core.decision import Outcome
from pointsman.core.errors import FailureKind, UpstreamError
from pointsman.core.fleet import Source, Usage
from pointsman.core.notification import NoticeState

DAY_S, HOUR_S = 86_400.0, 3_600.0
CACHED = Usage(1_000, 10, cached_tokens=900)
AT = NOON - timedelta(days=1)
A_WEEK = [Outcome("d", 1, "a/best", "coder", AT, None, False, 0.1, None, CACHED, Decimal("0.01"))]


class Trouble(NamedTuple):
    """What makes an alert begin, and after how long what makes it end."""

    begins: Callable[[Watched], object]
    after_s: float
    ends: Callable[[Watched], object]


def moved(watched: Watched) -> None:
    for _ in range(12):
        watched.heard.decided(decided("b/next"))


def opens(watched: Watched) -> None:
    health = watched.world.health
    health.reconfigure(BreakerPolicy(failures=3))
    for _ in range(3):
        health.failed(health.begin(BEST), UpstreamError(FailureKind.SERVER_ERROR))


def explores(watched: Watched) -> None:
    for number in range(600):
        watched.statistics.decided(decided("a/best", explored=number % 10 == 0))


def learns_no_more(watched: Watched) -> None:
    for _ in range(1_000):
        watched.statistics.decided(decided("a/best"))


def corrects(watched: Watched) -> None:
    source = Source("learned from an answer of the provider")
    smaller = replace(NEXT, context_window=2048, sources={"context_window": source})
    watched.world.registry.correct(smaller, watched.clock.now())


def corrects_no_more(watched: Watched) -> None:
    watched.world.registry.forget_old_corrections(watched.clock.now())


def grows_dear(watched: Watched) -> None:
    watched.attempts(60, cost_usd=Decimal("0.04"), usage=Usage(1_000, 10))


def is_as_usual(watched: Watched) -> None:
    watched.attempts(60, cost_usd=Decimal("0.01"), usage=CACHED)


def nothing(_: Watched) -> None:
    """Time alone mends it."""


TROUBLES = {
    "moved_off_assigned": Trouble(moved, 700.0, nothing),
    "budget_ends_soon": Trouble(lambda w: w.attempts(30, cost_usd=Decimal("0.05")), DAY_S, nothing),
    "unpriced_under_budget": Trouble(lambda w: w.attempts(1, cost_usd=None), HOUR_S, nothing),
    "cost_drifts": Trouble(grows_dear, HOUR_S, is_as_usual),
    "cache_collapsed": Trouble(grows_dear, HOUR_S, is_as_usual),
    "breaker_open": Trouble(opens, 0.0, lambda w: w.world.health.forgive("a")),
    "explores_too_much": Trouble(explores, 0.0, learns_no_more),
    "catalogue_corrected": Trouble(corrects, HOUR_S + 1.0, corrects_no_more),
}


@pytest.mark.parametrize("rule", TROUBLES)
async def test_it_fires_resolves_and_both_are_told_once(rule: str) -> None:
    budget = Budget(EVERYTHING, 1.0, Per.DAY)
    watched = Watched(plan=replace(PLAN, budgets=(budget,)), record=Record(A_WEEK * 100))
    await watched.look()
    assert rule not in watched.live()
    begins, after_s, ends = TROUBLES[rule]
    begins(watched)
    await watched.look(32)
    assert rule in watched.live()
    watched.clock.t += after_s
    ends(watched)
    await watched.look(8)
    assert rule not in watched.live()
    of_rule = {alert.id for alert in watched.alerts.log.all() if alert.rule == rule}
    told = [
        (alert.alert_id, alert.state)
        for notification in watched.told
        for alert in notification.alerts
        if alert.alert_id in of_rule
    ]
    assert of_rule
    assert {state for _, state in told} == {NoticeState.FIRING, NoticeState.RESOLVED}
    resolved = [alert_id for alert_id, state in told if state is NoticeState.RESOLVED]
    assert sorted(resolved) == sorted(of_rule), "each end is told, once"
