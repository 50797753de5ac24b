"""How is anybody told of alerts whom Apprise can reach?

Apprise (an optional extra) knows more than a hundred services by the form of an address. It says
whether it succeeded and not why not, so every failure is tried again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from pointsman.adapters.notifiers.fitting import short
from pointsman.adapters.notifiers.wording import text_within, title
from pointsman.core.alert import Severity
from pointsman.core.errors import NotifyError
from pointsman.core.notification import NoticeState, Notification

MOST_ALERTS = 20
MOST_CHARS = 30_000
LEAST_CHARS = 80
BETWEEN = "\r\n"

_KINDS = {
    Severity.INFO: "info",
    Severity.WARNING: "warning",
    Severity.ERROR: "failure",
    Severity.CRITICAL: "failure",
}


class Apprise:
    """Services by their addresses in Apprise's form; all of them are secret.

    Raises `ModuleNotFoundError` without the extra, and `ValueError` for an address that Apprise
    does not know, without the address.
    """

    one_by_one = False

    def __init__(self, addresses: Sequence[str]) -> None:
        self.services: Any = import_module("apprise").Apprise()
        for number, address in enumerate(addresses, start=1):
            if not self.services.add(address):
                raise ValueError(f"Apprise does not know what address number {number} means")
        # The shortest that one of them takes is what all of them get, so that none refuses it.
        self._most_chars = min(MOST_CHARS, *(each.body_maxlen for each in self.services))

    def preview(self, notification: Notification) -> str:
        """The text. Where a service knows no titles, Apprise puts the title before it."""
        room = self._most_chars - len(self.title(notification)) - len(BETWEEN)
        return text_within(notification, most=MOST_ALERTS, max_chars=room)

    def title(self, notification: Notification) -> str:
        """The title, which leaves room for the least that is worth telling."""
        return short(title(notification), self._most_chars - LEAST_CHARS - len(BETWEEN))

    async def notify(self, notification: Notification, earlier: str = "") -> str:  # noqa: ARG002
        over = notification.state is NoticeState.RESOLVED
        told = await asyncio.to_thread(
            self.services.notify,
            body=self.preview(notification),
            title=self.title(notification),
            notify_type="success" if over else _KINDS[notification.severity],
        )
        if not told:
            raise NotifyError("Apprise could not deliver it to every address")
        return ""
