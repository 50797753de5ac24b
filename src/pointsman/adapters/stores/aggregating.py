"""How do decisions and outcomes become figures of minutes, hours and days?

Off the path of requests, when a minute is over: what is kept of it is read once more and counted.
A longer period is merged from shorter ones when it is over too. What comes back late (a stream that
lasted, a store that failed) makes its minute, and with it all that holds it, to be reckoned anew:
the result is that of what is kept, whenever and however often it is written.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import islice, pairwise
from typing import Any

from pointsman.adapters.stores.aggregate_rows import (
    PUT,
    WHOLE_COLUMNS,
    aggregate_row,
    stored_aggregate,
)
from pointsman.adapters.stores.rows import microseconds
from pointsman.adapters.stores.schema import AGGREGATES, DECISIONS, OUTCOMES
from pointsman.adapters.stores.series import read_series
from pointsman.adapters.stores.transactions import Database, Transactions
from pointsman.core.aggregate import (
    GRAINS_S,
    MINUTE_S,
    Aggregates,
    Kind,
    Made,
    aggregated,
    finer_s,
    first_id,
    made_at_s,
    merged,
)
from pointsman.core.attempts import Row, row_of_kept
from pointsman.core.errors import StoreError
from pointsman.engine.history_ports import Series, SeriesQuery

SECOND_US = 1_000_000
HOUR_S = 3_600
SETTLING_S = 5
"""How long after its end a minute is left alone: most of what was under way has ended by then."""
MOST_MINUTES = 240
"""So many minutes are reckoned in one call: there may be a month of them when a file is old."""
LOOKED_BACK_S = 2 * 3_600
LOOKED_BACK_FAR_S = 3 * 86_400
LOOKED_BACK_ALL_S = 400 * 86_400
"""How far back a start looks for minutes, longer periods, and those merged from hours, that a
sudden death left behind, or that an earlier version did not have."""
ROWS_AT_ONCE = 400
ROWS_OF_A_PIECE = 2 * ROWS_AT_ONCE
PAUSE_S = 0.001

MADE = f"""
SELECT SELECTED_AGENT_ID, SELECTED_MODEL_ID, TASK_TYPE, STRATEGY, count(*), SUM(EXPLORED),
    SUM(PANIC), SUM(CASE WHEN EXISTS (
        SELECT 1 FROM {OUTCOMES} o
        WHERE o.DECISION_ID = d.DECISION_ID AND o.MODEL_ID <> d.SELECTED_MODEL_ID
    ) THEN 1 ELSE 0 END), count(COMPOSITE_SCORE), SUM(COMPOSITE_SCORE)
FROM {DECISIONS} d WHERE DECISION_ID >= ? AND DECISION_ID < ? GROUP BY 1, 2, 3, 4
"""  # noqa: S608
_KEPT_COLUMNS = (
    "FAILURE_KIND",
    "STREAMED",
    "TOTAL_S",
    "FIRST_TOKEN_S",
    "PROMPT_TOKENS",
    "TOKENS_GENERATED",
    "CACHED_TOKENS",
    "USAGE_ESTIMATED",
    "ACTUAL_COST",
)
"""In the order of `Kept`."""
_ENDED = f"""
SELECT o.AGENT_ID, o.MODEL_ID, d.TASK_TYPE, d.STRATEGY, {", ".join(_KEPT_COLUMNS)}
FROM {OUTCOMES} o LEFT JOIN {DECISIONS} d ON d.DECISION_ID = o.DECISION_ID
WHERE o.DECISION_ID >= ? AND o.DECISION_ID < ?
"""  # noqa: S608
KEPT = f"""
SELECT (SELECT count(*) FROM {DECISIONS} WHERE DECISION_ID >= ? AND DECISION_ID < ?)
    + (SELECT count(*) FROM {OUTCOMES} WHERE DECISION_ID >= ? AND DECISION_ID < ?)
"""  # noqa: S608
_COUNTED = f"""
SELECT DECISIONS + ATTEMPTS FROM {AGGREGATES}
WHERE PERIOD_S = ? AND DIMENSION = 'all' AND DIMENSION_VALUE = '' AND STARTS_AT = ?
"""  # noqa: S608
_NEXT = f"""
SELECT min(ID) FROM (
    SELECT min(DECISION_ID) AS ID FROM {DECISIONS} WHERE DECISION_ID >= ?
    UNION ALL SELECT min(DECISION_ID) FROM {OUTCOMES} WHERE DECISION_ID >= ?
) FOUND
"""  # noqa: S608
_LATEST = f"SELECT max(STARTS_AT) FROM {AGGREGATES} WHERE PERIOD_S = ?"  # noqa: S608
_PARTS = f"""
SELECT {", ".join(WHOLE_COLUMNS)} FROM {AGGREGATES}
WHERE PERIOD_S = ? AND STARTS_AT >= ? AND STARTS_AT < ?
"""  # noqa: S608
BEHIND = f"""
SELECT PARTS.STARTS FROM (
    SELECT STARTS_AT - STARTS_AT % ? AS STARTS, SUM(DECISIONS + ATTEMPTS) AS COUNTED
    FROM {AGGREGATES}
    WHERE PERIOD_S = ? AND DIMENSION = 'all' AND STARTS_AT >= ? GROUP BY 1
) PARTS LEFT JOIN {AGGREGATES} w ON w.PERIOD_S = ? AND w.DIMENSION = 'all'
    AND w.DIMENSION_VALUE = '' AND w.STARTS_AT = PARTS.STARTS
WHERE w.STARTS_AT IS NULL OR w.DECISIONS + w.ATTEMPTS < PARTS.COUNTED
"""  # noqa: S608
_DELETE = f"DELETE FROM {AGGREGATES} WHERE PERIOD_S = ? AND STARTS_AT = ?"  # noqa: S608
_OLDEST = f"SELECT min(STARTS_AT) FROM {AGGREGATES} WHERE PERIOD_S = ?"  # noqa: S608


class Aggregating:
    """The aggregates of a database. One thread of a process rolls at a time.

    All times in here are whole seconds since 1970. `_until` is the end of the last minute that was
    reckoned, None before the first look.
    """

    def __init__(self, database: Transactions) -> None:
        self._database = database
        self._until: int | None = None
        self._until_id = ""
        self._late: set[int] = set()
        self._stale: dict[int, set[int]] = {grain: set() for grain in GRAINS_S[1:]}

    def note(self, rows: Iterable[Sequence[Any]]) -> None:
        """Take note of what was written: some of it may belong to minutes already reckoned.

        Each begins with the id of its decision, as decisions and outcomes and their rows do.
        """
        until_id = self._until_id
        if not until_id:
            return
        for row in rows:
            decision_id = row[0]
            if decision_id < until_id:
                made_s = made_at_s(decision_id)
                if made_s is not None:
                    self._late.add(made_s - made_s % MINUTE_S)

    def roll(self, now: datetime) -> int:
        now_s = microseconds(now) // SECOND_US
        if self._until is None:
            self._resume(now_s)
        count = 0
        for minute in self._due(now_s):
            self._reckon(minute)
            count += 1
        for grain in GRAINS_S[1:]:
            count += self._merge_all(grain)
        return count

    def series(self, query: SeriesQuery) -> Series:
        return self._database.read(lambda db: read_series(db, query, self._closed(db)))

    def forget_periods(self, grain_s: int, before: datetime) -> int:
        before_us, count = microseconds(before), 0
        while (
            gone := self._database.vitally(lambda db: _forget_oldest(db, grain_s, before_us))
        ) > 0:
            count += gone
            time.sleep(PAUSE_S)
        return count

    def _closed(self, db: Database) -> dict[int, int]:
        """Until when there are periods of each length."""
        until = self._until
        if until is None:
            until = _counted_until(db) or 0
        closed = {grain: until - until % grain for grain in GRAINS_S}
        for grain, stale in self._stale.items():
            closed[grain] = min([closed[grain], *tuple(stale)])
        return closed

    def _resume(self, now_s: int) -> None:
        """Go on where the last process ended, and find what it left undone."""
        found = self._database.read(_left_undone)
        if found is None:
            first = self._database.read(lambda db: _next_minute(db, 0))
            self._move_to(now_s - now_s % MINUTE_S if first is None else first)
            return
        until, minutes, stale = found
        self._late.update(minutes)
        for grain, starts in stale.items():
            self._stale[grain].update(starts)
        self._move_to(until)

    def _move_to(self, until: int) -> None:
        self._until, self._until_id = until, first_id(until)

    def _due(self, now_s: int) -> Iterator[int]:
        """Minutes to be reckoned: those that something came late for, then new ones, in order."""
        for _ in range(min(len(self._late), MOST_MINUTES)):
            yield self._late.pop()
        over = (now_s - SETTLING_S) // MINUTE_S * MINUTE_S
        for _ in range(MOST_MINUTES):
            minute = self._database.read(partial(_next_minute, since=self._until or 0))
            if minute is None or minute >= over:
                self._move_to(max(self._until or 0, over))
                return
            # First: what is written from here on of this minute, while it is read, is late.
            self._move_to(minute + MINUTE_S)
            yield minute

    def _reckon(self, minute: int) -> None:
        """Count a minute, unless as much of it was counted as is still kept."""
        try:
            found = self._database.read(lambda db: _counted_anew(db, minute))
            if found is not None:
                self._write(MINUTE_S, minute, found)
        except StoreError:
            self._late.add(minute)
            raise
        for grain, stale in self._stale.items() if found is not None else ():
            stale.add(minute - minute % grain)

    def _merge_all(self, grain: int) -> int:
        stale, until = self._stale[grain], self._until or 0
        over = sorted(start for start in stale if start + grain <= until)
        for start in over:
            self._merge(grain, start)
            stale.discard(start)
        return len(over)

    def _merge(self, grain: int, start: int) -> None:
        span = (finer_s(grain), start * SECOND_US, (start + grain) * SECOND_US)

        def parts(db: Database) -> Aggregates:
            rows = _in_steps(db.execute(_PARTS, span))
            return merged(stored_aggregate(row) for row in rows)

        self._write(grain, start, self._database.read(parts))

    def _write(self, grain: int, start: int, found: Aggregates) -> None:
        starts_us = start * SECOND_US
        rows = [aggregate_row(grain, starts_us, *each) for each in found.items()]

        def replace(db: Database) -> None:
            db.execute(_DELETE, (grain, starts_us))
            db.executemany(PUT, rows)

        self._database.write(replace)


def _left_undone(db: Database) -> tuple[int, list[int], dict[int, list[int]]] | None:
    """Until when minutes are counted, which may have to be again, and which longer periods.

    None where no minute ever was.
    """
    until = _counted_until(db)
    if until is None:
        return None
    stale = {}
    for finer, grain in pairwise(GRAINS_S):
        back_s = LOOKED_BACK_FAR_S if finer < HOUR_S else LOOKED_BACK_ALL_S
        since = max(0, -(-(until - back_s) // grain) * grain)
        asked = (grain * SECOND_US, finer, since * SECOND_US, grain)
        stale[grain] = [row[0] // SECOND_US for row in db.execute(BEHIND, asked)]
    return until, list(_behind(db, until - LOOKED_BACK_S, until)), stale


def _counted_until(db: Database) -> int | None:
    """The end of the latest minute; of the latest longer period where minutes were forgotten."""
    latest = ((db.execute(_LATEST, (grain,)).fetchone()[0], grain) for grain in GRAINS_S)
    return next((at // SECOND_US + grain for at, grain in latest if at is not None), None)


def _counted_anew(db: Database, minute: int) -> Aggregates | None:
    """What a minute comes to; None when as much of it was counted as is kept, or more."""
    span = (first_id(minute), first_id(minute + MINUTE_S))
    kept = db.execute(KEPT, (*span, *span)).fetchone()[0]
    counted = db.execute(_COUNTED, (MINUTE_S, minute * SECOND_US)).fetchone()
    if counted is not None and counted[0] >= kept:
        return None
    return aggregated(_made(db, span), _attempts(db, span))


def _made(db: Database, span: tuple[str, str]) -> dict[Kind, Made]:
    """How much was decided of every kind within a stretch of ids."""
    found = {}
    for *kind, decisions, explored, panics, fallbacks, scored, score_sum in db.execute(MADE, span):
        counts = (decisions, int(explored), int(panics), int(fallbacks), scored)
        found[Kind(*kind)] = Made(*counts, float(score_sum or 0.0))
    return found


def _attempts(db: Database, span: tuple[str, str]) -> Iterator[tuple[Kind, list[Row]]]:
    """The attempts of every kind, in pieces: a busy minute's would take 20 MB.

    Those whose decision was lost have neither task nor strategy.
    """
    rows = _in_steps(db.execute(_ENDED, span))
    while found := _grouped(islice(rows, ROWS_OF_A_PIECE)):
        yield from ((Kind(*kind), attempts) for kind, attempts in found.items())


def _grouped(rows: Iterable[Any]) -> Mapping[Any, list[Row]]:
    found: defaultdict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[:4]].append(row_of_kept(row[4:]))
    return found


def _in_steps(rows: Iterable[Any]) -> Iterator[Any]:
    """The rows, with pauses in which requests get their turn."""
    for place, row in enumerate(rows, start=1):
        if place % ROWS_AT_ONCE == 0:
            time.sleep(PAUSE_S)
        yield row


def _next_minute(db: Database, since: int) -> int | None:
    """The next minute in which anything was made, None when nothing was since then."""
    found = db.execute(_NEXT, (first_id(since),) * 2).fetchone()[0]
    made_s = None if found is None else made_at_s(found)
    return None if made_s is None else made_s - made_s % MINUTE_S


def _behind(db: Database, since: int, until: int) -> Iterator[int]:
    """The minutes in which something was made; whether all of it is counted is looked at later."""
    minute = _next_minute(db, since)
    while minute is not None and minute < until:
        yield minute
        minute = _next_minute(db, minute + MINUTE_S)


def _forget_oldest(db: Database, grain_s: int, before_us: int) -> int:
    oldest = db.execute(_OLDEST, (grain_s,)).fetchone()[0]
    if oldest is None or oldest >= before_us:
        return 0
    return db.execute(_DELETE, (grain_s, oldest)).rowcount
