"""How is what people do about alerts written down, and done only when it is?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

from pointsman.core.alert_log import Alert
from pointsman.core.alert_silences import Ack, Silence
from pointsman.core.errors import StoreError
from pointsman.engine.alert_ports import StoredRule
from pointsman.engine.audit import Audit


class Deed(NamedTuple):
    """Who does what to what, how it was and how it will be, for the audit log."""

    by: str
    action: str
    subject: str
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    reason: str = ""


class Deeds:
    """Does them, each with its line of the audit log."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    async def do(self, deed: Deed, step: Callable[[], Awaitable[object]]) -> None:
        """Write a deed down, then do it. Raises `StoreError` when either fails: it is not done.

        Where doing it fails, a second line says so, if that can still be written.
        """
        by, action, subject, before, after, reason = deed
        note = partial(self._audit.note, by, subject=subject, before=before, after=after)
        await note(action, reason=reason)
        try:
            await step()
        except StoreError as error:
            with suppress(StoreError):
                await note(f"{action}.failed", reason=str(error))
            raise


def silence_facts(silence: Silence) -> dict[str, Any]:
    """What the audit log tells of a silence."""
    return {
        "matchers": [str(each) for each in silence.matchers],
        "starts_at": silence.starts_at.isoformat(),
        "ends_at": silence.ends_at.isoformat(),
        "author": silence.author,
    }


def ack_facts(alert: Alert, ack: Ack | None) -> dict[str, Any] | None:
    """What the audit log tells of who has taken an alert."""
    if ack is None:
        return None
    return {"rule": alert.rule, "by": ack.by, "until": ack.until.isoformat()}


def rule_facts(stored: StoredRule) -> dict[str, Any]:
    """What the audit log tells of a rule: all that was written."""
    return {"version": stored.version, "document": stored.document}
