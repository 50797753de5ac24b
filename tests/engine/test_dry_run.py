"""What would a rule have done, had it been in force? The same as the watch that saw it all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any, cast

import pytest
from recorded import Record
from scripted import NOON

from alerts_made import CRITICAL, ERROR, WARNING, attempt, rule
from pointsman.core.alert_budget import Budget, Per
from pointsman.core.alert_counts import Counts
from pointsman.core.alert_judgement import Judgement
from pointsman.core.alert_log import AlertLog, Now, State
from pointsman.core.alert_metrics import Scope, ScopeKind
from pointsman.core.alert_rules import Condition
from pointsman.core.decision import Outcome
from pointsman.core.errors import FailureKind
from pointsman.core.fleet import Usage
from pointsman.engine import dry_run
from pointsman.engine.dry_run import Trial, Tried, tried
from pointsman.engine.ports import Store
from pointsman.engine.recalling import Records

HOUR = timedelta(hours=1)


def at(s: float, failure: FailureKind | None = None, **more: Any) -> Outcome:
    return attempt(failure, **more)._replace(at=NOON + timedelta(seconds=s))


FAILED = FailureKind.SERVER_ERROR


async def try_it(
    made: Any, outcomes: list[Outcome], lasting: timedelta = HOUR, budgets: Sequence[Budget] = ()
) -> Tried:
    record = Record(outcomes)
    trial = Trial(made, NOON, NOON + lasting, 10.0, budgets)
    return await tried(Records(cast("Store", record), record), trial)


async def test_episodes_have_a_beginning_an_end_and_what_they_were_told_for() -> None:
    outcomes = [at(10 * n, FAILED) for n in range(1, 13)] + [at(300 + n) for n in range(5)]
    found = await try_it(rule(keep_firing_for_s=60), outcomes)
    (one,) = found.episodes
    assert one.severity is CRITICAL
    assert one.starts_at == NOON + timedelta(seconds=40)
    assert one.ends_at is not None
    assert timedelta(0) <= one.ends_at - NOON - timedelta(seconds=370) <= timedelta(seconds=60)
    assert "faults_in_a_row 10" in one.message
    assert (found.attempts, found.not_judged) == (17, frozenset())


async def test_what_goes_on_has_no_end() -> None:
    found = await try_it(rule(), [at(1, FAILED), at(2, FAILED), at(3, FAILED)], HOUR / 2)
    assert [each.ends_at for each in found.episodes] == [None]


async def test_what_happened_at_the_very_end_counts() -> None:
    outcomes = [at(3_599, FAILED)] * 3
    assert len((await try_it(rule(), outcomes)).episodes) == 1


async def test_nothing_recorded_is_nothing_judged() -> None:
    found = await try_it(rule(), [])
    assert (found.episodes, found.attempts, found.since) == ([], 0, NOON)


async def test_what_is_no_attempt_is_not_judged_and_said_so() -> None:
    gauge = rule(Condition("utilisation", {ERROR: 1}))
    found = await try_it(gauge, [at(1)])
    assert not found.episodes
    assert found.not_judged == {"utilisation"}


async def test_what_follows_from_attempts_is_tried_too() -> None:
    dear = [at(n, cost=Decimal("0.05")) for n in range(200)]
    agent = ScopeKind.AGENT
    budget = (Budget(Scope(agent, "a"), 10.0, Per.DAY),)
    ladder = {WARNING: 0.5, ERROR: 1.0}
    spends = rule(
        Condition("budget_used", ladder), Condition("utilisation", {ERROR: 1}), scope=agent
    )
    found = await try_it(spends, dear, budgets=budget)
    assert [each.severity for each in found.episodes] == [ERROR]
    assert found.not_judged == {"utilisation"}
    usage = Usage(1_000, 10, cached_tokens=900)
    cached = [at(n, usage=usage) for n in range(1_000)]
    uncached = [at(2_000 + n, usage=Usage(1_000, 10)) for n in range(200)]
    collapsed = rule(Condition("cache_hits_kept", {WARNING: 0.5}))
    assert len((await try_it(collapsed, cached + uncached)).episodes) == 1


async def test_a_rule_that_is_turned_off_is_tried_all_the_same_and_so_is_a_relative_one() -> None:
    relative = rule(Condition("wait_s", {WARNING: 3.0}, relative=True))
    quick = [at(n, total_s=0.1) for n in range(200)]
    slow = [at(200 + n, total_s=1.0) for n in range(60)]
    found = await try_it(relative, quick + slow)
    assert [each.severity for each in found.episodes] == [WARNING]


async def test_a_pending_alert_that_passes_is_no_episode_and_silence_is_one() -> None:
    waits = rule(for_s=600)
    assert (await try_it(waits, [at(1, FAILED)] * 3 + [at(60)])).episodes == []
    silence = rule(Condition("silence_s", {ERROR: 600}, least=3), scope=ScopeKind.AGENT)
    found = await try_it(silence, [at(n) for n in range(5)])
    assert [each.severity for each in found.episodes] == [ERROR]


async def test_so_much_is_read_at_most_and_since_when_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dry_run, "MOST", 10)
    found = await try_it(rule(), [at(n) for n in range(100)])
    assert (found.attempts, found.since) == (10, NOON + timedelta(seconds=90))


async def test_it_is_what_a_watch_would_have_done() -> None:
    """Looks are left out where nothing can change; what is found is the same but for a minute."""
    chance = Random(7)
    made = rule(Condition("success_rate", {WARNING: 0.95, ERROR: 0.8}), keep_firing_for_s=120)
    outcomes = []
    for second in range(0, 6 * 3_600, 4):
        bad = 0.6 if (second // 1_800) % 3 == 1 else 0.01
        outcomes.append(at(second, FAILED if chance.random() < bad else None))
    found = await try_it(made, outcomes, 6 * HOUR)
    judgement, begun = Judgement([made], AlertLog(), Counts()), []
    for look in range(1, 6 * 360):
        now = Now(look * 10.0, NOON + timedelta(seconds=look * 10))
        fresh = [o for o in outcomes if now.s - 10 < (o.at - NOON).total_seconds() <= now.s]
        judgement.counts.fold(now.s, fresh)
        happened = judgement.look(now, {})
        begun += [e.at for e in happened if e.before is None and e.after is State.FIRING]
    assert len(begun) == len(found.episodes)
    for watched, episode in zip(begun, found.episodes, strict=True):
        assert abs(watched - episode.starts_at) <= timedelta(seconds=20)
