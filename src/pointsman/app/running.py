"""What runs in a process, in which order is it started and stopped, and how is it reloaded?"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Any

from pointsman.adapters.http.app import Readiness
from pointsman.adapters.http.auth import KeyRing
from pointsman.adapters.stores.holding import Held
from pointsman.adapters.stores.spool.store import SpooledStore
from pointsman.app.additions import Additions
from pointsman.app.channels import tell_through
from pointsman.app.clock import SystemClock
from pointsman.app.configuration import Configuration
from pointsman.app.looking_after import LookingAfter
from pointsman.app.relearning import Relearning
from pointsman.app.reloading import Load, in_public, refuse_emptied, signature
from pointsman.app.stopping import Grace, in_time
from pointsman.app.upkeep import ROLL_S, Upkeep
from pointsman.app.wiring import Wired, key_ring, providers_of, setup_of, wired
from pointsman.core.decision import Feedback
from pointsman.core.errors import ConfigError, StoreError
from pointsman.core.task_type import shipped_model
from pointsman.engine.aside import ThreadAside
from pointsman.engine.decide import Ask
from pointsman.engine.explain import Explained, borne_out, explained, rated
from pointsman.engine.ports import Aside, DecisionQuery, StoredDecision
from pointsman.version import VERSION

HOUSEKEEPING_S = 30.0
FORGET_TOLD_S = 3_600.0
WATCH_S = 1.0
LOOK_AFTER_S = 15.0
"""How often the assignments are looked after: a model that has failed for two looks is down."""
TIMELINE_S = 0.5
"""What has happened within it waits in memory to be counted."""

READY_WITHIN_S = 1.0
"""How long a start may be held up by reading what was learned before."""
TAKE_UP_WITHIN_S = 1.0
"""How long it may be held up by a store that does not say who stands where."""

KEPT_TO_CLOSE = 0.1
"""This share of the time left for writing is for closing what was written to."""

SETTLE_S = 1.0
"""How long a reader waits for the newest records to be stored."""

log = logging.getLogger(__name__)


class Running:
    """One router from start to stop, whether a server or a program is around it.

    `load` reads the configuration anew, with what was added through the API or with what it is
    given in its place. `reconfigured` is told of every version that is served.
    What takes long is reckoned `aside`, without that in a thread.
    """

    def __init__(
        self,
        configuration: Configuration,
        *,
        load: Load,
        reconfigured: Callable[[Configuration], None] = lambda _: None,
        aside: Aside | None = None,
    ) -> None:
        self._load = load
        self._reconfigured = reconfigured
        self._reloading = asyncio.Lock()
        self._judging = asyncio.Lock()
        self._tasks: list[asyncio.Task[Any]] = []
        self._serving = False
        self.all_written = False
        clock = SystemClock()
        self._held = Held(configuration.server.data_dir)
        self.grace = Grace(clock.monotonic)
        self.parts: Wired = wired(configuration, clock, aside or ThreadAside(clock))
        self._assignments = LookingAfter(self.parts)
        self.configuration = configuration
        self._upkeep = Upkeep(self.parts, lambda: self.configuration)
        self._relearning = Relearning(self.parts, lambda: self.configuration.policy.scoring)
        self.keys: KeyRing = key_ring(configuration)
        self.loaded_at: datetime = self.parts.clock.now()
        self.rejected: ConfigError | None = None
        self.failed_turns = 0
        self._served = self._seen = signature(configuration.watched)

    async def start(self) -> None:
        self.parts.ledger.start()
        self.parts.deliverer.start()
        if self.parts.telemetry is not None:
            self.parts.telemetry.start()
        self.parts.watching.start()
        self._tasks = [
            self._every(HOUSEKEEPING_S, "housekeeping", self._keep_house),
            self._every(WATCH_S, "configuration-watch", self._watch),
            self._every(LOOK_AFTER_S, "assignments", self._assignments.turn),
            self._every(ROLL_S, "figures", self._upkeep.roll),
            self._every(TIMELINE_S, "timeline", self.parts.statistics.timeline.turn),
            self._every(FORGET_TOLD_S, "outbox", self.parts.deliverer.forget_old),
        ]
        taking_up = asyncio.create_task(self._assignments.take_up(), name="assignments")
        self._tasks.append(taking_up)
        await asyncio.wait({taking_up}, timeout=TAKE_UP_WITHIN_S)
        remembering = asyncio.create_task(
            self._relearning.remember(taking_up, READY_WITHIN_S), name="replay"
        )
        self._tasks.append(remembering)
        await asyncio.wait({remembering}, timeout=READY_WITHIN_S)
        # Read in the background, so that neither the start nor the first request waits for it.
        self._tasks.append(asyncio.create_task(asyncio.to_thread(shipped_model), name="task types"))
        if not remembering.done():
            log.info("serving, while what happened before is still being read")
        self._tasks.append(asyncio.create_task(self._upkeep.note_version(), name="audit"))
        self._serving = True

    async def stop(self) -> None:
        """Requests have ended by now; what they left to write is written, then all is closed.

        Within `grace`, which begins here at the latest; what cannot be closed by then is left open.
        """
        self.grace.begin(self.configuration.server.shutdown_grace_s)
        self._serving = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.parts.watching.stop()
        writing_s = (1.0 - KEPT_TO_CLOSE) * self.grace.left_s
        self.all_written, _ = await asyncio.gather(
            self.parts.ledger.close(writing_s),
            self.parts.deliverer.close(min(SETTLE_S, writing_s)),
        )
        if not await in_time(self._close(), self.grace.left_s):
            log.error("the stop takes too long: not everything could be closed")

    async def _close(self) -> None:
        await self.parts.registry.close()
        await asyncio.to_thread(self.parts.store.close)
        await asyncio.to_thread(self.parts.beside.close)
        self._held.close()
        if self.parts.telemetry is not None:
            await asyncio.to_thread(self.parts.telemetry.close)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        await self.start()
        try:
            yield
        finally:
            await self.stop()

    async def reload(self) -> bool:
        """Serve what the configuration says now; True when it does.

        A configuration with mistakes changes nothing: the last good one is served on. That one was
        rejected is shown by `readiness`; why, which may quote the file, is for the log and for
        those who may see the configuration.
        """
        async with self._reloading:
            try:
                configuration = await asyncio.to_thread(self._load)
                refuse_emptied(configuration, self.configuration)
                self._adopt(configuration)
            except ConfigError as error:
                self.rejected = error
                log.error("the new configuration is not used: %s", error)  # noqa: TRY400 - no trace
                return False
            self.rejected = None
            await self._upkeep.adopted()
            return True

    async def extend(
        self,
        wanted: Callable[[Configuration], Additions],
        keep: Callable[[Configuration], Awaitable[None]],
    ) -> None:
        """Serve with other additions, once they have proved sound and have been kept.

        Raises `ConfigError` when they are not, and what `wanted` and `keep` raise; then nothing has
        changed.
        """
        async with self._reloading:
            additions = wanted(self.configuration)
            configuration = await asyncio.to_thread(self._load, additions)
            await keep(configuration)
            self._adopt(configuration)
            self.rejected = None
        await self._upkeep.adopted()

    def _adopt(self, configuration: Configuration) -> None:
        before = self.configuration
        if configuration.version == before.version:
            self.configuration = configuration
            return
        registry = self.parts.registry
        running = registry.current.setup.providers
        providers = providers_of(configuration, self.parts.clock, before, running)
        # Nothing here waits, so no request sees half of each.
        registry.replace(setup_of(configuration, providers))
        self.parts.assignments.repost()
        self.keys = key_ring(configuration)
        self.configuration = configuration
        self.loaded_at = self.parts.clock.now()
        self.parts.exploration.reconfigure(configuration.policy.exploration)
        if configuration.policy.scoring is not before.policy.scoring:
            self._tasks = [task for task in self._tasks if not task.done()]
            self._tasks.append(
                asyncio.create_task(self._relearning.switch(self.settle), name="scoring")
            )
        tell_through(self.parts.deliverer, before.telling, configuration.telling, self.parts.clock)
        self.parts.watching.replan(configuration.alerts, configuration.store.keep_alerts_days)
        self._forget_what_is_void(before, configuration)
        self._reconfigured(configuration)
        facts = {"version": configuration.version, "before": before.version}
        log.info("configuration reloaded", extra=facts)
        if configuration.server != before.server:
            log.warning("'server' needs a restart, but for log_level and keep_decisions_days")
        if configuration.store != before.store:
            log.warning("'store' needs a restart, but for how long things are kept")
        if configuration.telemetry != before.telemetry:
            log.warning("'telemetry' needs a restart")

    def _forget_what_is_void(self, before: Configuration, now: Configuration) -> None:
        """Trouble of models and keys that are gone or changed says nothing about the new ones."""
        health = self.parts.health
        health.reconfigure(now.policy.breaker)
        health.keep_only(frozenset(now.fleet.models), frozenset(now.providers))
        for name, settings in now.providers.items():
            if before.providers.get(name) != settings:
                health.forgive(name)

    async def recall(self, decision_id: str) -> StoredDecision | None:
        """A decision from the store, also one that was made a moment ago."""
        await self.settle()
        return await asyncio.to_thread(self.parts.store.decision, decision_id)

    def decide(self, ask: Ask, seed: int | None, against: str | None) -> Explained:
        """What would be decided now, and why. What it would have taken for another is tried out."""
        service = self.parts.service
        decide = service.decide
        made = decide(ask, seed)
        if against is not None:
            made = rated(made, against, partial(service.score, ask))
        explanation = explained(StoredDecision(made, ()), against)
        return borne_out(explanation, lambda supposed: decide(ask, made.seed, supposed))

    async def judge(self, feedback: Feedback) -> StoredDecision | None:
        """Keep what is said of an answer, then let it teach; the decision as it was before.

        One at a time, so that of two words on one answer the later knows of the earlier.
        """
        async with self._judging:
            before = await self.recall(feedback.decision_id)
            if before is None or not await self.parts.ledger.judge(feedback):
                return None
            said = before.feedback
            if said is not None:
                feedback = feedback._replace(revises=said.quality)
            self.parts.service.judge(feedback)
            return before

    async def recall_many(self, query: DecisionQuery) -> Sequence[StoredDecision]:
        """Decisions from the store, newest first, those of a moment ago included."""
        await self.settle()
        return await asyncio.to_thread(self.parts.store.decisions, query)

    async def settle(self) -> None:
        """Give what has just happened a moment to reach the store."""
        try:
            async with asyncio.timeout(SETTLE_S):
                await self.parts.ledger.flush()
        except TimeoutError:
            return  # What is stored already is still worth showing.

    def readiness(self) -> Readiness:
        """Whether requests are taken, which configuration is served, and what ails it.

        `scoring` is the profile that decides now; `learning_again`, that the record is being read
        for one that will take over.
        """
        fleet = self.parts.registry.fleet
        details: dict[str, Any] = {
            "version": VERSION,
            "config": {
                "version": fleet.version,
                "source": self.configuration.source,
                "loaded_at": self.loaded_at.isoformat().replace("+00:00", "Z"),
                "last_error": in_public(self.rejected) if self.rejected else None,
            },
            "models": len(fleet.models),
            "agents": len(fleet.agents),
            "scoring": self._relearning.scoring.value,
            "learning_again": self._relearning.going_on,
            "failed_turns": self.failed_turns,
            "assignments": "ok" if self.parts.assignments.loaded else "not read yet",
            "store": "ok" if self.parts.ledger.failing_since is None else "failing",
            **self.parts.watching.in_public(),
        }
        if isinstance(self.parts.store, SpooledStore):
            details["database"] = self.parts.store.backlog().in_public()
        return Readiness(self._serving and bool(fleet.models), details)

    def _every(
        self, seconds: float, name: str, turn: Callable[[], Awaitable[None]]
    ) -> asyncio.Task[None]:
        """A task that takes a turn again and again."""

        async def turns() -> None:
            while True:
                await self.parts.clock.sleep(seconds)
                try:
                    await turn()
                except StoreError as error:
                    log.warning("the store failed, trying again later: %s", error)
                except Exception:  # here a task begins: one bad turn must not be its last
                    self.failed_turns += 1
                    log.exception("a turn of a background task failed", extra={"task": name})

        return asyncio.create_task(turns(), name=name)

    async def _keep_house(self) -> None:
        await self._upkeep.keep_lessons()
        self.parts.registry.forget_old_corrections(self.parts.clock.now())
        await self.parts.registry.close_unused()
        await self._upkeep.note_version()
        await self._upkeep.forget()

    async def _watch(self) -> None:
        """Reload when a watched file has changed and then stayed the same for one look."""
        watched = self.configuration.watched
        now = await asyncio.to_thread(signature, watched)
        if now != self._served and now == self._seen:
            self._served = now
            await self.reload()
            if self.configuration.watched != watched:
                self._served = now = signature(self.configuration.watched)
        self._seen = now
