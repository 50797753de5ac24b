"""A router that is watched: a made-up fleet, a clock that is moved, alerts kept in memory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any, cast

from fakes import BEST, NEXT, World
from recorded import Record
from scripted import FakeClock

from alerts_made import rule
from memory_alerts import MemoryAlerts
from pointsman.core.alert import Severity
from pointsman.core.alert_log import Alert
from pointsman.core.alert_plan import AlertPlan
from pointsman.core.alert_routes import Route
from pointsman.core.alert_rules import Condition, Rule
from pointsman.core.audit import Act, KeyOnRecord
from pointsman.core.correction import Lesson
from pointsman.core.decision import Outcome
from pointsman.core.errors import FailureKind, StoreError
from pointsman.core.fleet import Agent
from pointsman.core.notification import Notification
from pointsman.engine.alert_desk import Desk, Records
from pointsman.engine.alert_gauges import Gauges, Sources
from pointsman.engine.alert_keeping import Keeping
from pointsman.engine.alert_standing import Alerts
from pointsman.engine.heard import Heard
from pointsman.engine.history_ports import AuditQuery
from pointsman.engine.ledger import WriteBehindLedger
from pointsman.engine.ports import Store
from pointsman.engine.recalling import Records as Happenings
from pointsman.engine.statistics import LiveStatistics
from pointsman.engine.watch import Senses, Watch

PLAN = AlertPlan(routes=(Route(("pager",)),))


class Acts:
    """What people did, in order; fails while it is `broken`."""

    def __init__(self) -> None:
        self.kept: list[Act] = []
        self.broken = False

    def record(self, act: Act) -> None:
        if self.broken:
            raise StoreError("the disk is full")
        self.kept.append(act)

    def acts(self, query: AuditQuery) -> list[Act]:
        return self.kept[::-1][: query.limit]

    def keep_keys(self, keys: Sequence[KeyOnRecord], source: str, at: datetime, seed: int) -> None:
        del keys, source, at, seed
        raise AssertionError("who watches has nothing to do with keys")

    def keep_lessons(self, lessons: Sequence[Lesson]) -> None:
        del lessons
        raise AssertionError("who watches learns nothing about models")

    def forget_acts(self, before: datetime) -> int:
        old = [act for act in self.kept if act.at < before]
        self.kept = [act for act in self.kept if act.at >= before]
        return len(old)


class Watched:
    """Everything around a watch. `store` and `record` outlive it: give them to the next one."""

    def __init__(
        self,
        *,
        plan: AlertPlan = PLAN,
        store: MemoryAlerts | None = None,
        record: Record | None = None,
        clock: FakeClock | None = None,
        agents: Sequence[Agent] = (Agent("coder"),),
    ) -> None:
        self.world = World(BEST, NEXT, agents=agents, clock=clock)
        self.clock = self.world.clock
        self.store = store or MemoryAlerts()
        self.record = record or Record()
        self.heard = Heard()
        self.statistics = LiveStatistics(self.clock)
        record_store = cast("Store", self.record)
        happened = Happenings(record_store, self.record)
        self.ledger = WriteBehindLedger(record_store, self.clock)
        world = self.world
        sources = Sources(world.registry, world.health, world.load, self.ledger, self.statistics)
        self.gauges = Gauges(sources)
        self.acts = Acts()
        self.past: list[Notification] = []
        self.woken = 0
        self.alerts = Alerts(plan)
        self.keeping = Keeping(self.store, tell=self._wake, tell_past=self._past)
        senses = Senses(self.heard, self.gauges, happened)
        self.watch = Watch(self.alerts, self.store, self.keeping, senses, self.clock)
        self.desk = Desk(
            self.alerts,
            self.keeping,
            Records(self.store, happened, self.acts),
            self.clock,
            random=Random(1),
            read=read_rule,
            watch=self.watch,
        )

    def _wake(self) -> None:
        self.woken += 1

    async def _past(self, notification: Notification) -> None:
        self.past.append(notification)

    def attempts(self, good: int, bad: int = 0, model_id: str = "a/best", **more: Any) -> None:
        """So many that ended well, then so many that the endpoint spoilt, just now."""
        for place in range(good + bad):
            failure = None if place < good else FailureKind.SERVER_ERROR
            facts = {"failure": failure, "streamed": False, "total_s": 0.1, **more}
            now = self.clock.now()
            self.heard.ended(Outcome("d", 1, model_id, "coder", now, **facts))

    async def look(self, times: int = 1, every_s: float = 10.0) -> None:
        """Look so many times, as much time before each."""
        for _ in range(times):
            self.clock.t += every_s
            await self.watch.look()

    def live(self) -> dict[str, Severity]:
        """The open alerts: the gravest severity by rule."""
        found: dict[str, Severity] = {}
        for alert in self.alerts.log.all():
            if alert.is_open:
                found[alert.rule] = max(alert.severity, found.get(alert.rule, Severity.INFO))
        return found

    def alert(self, name: str) -> Alert:
        return next(each for each in self.alerts.log.all() if each.rule == name)

    @property
    def told(self) -> list[Notification]:
        """What is in the outbox."""
        return list(self.store.outbox.values())


def read_rule(name: str, document: str) -> Rule:
    """A rule about rows of failures; the document is its least length, or whether it is on."""
    least = json.loads(document)
    if isinstance(least, dict):
        made = rule(Condition("faults_in_a_row", {Severity.ERROR: 3}), name=name)
        return replace(made, enabled=least["enabled"])
    if not isinstance(least, int):
        raise ValueError(f"{least!r} is no number")  # noqa: TRY004 - as the port says
    return rule(Condition("faults_in_a_row", {Severity.ERROR: least}), name=name)
