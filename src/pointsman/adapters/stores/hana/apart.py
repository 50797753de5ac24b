"""How is HANA used without its driver in the process that serves requests?

The driver is written in C, holds the interpreter while it waits, and when it falls the process does
too. So it is only in processes of its own: one writes what waits in the spool, counts it up and
forgets it, another answers questions, and who reads the whole record gets one for that alone. One
that dies is made anew, with growing pauses; what it was asked is asked again by who wants to know,
and of rows that come twice each is kept once.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, NamedTuple, Protocol, cast

from pointsman.adapters.stores.absence import Absence
from pointsman.adapters.stores.assignment_rows import packed
from pointsman.adapters.stores.hana.address import hana_address
from pointsman.adapters.stores.hana.line import Call, Failed, Part
from pointsman.adapters.stores.incoming import Incoming, incoming
from pointsman.adapters.stores.rows import json_text
from pointsman.adapters.stores.sets import CandidateSets
from pointsman.core.assignment.problem import Problem
from pointsman.core.decision import Decision, Feedback, Outcome
from pointsman.core.errors import StoreError
from pointsman.engine.history_ports import AggregateStore, AuditStore, Series, SeriesQuery
from pointsman.engine.ports import AssignmentStore, DecisionQuery, StoredDecision

MODULE = "pointsman.adapters.stores.hana.process"
ANSWER_S = 120.0
"""The driver itself gives up a statement after half of it."""
LONG_S = 3_600.0
"""To count up what happened while nobody counted, or to forget much, takes many statements."""
CLOSING_S = 2.0

log = logging.getLogger(__name__)


class Spoken(Protocol):
    """Somebody at the other end of a line."""

    def kill(self) -> None: ...

    def wait(self, timeout: float | None = None) -> int: ...


class Begun(NamedTuple):
    """A process, and the line to it."""

    process: Spoken
    line: Connection


def begin() -> Begun:
    """Start a process. The address, which holds the password, comes along the line."""
    ours, theirs = Pipe()
    with closing(theirs):
        descriptor = theirs.fileno()
        # `-P`: what lies in the folder that somebody is in is no part of the program.
        command = [sys.executable, "-P", "-m", MODULE, str(descriptor)]
        process = subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=subprocess.DEVNULL, pass_fds=[descriptor], start_new_session=True
        )
    return Begun(process, ours)


class HanaProcess:
    """A process that speaks to the database at `url`, begun when it is needed. One call at a time.

    Calls raise what they meet there, and `StoreError` when the process dies or takes too long.
    """

    def __init__(self, url: str, begin: Callable[[], Begun] = begin) -> None:
        self._url = url
        self._begin = begin
        self._name = f"the process for {hana_address(url)}"
        self._absence = Absence(self._name)
        self._lock = threading.Lock()
        self._begun: Begun | None = None
        self._closed = False

    def ask(self, call: Call, within_s: float = ANSWER_S) -> Any:
        with self._lock:
            return self._heard(self._said(call), within_s).value

    def each(self, call: Call) -> Iterator[Any]:
        """A long answer, bit by bit. The process ends with it, even if not all of it is read."""
        with self._lock:
            try:
                begun = self._said(call)
                while isinstance(heard := self._heard(begun, ANSWER_S), Part):
                    yield from heard.items
            finally:
                self._end()

    def close(self) -> None:
        """End it; who waits for an answer gets a `StoreError`. Idempotent."""
        self._closed = True
        if not self._lock.acquire(timeout=CLOSING_S):
            if self._begun is not None:
                self._begun.process.kill()
            self._lock.acquire()  # whoever waited hears of it, and lets go
        try:
            self._end()
        finally:
            self._lock.release()

    def _said(self, call: Call) -> Begun:
        """To whom."""
        if self._closed:
            raise StoreError(f"{self._name} is closed")
        self._absence.check()
        if self._begun is not None and self._begun.line.poll():
            self._buried("it has ended")  # nothing was asked, so that is all it can say
        try:
            if self._begun is None:
                self._begun = self._begin()
                self._begun.line.send(self._url)
            self._begun.line.send(call)
        except OSError as error:
            raise self._lost(str(error)) from error
        return self._begun

    def _heard(self, begun: Begun, within_s: float) -> Any:
        try:
            heard = begun.line.recv() if begun.line.poll(within_s) else None
        except (EOFError, OSError) as error:
            raise self._lost("it has ended") from error
        if heard is None:
            raise self._lost(f"no answer within {within_s:g} s")
        self._absence.over()
        if isinstance(heard, Failed):
            raise heard.error
        return heard

    def _lost(self, reason: str) -> StoreError:
        self._buried(reason)
        return self._absence.noted(reason)

    def _buried(self, reason: str) -> None:
        if self._begun is not None:
            self._begun.process.kill()
        code = self._end()
        if not self._closed:
            log.warning("%s is begun anew: %s", self._name, reason, extra={"exit_code": code})

    def _end(self) -> int | None:
        begun, self._begun = self._begun, None
        if begun is None:
            return None
        begun.line.close()
        try:
            return begun.process.wait(CLOSING_S)
        except subprocess.TimeoutExpired:
            begun.process.kill()
            return begun.process.wait()


class _Elsewhere:
    """A part of the store, whose every method is one of the same part in a process."""

    def __init__(self, process: HanaProcess, part: str) -> None:
        self._process = process
        self._part = part

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def ask(*arguments: Any, **named: Any) -> Any:
            return self._process.ask(Call(self._part, method, arguments, named))

        return ask


class _Assignments(_Elsewhere):
    def packed(self, problem: Problem) -> bytes:
        return packed(problem)


class _Aggregates:
    """Counted up where is written, so that what comes late is known there."""

    def __init__(self, writer: HanaProcess, clerk: HanaProcess) -> None:
        self._writer = writer
        self._clerk = clerk

    def roll(self, now: datetime) -> int:
        count: int = self._writer.ask(_call("aggregates", "roll", now), LONG_S)
        return count

    def series(self, query: SeriesQuery) -> Series:
        series: Series = self._clerk.ask(_call("aggregates", "series", query))
        return series

    def forget_periods(self, grain_s: int, before: datetime) -> int:
        call = _call("aggregates", "forget_periods", grain_s, before)
        count: int = self._writer.ask(call, LONG_S)
        return count


class HanaApart:
    """Decisions, outcomes and assignments in the database at `url`, by way of processes."""

    def __init__(self, url: str, begin: Callable[[], Begun] = begin) -> None:
        self._new = partial(HanaProcess, url, begin)
        self._writer, self._clerk = self._new(), self._new()
        self.assignments = cast("AssignmentStore", _Assignments(self._clerk, "assignments"))
        self.aggregates: AggregateStore = _Aggregates(self._writer, self._clerk)
        self.audit = cast("AuditStore", _Elsewhere(self._clerk, "audit"))
        self.crowded_out = 0
        self._closed = False
        self.unstorable = {"decision": 0, "outcome": 0}
        self._sets = CandidateSets(json_text)

    def append(self, records: Sequence[Decision | Outcome]) -> None:
        self.write(incoming(records, self._sets))

    def write(self, rows: Incoming) -> None:
        """Keep all rows or none, durably; one that is already kept is left as it is."""
        refused = self._writer.ask(_call("", "write", rows))
        for name, count in refused.items():
            self.unstorable[name] += count

    def judge(self, feedback: Feedback) -> bool:
        known: bool = self._clerk.ask(_call("", "judge", feedback))
        return known

    def decisions(self, query: DecisionQuery) -> Sequence[StoredDecision]:
        found: Sequence[StoredDecision] = self._clerk.ask(_call("", "decisions", query))
        return found

    def decision(self, decision_id: str) -> StoredDecision | None:
        found: StoredDecision | None = self._clerk.ask(_call("", "decision", decision_id))
        return found

    def recent_outcomes(self, since: datetime, limit: int) -> Iterator[tuple[Outcome, str | None]]:
        return self._all_of(_call("", "recent_outcomes", since, limit))

    def recent_feedback(self, since: datetime, limit: int) -> Iterator[Feedback]:
        return self._all_of(_call("", "recent_feedback", since, limit))

    def forget_before(self, instant: datetime) -> int:
        count: int = self._writer.ask(_call("", "forget_before", instant), LONG_S)
        return count

    def forget_agent(self, agent_id: str) -> int:
        count: int = self._writer.ask(_call("", "forget_agent", agent_id), LONG_S)
        return count

    def close(self) -> None:
        self._closed = True
        self._writer.close()
        self._clerk.close()

    def _all_of(self, call: Call) -> Iterator[Any]:
        reader = self._new()
        if self._closed:
            reader.close()
        return reader.each(call)


def _call(part: str, method: str, *arguments: Any) -> Call:
    return Call(part, method, arguments, {})
