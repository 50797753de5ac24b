"""What of alerts is not kept yet, and what is done while the store fails?

Everything waits for the next look, in order, and is kept together: the store takes the same twice
without harm. When the store has failed for long, what is to be told goes past it: a full disk must
not be the reason that nobody hears of a full disk.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import MappingProxyType

from pointsman.core.alert_log import Key, Now
from pointsman.core.alert_memory import Entry, Kept
from pointsman.core.errors import StoreError
from pointsman.core.notification import Notification
from pointsman.engine.alert_ports import AlertStore, Happened

MOST_LINES = 20_000
MOST_NOTIFICATIONS = 1_000
"""So much waits at most for a store that fails; of more the oldest is lost, and counted."""

TOLD_PAST_S = 30.0
"""For so long a store may fail before what is to be told goes past it."""

log = logging.getLogger(__name__)

TellPast = Callable[[Notification], Awaitable[object]]


class Keeping:
    """Keeps in `store` what looks and people have done. Belongs to one event loop.

    `tell` is called when something new is in the outbox, `tell_past` sends one notification at
    once, and may raise. `lost` counts lines and notifications that could not wait any longer.
    """

    def __init__(
        self,
        store: AlertStore,
        *,
        tell: Callable[[], None] = lambda: None,
        tell_past: TellPast | None = None,
    ) -> None:
        self._store = store
        self.tell = tell
        self.tell_past = tell_past
        self._alerts: dict[Key, Kept] = {}
        self._lines: list[Entry] = []
        self._notifications: list[Notification] = []
        self._one_at_a_time = asyncio.Lock()
        self._failing_since_s: float | None = None
        self.failed = 0
        self.lost = 0

    def add(
        self,
        alerts: Mapping[Key, Kept] = MappingProxyType({}),
        lines: Iterable[Entry] = (),
        notifications: Iterable[Notification] = (),
    ) -> None:
        """All of it is to be kept, the later in the place of the earlier."""
        self._alerts.update(alerts)
        self._lines += lines
        self._notifications += notifications
        self.lost += _shorten(self._lines, MOST_LINES)
        self.lost += _shorten(self._notifications, MOST_NOTIFICATIONS)

    @property
    def waiting(self) -> int:
        """How many alerts, lines and notifications are not kept yet."""
        return len(self._alerts) + len(self._lines) + len(self._notifications)

    async def keep(self, now: Now) -> bool:
        """Keep all that waits; False when the store fails, then it waits on."""
        async with self._one_at_a_time:
            if not self.waiting:
                return True
            alerts = self._alerts
            taken = Happened(list(alerts.values()), self._lines, self._notifications)
            self._alerts, self._lines, self._notifications = {}, [], []
            try:
                await asyncio.to_thread(self._store.keep, taken, now.at)
            except StoreError as error:
                self._failed(alerts, taken, now, error)
                await self._past(now)
                return False
            self._failing_since_s = None
            if taken.notifications:
                self.tell()
            return True

    def _failed(
        self, alerts: dict[Key, Kept], taken: Happened, now: Now, error: StoreError
    ) -> None:
        self.failed += 1
        if self._failing_since_s is None:
            self._failing_since_s = now.s
            log.error("alerts cannot be kept, trying again at every look: %s", error)
        self._alerts = alerts | self._alerts
        self._lines = [*taken.entries, *self._lines]
        self._notifications = [*taken.notifications, *self._notifications]

    async def _past(self, now: Now) -> None:
        since_s = self._failing_since_s
        if self.tell_past is None or since_s is None or now.s - since_s < TOLD_PAST_S:
            return
        waiting, self._notifications = self._notifications, []
        for each in waiting:
            try:
                await self.tell_past(each)
            except Exception:  # whatever ails a channel: it waits for the store like the others
                log.exception("a notification could not be sent past the store")
                self._notifications.append(each)


def _shorten(items: list[Entry] | list[Notification], most: int) -> int:
    """Drop the oldest of too many; how many that were."""
    too_many = max(0, len(items) - most)
    del items[:too_many]
    return too_many
