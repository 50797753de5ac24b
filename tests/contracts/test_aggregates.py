"""Are the figures of periods those of what is kept, whatever comes late, twice, or after a kill?"""

from __future__ import annotations

import sqlite3
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from aggregate_contract import BEGIN, AggregateContract, at, rolled, traffic

from pointsman.adapters.stores import aggregating
from pointsman.adapters.stores.sqlite import SqliteStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "pointsman.db")
    yield store
    store.close()


class TestAggregatesInSqlite(AggregateContract):
    pass


def all_rows(path: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT * FROM ROUTING_AGGREGATES ORDER BY 1, 2, 3, 4").fetchall()


def test_what_comes_late_is_counted_where_it_belongs_and_nothing_twice(
    store: SqliteStore, tmp_path: Path
) -> None:
    records = traffic(0, 7_300, per_s=0.05)
    late, rest = records[100:130], records[:100] + records[130:]
    store.append(rest)
    rolled(store.aggregates, at(7_400))
    store.append(late)
    store.append(records[50:500])  # what is kept already is kept once
    rolled(store.aggregates, at(7_400))
    other = SqliteStore(tmp_path / "other.db")
    other.append(records)
    rolled(other.aggregates, at(7_400))
    assert all_rows(tmp_path / "pointsman.db") == all_rows(tmp_path / "other.db")
    other.close()


@pytest.mark.parametrize("seed", range(3))
def test_whatever_a_killed_process_left_undone_is_found_by_the_next(
    tmp_path: Path, seed: int
) -> None:
    random = Random(seed)
    records = traffic(0, 7_500, seed=seed, per_s=0.04)
    path, place, now = tmp_path / "pointsman.db", 0, 0
    while place < len(records):
        store = SqliteStore(path)  # each time a new process, as it were: no memory of the last
        size = random.randrange(1, 150)
        store.append(records[place : place + size])
        place += size
        if random.random() < 0.7:
            newest = records[min(place, len(records)) - 1].at
            now = int((newest - BEGIN).total_seconds())
            store.aggregates.roll(at(now + random.randrange(0, 100)))
        store.close()
    last = SqliteStore(path)
    rolled(last.aggregates, at(7_600))
    last.close()
    once = SqliteStore(tmp_path / "once.db")
    once.append(records)
    rolled(once.aggregates, at(7_600))
    once.close()
    # An answer that came half a day late had let longer periods seem to be over; what they hold
    # so far is not read before they are.
    end_us = at(7_600).timestamp() * 1_000_000
    over = [row for row in all_rows(path) if int(row[3]) + int(row[0]) * 1_000_000 <= end_us]
    assert over == all_rows(tmp_path / "once.db")


def test_a_length_that_an_earlier_version_did_not_have_is_made_from_what_there_is(
    store: SqliteStore, tmp_path: Path
) -> None:
    days = 12
    store.append(traffic(0, days * 86_400, per_s=0.001))
    rolled(store.aggregates, at(days * 86_400 + 100))
    store.close()
    path = tmp_path / "pointsman.db"
    before = all_rows(path)
    with closing(sqlite3.connect(path)) as db:
        # A start that was killed in the midst of it had made some.
        db.execute(
            "DELETE FROM ROUTING_AGGREGATES WHERE PERIOD_S = 21600 AND STARTS_AT > ?",
            (at(86_400 * 5).timestamp() * 1_000_000,),
        )
        db.commit()
    again = SqliteStore(path)
    rolled(again.aggregates, at(days * 86_400 + 100))
    again.close()
    assert all_rows(path) == before


def test_what_was_forgotten_since_is_not_uncounted(store: SqliteStore, tmp_path: Path) -> None:
    records = traffic(0, 3_000, per_s=0.05)
    store.append(records)
    rolled(store.aggregates, at(3_700))
    before = all_rows(tmp_path / "pointsman.db")
    store.forget_before(at(2_000))
    again = SqliteStore(tmp_path / "pointsman.db")
    rolled(again.aggregates, at(3_700))
    again.close()
    assert all_rows(tmp_path / "pointsman.db") == before


def peak_bytes(store: SqliteStore, minute: int, per_s: float) -> int:
    """How much memory it takes at most to reckon a minute of so many requests."""
    store.append(traffic(minute * 60, minute * 60 + 60, per_s=per_s))
    tracemalloc.start()
    rolled(store.aggregates, at(minute * 60 + 70))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_a_minute_with_four_times_the_requests_takes_no_more_memory(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aggregating, "ROWS_OF_A_PIECE", 500)
    peak_bytes(store, 0, 1)
    assert peak_bytes(store, 2, 80) < 1.5 * peak_bytes(store, 1, 20)
