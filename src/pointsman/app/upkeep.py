"""What is done with what is kept, now and then: counted up, and forgotten when it is old?"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from pointsman.app.configuration import Configuration, KeySettings
from pointsman.app.wiring import Wired
from pointsman.core.aggregate import GRAINS_S
from pointsman.core.audit import ITSELF, KeyOnRecord
from pointsman.core.correction import Lesson
from pointsman.core.errors import StoreError
from pointsman.version import VERSION

ROLL_S = 5.0
"""How often minutes that are over are counted up."""

log = logging.getLogger(__name__)


class Upkeep:
    """Looks after the stores of a process. `configuration` is asked for anew with every turn."""

    def __init__(self, parts: Wired, configuration: Callable[[], Configuration]) -> None:
        self._parts = parts
        self._configuration = configuration
        self._noted = ""
        self._keys: tuple[KeySettings, ...] | None = None
        self._learned: frozenset[Lesson] = frozenset()
        self._told: set[str] = set()

    async def roll(self) -> None:
        """Count up the minutes, hours and days that are over."""
        try:
            await asyncio.to_thread(self._parts.store.aggregates.roll, self._parts.clock.now())
        except StoreError as error:
            self._tell("figures cannot be brought up to date, trying again later", error)
        else:
            self._told.clear()

    async def keep_lessons(self) -> None:
        """Write down what answers have taught about models since the last time."""
        known = self._parts.registry.lessons()
        if fresh := [lesson for lesson in known if lesson not in self._learned]:
            try:
                await self._parts.audit.keep_lessons(fresh)
            except StoreError as error:
                self._tell("what answers have taught cannot be written down yet", error)
                return
        self._learned = frozenset(known)

    async def note_keys(self) -> None:
        """Write down which keys are there, where they are others than were noted last."""
        now = self._configuration()
        if now.keys == self._keys:
            return
        keys = [KeyOnRecord(key.sha256, key.name, key.role, key.agents) for key in now.keys]
        try:
            await self._parts.audit.keep_keys(keys, now.source)
        except StoreError as error:
            self._tell("the audit log does not say which keys there are", error)
            return
        self._keys = now.keys

    async def note_version(self) -> None:
        """Write down from when on which configuration is served; that it is comes first."""
        await self.note_keys()
        now = self._configuration()
        action = "configuration.reload" if self._noted else "configuration.start"
        if now.version == self._noted:
            return
        after = {"version": now.version, "source": now.source, "pointsman": VERSION}
        before = {"version": self._noted} if self._noted else None
        try:
            await self._parts.audit.note(ITSELF, action, now.version, before=before, after=after)
        except StoreError as error:
            self._tell("the audit log does not say which configuration is served", error)
            return
        self._noted = now.version

    async def adopted(self) -> None:
        """Write down that another configuration is served, and end what agents have that are gone.

        What cannot be written down now is at the next look after the assignments.
        """
        await self.note_version()
        book = self._parts.assignments
        if not book.loaded:
            return
        try:
            await book.refresh()
        except StoreError as error:
            self._tell("assignments of agents that are gone cannot be ended yet", error)

    async def forget(self) -> None:
        """Let go of what is older than the configuration says."""
        try:
            keep = self._configuration().store.keep_audit_days
            await self._parts.drains.renew(self._days_ago(keep - 1))
            count = await asyncio.to_thread(self._forget)
        except StoreError as error:
            self._tell("what is old cannot be forgotten, trying again later", error)
            return
        if count:
            log.info("old decisions forgotten", extra={"count": count})

    def _tell(self, words: str, error: StoreError) -> None:
        """Once, until figures can be brought up to date again: turns come every few seconds."""
        if words not in self._told:
            self._told.add(words)
            log.warning("%s: %s", words, error)

    def _forget(self) -> int:
        parts, configuration = self._parts, self._configuration()
        kept = configuration.store
        minutes, hours = kept.keep_minutes_days, kept.keep_hours_days
        ages = (minutes, minutes, hours, hours, kept.keep_days_days)
        for grain, age in zip(GRAINS_S, ages, strict=True):
            parts.store.aggregates.forget_periods(grain, self._days_ago(age))
        parts.store.audit.forget_acts(self._days_ago(kept.keep_audit_days))
        oldest = self._days_ago(configuration.server.keep_decisions_days)
        parts.store.assignments.forget_unused(oldest)
        return parts.store.forget_before(oldest)

    def _days_ago(self, days: int) -> datetime:
        return self._parts.clock.now() - timedelta(days=days)
