"""How does a receiver know what fires, where it forgets what it does not hear of again and again?

From the alerts themselves, not from the messages about them: those tell of some one by one and
count the others.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

from pointsman.core.alert_log import Now
from pointsman.core.channel_trouble import RULE
from pointsman.core.errors import NotifyError
from pointsman.core.notification import AlertNotice, NoticeState, Notification
from pointsman.core.outbox import OutboxQuery, RowState
from pointsman.engine.delivery_ports import Outbox
from pointsman.engine.ports import Clock
from pointsman.engine.sending import Channel
from pointsman.engine.steps import in_steps

REFRESH_S = 60.0
REFRESH_AT_SOONEST_S = 5.0
ROWS_READ = 1_000
"""So many of the last notifications of a channel are read at a start, for troubles of channels."""

Firing = Callable[[str, Now], Iterator[AlertNotice | None]]
"""What the channel of this name was told to fire and not to be over; None for every other alert."""

log = logging.getLogger(__name__)


def nothing_fires(channel: str, now: Now) -> Iterator[AlertNotice | None]:
    """For who judges nothing."""
    del channel, now
    return iter(())


@runtime_checkable
class Forgetful(Protocol):
    """A notifier whose receiver takes an alert that it no longer hears of for resolved."""

    async def refresh(self, alerts: Sequence[AlertNotice]) -> None:
        """Say how these alerts stand now. Raises `NotifyError`."""


class Refresher:
    """Says on one channel what fires, and of what it said so before and is over, that it is.

    It only says again what was told, so it needs no row in the outbox.
    """

    def __init__(self, name: str, outbox: Outbox, clock: Clock) -> None:
        self._name = name
        self._outbox = outbox
        self._clock = clock
        self._said: dict[str, AlertNotice] = {}
        self._troubles: dict[str, AlertNotice] | None = None
        """Of other channels, told through this one: no rule judges them."""

    async def refresh(self, channel: Channel, firing: Firing) -> None:
        """Say it again; a failure is left to the next time. Raises `StoreError`."""
        notifier = channel.notifier
        if not isinstance(notifier, Forgetful):
            return
        now = Now(self._clock.monotonic(), self._clock.now())
        fires = dict(await self._known_troubles())
        async for alert in in_steps(firing(self._name, now), self._clock.monotonic):
            if alert is not None:
                fires[alert.fingerprint] = alert
        over = [_over(alert, now) for name, alert in self._said.items() if name not in fires]
        self._said |= fires
        if not self._said:
            return
        try:
            async with asyncio.timeout(channel.policy.timeout_s):
                await notifier.refresh([*fires.values(), *over])
        except (NotifyError, TimeoutError) as error:
            words = str(error) or "no answer in time"
            log.warning(
                "what fires could not be said again: %s", words, extra={"channel": self._name}
            )
        else:
            self._said = fires

    def note(self, delivered: Notification) -> bool:
        """The receiver has been told this; whether it has to hear more to know everything."""
        for alert in delivered.alerts:
            _put(self._said, alert)
            if self._troubles is not None and alert.rule == RULE:
                _put(self._troubles, alert)
        return delivered.left_out > 0

    async def _known_troubles(self) -> dict[str, AlertNotice]:
        if self._troubles is None:
            told = await asyncio.to_thread(self._delivered_before)
            self._troubles = {}
            for alert in (each for notification in told for each in notification.alerts):
                if alert.rule == RULE:
                    _put(self._troubles, alert)
        return self._troubles

    def _delivered_before(self) -> list[Notification]:
        """What the channel was told, the oldest first."""
        query = OutboxQuery(limit=ROWS_READ, channel=self._name, state=RowState.DELIVERED)
        return [row.notification for row in reversed(self._outbox.rows(query))]


def _put(alerts: dict[str, AlertNotice], alert: AlertNotice) -> None:
    """What is told of it last counts; what is over is not kept."""
    alerts.pop(alert.fingerprint, None)
    if alert.state is not NoticeState.RESOLVED:
        alerts[alert.fingerprint] = alert


def _over(alert: AlertNotice, now: Now) -> AlertNotice:
    return replace(alert, state=NoticeState.RESOLVED, ends_at=max(now.at, alert.starts_at))
