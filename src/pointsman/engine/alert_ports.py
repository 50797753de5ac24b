"""What does watching need from the world outside?

Each protocol has one contract suite in `tests/contracts/` that every implementation passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from pointsman.core.alert import AlertType, Severity
from pointsman.core.alert_memory import Entry, Kept
from pointsman.core.alert_silences import Silence
from pointsman.core.notification import Notification


class Happened(NamedTuple):
    """What one look came to: alerts as they are now, the history of it, and what is to be told."""

    alerts: Sequence[Kept] = ()
    entries: Sequence[Entry] = ()
    notifications: Sequence[Notification] = ()


class EntryQuery(NamedTuple):
    """Which lines of the history to list, newest first; `before` is the id of the last one seen.

    `since` and `until` bound their instants, `until` excluded.
    """

    limit: int = 50
    before: str | None = None
    alert_id: str | None = None
    rule: str | None = None
    type: AlertType | None = None
    severity: Severity | None = None
    model_id: str | None = None
    agent_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class StoredRule(NamedTuple):
    """A rule that was written through the API, as JSON in the form of the configuration.

    `version` rises by one with every change.
    """

    name: str
    type: AlertType
    enabled: bool
    document: str
    version: int
    created_at: datetime
    created_by: str
    updated_at: datetime
    updated_by: str


class AlertStore(Protocol):
    """Keeps alerts, their history, silences and rules. Called from worker threads; may block.

    What is kept is durable once a call returns. All methods raise `StoreError` and nothing else.
    """

    def keep(self, happened: Happened, now: datetime) -> None:
        """Keep all of it or nothing; the notifications are in the outbox, due at once.

        An alert takes the place of what was kept of its rule and scope. An entry or a notification
        whose id is known is left alone, so the same may be kept again when it is not known whether
        it was.
        """

    def alerts(self, resolved_since: datetime) -> Sequence[Kept]:
        """All that are live, and those that were resolved since then."""

    def alert(self, alert_id: str) -> Kept | None:
        """The alert whose latest episode has this id."""

    def entries(self, query: EntryQuery) -> Sequence[Entry]: ...

    def silences(self, ended_since: datetime) -> Sequence[Silence]:
        """Those that last or are to come, and those that ended since then; by when they start."""

    def keep_silence(self, silence: Silence, now: datetime) -> None:
        """Keep it, in the place of one with its id."""

    def rules(self) -> Sequence[StoredRule]:
        """All of them, by name."""

    def keep_rule(self, rule: StoredRule) -> None:
        """Keep it, in the place of one with its name."""

    def remove_rule(self, name: str) -> bool:
        """Forget it; False when there is none."""

    def forget_before(self, instant: datetime) -> int:
        """Delete the history, resolved alerts and silences from before; returns how many lines."""
