"""Who brings what waits in the spool to the database, and what if the database is away?"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from pointsman.adapters.stores.incoming import Incoming, together
from pointsman.adapters.stores.spool.file import Count, Portion, SpoolFile, rows_of
from pointsman.core.audit import Act
from pointsman.core.errors import StoreError

RECORDS = 4_000
"""Passed on in one transaction, when so many wait."""
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 5.0
IDLE_S = 1.0
"""How often the spool is looked at without having been told of anything in it."""

log = logging.getLogger(__name__)


class Log(Protocol):
    """An audit log that is written to from afar."""

    def record(self, act: Act) -> None:
        """Keep an act; one that is already kept is left as it is. Raises `StoreError`."""


class Target(Protocol):
    """A database that is written to from afar."""

    @property
    def unstorable(self) -> Mapping[str, int]:
        """How many decisions and outcomes it has refused for what they are."""

    @property
    def audit(self) -> Log: ...

    def write(self, rows: Incoming) -> None:
        """Keep all rows or none; one that is already kept is left as it is. Raises `StoreError`."""


class Failure(NamedTuple):
    """Since when nothing could be passed on, in monotonic seconds, and why."""

    since: float
    reason: str


class Forwarder:
    """One thread that takes batches off the spool once the database has them, oldest first.

    While the database fails it tries again with growing pauses. A batch that cannot be read, or
    that the database refuses for what it is, is counted as lost and holds up no others.
    """

    def __init__(
        self, spool: SpoolFile, target: Target, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._spool = spool
        self._target = target
        self._clock = clock
        self._changed = threading.Condition()
        self._news = True
        self._closing = False
        self._pause_s = FIRST_PAUSE_S
        self.failure: Failure | None = None
        self._thread = threading.Thread(target=self._run, name="spool-forwarder", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There is something new in the spool."""
        with self._changed:
            self._news = True
            self._changed.notify_all()

    def settled(self, within_s: float) -> bool:
        """Wait for the spool to be empty; whether it is. At once when nothing can be passed on."""
        with self._changed:
            self._changed.wait_for(self._is_settled, within_s)
            return not self._spool.anything_waits

    def _is_settled(self) -> bool:
        return self.failure is not None or not self._spool.anything_waits

    def close(self, within_s: float) -> None:
        """Pass on what can be within some seconds, and stop. What is left waits in the spool."""
        self.settled(within_s)
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(within_s)

    def _run(self) -> None:
        while not self._closing:
            try:
                self._turn()
            except StoreError as error:
                self._note_failure(str(error))
            # Here a thread begins: what is wrong with us must not end it, the spool is safe.
            except Exception as error:
                log.exception("what waits in the spool cannot be passed on")
                self._note_failure(repr(error))

    def _turn(self) -> None:
        if acts := self._spool.acts():
            for act in acts:
                self._target.audit.record(act)
            self._spool.acts_passed_on(acts)
            self._note_success()
        portion = self._spool.oldest(RECORDS)
        if portion is None:
            self._spool.give_back()
            self._rest()
            return
        lost = self._write(portion)
        self._spool.passed_on(portion, lost)
        self._note_success()

    def _write(self, portion: Portion) -> Count:
        """Write it; how much of it is lost, as nobody could ever write it."""
        rows = []
        for batch in portion.batches:
            try:
                rows.append(rows_of(batch))
            except ValueError as error:
                log.error("records are lost: %s", error)  # noqa: TRY400 - the trace says no more
        whole = together(rows)
        before = dict(self._target.unstorable)
        self._target.write(whole)
        refused = [self._target.unstorable[name] - before[name] for name in before]
        return Count(
            portion.records.decisions - len(whole.decisions) + refused[0],
            portion.records.outcomes - len(whole.outcomes) + refused[1],
        )

    def _rest(self) -> None:
        with self._changed:
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._news or self._closing, IDLE_S)
            self._news = False

    def _note_failure(self, reason: str) -> None:
        with self._changed:
            if self.failure is None:
                log.error("the database takes no records, they wait in the spool: %s", reason)
            since = self._clock() if self.failure is None else self.failure.since
            self.failure = Failure(since, reason)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._closing, self._pause_s)
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    def _note_success(self) -> None:
        self._pause_s = FIRST_PAUSE_S
        if self.failure is None:
            return
        failed_s = round(self._clock() - self.failure.since, 3)
        with self._changed:
            self.failure = None
        log.warning("the database takes records again", extra={"failed_s": failed_s})
