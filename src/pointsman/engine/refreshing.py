"""How is a receiver told again and again that an alert still fires, where it would forget it?"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from pointsman.core.errors import NotifyError
from pointsman.core.notification import AlertNotice, NoticeState, Notification
from pointsman.core.outbox import OutboxQuery, RowState
from pointsman.engine.delivery_ports import Outbox
from pointsman.engine.sending import Channel

REFRESH_S = 60.0
MOST_REFRESHED = 20_000
ROWS_READ = 1_000
"""So many of the last notifications of a channel are read at a start, to know what fires."""

log = logging.getLogger(__name__)


@runtime_checkable
class Forgetful(Protocol):
    """A notifier whose receiver takes an alert that it no longer hears of for resolved."""

    async def refresh(self, alerts: Sequence[AlertNotice]) -> None:
        """Say how these alerts stand now. Raises `NotifyError`."""


class Refresher:
    """Remembers what a channel's receiver takes for firing, and says it again.

    That is what it was delivered: told again it is the same, so it needs no row in the outbox.
    """

    def __init__(self, name: str, outbox: Outbox) -> None:
        self._name = name
        self._outbox = outbox
        self._firing: dict[str, AlertNotice] | None = None

    async def refresh(self, channel: Channel) -> None:
        """Say it again; a failure is left to the next time. Raises `StoreError`."""
        if self._firing is None:
            told = await asyncio.to_thread(self._delivered_before)
            self._firing = {}
            for notification in told:
                self.note(notification)
        notifier = channel.notifier
        if not self._firing or not isinstance(notifier, Forgetful):
            return
        try:
            async with asyncio.timeout(channel.policy.timeout_s):
                await notifier.refresh(list(self._firing.values()))
        except (NotifyError, TimeoutError) as error:
            words = str(error) or "no answer in time"
            log.warning(
                "what fires could not be said again: %s", words, extra={"channel": self._name}
            )

    def note(self, delivered: Notification) -> None:
        """The receiver has been told this."""
        if self._firing is None:
            return  # It will be read.
        for alert in delivered.alerts:
            self._firing.pop(alert.fingerprint, None)
            if alert.state is not NoticeState.RESOLVED and len(self._firing) < MOST_REFRESHED:
                self._firing[alert.fingerprint] = alert

    def _delivered_before(self) -> list[Notification]:
        """What the channel was told, the oldest first."""
        query = OutboxQuery(limit=ROWS_READ, channel=self._name, state=RowState.DELIVERED)
        return [row.notification for row in reversed(self._outbox.rows(query))]
