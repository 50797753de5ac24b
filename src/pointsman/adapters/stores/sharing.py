"""How do gateways share alerts in one database, and what if that is away?

What a look came to is written by the one that has the watch alone; of others only what the database
does not know. What people do while it is away is kept in a file beside the gateway, and brought to
the database before anything is read there again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Protocol, TypeVar, runtime_checkable

from pointsman.adapters.stores.absence import Unstorable
from pointsman.adapters.stores.alerts import (
    StoredAlerts,
    keep,
    keep_unknown,
    take,
    write_rule,
    write_silence,
)
from pointsman.adapters.stores.outbox import StoredOutbox
from pointsman.adapters.stores.outbox_rows import put_in_outbox
from pointsman.adapters.stores.transactions import Database, Transactions
from pointsman.core.alert import AlertType
from pointsman.core.alert_memory import Entry, Kept, Step
from pointsman.core.alert_silences import Silence
from pointsman.core.errors import StoreError
from pointsman.core.outbox import OutboxQuery, OutboxRow, RowState
from pointsman.engine.alert_ports import EntryQuery, Happened, Rota, StoredRule
from pointsman.engine.delivery_ports import Outbox

EVER = datetime(1970, 1, 1, tzinfo=UTC)
AT_A_TIME = 500
REMOVED = ""
"""The document of a rule that was removed while the database was away."""
LAST_VERSION = 2**31 - 1

_ACTS = frozenset({Step.ACKED, Step.UNACKED})

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class Watchman(Protocol):
    """Who knows in a transaction whether this gateway has the watch."""

    def has_it(self, db: Database) -> bool: ...


class Beside(Protocol):
    """The file beside the gateway."""

    @property
    def alerts(self) -> StoredAlerts: ...

    @property
    def outbox(self) -> StoredOutbox: ...


@runtime_checkable
class Shareable(Protocol):
    """A store in a database that gateways share."""

    @property
    def outbox(self) -> Outbox: ...

    @property
    def rota(self) -> Rota: ...

    def shared_alerts(self, beside: Beside) -> SharedAlerts: ...


class SharedAlerts:
    """Alerts in `database`, which other gateways share; those in the file `beside` come first."""

    def __init__(self, database: Transactions, watchman: Watchman, beside: Beside) -> None:
        self._database = database
        self._stored = StoredAlerts(database)
        self._watchman = watchman
        self._beside = beside
        self._bringing = threading.Lock()
        self._some_wait = True

    def keep(self, happened: Happened, now: datetime) -> None:
        def write(db: Database) -> None:
            if self._watchman.has_it(db):
                keep(happened, now, db)
            else:
                keep_unknown(happened, now, db)

        self._database.vitally(write)

    def take(self, kept: Kept, line: Entry) -> None:
        self._or_beside(
            lambda: self._stored.take(kept, line), lambda: self._beside.alerts.take(kept, line)
        )

    def keep_silence(self, silence: Silence, now: datetime) -> None:
        self._or_beside(
            lambda: self._stored.keep_silence(silence, now),
            lambda: self._beside.alerts.keep_silence(silence, now),
        )

    def keep_rule(self, rule: StoredRule) -> None:
        self._or_beside(
            lambda: self._stored.keep_rule(rule), lambda: self._beside.alerts.keep_rule(rule)
        )

    def remove_rule(self, name: str) -> bool:
        kind, ever = AlertType.THRESHOLD_BREACH, EVER
        gone = StoredRule(name, kind, False, REMOVED, LAST_VERSION, ever, "", ever, "")

        def note() -> bool:
            self._beside.alerts.keep_rule(gone)
            return True

        return self._or_beside(lambda: self._stored.remove_rule(name), note)

    def alerts(self, resolved_since: datetime) -> Sequence[Kept]:
        self._bring()
        return self._stored.alerts(resolved_since)

    def alert(self, alert_id: str) -> Kept | None:
        return self._stored.alert(alert_id)

    def entries(self, query: EntryQuery) -> Sequence[Entry]:
        return self._stored.entries(query)

    def silences(self, ended_since: datetime) -> Sequence[Silence]:
        self._bring()
        return self._stored.silences(ended_since)

    def rules(self) -> Sequence[StoredRule]:
        self._bring()
        return self._stored.rules()

    def forget_before(self, instant: datetime) -> int:
        return self._stored.forget_before(instant)

    def _or_beside(self, there: Callable[[], Answer], here: Callable[[], Answer]) -> Answer:
        """Do it in the database, or note it here until that is back. One after the other."""
        with self._bringing:
            try:
                self._bring_all()
                return there()
            except Unstorable:
                raise  # it is refused for what it is, here as there
            except StoreError as error:
                log.warning("what was done about alerts waits for the database: %s", error)
            self._some_wait = True
            return here()

    def _bring(self) -> None:
        with self._bringing:
            self._bring_all()

    def _bring_all(self) -> None:
        """Bring what is beside to the database. Raises `StoreError`; then it is all still there."""
        if not self._some_wait:
            return
        here = self._beside.alerts
        rows = _pending(self._beside.outbox)
        acts: dict[str, Step] = {}
        for page in _pages(here):
            acts = {each.alert_id: each.step for each in page if each.step in _ACTS} | acts
            self._database.vitally(partial(keep, Happened(entries=page), EVER))
        waiting = here.alerts(EVER), here.silences(EVER), here.rules(), rows, acts
        self._database.vitally(partial(_write, *waiting))
        here.clear()
        self._beside.outbox.clear()
        self._some_wait = False


def _pages(here: StoredAlerts) -> Sequence[Sequence[Entry]]:
    """The whole history, newest first."""
    pages: list[Sequence[Entry]] = []
    before: str | None = None
    while page := here.entries(EntryQuery(limit=AT_A_TIME, before=before)):
        pages.append(page)
        before = page[-1].id
    return pages


def _pending(outbox: StoredOutbox) -> Sequence[OutboxRow]:
    """What is still to be told, oldest first."""
    rows: list[OutboxRow] = []
    query = OutboxQuery(limit=AT_A_TIME, state=RowState.PENDING)
    while page := outbox.rows(query):
        rows += page
        query = query._replace(before=page[-1].id)
    return rows[::-1]


def _write(
    alerts: Sequence[Kept],
    silences: Sequence[Silence],
    rules: Sequence[StoredRule],
    rows: Sequence[OutboxRow],
    acts: dict[str, Step],
    db: Database,
) -> None:
    keep_unknown(Happened(alerts), EVER, db)
    for kept in alerts:
        if kept.alert.id in acts:
            take(kept, db=db)
    for silence in silences:
        write_silence(silence, silence.updated_at, db, newer_only=True)
    for rule in rules:
        write_rule(rule, db, newer_only=True, removed=rule.document == REMOVED)
    for row in rows:
        put_in_outbox(db, [row.notification], row.created_at)
