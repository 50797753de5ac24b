"""How is a running router watched from its start to its stop?"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
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
from pointsman.engine.alert_ports import AlertStore, Rota
from pointsman.engine.alert_standing import Alerts
from pointsman.engine.heard import Heard
from pointsman.engine.history_ports import AuditStore
from pointsman.engine.notify import Deliverer
from pointsman.engine.ports import Clock
from pointsman.engine.recalling import Records as Happenings
from pointsman.engine.sharing import TURN_S, Sharing
from pointsman.engine.watch import Senses, Watch

FORGETS_EVERY_S = 3_600.0
HEARS_EVERY_S = 0.5
"""What has happened within it waits in memory: at 6,000 requests a second some 3 MB."""

log = logging.getLogger(__name__)


class Stores(NamedTuple):
    """What outlives the process: alerts, for so many days, what happened, and what people did.

    `rota` says which gateway watches, where several share alerts.
    """

    alerts: AlertStore
    happened: Happenings
    keep_days: int
    audit: AuditStore
    rota: Rota | None = None


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
        self._tasks: list[asyncio.Task[None]] = []
        self._forgot_s = clock.monotonic()
        self.failed_looks = 0
        self._rules_known = False
        self.alerts = Alerts(plan)
        self.keeping = Keeping(store)
        senses = Senses(heard, Gauges(sources), stores.happened)
        self.watch = Watch(self.alerts, store, self.keeping, senses, clock)
        self.sharing = None if stores.rota is None else Sharing(stores.rota, clock)
        if self.sharing is not None:
            self.watch.share(self.sharing)
        self.desk = Desk(
            self.alerts,
            self.keeping,
            Records(store, stores.happened, stores.audit),
            clock,
            random=random,
            read=rule_document,
            watch=self.watch,
        )

    def in_public(self) -> Mapping[str, str]:
        """Which part this gateway has among those that share alerts; nothing where there are none.

        `leads`: it judges for all; `follows`: another does; `alone`: the database is away.
        """
        return {} if self.sharing is None else {"alerts": self.sharing.role.value}

    def tell_through(self, deliverer: Deliverer) -> None:
        """Wake whoever delivers when there is something to deliver; past a store that fails too."""
        self.keeping.tell = deliverer.wake
        deliverer.firing = self.alerts.firing
        if self.sharing is not None:
            sharing = self.sharing
            deliverer.is_ours = lambda: sharing.tells

        async def past(notification: Notification) -> None:
            await deliverer.senders[notification.channel].now(notification)

        self.keeping.tell_past = past

    def start(self) -> None:
        self._tasks.append(asyncio.create_task(self._watch(), name="watch"))
        if self.sharing is not None:
            self._tasks.append(asyncio.create_task(self._take_turns(self.sharing), name="rota"))

    async def stop(self) -> None:
        """Stop looking. What waits to be kept is kept, if the store is well."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if tasks:
            await self.keeping.keep(self.watch.now())
        if self.sharing is not None and self.sharing.tells:
            with suppress(StoreError):
                await self.sharing.leave()

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
                if self.sharing is not None and self.sharing.anew:
                    break  # nobody has looked for a while

    async def _take_turns(self, sharing: Sharing) -> None:
        while True:
            if self.alerts.plan.enabled:
                await self._tried(sharing.turn)
            elif sharing.tells:
                await self._tried(sharing.leave)
            await self._clock.sleep(TURN_S)

    async def _tried(self, turn: Callable[[], Awaitable[None]]) -> None:
        try:
            await turn()
        except StoreError as error:
            log.warning("alerts cannot be read, trying again: %s", error)
        except Exception:  # here a task begins: one bad look must not be the last
            self.failed_looks += 1
            log.exception("a look at the state of things failed")

    async def _look(self) -> None:
        await self._know_rules()
        if self.alerts.plan.enabled:
            await self.watch.look()
        await self._forget()

    async def _know_rules(self) -> None:
        try:
            if not self._rules_known:
                for mistake in await self.desk.restore_rules():
                    log.error("a stored rule is not used: %s", mistake)
                self._rules_known = True
            elif self.sharing is not None:
                await self.desk.refresh_rules()
        except StoreError as error:
            if self.sharing is None or not self.sharing.judges:
                raise
            log.warning("the rules that were written cannot be read: %s", error)

    async def _forget(self) -> None:
        now_s = self._clock.monotonic()
        if now_s - self._forgot_s < FORGETS_EVERY_S:
            return
        self._forgot_s = now_s
        oldest = self._clock.now() - timedelta(days=self.keep_days)
        await asyncio.to_thread(self._store.forget_before, oldest)
