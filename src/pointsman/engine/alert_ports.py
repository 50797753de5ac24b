"""What does watching need from the world outside?

Each protocol has one contract suite in `tests/contracts/` that every implementation passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import NamedTuple, Protocol

from pointsman.core.alert import AlertType, Severity
from pointsman.core.alert_memory import Entry, Kept
from pointsman.core.alert_report import Report
from pointsman.core.alert_silences import Silence
from pointsman.core.notification import Notification

LEASE_S = 15.0
"""So long a gateway has the watch without saying so again."""


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


class Hold(Enum):
    """What came of asking for the watch: another has it, one has it as before, or anew."""

    NONE = "none"
    KEPT = "kept"
    TAKEN = "taken"


class Rota(Protocol):
    """Which of the gateways that share alerts has the watch, and what the others tell it.

    Called from worker threads; may block. All methods raise `StoreError` and nothing else.
    """

    @property
    def name(self) -> str:
        """That of this gateway, of no other, and not of itself after a restart."""

    def take(self, *, over: bool) -> Hold:
        """Keep the watch for `LEASE_S` from now on, if one has it; `over`: or if nobody has it."""

    def leave(self) -> None:
        """Give the watch up, if one has it, so that nobody needs to wait until it has ended."""

    def tell(self, report: Report) -> None:
        """Give the one that has the watch what was seen here. What is old is forgotten."""

    def told(self) -> Sequence[Report]:
        """What the others have given, each report once, those of one gateway in order."""


class AlertStore(Protocol):
    """Keeps alerts, their history, silences and rules. Called from worker threads; may block.

    What is kept is durable once a call returns. All methods raise `StoreError` and nothing else.
    """

    def keep(self, happened: Happened, now: datetime) -> None:
        """Keep all of it or nothing; the notifications are in the outbox, due at once.

        An alert takes the place of what was kept of its rule and scope, but for who has taken it,
        as long as it is the same episode. An entry or a notification whose id is known is left
        alone, so the same may be kept again when it is not known whether it was.
        """

    def take(self, kept: Kept, line: Entry) -> None:
        """Keep who has taken an alert, or that nobody has, and the line of the history about it.

        The alert itself is kept along where it is not known yet, else it is left as it is.
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
