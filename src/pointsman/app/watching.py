"""How is a running router watched from its start to its stop?"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from random import Random
from typing import NamedTuple

from pointsman.app.rule_documents import rule_document
from pointsman.core.alert_plan import AlertPlan
from pointsman.core.errors import StoreError
from pointsman.core.notification import Notification
from pointsman.engine.alert_desk import Desk, Records
from pointsman.engine.alert_gauges import Gauges, Sources
from pointsman.engine.alert_keeping import Keeping
from pointsman.engine.alert_ports import AlertStore
from pointsman.engine.alert_standing import Alerts
from pointsman.engine.heard import Heard
from pointsman.engine.history_ports import AuditStore
from pointsman.engine.notify import Deliverer
from pointsman.engine.ports import Clock
from pointsman.engine.recalling import Records as Happenings
from pointsman.engine.watch import Senses, Watch

FORGETS_EVERY_S = 3_600.0
HEARS_EVERY_S = 0.5
"""What has happened within it waits in memory: at 6,000 requests a second some 3 MB."""

log = logging.getLogger(__name__)


class Stores(NamedTuple):
    """What outlives the process: alerts, for so many days, what happened, and what people did."""

    alerts: AlertStore
    happened: Happenings
    keep_days: int
    audit: AuditStore


class Watching:
    """Alerts of one process: what is watched, what people do about it, and the task that looks.

    Belongs to one event loop, from `start` to `stop`.
    """

    def __init__(
        self,
        plan: AlertPlan,
        stores: Stores,
        sources: Sources,
        heard: Heard,
        clock: Clock,
        random: Random,
    ) -> None:
        store = self._store = stores.alerts
        self.keep_days = stores.keep_days
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._forgot_s = clock.monotonic()
        self.failed_looks = 0
        self._rules_known = False
        self.alerts = Alerts(plan)
        self.keeping = Keeping(store)
        senses = Senses(heard, Gauges(sources), stores.happened)
        self.watch = Watch(self.alerts, store, self.keeping, senses, clock)
        self.desk = Desk(
            self.alerts,
            self.keeping,
            Records(store, stores.happened, stores.audit),
            clock,
            random=random,
            read=rule_document,
            watch=self.watch,
        )

    def tell_through(self, deliverer: Deliverer) -> None:
        """Wake whoever delivers when there is something to deliver; past a store that fails too."""
        self.keeping.tell = deliverer.wake

        async def past(notification: Notification) -> None:
            await deliverer.senders[notification.channel].now(notification)

        self.keeping.tell_past = past

    def start(self) -> None:
        self._task = asyncio.create_task(self._watch(), name="watch")

    async def stop(self) -> None:
        """Stop looking. What waits to be kept is kept, if the store is well."""
        if self._task is None:
            return
        task, self._task = self._task, None
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await self.keeping.keep(self.watch.now())

    def replan(self, plan: AlertPlan, keep_days: int) -> None:
        """Watch by this plan from now on, and keep the history for so many days."""
        self.keep_days = keep_days
        self.watch.replan(plan)

    async def _watch(self) -> None:
        while True:
            await self._tried(self._look)
            due_s = self._clock.monotonic() + self.alerts.plan.interval_s
            while (left_s := due_s - self._clock.monotonic()) > 0.0:
                await self._clock.sleep(min(left_s, HEARS_EVERY_S))
                await self._tried(self.watch.hear)

    async def _tried(self, turn: Callable[[], Awaitable[None]]) -> None:
        try:
            await turn()
        except StoreError as error:
            log.warning("alerts cannot be read, trying again: %s", error)
        except Exception:  # here a task begins: one bad look must not be the last
            self.failed_looks += 1
            log.exception("a look at the state of things failed")

    async def _look(self) -> None:
        if not self._rules_known:
            await self._take_up_rules()
            self._rules_known = True
        if self.alerts.plan.enabled:
            await self.watch.look()
        await self._forget()

    async def _take_up_rules(self) -> None:
        for mistake in await self.desk.restore_rules():
            log.error("a stored rule is not used: %s", mistake)

    async def _forget(self) -> None:
        now_s = self._clock.monotonic()
        if now_s - self._forgot_s < FORGETS_EVERY_S:
            return
        self._forgot_s = now_s
        oldest = self._clock.now() - timedelta(days=self.keep_days)
        await asyncio.to_thread(self._store.forget_before, oldest)
