"""How much happened when? Read from the longest periods that a step is made of.

What is not in these yet, since the present hour is not over, is read from shorter ones: so a chart
of a month reads about as many rows as one of an hour.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import add
from typing import Any, NamedTuple

from pointsman.adapters.stores.aggregate_rows import FIGURE_COLUMNS
from pointsman.adapters.stores.rows import instant, microseconds, storable
from pointsman.adapters.stores.schema import AGGREGATES, marks
from pointsman.adapters.stores.transactions import Database
from pointsman.core.aggregate import MINUTE_S, finer_s, grain_for
from pointsman.core.period import Period
from pointsman.engine.history_ports import Figures, Point, Series, SeriesQuery

SECOND_US = 1_000_000

_SUMS = ", ".join(f"SUM({name})" for name in FIGURE_COLUMNS)
_WHERE = "PERIOD_S = ? AND DIMENSION = ? AND STARTS_AT >= ? AND STARTS_AT < ?"

# One step along the key per member: to read all periods of all would take as long as there are.
MEMBERS = f"""
WITH RECURSIVE MEMBERS(NAME) AS (
    SELECT min(DIMENSION_VALUE) FROM {AGGREGATES} WHERE PERIOD_S = ? AND DIMENSION = ?
    UNION ALL
    SELECT (SELECT min(DIMENSION_VALUE) FROM {AGGREGATES}
        WHERE PERIOD_S = ? AND DIMENSION = ? AND DIMENSION_VALUE > MEMBERS.NAME)
    FROM MEMBERS WHERE NAME IS NOT NULL
)
SELECT NAME FROM MEMBERS WHERE NAME IS NOT NULL
"""  # noqa: S608
NAMES_AT_ONCE = 400

_Key = tuple[str, int]


class _Stretch(NamedTuple):
    """From when until when, in seconds, periods of which length are read."""

    grain: int
    start: int
    end: int


def read_series(db: Database, query: SeriesQuery, closed: Mapping[int, int]) -> Series:
    """`closed` says until when there are periods of each length, in seconds since 1970.

    Raises `ValueError` for a step that no period divides.
    """
    grain = grain_for(query.step_s)
    start = microseconds(query.start) // SECOND_US // query.step_s * query.step_s
    end = -(-microseconds(query.end) // SECOND_US)
    stretches = list(_stretches(_Stretch(grain, start, end), closed))
    names = [storable(name) for name in query.names] or _busiest(db, query, stretches)
    complete = instant(closed[MINUTE_S] * SECOND_US)
    if not names:
        return Series((), complete)
    figures = _figures(db, query, stretches, names)
    periods = _periods(db, query, stretches, names) if query.latencies else {}
    points = [
        Point(instant(step * SECOND_US), name, found, periods.get((name, step)))
        for (name, step), found in sorted(figures.items())
    ]
    return Series(points, complete)


def _stretches(asked: _Stretch, closed: Mapping[int, int]) -> Iterator[_Stretch]:
    grain, start, end = asked
    until = max(start, min(end, closed[grain]))
    if until > start:
        yield _Stretch(grain, start, until)
    finer = finer_s(grain)
    if finer is not None and until < end:
        yield from _stretches(_Stretch(finer, until, end), closed)


def _span(query: SeriesQuery, stretch: _Stretch) -> list[Any]:
    starts = (stretch.start * SECOND_US, stretch.end * SECOND_US)
    return [stretch.grain, query.dimension.value, *starts]


def _busiest(db: Database, query: SeriesQuery, stretches: Sequence[_Stretch]) -> list[str]:
    """The busiest members, of all that there are in periods of these lengths."""
    counts: Counter[str] = Counter()
    for stretch in stretches:
        span = _span(query, stretch)
        names = [row[0] for row in db.execute(MEMBERS, (*span[:2], *span[:2]))]
        for start in range(0, len(names), NAMES_AT_ONCE):
            some = names[start : start + NAMES_AT_ONCE]
            rows = db.execute(
                f"SELECT DIMENSION_VALUE, SUM(DECISIONS + ATTEMPTS) FROM {AGGREGATES}"  # noqa: S608
                f" WHERE {_WHERE} AND DIMENSION_VALUE IN ({marks(some)}) GROUP BY DIMENSION_VALUE",
                [*span, *some],
            )
            counts.update({name: int(count) for name, count in rows})
    return [name for name, _ in counts.most_common(query.limit)]


def _figures(
    db: Database,
    query: SeriesQuery,
    stretches: Iterable[_Stretch],
    names: Sequence[str],
) -> dict[_Key, Figures]:
    step_us = query.step_s * SECOND_US
    found: dict[_Key, Figures] = {}
    for stretch in stretches:
        rows = db.execute(
            f"SELECT DIMENSION_VALUE, STARTS_AT / {step_us}, {_SUMS} FROM {AGGREGATES}"  # noqa: S608
            f" WHERE {_WHERE} AND DIMENSION_VALUE IN ({marks(names)})"
            f" GROUP BY DIMENSION_VALUE, STARTS_AT / {step_us}",
            [*_span(query, stretch), *names],
        )
        for name, step, *sums in rows:
            key = (name, step * query.step_s)
            before = found.get(key)
            more = _sums(sums)
            found[key] = more if before is None else _both(before, more)
    return found


def _sums(row: Sequence[Any]) -> Figures:
    """Sums of `FIGURE_COLUMNS`; those of whole numbers are decimals on PostgreSQL."""
    whole: Any = [int(value) for value in row]
    return Figures(*whole)._replace(score_sum=float(row[FIGURE_COLUMNS.index("SCORE_SUM")]))


def _both(one: Figures, other: Figures) -> Figures:
    sums: Any = map(add, one, other)
    return Figures(*sums)


def _periods(
    db: Database,
    query: SeriesQuery,
    stretches: Iterable[_Stretch],
    names: Sequence[str],
) -> dict[_Key, Period]:
    found: dict[_Key, Period] = {}
    for stretch in stretches:
        rows = db.execute(
            f"SELECT DIMENSION_VALUE, STARTS_AT, PACKED_PERIOD FROM {AGGREGATES}"  # noqa: S608
            f" WHERE {_WHERE} AND DIMENSION_VALUE IN ({marks(names)})",
            [*_span(query, stretch), *names],
        )
        for name, starts_us, packed in rows:
            starts = starts_us // SECOND_US
            key = (name, starts - starts % query.step_s)
            period = Period.unpacked(packed)
            if key in found:
                found[key].merge(period)
            else:
                found[key] = period
    return found
