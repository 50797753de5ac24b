"""What does the record say of the last half hour, of a budget's period, of a week?

Read in a thread, a little at a time, because those who are being served share one interpreter with
it. At most the newest of what happened: enough to go on where the last process stopped.
"""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta
from typing import NamedTuple

from pointsman.core.alert_budget import Spending
from pointsman.core.alert_counts import LONGEST_S, Counts
from pointsman.core.alert_log import Now
from pointsman.core.alert_metrics import Scope
from pointsman.core.alert_usual import Habits, Usual
from pointsman.core.decision import Outcome
from pointsman.engine.ports import Store

WEEK = timedelta(days=7)
MOST = 100_000
SLICE = 32
PAUSE_S = 0.001
STEP_S = 10.0


class Recalled(NamedTuple):
    """What is usual, and the attempts of the last half hour, oldest first."""

    usual: dict[Scope, Usual]
    lately: list[Outcome]


async def recall(store: Store, now: datetime, spending: Spending | None) -> Recalled:
    """Read the record up to `now`. Raises `StoreError`.

    What was spent in the present period of a budget is added to `spending`, where there is one.
    """
    return await asyncio.to_thread(_read, store, now, spending)


def _read(store: Store, now: datetime, spending: Spending | None) -> Recalled:
    habits, lately = Habits(), []
    half_an_hour_ago = now - timedelta(seconds=LONGEST_S)
    since = now - WEEK
    if spending is not None and spending.since is not None:
        since = min(since, spending.since)
    for count, (outcome, _) in enumerate(store.recent_outcomes(since, MOST), 1):
        if outcome.at >= now:
            break
        habits.learn(outcome)
        if spending is not None:
            spending.spend(outcome)
        if outcome.at >= half_an_hour_ago:
            lately.append(outcome)
        if not count % SLICE:
            time.sleep(PAUSE_S)
    return Recalled(habits.usual(), lately)


def count_again(counts: Counts, lately: list[Outcome], now: Now) -> None:
    """Count what happened before this start as if it had been watched, in steps of ten seconds."""
    begun = now.at - timedelta(seconds=LONGEST_S)
    waiting: list[Outcome] = []
    step = 0
    for outcome in lately:
        its_step = int((outcome.at - begun).total_seconds() // STEP_S)
        if its_step > step:
            counts.fold(now.s - LONGEST_S + (step + 1) * STEP_S, waiting)
            waiting, step = [], its_step
        waiting.append(outcome)
    counts.fold(min(now.s, now.s - LONGEST_S + (step + 1) * STEP_S), waiting)
