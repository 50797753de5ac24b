"""How is anybody told of alerts whom Apprise can reach?

Apprise (an optional extra) knows more than a hundred services by the form of an address. It says
whether it succeeded and not why not, so every failure is tried again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from pointsman.adapters.notifiers.wording import plain_text, title
from pointsman.core.alert import Severity
from pointsman.core.errors import NotifyError
from pointsman.core.notification import NoticeState, Notification

MOST_ALERTS = 20

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
        self._service: Any = import_module("apprise").Apprise()
        for number, address in enumerate(addresses, start=1):
            if not self._service.add(address):
                raise ValueError(f"Apprise does not know what address number {number} means")

    def preview(self, notification: Notification) -> str:
        return plain_text(notification, MOST_ALERTS)

    async def notify(self, notification: Notification, earlier: str = "") -> str:  # noqa: ARG002
        over = notification.state is NoticeState.RESOLVED
        told = await asyncio.to_thread(
            self._service.notify,
            body=plain_text(notification, MOST_ALERTS),
            title=title(notification),
            notify_type="success" if over else _KINDS[notification.severity],
        )
        if not told:
            raise NotifyError("Apprise could not deliver it to every address")
        return ""
