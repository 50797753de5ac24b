"""How is what people do written down before it is done?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Any

from pointsman.core.audit import Act, KeyOnRecord, act_id
from pointsman.core.correction import Lesson
from pointsman.engine.history_ports import AuditQuery, AuditStore
from pointsman.engine.ports import Clock


class Audit:
    """The audit log of a process. What is not in the store by its own transaction comes here."""

    def __init__(self, store: AuditStore, clock: Clock, random: Random) -> None:
        self._store = store
        self._clock = clock
        self._random = random
        self._newest_at: datetime | None = None
        self._seed = 0

    async def note(
        self,
        actor: str,
        action: str,
        subject: str,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        reason: str = "",
    ) -> Act:
        """Write an act down, durably. Raises `StoreError`: then it should not be done.

        Meanings as in `Act`.
        """
        now = self._clock.now()
        act = Act(self._id_of_one_at(now), now, actor, action, subject, before, after, reason)
        await asyncio.to_thread(self._store.record, act)
        return act

    def _id_of_one_at(self, now: datetime) -> str:
        # Acts of one millisecond are listed in their order too.
        at = now.replace(microsecond=now.microsecond // 1000 * 1000)
        self._seed = self._seed + 1 if at == self._newest_at else self._random.getrandbits(63)
        self._newest_at = at
        return act_id(at, self._seed)

    async def keep_keys(self, keys: Sequence[KeyOnRecord], source: str) -> None:
        """Note which keys `source` declares now, with an act for each change. `StoreError`."""
        now, seed = self._clock.now(), self._random.getrandbits(64)
        await asyncio.to_thread(self._store.keep_keys, keys, source, now, seed)

    async def keep_lessons(self, lessons: Sequence[Lesson]) -> None:
        """Keep what answers have taught about models. Raises `StoreError`."""
        await asyncio.to_thread(self._store.keep_lessons, lessons)

    async def acts(self, query: AuditQuery) -> Sequence[Act]:
        """What was done, newest first."""
        return await asyncio.to_thread(self._store.acts, query)
